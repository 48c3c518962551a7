"""Attributes that people know from other packages: what is said of them in place of "has no attribute"."""

from collections.abc import Callable
from typing import Any

__all__ = ["OF_FIT", "OF_MODEL", "OF_PACKAGE", "said_of", "translated"]

_COEFFICIENTS = 'fit.summary() has coefficients with their sds and intervals, fit.posterior["beta"] the draws.'
_GROUPS = (
    'fit.group_effects("g") says how far groups are from the population, fit.group_summary("g") what they come to.'
)
_SDS = (
    'Standard deviations and correlations of groups are parameters, fit.posterior["sd_g"] and fit.posterior["cor_g"] '
    "(sigma_alpha of VaryingIntercept), and rows of fit.summary()."
)
_INTERVALS = 'fit.summary(prob=0.95) has central intervals, with ci_kind="hdi" the narrowest.'
_COMPARE = 'sh.compare({"a": fit_a, "b": fit_b}) compares fits by leave-one-out, fit.loo().'
_DRAWS = 'fit.to_dataframe() is a table of the draws, fit.posterior["beta"] those of a parameter with labels.'
_SAVE = 'fit.save("fit.nc") writes a file, which sh.load("fit.nc") reads.'
_DIAGNOSE = "fit.diagnose() has R-hat, effective sample sizes and divergences, fit.summary() those of each parameter."
_ARVIZ = (
    "plot_autocorr plot_bf plot_convergence_dist plot_dist plot_energy plot_ess plot_ess_evolution plot_khat "
    "plot_loo_pit plot_mcse plot_parallel plot_psense_dist plot_rank plot_rank_dist psense psense_summary"
).split()
_TREE = "sample_stats log_likelihood log_prior prior prior_predictive observed_data constant_data".split()
_ANEW = "fit.model.sample() draws again; fit.update_group() takes more rows of a group into account."

OF_FIT = {
    **dict.fromkeys("coef coef_ coefs coefficients fixef params bse intercept_".split(), _COEFFICIENTS),
    **dict.fromkeys("ranef random_effects".split(), _GROUPS),
    **dict.fromkeys("VarCorr cov_re varcorr".split(), _SDS),
    **dict.fromkeys(
        "conf_int confint hdi eti interval credible_interval posterior_interval quantile".split(), _INTERVALS
    ),
    **dict.fromkeys(
        "pvalues pvalue tvalues p_values".split(),
        "There are no p values; fit.comparisons() has the probability of direction in its column pd.",
    ),
    **dict.fromkeys("anova aic bic AIC BIC waic logLik llf deviance compare loo_compare".split(), _COMPARE),
    **dict.fromkeys(
        "results as_matrix as_array as_draws as_draws_df as_dataframe to_pandas to_frame extract samples get_samples "
        "posterior_samples draws_pd draws_df draws_xr stan_variable stan_variables vcov cov_params".split(),
        _DRAWS,
    ),
    **dict.fromkeys("to_netcdf to_zarr to_file to_json dump pickle save_object saveRDS".split(), _SAVE),
    **dict.fromkeys("rhat r_hat ess n_eff neff neff_ratio divergences diagnostics method_variables".split(), _DIAGNOSE),
    **dict.fromkeys(
        "residuals resid residual plot_residuals plot_resid".split(),
        'They are the response less fit.predict()["mean"]; fit.check() looks.',
    ),
    **dict.fromkeys("fitted fittedvalues fitted_values posterior_epred".split(), "fit.predict() gives means of rows."),
    "posterior_linpred": 'fit.predict(new, kind="linear") gives the linear predictor.',
    **dict.fromkeys(
        "posterior_predict sample_posterior_predictive simulate".split(),
        'fit.posterior_predictive() draws data for the rows of the fit, fit.predict_draws(new, kind="response") more.',
    ),
    **dict.fromkeys("bayes_R2 loo_R2 rsquared R2 r_squared r2_score".split(), "fit.r2() is the share of the variance."),
    **dict.fromkeys("stancode stan_code code".split(), "fit.model.stan_code is the model as a Stan program."),
    **dict.fromkeys("standata make_standata".split(), "fit.model.row_data goes with fit.model.stan_code."),
    **dict.fromkeys(
        "priors prior_summary".split(), "fit.model.priors are the priors, fit.model.plot_prior() shows them."
    ),
    "hypothesis": 'The probability of a hypothesis is that of draws: (fit.posterior["beta"] > 0).mean().',
    "plot": "Pictures are fit.plot_trace(), fit.plot_forest(), fit.plot_ppc() and others that begin with plot_.",
    **dict.fromkeys("traceplot mcmc_trace plot_traces".split(), "fit.plot_trace() shows the chains."),
    "trace": "fit.posterior has the draws, fit.plot_trace() shows them; fit.idata is what ArviZ takes.",
    **dict.fromkeys(
        "pp_check plot_ppd ppc plot_posterior_predictive".split(), "fit.plot_ppc() shows it, fit.check() says it."
    ),
    **dict.fromkeys(
        "conditional_effects marginal_effects emmeans margins plot_predictions plot_prediction_interval plot_effects "
        "plot_marginal plot_comparisons plot_slopes ggpredict predict_response".split(),
        'fit.plot_prediction("x") shows the regression along x, fit.slopes("x") and fit.comparisons("x") its effect.',
    ),
    **dict.fromkeys("fit refit sample sampling run update".split(), _ANEW),
    **{name: f"It is a group of the tree that ArviZ takes: fit.idata.{name}." for name in _TREE},
    **{name: f"ArviZ has it: arviz.{name}(fit.idata)." for name in _ARVIZ},
}
"""Of fits."""

