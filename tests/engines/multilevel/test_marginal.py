"""The marginal posterior against the multivariate normal distribution of all rows, and its gradient."""

import numpy as np
import pytest
from scipy import stats

from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.multilevel.axes import Axes
from stanhier.engines.multilevel.correlations import correlations
from stanhier.engines.multilevel.layout import block_pairs, cor_slices, covariances, sd_slices
from stanhier.engines.multilevel.marginal import MarginalPosterior
from stanhier.engines.multilevel.scales import ScalePriors, Scales
from stanhier.engines.multilevel.statistics import Statistics, statistics_of
from stanhier.engines.multilevel.whitening import marginal_posterior
from stanhier.priors.numbers import EXPONENTIAL, FLAT, NORMAL, STUDENT_T, PriorNumbers
from tests.tools.grouped_columns import Columns, Term

CASES = {
    "one slope": [(7, (-1, 0), (2,))],
    "three effects": [(7, (-1, 0, 1), (3,))],
    "blocks": [(5, (-1, 0, 2), (2, 1))],
    "four effects, more than rows": [(17, (-1, 0, 1, 2), (4,))],
    "no constant": [(7, (0,), (1,))],
    "crossed": [(6, (-1,), (1,)), (9, (-1,), (1,))],
    "slopes in a dense term": [(4, (-1, 2, 0), (2, 1)), (7, (-1, 0), (2,))],
    "three terms": [(4, (-1, 0), (2,)), (7, (-1,), (1,)), (3, (-1,), (1,))],
    "one row a group": [(34, (-1,), (1,))],
}


def rows(case: str, *, weighted: bool) -> Columns:
    """Make 34 rows."""
    rng = np.random.default_rng(8)
    n = 34
    terms = tuple(Term(rng.permutation(np.arange(n) % j), j, columns, blocks) for j, columns, blocks in CASES[case])
    X, extra = rng.standard_normal((n, 2)) + np.array([2, -4]), rng.standard_normal((n, 1))
    y = X @ [1.0, -1.0] + rng.standard_normal(n) + 10
    for term in terms:
        y = y + rng.standard_normal(term.n_levels)[term.codes]
    return Columns(X, extra, y, terms, rng.exponential(size=n) + 0.2 if weighted else None)


def location_priors(found: Statistics, families: list[int]) -> LocationPriors:
    """Give priors, the intercept's at predictors of 0."""
    size = found.n_location
    families = families[-size:]
    transform = np.eye(size)
    offset = np.zeros(size)
    if found.has_intercept:
        transform[0, 1:], offset[0] = -found.origin[:-1], found.origin[-1]
    numbers = PriorNumbers(
        np.array(families), np.full(size, 4.0), np.array([6.0, 0.5, -0.3])[-size:], np.array([3.0, 0.7, 2.0])[-size:]
    )
    return LocationPriors(numbers, offset, transform)


def set_up(
    data: Columns, families: list[int], *, sigma: float | None, has_intercept: bool
) -> tuple[Statistics, MarginalPosterior, LocationPriors]:
    """Make the marginal posterior in coordinates of the location that are no special ones."""
    found = statistics_of(data.piece(), has_intercept=has_intercept)
    priors = location_priors(found, families)
    n_scales = sum(term.q for term in found.terms) + (sigma is None)
    family = np.resize([EXPONENTIAL, NORMAL, STUDENT_T, FLAT], n_scales)
    numbers = PriorNumbers(family, np.full(n_scales, 3.0), np.zeros(n_scales), np.linspace(0.5, 2.0, n_scales))
    eta = tuple(np.linspace(0.7, 2.5, sum(len(term.blocks) for term in found.terms)))
    scales = Scales(found.terms, sigma is None, families[-found.n_location :].count(STUDENT_T))
    rng = np.random.default_rng(1)
    axes = Axes(rng.standard_normal(found.n_location), np.triu(rng.uniform(0.5, 1.5, (found.n_location,) * 2)))
    return found, marginal_posterior(found, axes, scales, priors, ScalePriors(numbers, eta, sigma)), priors


