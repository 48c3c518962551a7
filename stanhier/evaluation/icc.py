"""How the variance that predictors leave is shared by factors: intraclass correlations.

References
----------
Nakagawa, Johnson & Schielzeth (2017), doi:10.1098/rsif.2017.0213.
"""

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted
from stanhier.engines.regression import Regression
from stanhier.evaluation.shares import Shares, shares_of
from stanhier.evaluation.variances import latent_variances
from stanhier.posterior.fitted import Fitted

__all__ = ["icc"]

_HABITS = dict.fromkeys(("ci_prob", "hdi_prob", "ci", "level"), "Did you mean 'prob', the probability of the interval?")


@in_our_words(_HABITS)
def icc(fit: Fitted[Regression], *, prob: float = 0.9) -> Shares:
    """Give the shares of variance by factor, and what is left: what predictors explain is not part of the whole.

    With varying intercepts the share of a factor is the correlation of two responses of the same group, given their
    predictors, and of different groups of all other factors.

    Parameters
    ----------
    prob : float
        Probability of the central interval from `lower` to `upper`.

    Returns
    -------
    pandas.DataFrame
        One row per factor and one for the residual; in each draw they add up to 1. Columns mean, sd, lower, median,
        upper. The draws are its attribute `draws`, with dimensions chain, draw, factor; `.plot()` draws the intervals.

    Raises
    ------
    DataError
        If the model has no groups; or if rows are not in memory and the shares depend on more of them than is known, as
        with standard errors or weights, predictors of counts, or correlated slopes of columns that are no predictors.

    Notes
    -----
    All is on the scale of the linear predictor. Where slopes vary, the variance of a factor's effects is z'Vz averaged
    over the rows, z being 1 and the columns whose slopes vary and V the covariance of the effects (Johnson 2014). The
    residual variance is sigma^2, estimated or fixed; with known standard errors the average of their squares, with
    weights sigma^2 mean(1 / w); sigma^2 nu / (nu - 2) of Student t responses (in draws with nu of 2 or less the
    residual's share is 1). With a link it is that of the distribution: pi^2 / 3 (logit), 1 (probit), trigamma(m) of
    Poisson counts and trigamma(1 / (1 / m + 1 / shape)) of negative binomial ones, where m is the mean count over the
    rows and over groups (Nakagawa, Johnson & Schielzeth 2017).

    References
    ----------
    Johnson (2014), doi:10.1111/2041-210X.12225.
    Nakagawa, Johnson & Schielzeth (2017), doi:10.1098/rsif.2017.0213.
    """
    prob = checked_probability(prob, "icc")
    if not fit.model.design.groupings:
        raise DataError(f"icc(): {quoted(fit.model.formula)} has no groups, whose share of the variance it would give.")
    latent = latent_variances(fit.model, fit.draws, population=False)
    whole = sum(latent.factors.values(), latent.residual)
    with np.errstate(invalid="ignore"):
        shares = {name: np.where(np.isfinite(whole), one / whole, 0.0) for name, one in latent.factors.items()}
    rest = "residual" if "residual" not in shares else "(residual)"
    shares[rest] = 1.0 - sum(shares.values(), np.zeros_like(whole))
    return shares_of(shares, fit.draws, prob, name="icc", along="factor", words="share of the variance")
