"""A model: a regression that can be sampled, or approximated."""

from collections.abc import Callable, Mapping
from typing import Any, Self, Unpack

from stanhier import plots
from stanhier.basics.arguments import in_our_words
from stanhier.engines.building import build
from stanhier.engines.prior_distance import warn_of_distance
from stanhier.engines.regression import Regression
from stanhier.fit import Fit
from stanhier.formula.parse import ParsedFormula, parse
from stanhier.posterior import predictive
from stanhier.posterior.approximation import Mode, approximate, optimize
from stanhier.reports import html
from stanhier.stan.keyword_types import (
    LaplaceKeywords,
    OptimizeKeywords,
    PathfinderKeywords,
    SampleKeywords,
    VariationalKeywords,
)
from stanhier.stan.nuts import run_nuts

__all__ = ["Model"]

_HABITS = {
    "family": "The response is Gaussian; there is no other family.",
    "link": "The response is Gaussian, on its own scale.",
    "weights": "Rows are weighted by their standard errors where these are known: se=.",
    "offset": "Subtract the offset from the response, in a column of its own.",
    "group": "The groups are a term of the formula of VaryingIntercept: (1 | county).",
    "groups": "The groups are a term of the formula of VaryingIntercept: (1 | county).",
    "df": "Did you mean 'data'?",
    **{name: f"That is one of sample(): model.sample({name}=...)." for name in SampleKeywords.__annotations__},
}
"""Keywords of other packages' models, and of our own methods."""


