"""The density of a multilevel regression, and its gradient, with 50 digits: exact where doubles cancel."""

import mpmath as mp
import numpy as np

__all__ = ["value_and_gradient"]

DIGITS = 50
_STEP = mp.mpf(10) ** -18


def value_and_gradient(regression, data, z):
    """Log density of the program's parameters z, up to a constant, and its derivatives (L,) as doubles.

    All quantities theta must have normal priors, and all scales exponential ones.
    """
    with mp.workdps(DIGITS):
        basis, centre = mp.matrix(data["u_basis"].tolist()), mp.matrix(data["u_hat"].tolist())
        z = mp.matrix(z.tolist())
        value = _log_density(regression, centre + basis * z)
        gradient = []
        for k in range(len(z)):
            step = mp.zeros(len(z), 1)
            step[k] = _STEP
            around = [_log_density(regression, centre + basis * (z + side * step)) for side in (1, -1)]
            gradient.append(float((around[0] - around[1]) / (2 * _STEP)))
        return value, np.array(gradient)


def _log_density(regression, u):
    n, c = regression.n_scales, regression.n_correlations
    log_sigma = u[n + c]
    sigma = mp.exp(log_sigma)
    sd = [regression.softness[k] * mp.log1p(mp.exp(u[k])) * sigma for k in range(n)]
    # of sds and sigma relative to u
    lp = (n + 1) * log_sigma - sum(mp.log1p(mp.exp(-u[k])) for k in range(n))
    lp -= sum(x / s for x, (_, _, s) in zip([*sd, sigma], regression.scale_priors, strict=True))
    V = sigma**2 * mp.eye(len(regression.y))
    first, at = 0, n
    for term in regression.terms:
        factor, start = mp.zeros(term.q), 0
        for size in term.blocks:
            for i in range(size):
                left = mp.mpf(1)
                for j in range(i):
                    factor[start + i, start + j] = mp.tanh(u[at]) * left
                    left /= mp.cosh(u[at])
                    lp -= 2 * (term.eta + mp.mpf(size - 2 - j) / 2) * mp.log(mp.cosh(u[at]))
                    at += 1
                factor[start + i, start + i] = left
            start += size
        root = mp.diag(sd[first : first + term.q]) * factor
        effects = mp.matrix(term.Z.tolist()) * root
        rows = effects * effects.T
        for i in range(len(regression.y)):
            for j in range(len(regression.y)):
                if term.codes[i] == term.codes[j]:
                    V[i, j] += rows[i, j]
        first += term.q
    X = mp.matrix(regression.X.tolist()) * mp.inverse(mp.matrix(regression.transform.tolist()))
    V += X * mp.diag([mp.mpf(prior.sigma) ** 2 for prior in regression.priors]) * X.T
    residual = mp.matrix(regression.y.tolist()) - X * mp.matrix([prior.mu for prior in regression.priors])
    L = mp.cholesky(V)
    squares = (residual.T * mp.lu_solve(V, residual))[0]
    return lp - sum(mp.log(L[i, i]) for i in range(L.rows)) - squares / 2
