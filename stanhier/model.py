"""A model: a regression that can be sampled, or approximated."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self, Unpack

from stanhier import plots
from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.data.missing import warn_of_left_out
from stanhier.design.other_families import warn_of_family
from stanhier.engines.building import build
from stanhier.engines.other_words import DRAWS_BY_NAME, HABITS, read_formula
from stanhier.engines.prior_warnings import warn_of_priors
from stanhier.engines.regression import Regression
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.families.family import Family
from stanhier.fit import Fit
from stanhier.formula.parse import ParsedFormula
from stanhier.posterior import predictive
from stanhier.posterior.approximation import Mode, approximate, optimize
from stanhier.reports import html, text
from stanhier.stan import keyword_types as keywords
from stanhier.stan.nuts import run_nuts

__all__ = ["Model"]


class Model(Regression):
    """A regression whose intercept and slopes vary by any number of factors, of any family of responses.

    The linear predictor is eta_i = offset_i + alpha + x_i beta + the sum over factors g of z_i effect_g[g_i], and
    responses are y_i ~ normal(eta_i, sigma), unless another `family` is given. The effects of each group of a factor
    are its deviations from the population, normal around 0 with standard deviations `sd_g` and, within one grouping
    term, correlations `cor_g`. So the posterior has `alpha`, the intercept of the population at x = 0,
    `beta[predictor]`, `sigma`, and for each factor `sd_g[effect]`, `cor_g[effect, effect_other]` where effects are
    correlated, and `effect_g[g, effect]`; the effects are "Intercept" and the columns whose slopes vary.

    Parameters
    ----------
    formula : str
        For example `"reaction ~ days + (1 + days | subject)"`. Grouping terms are lme4's: `(1 | g)`, `(x | g)` with the
        intercept that belongs to it, `(0 + x | g)` without, `(x || g)` without correlations, `(1 | a:b)` by
        combinations, `(1 | a / b)` for `(1 | a) + (1 | a:b)`; several are added. What varies need not be among the
        predictors of the population: its mean is 0 then.
    data : data frame, mapping of arrays, path or lazy frame
        One row per observation: a frame of pandas, Polars or PyArrow, or a dict of arrays, in memory; or rows that are
        not: Parquet files by path or pattern, a lazy frame of Polars, a DuckDB relation, an Ibis table, a data frame of
        Dask or PySpark. Never changed, and not copied: leave arrays as they are while the model is in use.
    family : str or Family
        "gaussian"; "student_t", student_t(nu, eta, sigma); "bernoulli", yes or no with probability inv_logit(eta);
        "binomial", so many of `trials`; "poisson", counts with mean exp(eta); "negative_binomial", counts with variance
        mean + mean^2 / shape. Or `sh.Bernoulli(link="probit")`, `sh.Binomial(link="probit")`; with nu fixed
        `sh.StudentTResponse(nu=4)`. Bernoulli responses are 0 and 1, False and True, or two categories, in order.
    priors : mapping, optional
        Priors of `alpha`, `beta` (one for all, or a mapping by predictor), `sigma`, `nu`, `shape`, `sd` (one for all,
        by factor, or by factor and effect) and `cor` (an `LKJ` for all, or by factor). The rest get rstanarm's defaults
        where it has them: alpha normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k
        normal(0, 2.5 sd(y) / sd(x_k)), sigma (of a row of the geometric mean of `weights`) exponential(1 / sd(y)); sd
        of a varying intercept exponential(1 / sd(y)), of a varying slope exponential(sd(x_k) / sd(y)); correlations
        LKJ(1). With a link other than the identity 0 and 1 stand for mean(y) and sd(y); nu has gamma(2, 0.1), shape
        exponential(1). Your prior on `alpha` is at x = 0, with `centered=True` at the mean of the predictors.
    sigma : float, optional
        Fixes the residual standard deviation, in units of y; then `sigma` is not in the posterior.
    se : str or array of shape (N,), optional
        Known standard error of each Gaussian observation, in units of y, as a column name or as values.
    weights : str or array of shape (N,), optional
        Precision weights of Gaussian observations, positive: y_i ~ normal(eta_i, sigma / sqrt(w_i)), as lme4's. `sigma`
        is that of a row of weight 1. A row of weight 4 is one row, as precise as a mean of four, and not four rows.
    trials, offset : str or array of shape (N,), optional
        Numbers of trials of a binomial response (an integer is for all rows); what the linear predictor has added.
    missing : {"error", "drop"}
        Whether rows with missing values, in any column of the model or in values that stand beside it, are an error, or
        left out: how many of how many and for which columns, a warning, the model and its report say.
    context : mapping of functions by name, optional
        Functions of your own for the formula: `context={"f": f}` for `"y ~ f(x)"`. They work row by row, or keep what
        they learn with formulaic's `stateful_transform`. A saved fit is loaded with the same functions.

    Raises
    ------
    FormulaError
        If the formula cannot be read or evaluated; if there is no such family or link.
    DataError
        If a column cannot be used, or has missing values; if the response does not suit the family; if columns are
        collinear with flat priors; if a factor has one level or fewer than effects, or effects that no row tells apart.
    PriorError
        If a prior does not fit its parameter.
    StanhierError
        If an argument is not one of these.

    Warns
    -----
    PriorWarning
        If a prior at x = 0 is strong on slopes of an x far from 0: centre it; if each group is one row: priors decide.
    ResponseWarning
        If the response is 0 or 1 everywhere, or counts, and the family Gaussian; if an offset of counts is no log.
    MissingWarning
        If rows are left out.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm: vignette "Prior Distributions for rstanarm Models".
    Bates, Maechler, Bolker & Walker (2015), doi:10.18637/jss.v067.i01 (grouping terms).
    Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008 (LKJ).
    """

    _own_intercepts: ClassVar[bool] = False
    """Whether the groups' intercepts are parameters themselves, around `mu_alpha`, instead of effects."""

    @in_our_words(HABITS)
    def __init__(
        self,
        formula: str,
        data: Any,
        *,
        family: str | Family = "gaussian",
        priors: Mapping[str, Any] | None = None,
        sigma: float | None = None,
        se: str | Any | None = None,
        weights: str | Any | None = None,
        trials: str | int | Any | None = None,
        offset: str | Any | None = None,
        missing: Literal["error", "drop"] = "error",
        context: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        beside: dict[str, Any] = {"se": se, "weights": weights, "trials": trials, "offset": offset}
        self._build(formula, data, context, family=family, priors=priors, sigma=sigma, missing=missing, **beside)
        warn_of_left_out(self.design.left_out)
        warn_of_priors(self)
        warn_of_family(self.in_memory)

    @classmethod
    @in_our_words()
    def made_before(cls, formula: str, data: Any, context: Mapping[str, Any] | None, **arguments: Any) -> Self:
        """Make a model as the constructor does, without warnings: somebody has settled on its priors already."""
        model = cls.__new__(cls)
        model._build(formula, data, context, **arguments)
        return model

    def _build(self, formula: str, data: Any, context: Mapping[str, Any] | None, **arguments: Any) -> None:
        parsed = read_formula(type(self).__name__, formula, data, context)
        self._check_formula(parsed)
        built = build(parsed, data, own_intercepts=self._own_intercepts, **arguments)
        super().__init__(built.design, built.noise, built.chosen, built.engine, built.own_intercepts, built.stages)

    @classmethod
    def _check_formula(cls, formula: ParsedFormula) -> None:
        """Refuse a formula that is not one of this class of models."""

    sample_prior = predictive.sample_prior
    plot_prior = plots.prior
    __repr__ = text.model_text
    _repr_html_ = html.model_html

    @in_our_words(by_place=DRAWS_BY_NAME)
    def sample(
        self,
        *,
        engine: Literal["fast", "textbook"] = "fast",
        keep_finished: bool = False,
        **kwargs: Unpack[keywords.SampleKeywords],
    ) -> Fit[Self]:
        """Draw from the posterior with Stan's NUTS.

        Parameters
        ----------
        engine : {"fast", "textbook"}
            What is sampled: a program of the package's own, in which all that can be is integrated out, or `stan_code`
            itself on the rows, compiled when it is first needed, which takes a C++ compiler. Both have the same
            posterior, which `fit.agreement(other)` shows.
        keep_finished : bool
            When a chain dies, starts nowhere or runs into `timeout`: an error, or, if True, a fit of the chains that
            finished, with a warning, and `fit.failed_chains` says why the others did not.
        **kwargs
            The keywords of `cmdstanpy.CmdStanModel.sample`, passed through: `chains`, `iter_warmup`,
            `iter_sampling`, `seed`, `adapt_delta` and so on. `show_progress`, a line, is on in terminals and notebooks.

        Returns
        -------
        Fit

        Raises
        ------
        StanhierError
            If a keyword is unknown or has a value that it cannot have.
        DataError
            If rows for the second engine are not in memory.
        SamplingError
            If a chain does not finish (with `keep_finished`: if none does); which, and why, with Stan's own words.
        CmdStanError
            If the program has to be compiled, and there is no CmdStan and none can be built.

        Warns
        -----
        SamplingWarning
            If the draws cannot be trusted, with what to do about it.

        Notes
        -----
        The same data and `seed` give the same draws bit for bit, also of group effects and predictions (with some
        hundreds of predictors these two to rounding), on any number of cores and with any `parallel_chains`. With
        another processor, compiler or library, or rows in another order, compressed data may differ in their last bits,
        and chains part ways; the posterior is the same to rounding.
        """
        if engine not in ("fast", "textbook"):
            raise StanhierError(f'sample(engine={quoted(engine)}): \'engine\' must be "fast" or "textbook".')
        model = self if engine == "fast" else textbook_regression(self)
        raw = run_nuts(model.engine.program, model.engine.data(), kwargs, keep_finished=keep_finished)
        return self._checked(Fit(model, model.engine.coordinates.draws(raw)))

    @in_our_words()
    def optimize(self, **kwargs: Unpack[keywords.OptimizeKeywords]) -> Mode[Self]:
        """Find the posterior's mode with Stan's optimiser: a point estimate, in no time.

        Parameters
        ----------
        **kwargs
            The keywords of `cmdstanpy.CmdStanModel.optimize`, passed through: `seed`, `algorithm`, `iter` and so on.

        Returns
        -------
        Mode
            Of Gaussian responses that of the scales with everything else integrated out, and of the rest given these;
            of other families near that: of all parameters, in coordinates in which effects hardly depend on scales.

        Raises
        ------
        StanhierError
            If a keyword is unknown or has a value that it cannot have.
        SamplingError
            If the optimiser fails.
        """
        return optimize(self, kwargs)

    @in_our_words()
    def laplace(self, **kwargs: Unpack[keywords.LaplaceKeywords]) -> Fit[Self]:
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
    def pathfinder(self, **kwargs: Unpack[keywords.PathfinderKeywords]) -> Fit[Self]:
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
    def variational(self, **kwargs: Unpack[keywords.VariationalKeywords]) -> Fit[Self]:
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
