"""Families of responses, and priors of positive parameters, by the codes of `explicit_effects.stan`."""

import numpy as np
from scipy import special, stats

__all__ = ["AUXILIARIES", "FAMILIES", "SCALE_PRIORS", "log_density_of_rows"]

FAMILIES = ("normal", "logit", "probit", "poisson", "negative binomial", "student t")
AUXILIARIES = (("sigma",), (), (), (), ("shape",), ("sigma", "nu"))
SCALE_PRIORS = {
    0: lambda x, nu, mu, s: 0.0,  # noqa: ARG005
    1: lambda x, nu, mu, s: stats.norm.logpdf(x, 0, s),  # noqa: ARG005
    2: lambda x, nu, mu, s: stats.t.logpdf(x, nu, 0, s),  # noqa: ARG005
    3: lambda x, nu, mu, s: stats.expon.logpdf(x, 0, s),  # noqa: ARG005
    4: lambda x, nu, mu, s: stats.gamma.logpdf(x, nu, scale=s),  # noqa: ARG005
    5: lambda x, nu, mu, s: stats.lognorm.logpdf(x, s, scale=np.exp(mu)),  # noqa: ARG005
}


def log_density_of_rows(family, y, n, eta, auxiliary):
    """Log density of each row."""
    if family == 0:
        return stats.norm.logpdf(y, eta, auxiliary[0] / np.sqrt(n))
    if family == 1:
        return y * special.log_expit(eta) + (n - y) * special.log_expit(-eta)
    if family == 2:
        return y * special.log_ndtr(eta) + (n - y) * special.log_ndtr(-eta)
    if family == 3:
        return stats.poisson.logpmf(y, n * np.exp(eta))
    if family == 4:
        shape = auxiliary[0]
        chosen = special.gammaln(y + shape) - special.gammaln(shape) - special.gammaln(y + 1)
        x = eta - np.log(shape)
        return chosen + y * special.log_expit(x) + shape * special.log_expit(-x)
    return stats.t.logpdf(y, auxiliary[1], eta, auxiliary[0])
