"""The share of variance that a model explains, draw by draw.

References
----------
Gelman, Goodrich, Gabry & Vehtari (2019), doi:10.1080/00031305.2018.1549100.
Nakagawa & Schielzeth (2013), doi:10.1111/j.2041-210x.2012.00261.x.
Nakagawa, Johnson & Schielzeth (2017), doi:10.1098/rsif.2017.0213.
"""

from typing import Literal

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.progress import counted
from stanhier.basics.words import quoted
from stanhier.design.moments import Moments, moments_of
from stanhier.engines.regression import Regression
from stanhier.evaluation.r2_loo import loo_r2
from stanhier.evaluation.shares import Shares, shares_of
from stanhier.evaluation.variances import (
    effect_factors,
    latent_variances,
    over_groups,
    population_of,
    row_auxiliary,
    row_variances,
)
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.row_draws import row_draws
from stanhier.stan.nuts import somebody_is_looking

__all__ = ["r2"]

_HABITS = {
    **dict.fromkeys(("ci_prob", "hdi_prob", "ci", "level"), "Did you mean 'prob', the probability of the interval?"),
    **dict.fromkeys(("summary", "robust"), "The draws are the attribute .draws of the table."),
    **dict.fromkeys(("scale", "type"), 'Did you mean \'kind\', "mean" or "linear"?'),
    **dict.fromkeys(("re_formula", "re_form", "group_effects"), 'Both are in the table: "conditional" and "marginal".'),
}


@in_our_words(_HABITS)
def r2(
    fit: Fitted[Regression], *, kind: Literal["mean", "linear"] = "mean", loo: bool = False, prob: float = 0.9
) -> Shares:
    """Give the Bayesian R-squared: how much of the variance of responses the model explains.

    Conditional is what predictors and the effects of these groups explain, marginal what the predictors alone explain
    of responses in any groups.

    Parameters
    ----------
    kind : {"mean", "linear"}
        On which scale. "mean", that of the response (of a binomial one, of the proportion): conditional is V / (V + R)
        of Gelman et al., with V the variance over the rows of the mean response and R the variance around it, averaged
        over the rows. Marginal is the same with the groups unknown: by the law of total variance R has the variance
        between groups too, which with the identity link is the marginal R-squared of Nakagawa & Schielzeth.
        "linear", that of the linear predictor, as Nakagawa, Johnson & Schielzeth (2017): variances of the population
        and of effects, averaged over the rows, over these and the residual variance of the distribution: pi^2 / 3
        (logit), 1 (probit), trigamma(m) of Poisson counts of mean m, trigamma(1 / (1 / m + 1 / shape)) of negative
        binomial ones.
    loo : bool
        Whether to add the leave-one-out R-squared, of responses that the model has not seen: one less the variance of
        y less its mean as predicted without it, over the variance of y. It may be below 0.
    prob : float
        Probability of the central interval from `lower` to `upper`.

    Returns
    -------
    pandas.DataFrame
        Rows conditional and marginal, which are the same without groups, and loo where asked for; columns mean, sd,
        lower, median, upper. The draws are its attribute `draws`, with dimensions chain, draw, r2; `.plot()`
        draws the intervals.

    Raises
    ------
    DataError
        If the rows are not in memory and more of them is needed than the covariances of the predictors, as for
        `kind="mean"`, counts, standard errors, weights and offsets; or if there is only one row.
    StanhierError
        If an argument has a value that it cannot have.

    Warns
    -----
    SamplingWarning
        If leaving a row out changes the posterior too much for weighted draws.

    Notes
    -----
    R is a quantity of the model: sigma^2 (estimated or fixed; with weights over the average row, sigma^2 mean(1 / w)),
    the average of known squared standard errors,
    sigma^2 nu / (nu - 2) of Student t responses (R-squared is 0 in draws with nu of 2 or less), p (1 - p) / trials,
    mu, or mu + mu^2 / shape. What an offset explains counts as explained by the population. The leave-one-out draws are
    those of ArviZ's `loo_r2`, a Bayesian bootstrap over the rows; `arviz.loo_r2(fit.idata, "y")` has the same of a
    model without groups, by drawn responses. With groups it weights effects as if they had not seen the row.

    References
    ----------
    Gelman, Goodrich, Gabry & Vehtari (2019), doi:10.1080/00031305.2018.1549100.
    Nakagawa & Schielzeth (2013), doi:10.1111/j.2041-210x.2012.00261.x.
    Nakagawa, Johnson & Schielzeth (2017), doi:10.1098/rsif.2017.0213.
    """
    prob = checked_probability(prob, "r2")
    if kind not in ("mean", "linear"):
        raise StanhierError(f'r2(kind={quoted(kind)}): \'kind\' must be "mean" or "linear".')
    if not isinstance(loo, bool):
        raise StanhierError(f"r2(loo={quoted(loo)}): 'loo' must be True or False.")
    if loo and kind == "linear":
        raise StanhierError('r2(kind="linear", loo=True): leave-one-out is about responses, which takes kind="mean".')
    if kind == "mean" and fit.model.in_memory is None:
        raise DataError(
            'r2(kind="mean") goes over the rows of the model, and they are not in memory; r2(kind="linear") takes the '
            "covariances of the predictors, which are known."
        )
    if fit.model.design.n_rows < 2:
        raise DataError("r2() is about the variance over the rows, and there is only one.")
    found = _of_means(fit) if kind == "mean" else _of_predictors(fit)
    if loo:
        found["loo"] = loo_r2(fit)
    return shares_of(found, fit.draws, prob, name="r2", along="r2", words="R-squared")