_OF_FITS = (
    "agreement check comparisons diagnose draws group_draws group_effects group_ranks group_summary icc idata "
    "kfold loo plot_correlations plot_forest plot_pair plot_posterior plot_ppc plot_prediction "
    "plot_prior_posterior plot_ranks plot_shrinkage plot_trace posterior posterior_predictive predict "
    "predict_draws predictions r2 report save slopes summary to_dataframe update_group"
).split()
_SAMPLE = "model.sample() draws from its posterior, and gives the fit."
_AS_KEYWORD = 'Priors are given with the model, priors={"beta": sh.Normal(0, 1)}; making it anew compiles nothing.'
_NOTHING_TO_BUILD = "There is nothing to build or compile: model.sample() samples. model.stan_code is the program."

OF_MODEL = {
    **{name: f"Sample first, fit = model.sample(). {said}" for name, said in OF_FIT.items()},
    **{name: f"It is the fit's: fit = model.sample(), then fit.{name}." for name in _OF_FITS},
    "fit": f"A model has no fit(); {_SAMPLE}",
    **dict.fromkeys("train run sampling mcmc nuts sample_posterior fitted".split(), _SAMPLE),
    **dict.fromkeys("build compile".split(), _NOTHING_TO_BUILD),
    **dict.fromkeys(
        "graph plot_graph model_to_graphviz to_graphviz".split(), "print(model) shows it, model.stan_code in full."
    ),
    **dict.fromkeys(
        "set_priors set_prior".split(),
        _AS_KEYWORD,
    ),
    **dict.fromkeys(
        "prior_summary prior".split(), "model.priors are the priors; model.sample_prior() draws from them."
    ),
    "plot_priors": "Did you mean model.plot_prior()?",
    **dict.fromkeys(
        "prior_predictive sample_prior_predictive".split(), "model.sample_prior() draws parameters and data."
    ),
    **dict.fromkeys("find_MAP map mle optimizing optimise".split(), "model.optimize() finds the mode."),
    **dict.fromkeys("vi advi vb".split(), "model.variational() and model.pathfinder() are approximations."),
    **dict.fromkeys("stancode code".split(), "model.stan_code is the model as a Stan program."),
    **dict.fromkeys("standata make_standata".split(), "model.row_data goes with model.stan_code."),
}
"""Of models; what a fit has, a model has not yet."""

_MODEL = 'model = sh.Model("y ~ x + (1 | g)", data) is the model, model.sample() its fit'
_PRIORS = (
    "Priors are sh.Normal, StudentT, Cauchy, HalfNormal, Exponential, Gamma, LogNormal, LKJ and others: see sh.__all__."
)

OF_PACKAGE = {
    **{name: f"It is the fit's: fit.{name}." for name in _OF_FITS},
    **dict.fromkeys(
        "lm ols OLS lmer mixedlm MixedLM LMM stan_lm stan_lmer brm bf Formula formula regression fit sample".split(),
        f"{_MODEL}.",
    ),
    **dict.fromkeys(
        "glm GLM glmer GLMM stan_glm stan_glmer logit Logit probit poisson logistic LogisticRegression".split(),
        f'{_MODEL}, of other responses with family="bernoulli", "poisson" and so on.',
    ),
    "Gaussian": 'The family is a keyword of the model, family="gaussian", which is the default.',
    **dict.fromkeys(
        "VaryingSlope VaryingSlopes Hierarchical MultilevelModel".split(), f"{_MODEL}; slopes: (1 + x | g)."
    ),
    **dict.fromkeys("Prior Uniform InverseGamma Beta Laplace LKJCholeskyCov LKJCorr TruncatedNormal".split(), _PRIORS),
    **dict.fromkeys("set_prior prior priors get_prior default_prior".split(), _AS_KEYWORD),
    **dict.fromkeys("loo_compare anova waic".split(), _COMPARE),
    **dict.fromkeys("read load_fit from_netcdf".split(), 'sh.load("fit.nc") reads a fit.'),
}
"""Of the package itself."""


def said_of(owner: str, name: str, habits: dict[str, str]) -> str | None:
    """Give the words of the error for an attribute that there is none of; None where nothing better can be said.

    Parameters
    ----------
    owner : str
        What has no such attribute, as Python says it: "'Fit' object".
    name : str
    habits : dict
        What is said, by name.
    """
    said = habits.get(name)
    return None if said is None else f"{owner} has no attribute '{name}'. {said}"


def translated(habits: dict[str, str]) -> Callable[[Any, str], Any]:
    """Make a `__getattr__`, which Python calls for what an object has not; `hasattr` and `dir` stay what they are.

    Parameters
    ----------
    habits : dict
        What is said, by name.
    """

    def __getattr__(self: Any, name: str) -> Any:  # noqa: N807
        said = said_of(f"'{type(self).__name__}' object", name, habits)
        if said is None:
            return object.__getattribute__(self, name)  # whose own error says what is missing
        raise AttributeError(said)

    return __getattr__
