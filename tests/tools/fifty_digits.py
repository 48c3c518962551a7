"""The models row by row in arithmetic of 50 digits: what rounding in the package is measured against.

Data and the numbers that define the sampler's coordinates are taken as they are in double precision; all else, the
group effects' integral, the Jacobian and the gradient too, is calculated from them here.
"""

from dataclasses import dataclass

import mpmath as mp
import numpy as np

import stanhier as sh
from tests.tools.variants import relative_sds

DIGITS = 50
STEP = mp.mpf(10) ** -30
"""Of central differences, which are off by its square: calculated with enough digits for 50 to be left of them."""


@dataclass(frozen=True)
class Row:
    """One distinct row, and how often it occurs."""

    x: tuple[float, ...]
    y: float
    relative_sd: float = 1.0
    group: int = 0
    count: int = 1


def rows_of(model):
    """The rows of a model, for few."""
    design = model.design
    codes = np.zeros(design.n_rows, int) if design.group is None else design.group.codes
    rows = zip(design.X.tolist(), design.y.tolist(), relative_sds(design).tolist(), codes.tolist(), strict=True)
    return [Row(tuple(x), y, relative_sd, group) for x, y, relative_sd, group in rows]


def vector(values):
    return [mp.mpf(float(value)) for value in np.ravel(values)]


def times(matrix, values):
    return [mp.fdot(vector(row), values) for row in np.asarray(matrix)]


def parameters(model, z, z_scale):
    """Intercept and slopes at the origin, sigma, sigma_alpha (or None), at a point of the sampler's coordinates."""
    w = model.engine.whitening
    u = [a + b for a, b in zip(vector(w.u_hat), times(w.u_basis, z_scale), strict=True)]
    if model.engine.grouped:
        u[0] = mp.log(mp.mpf(w.soft.softness) * mp.log1p(mp.exp(u[0])))
    if len(u) == 2:
        centre = w.scale_centre
        squares = mp.mpf(centre.squares_within)
        for between, weight in zip(vector(centre.squares_between), vector(centre.weight_class), strict=True):
            squares += between / (mp.exp(2 * u[0]) + 1 / weight)
        log_sigma = u[1] + mp.log(squares / centre.n_rows) / 2
        u = [u[0] + log_sigma, log_sigma]
    sigma = mp.exp(u[-1]) if model.sigma is None else mp.mpf(model.sigma)
    sigma_alpha = mp.exp(u[0]) if model.engine.grouped else None
    sigma_hat, sigma_alpha_hat = mp.mpf(w.sigma_hat), mp.mpf(w.sigma_alpha_hat)
    tau = [(sigma_hat / sigma) ** 2]
    if sigma_alpha is not None:
        weight = mp.mpf(w.weight_typical)
        tau.append((sigma_alpha_hat**2 + sigma_hat**2 / weight) / (sigma_alpha**2 + sigma**2 / weight))
    tau.append(mp.mpf(1))
    precision = times(w.share, tau)
    phi = [a / p + b / mp.sqrt(p) for a, b, p in zip(times(w.pull, tau), z, precision, strict=True)]
    location = [a + b for a, b in zip(vector(w.location_hat), times(w.basis, phi), strict=True)]
    return location, sigma, sigma_alpha


def residuals(model, rows, location, sigma):
    """Each row with its residual, group effects not taken off, and its variance."""
    origin = vector(model.engine.compressed.origin)
    has_intercept = len(location) == len(origin)
    intercept, beta = (location[0], location[1:]) if has_intercept else (mp.mpf(0), location)
    for row in rows:
        x = [mp.mpf(value) - o for value, o in zip(row.x, origin, strict=False)]
        residual = mp.mpf(row.y) - origin[-1] - intercept - mp.fdot(x, beta)
        yield row, residual, (sigma * mp.mpf(row.relative_sd)) ** 2


def group_effects(model, rows, location, sigma, sigma_alpha):
    """Mean and standard deviation of each group's effect given its rows and the parameters, by group."""
    precision = dict.fromkeys((row.group for row in rows), 1 / sigma_alpha**2)
    pull = dict.fromkeys(precision, mp.mpf(0))
    for row, residual, variance in residuals(model, rows, location, sigma):
        precision[row.group] += row.count / variance
        pull[row.group] += row.count * residual / variance
    return {group: (pull[group] / precision[group], 1 / mp.sqrt(precision[group])) for group in precision}