def _of_predictors(fit: Fitted[Regression]) -> dict[str, np.ndarray]:
    latent = latent_variances(fit.model, fit.draws, population=True)
    assert latent.population is not None
    groups = sum(latent.factors.values(), np.zeros(fit.draws.n_draws))
    return {
        "conditional": _share(latent.population + groups, latent.residual),
        "marginal": _share(latent.population, groups + latent.residual),
    }


def _of_means(fit: Fitted[Regression]) -> dict[str, np.ndarray]:
    """Go over the rows once, with effects as drawn and with those of new groups averaged over."""
    model, draws, rows = fit.model, fit.draws, fit.model.rows.as_new
    family, factors = model.family, effect_factors(model, draws)
    conditional: Moments | None = None
    marginal: Moments | None = None
    residual, unknown = np.zeros(draws.n_draws), np.zeros(draws.n_draws)
    linear = row_draws(model, draws, rows, kind="linear", new_groups="error", seed=draws.seed)
    blocks = counted(
        linear.blocks(), lambda block: len(block[0]), "row", total=rows.n_rows, shown=somebody_is_looking()
    )
    for part, eta in blocks:
        aux = row_auxiliary(model, draws, rows, part)
        trials = None if rows.trials is None else rows.trials[part]
        conditional = _merged(conditional, family.mean(eta))
        residual += family.variance(eta, aux, trials).sum(axis=1)
        if not factors:
            continue
        population = population_of(model, draws, rows, part)
        between = row_variances(rows, part, model, factors)
        if family.link == "identity":
            mean, around = population, between + family.variance(population, aux, trials)
        else:
            mean, square, within = over_groups(family, population, between, aux, trials)
            around = square - np.square(mean) + within
        marginal = _merged(marginal, mean)
        unknown += around.sum(axis=1)
    assert conditional is not None
    explained = _share(_variance(conditional), residual / rows.n_rows)
    if marginal is None:
        return {"conditional": explained, "marginal": explained}
    return {"conditional": explained, "marginal": _share(_variance(marginal), unknown / rows.n_rows)}


def _merged(moments: Moments | None, values: np.ndarray) -> Moments:
    """Add rows to the moments over the rows, one column a draw."""
    new = moments_of(values.T)
    return new if moments is None else moments.merge(new)


def _variance(moments: Moments) -> np.ndarray:
    return np.asarray(moments.squares / (moments.n - 1))


def _share(explained: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Give explained / (explained + rest): 0 where nothing is, or where the rest is infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where((explained > 0) & np.isfinite(rest), explained / (explained + rest), 0.0)