class Model(Regression):
    """What both models share; use `LinearRegression` or `VaryingIntercept`."""

    @in_our_words(_HABITS)
    def __init__(
        self,
        formula: str,
        data: Any,
        *,
        priors: Mapping[str, Any] | None = None,
        sigma: float | None = None,
        se: str | Any | None = None,
        context: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self._build(formula, data, context, priors=priors, sigma=sigma, se=se)
        warn_of_distance(self.chosen, self.design, self.engine.moments)

    @classmethod
    @in_our_words()
    def made_before(
        cls, formula: str, data: Any, context: Mapping[str, Callable[..., Any]] | None, **arguments: Any
    ) -> Self:
        """Make a model as the constructor does, without a word about priors that somebody has settled on already."""
        model = cls.__new__(cls)
        model._build(formula, data, context, **arguments)
        return model

    def _build(
        self, formula: str, data: Any, context: Mapping[str, Callable[..., Any]] | None, **arguments: Any
    ) -> None:
        parsed = parse(formula, context)
        self._check_formula(parsed)
        built = build(parsed, data, **arguments)
        super().__init__(built.design, built.noise, built.chosen, built.engine, built.stages)

    @classmethod
    def _check_formula(cls, formula: ParsedFormula) -> None:
        """Refuse a formula that is not one of this class of models."""
        raise NotImplementedError

    sample_prior = predictive.sample_prior
    plot_prior = plots.prior
    _repr_html_ = html.model_html

    @in_our_words()
    def sample(self, *, keep_finished: bool = False, **kwargs: Unpack[SampleKeywords]) -> Fit[Self]:
        """Draw from the posterior with Stan's NUTS.

        Parameters
        ----------
        keep_finished : bool
            What to do when a chain dies, starts nowhere or runs into `timeout`. By default that is an error; True
            gives a fit of the chains that finished, with a warning, and `fit.failed_chains` says why the others did
            not.
        **kwargs
            The keywords of `cmdstanpy.CmdStanModel.sample`, passed through: `chains`, `iter_warmup`,
            `iter_sampling`, `seed`, `adapt_delta`, and so on. `show_progress` is on in a terminal or a notebook,
            off in a log, unless given.

        Returns
        -------
        Fit

        Raises
        ------
        StanhierError
            If a keyword is unknown or has a value that it cannot have.
        SamplingError
            If a chain does not finish (with `keep_finished`: if none does); which, and why, with Stan's own words.
        CmdStanError
            If there is no CmdStan and none can be built.

        Warns
        -----
        SamplingWarning
            If the draws cannot be trusted, with what to do about it.

        Notes
        -----
        The same data and `seed` give the same draws bit for bit, also of group effects and predictions (with some
        hundreds of predictors these two to rounding), on any number of cores and with any `parallel_chains`. They need
        not with another processor, compiler or version of a library: there the compressed data may differ in their
        last bits, and chains part ways. Rows in another order are such a difference too. The posterior is the same to
        rounding, so that only Monte Carlo error tells the fits apart.
        """
        raw = run_nuts(self.engine.program, self.engine.data(), kwargs, keep_finished=keep_finished)
        return self._checked(Fit(self, self.engine.coordinates.draws(raw)))

    @in_our_words()
    def optimize(self, **kwargs: Unpack[OptimizeKeywords]) -> Mode[Self]:
        """Find the posterior's mode with Stan's optimiser: a point estimate, in no time.

        Parameters
        ----------
        **kwargs
            The keywords of `cmdstanpy.CmdStanModel.optimize`, passed through: `seed`, `algorithm`, `iter` and so on.

        Returns
        -------
        Mode
            Of the scales with everything else integrated out, and of the rest given these.

        Raises
        ------
        StanhierError
            If a keyword is unknown or has a value that it cannot have.
        SamplingError
            If the optimiser fails.
        """
        return optimize(self, kwargs)

    @in_our_words()
    def laplace(self, **kwargs: Unpack[LaplaceKeywords]) -> Fit[Self]:
        """Draw from the normal distribution that touches the posterior at its mode, in whitened coordinates.

        Parameters
        ----------
        **kwargs
            The keywords of `cmdstanpy.CmdStanModel.laplace_sample`, passed through: `draws`, `seed` and so on.

        Returns
        -------
        Fit
            It says that it is an approximation, and `diagnose()` how far off it is.

        Raises
        ------
        StanhierError
            If a keyword is unknown or has a value that it cannot have.
        SamplingError
            If Stan stops.

        Warns
        -----
        SamplingWarning
            If the approximation is far from the posterior.
        """
        return self._checked(Fit(self, approximate(self, "laplace", kwargs)))

    @in_our_words()
    def pathfinder(self, **kwargs: Unpack[PathfinderKeywords]) -> Fit[Self]:
        """Draw from Pathfinder's normal approximations along paths to the mode, weighted by the posterior.

        Parameters
        ----------
        **kwargs
            The keywords of `cmdstanpy.CmdStanModel.pathfinder`, passed through: `num_paths`, `seed` and so on.

        Returns, raises and warns as `laplace`.

        References
        ----------
        Zhang, Carpenter, Gelman & Vehtari (2022), Pathfinder, JMLR 23(306).
        """
        return self._checked(Fit(self, approximate(self, "pathfinder", kwargs)))

    @in_our_words()
    def variational(self, **kwargs: Unpack[VariationalKeywords]) -> Fit[Self]:
        """Draw from the normal distribution that automatic differentiation variational inference finds.

        Parameters
        ----------
        **kwargs
            The keywords of `cmdstanpy.CmdStanModel.variational`, passed through: `algorithm`, `seed` and so on.

        Returns, raises and warns as `laplace`.

        References
        ----------
        Kucukelbir et al. (2017), Automatic differentiation variational inference, JMLR 18(14).
        """
        return self._checked(Fit(self, approximate(self, "variational", kwargs)))

    @staticmethod
    def _checked[F: Fit[Regression]](fit: F) -> F:
        fit.warn_if_unreliable()
        return fit

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self.formula!r})", f"  {self.design.n_rows:,} rows"]
        if self.design.group is not None:
            lines[-1] += f" in {len(self.design.group.levels):,} groups of '{self.design.group.name}'"
        lines += [f"  {name} ~ {prior!r}" for name, prior in self.chosen.by_scalar.items()]
        if self.noise.kind == "known":
            lines.append("  standard errors known")
        elif self.noise.fixed is not None:
            lines.append(f"  sigma = {self.noise.fixed:g}")
        return "\n".join(lines)
