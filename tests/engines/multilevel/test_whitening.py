"""Where sampling starts, and along which axes it goes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from stanhier.engines.gaussian.marginal import RankDeficientError
from stanhier.engines.multilevel.mode import find_mode
from stanhier.engines.multilevel.statistics import Statistics, statistics_of
from stanhier.engines.multilevel.whitening import Whitening, marginal_posterior, whiten
from stanhier.priors.numbers import FLAT, NORMAL, STUDENT_T
from tests.tools.grouped_columns import Columns, Term, default_priors


def slopes(
    *, n_groups: int = 12, size: int = 8, sd: tuple[float, float] = (1.0, 0.5), rho: float = 0.3, noise: float = 1.0
) -> Columns:
    """Simulate one factor with an intercept and a slope, beside another with intercepts."""
    rng = np.random.default_rng(4)
    codes = np.repeat(np.arange(n_groups), size)
    n = len(codes)
    X = rng.standard_normal((n, 2))
    factor = np.array([[sd[0], 0.0], [sd[1] * rho, sd[1] * np.sqrt(1 - rho**2)]])
    b = rng.standard_normal((n_groups, 2)) @ factor.T
    other = Term(np.arange(n) % 4, 4, (-1,), (1,))
    y = 3 + X @ [1.0, -0.5] + b[codes, 0] + X[:, 0] * b[codes, 1] + noise * rng.standard_normal(n)
    y += np.array([0.5, -1.0, 0.2, 0.3])[other.codes]
    return Columns(X, np.empty((n, 0)), y, (Term(codes, n_groups, (-1, 0), (2,)), other))


def whitened(data: Columns, family: int = NORMAL, sigma: float | None = None) -> tuple[Statistics, Whitening]:
    """Compress and whiten."""
    found = statistics_of(data.piece())
    return found, whiten(found, *default_priors(found, family=family, sigma=sigma))


@pytest.mark.parametrize("sigma", [None, 0.7])
@pytest.mark.parametrize("family", [NORMAL, STUDENT_T, FLAT])
def test_it_starts_at_the_mode(family: int, sigma: float | None) -> None:
    found, whitening = whitened(slopes(), family, sigma)
    priors, scale_priors = default_priors(found, family=family, sigma=sigma)
    posterior = marginal_posterior(found, whitening.axes, whitening.scales, priors, scale_priors)
    at = whitening.draws(np.zeros((1, len(whitening.u_hat))))
    start = np.zeros(whitening.scales.size)
    result = optimize.minimize(lambda p: -posterior.log_density(p), start, method="BFGS", options={"gtol": 1e-4})
    np.testing.assert_allclose(at.sd[0] / at.sigma[0], np.exp(result.x[:3]), rtol=2e-3)
    np.testing.assert_allclose(at.cor[0], np.tanh(result.x[3]), atol=2e-3)
    if sigma is None:
        np.testing.assert_allclose(at.sigma[0], np.exp(result.x[4]), rtol=1e-3)
    np.testing.assert_allclose(at.lambdas[0], np.exp(result.x[whitening.scales.log_lambda]), rtol=2e-3)


def test_the_location_has_unit_covariance_there() -> None:
    found, whitening = whitened(slopes())
    posterior = marginal_posterior(found, whitening.axes, whitening.scales, *default_priors(found))
    point, _ = find_mode(posterior.value_and_gradient, np.zeros(whitening.scales.size))
    at = posterior._at(point)
    np.testing.assert_allclose(at.covariance[found.n_dense :, found.n_dense :], np.eye(3), atol=1e-3)
    np.testing.assert_allclose(at.mean[found.n_dense :], 0.0, atol=1e-3)


def test_axes_have_unit_length_in_the_curvature() -> None:
    found, whitening = whitened(slopes(n_groups=200))
    posterior = marginal_posterior(found, whitening.axes, whitening.scales, *default_priors(found))
    plain = whitening.in_logarithms()
    # So soft is the coordinate a logarithm, but for a constant.
    mode, curvature = find_mode(posterior.value_and_gradient, np.zeros(whitening.scales.size))
    np.testing.assert_allclose(plain.u_basis.T @ curvature @ plain.u_basis, np.eye(len(mode)), atol=1e-2)


def test_softness_changes_names_of_places_alone() -> None:
    _, whitening = whitened(slopes())
    z = 0.01 * np.random.default_rng(0).standard_normal((5, len(whitening.u_hat)))
    for other in (whitening.in_logarithms(), whitening.with_softness(np.array([0.1, 1.0, 3.0]))):
        expected, found = whitening.draws(z), other.draws(z)
        np.testing.assert_allclose(found.sd, expected.sd, rtol=2e-3)
        np.testing.assert_array_equal(found.cor, expected.cor)
        np.testing.assert_array_equal(found.sigma, expected.sigma)


@pytest.mark.parametrize(("x_unit", "y_unit"), [(1e6, 1.0), (1.0, 1e-6), (1e-5, 1e7)])
def test_units_do_not_matter(x_unit: float, y_unit: float) -> None:
    data = slopes()
    _, expected = whitened(data)
    _, found = whitened(replace(data, X=data.X * x_unit, y=data.y * y_unit))
    scale = np.array([y_unit, y_unit / x_unit, y_unit])
    zero = np.zeros((1, 5))
    np.testing.assert_allclose(found.draws(zero).sd / scale, expected.draws(zero).sd, rtol=1e-4)
    np.testing.assert_allclose(found.draws(zero).sigma / y_unit, expected.draws(zero).sigma, rtol=1e-4)
    np.testing.assert_allclose(found.draws(zero).cor, expected.draws(zero).cor, atol=1e-4)
    slope = y_unit / x_unit
    centre = found.axes.centre / [y_unit, slope, slope]
    np.testing.assert_allclose(centre, expected.axes.centre, atol=1e-4)


def test_predictors_far_from_zero() -> None:
    data = slopes()
    X = np.round(data.X * 1024) / 1024
    # An intercept at 0 of a predictor at 1e6 is another model; the slope's factor alone is the same.
    terms = (Term(data.terms[0].codes, 12, (-1,), (1,)), data.terms[1])
    _, near = whitened(replace(data, X=X, terms=terms))
    _, far = whitened(replace(data, X=X + 1e6, terms=terms))
    zero = np.zeros((1, len(near.u_hat)))
    np.testing.assert_allclose(far.draws(zero).sd, near.draws(zero).sd, rtol=1e-5)
    np.testing.assert_allclose(far.axes.centre, near.axes.centre, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"sd": (0.0, 0.0)},
        {"sd": (1.0, 1.0), "rho": 1.0},
        {"n_groups": 4, "rho": -1.0},
        {"n_groups": 2, "size": 20},
        {"size": 1, "n_groups": 60},
        {"noise": 1e-5},
        {"sd": (1e4, 1e4)},
    ],
)
@pytest.mark.parametrize("family", [NORMAL, STUDENT_T, FLAT])
def test_extremes_have_a_finite_start(options: dict[str, float], family: int) -> None:
    found, whitening = whitened(slopes(**options), family)
    priors, scale_priors = default_priors(found, family=family)
    posterior = marginal_posterior(found, whitening.axes, whitening.scales, priors, scale_priors)
    log_ratio = np.log(whitening.draws(np.zeros((1, len(whitening.u_hat)))).sd[0])
    assert np.isfinite(log_ratio).all()
    assert np.isfinite(whitening.u_basis).all()
    assert (np.linalg.svd(whitening.u_basis, compute_uv=False) > 1e-8).all()
    point, _ = find_mode(posterior.value_and_gradient, np.zeros(whitening.scales.size))
    # Where the search stops for good depends on the optimiser's version: near the mode, in units of the metric.
    assert np.abs(posterior.value_and_gradient(point)[1]).max() < 0.2


def test_collinear_predictors_need_proper_priors() -> None:
    data = slopes()
    double = replace(data, X=np.column_stack([data.X, data.X[:, 0] - 2 * data.X[:, 1]]))
    with pytest.raises(RankDeficientError) as caught:
        whitened(double, FLAT)
    np.testing.assert_array_equal(caught.value.columns, [1, 2, 3])
    assert np.isfinite(whitened(double, NORMAL)[1].u_hat).all()


def test_a_constant_predictor_needs_a_proper_prior() -> None:
    data = slopes()
    found = statistics_of(replace(data, X=np.column_stack([data.X, np.ones(len(data.y))])).piece())
    priors, scale_priors = default_priors(statistics_of(data.piece()), family=FLAT)
    numbers = replace(
        priors.numbers, **{name: np.append(getattr(priors.numbers, name), 0) for name in ("family", "nu", "mu")}
    )
    numbers = replace(numbers, sigma=np.append(priors.numbers.sigma, 1.0))
    with pytest.raises(RankDeficientError) as caught:
        whiten(
            found,
            replace(priors, numbers=numbers, offset=np.append(priors.offset, 0.0), transform=np.eye(4)),
            scale_priors,
        )
    np.testing.assert_array_equal(caught.value.columns, [3])
