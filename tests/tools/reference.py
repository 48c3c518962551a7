"""Independent formulas: the models row by row, in numpy and scipy; only the priors' classes are the package's."""

import numpy as np
from scipy import stats

import stanhier as sh


def prior_log_density(prior, x):
    """Log density of a prior at x by scipy, half-distributions doubled."""
    match prior:
        case sh.Normal():
            return stats.norm.logpdf(x, prior.mu, prior.sigma)
        case sh.StudentT():
            return stats.t.logpdf(x, prior.nu, prior.mu, prior.sigma)
        case sh.Cauchy():
            return stats.cauchy.logpdf(x, prior.mu, prior.sigma)
        case sh.HalfNormal():
            return stats.halfnorm.logpdf(x, scale=prior.sigma)
        case sh.HalfStudentT():
            return np.log(2) + stats.t.logpdf(x, prior.nu, 0, prior.sigma)
        case sh.HalfCauchy():
            return stats.halfcauchy.logpdf(x, scale=prior.sigma)
        case sh.Exponential():
            return stats.expon.logpdf(x, scale=1 / prior.rate)
        case sh.Flat():
            return 0.0
    raise TypeError(prior)


def log_joint(model, *, intercept=None, beta=None, sigma=None, sigma_alpha=None, alpha=None):
    """Log density of rows and parameters, in (intercept, beta, log sigma, log sigma_alpha, alpha)."""
    rows, priors = model.row_data, model.priors
    X = rows.get("X", np.empty((rows["N"], 0)))
    beta = np.zeros(0) if beta is None else np.asarray(beta)
    noise = rows.get("se", rows.get("sigma", sigma)) / np.sqrt(rows.get("weights", 1.0))
    base = alpha[rows["jj"] - 1] if alpha is not None else 0.0 if intercept is None else intercept
    total = stats.norm.logpdf(rows["y"], base + X @ beta, noise).sum()
    if intercept is not None:
        prior = priors["mu_alpha" if alpha is not None else "alpha"]
        at = intercept + X.mean(axis=0) @ beta if prior.centered else intercept
        total += prior_log_density(prior, at)
    for value, prior in zip(beta, priors.get("beta", {}).values(), strict=True):
        total += prior_log_density(prior, value)
    if "sigma" in priors:
        total += prior_log_density(priors["sigma"], sigma) + np.log(sigma)
    if alpha is not None:
        total += stats.norm.logpdf(alpha, intercept, sigma_alpha).sum()
        total += prior_log_density(priors["sigma_alpha"], sigma_alpha) + np.log(sigma_alpha)
    return total
