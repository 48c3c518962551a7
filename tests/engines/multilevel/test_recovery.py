"""Draws of dense effects and location against their conditional distribution, made of the rows themselves."""

import numpy as np
import pytest

from stanhier.engines.multilevel import recovery
from stanhier.engines.multilevel.layout import cor_slices, covariances, dense_slices, sd_slices
from stanhier.engines.multilevel.recovery import draw_location
from stanhier.engines.multilevel.whitening import Axes, ScaleDraws
from stanhier.priors.numbers import FLAT, STUDENT_T
from tests.engines.multilevel.test_marginal import CASES, OPTIONS, rows, set_up


def scale_draws(found, posterior, n=3, sd_range=(0.2, 2.0)):
    rng = np.random.default_rng(5)
    scales = posterior.scales
    known = posterior.priors.sigma
    return ScaleDraws(
        sd=rng.uniform(*sd_range, (n, scales.n_sds)),
        cor=rng.uniform(-0.2, 0.2, (n, scales.n_correlations)),
        sigma=rng.uniform(0.5, 2, n) if known is None else np.full(n, known),
        lambdas=rng.uniform(0.3, 2, (n, scales.n_student)),
    )


def axes_of(found):
    """Those of `set_up`."""
    rng = np.random.default_rng(1)
    return Axes(rng.standard_normal(found.n_location), np.triu(rng.uniform(0.5, 1.5, (found.n_location,) * 2)))


def conditional(data, found, priors, draws, s):
    """Mean and covariance of [dense effects, location] given the rows and one draw of the scales."""
    sigma = draws.sigma[s]
    V = sigma**2 * np.diag(data.roots**-2)
    blocks, precisions = [], []
    for t, (term, shape) in enumerate(zip(data.terms, found.terms, strict=True)):
        sd, cor = draws.sd[s : s + 1, sd_slices(found.terms)[t]], draws.cor[s : s + 1, cor_slices(found.terms)[t]]
        covariance, Z = covariances(sd, cor, shape.blocks)[0], data.indicators(term)
        if t == found.eliminated:
            V = V + Z @ np.kron(np.eye(shape.n_levels), covariance) @ Z.T
        else:
            blocks.append(Z)
            precisions.append(np.kron(np.eye(shape.n_levels), np.linalg.inv(covariance)))
    X = data.X - found.origin[:-1]
    X = np.column_stack([np.ones(len(X)), X]) if found.has_intercept else X
    A = np.column_stack([*blocks, X])
    precision = A.T @ np.linalg.solve(V, A)
    right = A.T @ np.linalg.solve(V, data.y - found.origin[-1])
    first = 0
    for own in precisions:
        precision[first : first + len(own), first : first + len(own)] += own
        first += len(own)
    numbers, student = priors.numbers, priors.numbers.family == STUDENT_T
    omega = np.where(numbers.family == FLAT, 0.0, numbers.sigma**-2.0)
    omega[student] *= draws.lambdas[s]
    precision[first:, first:] += priors.transform.T @ np.diag(omega) @ priors.transform
    right[first:] += priors.transform.T @ (omega * (numbers.mu - priors.offset))
    return np.linalg.solve(precision, right), np.linalg.inv(precision)


@pytest.mark.parametrize("option", range(len(OPTIONS)))
@pytest.mark.parametrize("case", CASES)
def test_location_and_dense_effects_are_conditional_normals(case, option, monkeypatch):
    monkeypatch.setattr(recovery, "BATCH_VALUES", 1)
    families, sigma, has_intercept, weighted = OPTIONS[option]
    data = rows(case, weighted=weighted)
    found, posterior, priors = set_up(data, families, sigma=sigma, has_intercept=has_intercept)
    draws, size = scale_draws(found, posterior), len(posterior.G0) - 1
    for s in range(3):
        mean, covariance = conditional(data, found, priors, draws, s)
        one = recovery._part(draws, slice(s, s + 1))
        same = ScaleDraws(*(np.repeat(v, size + 1, axis=0) for v in (one.sd, one.cor, one.sigma, one.lambdas)))
        # Noise of 0 gives the mean, unit vectors the columns of a root of the covariance.
        noise = np.vstack([np.zeros(size), np.eye(size)])
        drawn = np.hstack(draw_location(posterior, axes_of(found), same, noise))
        np.testing.assert_allclose(drawn[0], mean, atol=1e-8 * np.abs(mean).max())
        roots = drawn[1:] - drawn[0]
        np.testing.assert_allclose(roots.T @ roots, covariance, atol=1e-8 * np.abs(covariance).max())


def test_batches_do_not_matter(monkeypatch):
    data = rows("slopes in a dense term", weighted=True)
    found, posterior, _ = set_up(data, OPTIONS[1][0], sigma=None, has_intercept=True)
    draws = scale_draws(found, posterior, n=50)
    noise = np.random.default_rng(1).standard_normal((50, len(posterior.G0) - 1))
    together = draw_location(posterior, axes_of(found), draws, noise)
    monkeypatch.setattr(recovery, "BATCH_VALUES", 10_000)
    for a, b in zip(together, draw_location(posterior, axes_of(found), draws, noise), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_effects_that_do_not_vary_are_0():
    data = rows("slopes in a dense term", weighted=False)
    found, posterior, _ = set_up(data, OPTIONS[0][0], sigma=None, has_intercept=True)
    draws = scale_draws(found, posterior)
    draws.sd[:, 1] = 0.0
    noise = np.random.default_rng(1).standard_normal((3, len(posterior.G0) - 1))
    dense, location = draw_location(posterior, axes_of(found), draws, noise)
    place = dense_slices(found.terms, found.eliminated)[0]
    effects = dense[:, place].reshape(3, 4, 3)
    np.testing.assert_array_equal(effects[:, :, 1], 0.0)
    assert np.all(effects[:, :, [0, 2]])
    assert np.isfinite(location).all()