def log_prior(posterior: MarginalPosterior, point: np.ndarray, sigma: float) -> float:
    """Give the log density of the scales' coordinates by scipy: densities of sds, sigma, lambdas and of LKJ."""
    scales, numbers = posterior.scales, posterior.priors.numbers
    n = scales.n_sds
    x = np.append(np.exp(point[:n]) * sigma, [sigma] * scales.estimated)
    value = 0.0
    for k, family in enumerate(numbers.family):
        scale = numbers.sigma[k]
        density = {
            FLAT: 0.0,
            NORMAL: stats.norm.logpdf(x[k], scale=scale),
            STUDENT_T: stats.t.logpdf(x[k] / scale, numbers.nu[k]),
            EXPONENTIAL: stats.expon.logpdf(x[k], scale=scale),
        }
        # The Jacobian of the logarithm.
        value += density[int(family)] + np.log(x[k])
    blocks = [size for term in scales.terms for size in term.blocks]
    partial, first = point[scales.partial], 0
    for size, eta in zip(blocks, posterior.priors.eta, strict=True):
        own = partial[first : first + size * (size - 1) // 2]
        first += len(own)
        # LKJ's density is det(C)^(eta - 1), and the Jacobian comes from central differences.
        matrix = np.eye(size)
        for (i, j), rho in zip(block_pairs((size,)), correlations(own[None], (size,))[0], strict=True):
            matrix[i, j] = matrix[j, i] = rho
        value += (eta - 1) * np.linalg.slogdet(matrix)[1]
        step = 1e-5 * np.eye(len(own))
        jacobian = (correlations(own + step, (size,)) - correlations(own - step, (size,))) / 2e-5
        value += np.linalg.slogdet(jacobian)[1] if len(own) else 0.0
    lambdas, nu = np.exp(point[scales.log_lambda]), posterior.location.nu
    return value + (stats.gamma.logpdf(lambdas, nu / 2, scale=2 / nu) + np.log(lambdas)).sum()


def brute_force(
    data: Columns, found: Statistics, posterior: MarginalPosterior, priors: LocationPriors, point: np.ndarray
) -> float:
    """Give the log density from the covariance matrix of all rows."""
    scales = posterior.scales
    sigma = posterior.priors.sigma or float(np.exp(point[scales.log_sigma][0]))
    V = sigma**2 * np.diag(data.roots**-2)
    sd, cor = np.exp(point[: scales.n_sds]) * sigma, point[scales.partial]
    for term, shape, s, c in zip(data.terms, found.terms, sd_slices(found.terms), cor_slices(found.terms), strict=True):
        covariance = covariances(sd[None, s], correlations(cor[None, c], shape.blocks), shape.blocks)[0]
        indicators = data.indicators(term)
        V += indicators @ np.kron(np.eye(shape.n_levels), covariance) @ indicators.T
    X = data.X - found.origin[:-1]
    if found.has_intercept:
        X = np.column_stack([np.ones(len(X)), X])
    y = data.y - found.origin[-1]
    value = log_prior(posterior, point, sigma)
    proper = priors.numbers.family != FLAT
    sds = priors.numbers.sigma.copy()
    sds[priors.numbers.family == STUDENT_T] /= np.sqrt(np.exp(point[scales.log_lambda]))
    back = np.linalg.inv(priors.transform)
    means = priors.numbers.mu - priors.offset
    # A flat prior's quantity is integrated out after all others are (Harville 1974, for likelihoods of contrasts).
    Theta = X @ back
    V = V + (Theta[:, proper] * sds[proper] ** 2) @ Theta[:, proper].T
    residual = y - Theta[:, proper] @ means[proper]
    if proper.all():
        return value + float(stats.multivariate_normal.logpdf(residual, cov=V))
    flat = Theta[:, ~proper]
    information = flat.T @ np.linalg.solve(V, flat)
    best = np.linalg.solve(information, flat.T @ np.linalg.solve(V, residual))
    value += float(stats.multivariate_normal.logpdf(residual - flat @ best, cov=V))
    return value - 0.5 * float(np.linalg.slogdet(information)[1])


OPTIONS = [
    ([NORMAL, NORMAL, NORMAL], None, True, False),
    ([FLAT, NORMAL, STUDENT_T], None, True, True),
    ([STUDENT_T, FLAT, STUDENT_T], 0.8, True, True),
    ([NORMAL, FLAT, FLAT], None, False, False),
]


def points(scales: Scales, n: int = 6) -> np.ndarray:
    """Draw points, some of them with sds near 0 and correlations near 1."""
    found = np.random.default_rng(3).standard_normal((n, scales.size))
    found[-1, : scales.n_sds : 2] -= 12
    found[-2, scales.partial] *= 1.5
    return found


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("case", CASES)
def test_it_differs_from_brute_force_by_a_constant(
    case: str, options: tuple[list[int], float | None, bool, bool]
) -> None:
    families, sigma, has_intercept, weighted = options
    data = rows(case, weighted=weighted)
    found, posterior, priors = set_up(data, families, sigma=sigma, has_intercept=has_intercept)
    at = points(posterior.scales)
    values = np.array([posterior.value_and_gradient(point)[0] for point in at])
    expected = np.array([brute_force(data, found, posterior, priors, point) for point in at])
    differences = values - expected
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-9 * max(1.0, np.abs(values).max()))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("case", CASES)
def test_gradient_is_that_of_central_differences(
    case: str, options: tuple[list[int], float | None, bool, bool]
) -> None:
    families, sigma, has_intercept, weighted = options
    data = rows(case, weighted=weighted)
    _, posterior, _ = set_up(data, families, sigma=sigma, has_intercept=has_intercept)
    step = 1e-5
    for point in points(posterior.scales):
        gradient = posterior.value_and_gradient(point)[1]
        expected = [
            (posterior.value_and_gradient(point + e)[0] - posterior.value_and_gradient(point - e)[0]) / (2 * step)
            for e in step * np.eye(len(point))
        ]
        np.testing.assert_allclose(gradient, expected, atol=1e-6 * max(1.0, np.abs(expected).max()))
