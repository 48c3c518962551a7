"""The models: from a formula and data to what Stan receives, and on to a fit."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from stanhier.basics.errors import DataError, FormulaError, StanhierError
from stanhier.basics.magnitudes import LARGEST, SMALLEST, in_double_precision
from stanhier.basics.threads import one_blas_thread
from stanhier.basics.words import quoted, shortened
from stanhier.design.in_memory import Design
from stanhier.design.streamed import design_of
from stanhier.engines import textbook
from stanhier.engines.draws import from_raw
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.gaussian.marginal import LocationPriors, RankDeficientError
from stanhier.engines.gaussian.program_data import location_priors, stan_data
from stanhier.engines.gaussian.whitening import Whitening, whiten
from stanhier.engines.prior_choice import choose_priors
from stanhier.formula.parse import parse
from stanhier.priors.distributions import numbers
from stanhier.stan.nuts import run_nuts

if TYPE_CHECKING:
    from typing import Self

    import xarray as xr

    from stanhier.fit import Fit
    from stanhier.posterior.approximation import Mode

__all__ = ["LinearRegression", "Model", "VaryingIntercept"]


class Model:
    """What both models share; use `LinearRegression` or `VaryingIntercept`."""

    program: ClassVar[str]
    grouped: ClassVar[bool]

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
        parsed = parse(formula, context)
        self._check_grouping(parsed.group, has_intercept=parsed.has_intercept, text=formula)
        self._sigma = _known_sigma(sigma, se)
        with one_blas_thread():
            self._design = design_of(parsed, data, se=se)
            with in_double_precision(formula):
                self._compressed = self._design.compress()
                self._chosen = choose_priors(
                    priors,
                    self._design,
                    self._compressed,
                    has_intercept=parsed.has_intercept,
                    sigma_known=self._sigma is not None,
                )
                if not self._chosen.location and not self._chosen.scale:
                    raise FormulaError(f"{quoted(formula)} with a known sigma leaves nothing to estimate.")
                self._check_residual()
                self._location_priors = location_priors(self._chosen, self._compressed.origin)
                self._whitening = self._whiten()
        self._stages: tuple[int, ...] = (self._design.n_rows,)

    @classmethod
    def _check_grouping(cls, group: str | None, *, has_intercept: bool, text: str) -> None:
        raise NotImplementedError

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self._design.formula.text

    @property
    def design(self) -> Design:
        """Response, predictors and groups as the model sees them."""
        return self._design

    @property
    def compressed(self) -> Compressed:
        """The sufficient statistics of the rows."""
        return self._compressed

    @property
    def sigma(self) -> float | None:
        """The fixed residual standard deviation; None if it is estimated, 1 where standard errors are known."""
        return self._sigma

    @property
    def priors(self) -> dict[str, Any]:
        """Every prior as it will be used, autoscaled ones with their numbers; `beta` by predictor.

        `centered=True` marks the prior of an intercept at the mean of the predictors.
        """
        return self._chosen.as_dict(self._design.predictors)

    @property
    def location_priors(self) -> LocationPriors:
        """The priors of intercept and slopes, related to what the rows see."""
        return self._location_priors

    @property
    def whitening(self) -> Whitening:
        """The coordinates in which Stan samples."""
        return self._whitening

    @property
    def stan_code(self) -> str:
        """The model as a person would write it in Stan, row by row, with these priors; `row_data` fits it."""
        return textbook.render(self.program, self._design, self._chosen, sigma_known=self._sigma is not None)

    @property
    def row_data(self) -> dict[str, Any]:
        """The data for `stan_code`: the rows themselves."""
        return textbook.row_data(self._design, self._sigma)

    @property
    def stan_data(self) -> dict[str, Any]:
        """What the compiled program receives; the keys are the names in its data block."""
        with in_double_precision(self.formula):
            return stan_data(
                self._compressed, self._whitening, self._chosen, self._location_priors, grouped=self.grouped
            )

    @property
    def stages(self) -> tuple[int, ...]:
        """Number of rows when the model was made, and after each `Fit.update_group`."""
        return self._stages

    def on_rows(self, design: Design) -> "Self":
        """Give the same model with the same priors on other rows.

        A prior at the mean of the predictors stays at the mean in this model's rows, so that posteriors given
        different rows are posteriors of one model.

        Parameters
        ----------
        design : Design
            Encoded as this model's design is.

        Returns
        -------
        Model
        """
        other = copy(self)
        other._design = design
        with one_blas_thread():
            fresh = design.compress()
            origin = self._compressed.origin
            other._compressed = replace(fresh, origin=origin, means=fresh.means + (fresh.origin - origin))
            other._check_residual()
            other._whitening = other._whiten()
        other._stages = (*self._stages, design.n_rows)
        return other

    def in_logarithms(self) -> "Self":
        """Give the same model in coordinates of which a mode of the scales is the mode of their logarithms.

        Returns
        -------
        Model
        """
        other = copy(self)
        other._whitening = self._whitening.in_logarithms()
        return other

    def sample_prior(self, draws: int = 1000, *, seed: int | None = None) -> "xr.DataTree":
        """Draw from the prior, and data from the model with those draws.

        Parameters
        ----------
        draws : int
            Number of draws.
        seed : int, optional
            Repeats the same draws.

        Returns
        -------
        xarray.DataTree
            Groups prior, prior_predictive (where draws times rows exceed 20 million values, of the first draws) and
            observed_data. Group effects are drawn from their population.

        Raises
        ------
        PriorError
            If a prior is flat, which has no draws; names every such parameter.
        StanhierError
            If an argument has a value that it cannot have.
        """
        from stanhier.posterior import predictive

        return predictive.sample_prior(self, draws, seed=seed)

    def sample(self, *, keep_finished: bool = False, **kwargs: Any) -> "Fit":
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
        from stanhier.fit import Fit

        raw = run_nuts(self.program, self.stan_data, kwargs, keep_finished=keep_finished)
        fit = Fit(self, from_raw(raw, self._whitening, grouped=self.grouped, sigma=self._sigma))
        fit.warn_if_unreliable()
        return fit

    def optimize(self, **kwargs: Any) -> "Mode":
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
        from stanhier.posterior.approximation import optimize

        return optimize(self, kwargs)

    def laplace(self, **kwargs: Any) -> "Fit":
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
        return self._approximate("laplace", kwargs)

    def pathfinder(self, **kwargs: Any) -> "Fit":
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
        return self._approximate("pathfinder", kwargs)

    def variational(self, **kwargs: Any) -> "Fit":
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
        return self._approximate("variational", kwargs)

    def _approximate(self, method: str, keywords: dict[str, Any]) -> "Fit":
        from stanhier.fit import Fit
        from stanhier.posterior.approximation import approximate

        fit = Fit(self, approximate(self, method, keywords))
        fit.warn_if_unreliable()
        return fit

    def plot_prior(self, **kwargs: Any) -> Any:
        """Plot every prior, and the responses that they imply together; see `stanhier.plots.prior`."""
        from stanhier import plots

        return plots.prior(self, **kwargs)

    def _repr_html_(self) -> str:
        from stanhier.reports import html

        return html.model_html(self)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self.formula!r})", f"  {self._design.n_rows:,} rows"]
        if self._design.group is not None:
            lines[-1] += f" in {len(self._design.group.levels):,} groups of '{self._design.group.name}'"
        for name, prior in self.priors.items():
            if isinstance(prior, dict):
                lines += [f"  {name}[{predictor}] ~ {p!r}" for predictor, p in prior.items()]
            else:
                lines.append(f"  {name} ~ {prior!r}")
        if self._design.has_errors:
            lines.append("  standard errors known")
        elif self._sigma is not None:
            lines.append(f"  sigma = {self._sigma:g}")
        return "\n".join(lines)

    def _whiten(self) -> Whitening:
        try:
            return whiten(
                self._compressed,
                grouped=self.grouped,
                priors=self._location_priors,
                scale_priors=numbers(self._chosen.scale),
                sigma=self._sigma,
            )
        except RankDeficientError as err:
            raise self._collinear(err) from err

    def _check_residual(self) -> None:
        """Refuse data that the predictors reproduce exactly: sigma would go to 0 and the density to infinity."""
        if self._sigma is not None:
            return
        within = self._compressed.within
        n_free = self._compressed.n_rows - self._compressed.n_groups - (len(within) - 1)
        scale = self._compressed.sd[-1] * np.sqrt(self._compressed.n_rows)
        if n_free > 0 and abs(within[-1, -1]) <= 1e-14 * scale:
            raise DataError(
                f"The response '{self._design.formula.response}' is reproduced exactly by the predictors"
                f"{' and groups' if self.grouped else ''}, so sigma would be 0; check whether one is a copy of it, "
                "or fix sigma with `sigma=`."
            )

    def _collinear(self, err: RankDeficientError) -> StanhierError:
        names = [*(["the intercept"] if self._chosen.intercept is not None else [])]
        names += [f"'{p}'" for p in self._design.predictors]
        listed = ", ".join(names[k] for k in err.columns)
        return DataError(
            f"The data do not determine {listed} (collinear columns, or more columns than rows), and their priors are "
            "flat; leave one out, or give `beta` a proper prior such as Normal(0, 10)."
        )


class LinearRegression(Model):
    """Linear regression: y_i ~ normal(alpha + x_i beta, sigma).

    Parameters
    ----------
    formula : str
        For example `"y ~ x"`; `0 +` removes the intercept.
    data : data frame, mapping of arrays, path or lazy frame
        One row per observation: a frame of pandas, Polars or PyArrow, or a dict of arrays, in memory; or rows that are
        not: Parquet files by path or pattern, a lazy frame of Polars, a DuckDB relation, an Ibis table, a data frame of
        Dask or PySpark. Never changed, and not copied: leave arrays as they are while the model is in use.
    priors : mapping, optional
        Priors of `alpha`, `beta` (one for all, or a mapping by predictor) and `sigma`. The rest get rstanarm's
        defaults: alpha normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k
        normal(0, 2.5 sd(y) / sd(x_k)), sigma exponential(1 / sd(y)).
    sigma : float, optional
        Fixes the residual standard deviation, in units of y; then `sigma` is not in the posterior.
    se : str or array of shape (N,), optional
        Known standard error of each observation, in units of y, as a column name or as values; sigma is then those.
    context : mapping of functions by name, optional
        Functions of your own, which the formula may call: `context={"f": f}` for `"y ~ f(x)"`. They work row by row, or
        keep what they learn with formulaic's `stateful_transform`. A saved fit is loaded with the same functions.

    Raises
    ------
    FormulaError
        If the formula cannot be read or evaluated, or has a grouping term.
    DataError
        If a column is missing, has missing values or cannot be used; if columns are collinear with flat priors.
    PriorError
        If a prior does not fit its parameter.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm: vignette "Prior Distributions for rstanarm Models".
    """

    program = "linear_regression"
    grouped = False

    @classmethod
    def _check_grouping(cls, group: str | None, *, has_intercept: bool, text: str) -> None:  # noqa: ARG003
        if group is not None:
            raise FormulaError(
                f"{quoted(text)} has a grouping term; use VaryingIntercept for (1 | {shortened(group)})."
            )


class VaryingIntercept(Model):
    """Varying intercepts: y_i ~ normal(alpha[g_i] + x_i beta, sigma), alpha[g] ~ normal(mu_alpha, sigma_alpha).

    Parameters
    ----------
    formula : str
        For example `"log_radon ~ floor + (1 | county)"`.
    data : data frame, mapping of arrays, path or lazy frame
        One row per observation: a frame of pandas, Polars or PyArrow, or a dict of arrays, in memory; or rows that are
        not: Parquet files by path or pattern, a lazy frame of Polars, a DuckDB relation, an Ibis table, a data frame of
        Dask or PySpark. Never changed, and not copied: leave arrays as they are while the model is in use.
    priors : mapping, optional
        Priors of `mu_alpha`, `sigma_alpha`, `beta` (one for all, or a mapping by predictor) and `sigma`. The rest get
        rstanarm's defaults: mu_alpha normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k
        normal(0, 2.5 sd(y) / sd(x_k)), sigma and sigma_alpha exponential(1 / sd(y)).
    sigma : float, optional
        Fixes the residual standard deviation, in units of y; then `sigma` is not in the posterior.
    se : str or array of shape (N,), optional
        Known standard error of each observation, in units of y, as a column name or as values; sigma is then those.
    context : mapping of functions by name, optional
        Functions of your own, which the formula may call: `context={"f": f}` for `"y ~ f(x)"`. They work row by row, or
        keep what they learn with formulaic's `stateful_transform`. A saved fit is loaded with the same functions.

    Raises
    ------
    FormulaError
        If the formula cannot be read or evaluated, or has no grouping term.
    DataError
        If a column is missing, has missing values or cannot be used; if columns are collinear with flat priors.
    PriorError
        If a prior does not fit its parameter.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm: vignette "Prior Distributions for rstanarm Models".
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, chapter 12.
    """

    program = "varying_intercept"
    grouped = True

    @classmethod
    def _check_grouping(cls, group: str | None, *, has_intercept: bool, text: str) -> None:
        if group is None:
            raise FormulaError(
                f"{quoted(text)} has no grouping term; add one such as (1 | county), or use LinearRegression."
            )
        if not has_intercept:
            raise FormulaError(
                f"{quoted(text)}: the intercept cannot be removed, the groups vary around it (mu_alpha)."
            )


def _known_sigma(sigma: Any, se: Any) -> float | None:
    if sigma is None:
        return None if se is None else 1.0
    if se is not None:
        raise DataError("Give `sigma` or `se`, not both: each says what the residual standard deviation is.")
    if isinstance(sigma, bool) or not isinstance(sigma, Real):
        raise DataError(f"`sigma` must be a number or None, not {type(sigma).__name__}.")
    if not float(sigma) > 0 or not np.isfinite(float(sigma)):
        raise DataError(f"`sigma` must be positive and finite; it is {quoted(sigma)}.")
    if not SMALLEST <= float(sigma) <= LARGEST:
        raise DataError(f"`sigma` must be between {SMALLEST:g} and {LARGEST:g}; it is {quoted(sigma)}.")
    return float(sigma)