def log_likelihood(model, rows, location, sigma, sigma_alpha):
    """Log density of the rows; those of a group share an effect that is integrated out.

    p(rows) = p(rows | effects) p(effects) / p(effects | rows), at effects that are 0.
    """
    total = mp.mpf(0)
    for row, residual, variance in residuals(model, rows, location, sigma):
        total -= row.count * (mp.log(2 * mp.pi * variance) + residual**2 / variance) / 2
    if sigma_alpha is not None:
        for mean, sd in group_effects(model, rows, location, sigma, sigma_alpha).values():
            total += (mean / sd) ** 2 / 2 + mp.log(sd / sigma_alpha)
    return total


def log_prior(prior, x):
    """Log density up to a constant."""
    match prior:
        case sh.Normal():
            return -(((x - mp.mpf(prior.mu)) / mp.mpf(prior.sigma)) ** 2) / 2
        case sh.StudentT() | sh.Cauchy() | sh.HalfStudentT() | sh.HalfCauchy():
            nu = mp.mpf(getattr(prior, "nu", 1))
            r = (x - mp.mpf(getattr(prior, "mu", 0))) / mp.mpf(prior.sigma)
            return -(nu + 1) / 2 * mp.log(1 + r**2 / nu)
        case sh.HalfNormal():
            return -((x / mp.mpf(prior.sigma)) ** 2) / 2
        case sh.Exponential():
            return -mp.mpf(prior.rate) * x
        case sh.Flat():
            return mp.mpf(0)
    raise TypeError(prior)


def log_priors(model, location, sigma, sigma_alpha):
    """Log density of the parameters, those of the scales' logarithms; an intercept's at the origin or at x = 0."""
    origin, priors = vector(model.engine.compressed.origin), model.priors
    has_intercept = len(location) == len(origin)
    beta = location[1:] if has_intercept else location
    total = mp.mpf(0)
    if has_intercept:
        prior = priors["mu_alpha" if model.engine.grouped else "alpha"]
        at = location[0] + origin[-1]
        total += log_prior(prior, at if prior.centered else at - mp.fdot(origin[:-1], beta))
    for value, prior in zip(beta, priors.get("beta", {}).values(), strict=True):
        total += log_prior(prior, value)
    if "sigma" in priors:
        total += log_prior(priors["sigma"], sigma) + mp.log(sigma)
    if sigma_alpha is not None:
        total += log_prior(priors["sigma_alpha"], sigma_alpha) + mp.log(sigma_alpha)
    return total


def differentiate(function, at):
    """Derivatives of a function with a list of values, by each coordinate: a list of lists."""
    found = []
    for k in range(len(at)):
        up, down = list(at), list(at)
        up[k] += STEP
        down[k] -= STEP
        found.append([(a - b) / (2 * STEP) for a, b in zip(function(up), function(down), strict=True)])
    return found


def log_density(model, rows, point, n_location):
    """Log density at a point (z, z_scale) of the sampler's coordinates, up to a constant of the coordinates alone."""

    def natural(at):
        location, sigma, sigma_alpha = parameters(model, at[:n_location], at[n_location:])
        logs = [] if sigma_alpha is None else [mp.log(sigma_alpha)]
        return [*location, *logs, *([mp.log(sigma)] if model.sigma is None else [])]

    values = parameters(model, point[:n_location], point[n_location:])
    log_jacobian = mp.log(abs(mp.det(mp.matrix(differentiate(natural, point)))))
    return log_likelihood(model, rows, *values) + log_priors(model, *values) + log_jacobian


def value_and_gradient(model, rows, z, z_scale):
    """Log density at a point, and its gradient, as numbers of 50 digits."""
    with mp.workdps(4 * DIGITS):
        point = [*vector(z), *vector(z_scale)]

        def density(at):
            return [log_density(model, rows, at, len(z))]

        return density(point)[0], [row[0] for row in differentiate(density, point)]
