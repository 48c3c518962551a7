"""Extreme data: the compiled programs and the group effects against the models row by row with 50 digits."""

from dataclasses import dataclass

import mpmath as mp
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.engines.gaussian.effects import conditional_moments, draw_effects
from stanhier.engines.gaussian.whitening import _graded_qr
from stanhier.stan.program import Program
from tests.tools import fifty_digits
from tests.tools.fifty_digits import Row, rows_of, vector

TOLERANCE = 1e-9
HALF_ULP = mp.mpf(2) ** -53
ALMOST_ZERO = 1e-8
"""Of sigma: where sigma_alpha is all but 0."""


def frame(n=30, n_groups=6, seed=1):
    rng = np.random.default_rng(seed)
    g = np.sort(np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)]))
    x, v = rng.standard_normal((2, n))
    y = 1 + 2 * x - v + rng.standard_normal(n_groups)[g] + rng.standard_normal(n)
    return pd.DataFrame({"y": y, "x": x, "v": v, "g": g})


def almost_collinear():
    data = frame()
    data["v"] = data["x"] + np.sqrt(2e-10) * (data["v"] - data["v"].mean())
    assert 0 < 1 - np.corrcoef(data["x"], data["v"])[0, 1] < 2e-10
    return data


def far_away(columns):
    data = frame()
    return data.assign(**{name: data[name] + 1e9 for name in columns})


def standard_errors(decades, *, noise=1.0):
    """Standard errors of this many orders around 1; the responses are off the line by that, or by `noise` at most."""
    rng = np.random.default_rng(2)
    data = frame()
    data["se"] = 10.0 ** np.linspace(-decades / 2, decades / 2, len(data))[rng.permutation(len(data))]
    data["y"] = 1 + 2 * data["x"] - data["v"] + np.minimum(data["se"], noise) * rng.standard_normal(len(data))
    return data


def million():
    """One group of a million rows, of eight kinds, and one group of one."""
    kind = np.random.default_rng(2).integers(0, 8, 10**6)
    x = np.array([0.1, -0.3, 0.7, 1.1, -2, 0.5, 0.25, -0.9])
    y = np.array([1.0, 2, -1, 0.3, 0.7, -0.2, 0.9, 1.5])
    return pd.DataFrame({"y": [*y[kind], 3.0], "x": [*x[kind], 0.4], "g": [0] * 10**6 + [1]})


def linear(data, formula="y ~ x + v", **keywords):
    return sh.LinearRegression(formula, data, **keywords)


def varying(data, formula="y ~ x + v + (1 | g)", **keywords):
    return sh.VaryingIntercept(formula, data, **keywords)


FLAT = {"alpha": sh.Flat(), "beta": sh.Flat()}

VARYING = {
    "varying": lambda: varying(frame()),
    "groups of one": lambda: varying(frame().assign(g=np.arange(30))),
    "groups that do not differ": lambda: varying(frame().assign(y=lambda d: d.y - d.groupby("g").y.transform("mean"))),
    "correlation 1 - 1e-10": lambda: varying(almost_collinear()),
    "mean 1e9": lambda: varying(far_away("xv")),
    "mean 1e9, prior at zero": lambda: varying(far_away("xv"), priors={"mu_alpha": sh.Cauchy(0, 1e10)}),
    "mean 1e9, also of the response": lambda: varying(far_away("xvy")),
    "response in 1e12": lambda: varying(frame().assign(y=lambda d: 1e12 * d.y)),
    "response in 1e-12": lambda: varying(frame().assign(y=lambda d: 1e-12 * d.y)),
    "predictor in 1e12": lambda: varying(frame().assign(x=lambda d: 1e12 * d.x)),
    "predictor in 1e-12": lambda: varying(frame().assign(x=lambda d: 1e-12 * d.x)),
    "standard errors of 12 orders": lambda: varying(standard_errors(12), se="se"),
}
LINEAR = {
    "linear": lambda: linear(frame()),
    "linear, correlation 1 - 1e-10": lambda: linear(almost_collinear()),
    "correlation 1 - 1e-10, flat priors": lambda: linear(almost_collinear(), priors=FLAT),
    "mean 1e9, narrow prior at zero": lambda: linear(far_away("xv"), priors={"alpha": sh.Normal(0, 10)}),
    "linear, response in 1e12": lambda: linear(frame().assign(y=lambda d: 1e12 * d.y)),
    "linear, standard errors of 12 orders": lambda: linear(standard_errors(12), se="se"),
    "standard errors of 12 orders, flat priors": lambda: linear(standard_errors(12), se="se", priors=FLAT),
}
CASES = VARYING | LINEAR

pytestmark = pytest.mark.filterwarnings("ignore::stanhier.PriorWarning")  # a narrow prior far away is meant here


@dataclass(frozen=True)
class Comparison:
    """Log densities relative to the first point, and gradients, of the program and with 50 digits."""

    model: sh.LinearRegression | sh.VaryingIntercept
    rows: list[Row]
    points: list[tuple[np.ndarray, np.ndarray]]

    def program(self):
        program = Program(self.model.engine.program).model()
        values, gradients = [], []
        for z, z_scale in self.points:
            found = program.log_prob(
                {"z": z.tolist(), "z_scale": z_scale.tolist()}, data=self.model.stan_data, sig_figs=18
            ).iloc[0]
            values.append(mp.mpf(float(found.iloc[0])))
            gradients.append(vector(found.iloc[1:]))
        return values, gradients

    def reference(self):
        found = [fifty_digits.value_and_gradient(self.model, self.rows, *point) for point in self.points]
        return [value for value, _ in found], [gradient for _, gradient in found]

    def errors(self):
        """Largest errors of log density, relative to its magnitude, and of gradients, relative to theirs or to 1."""
        (ours, our_gradients), (exact, gradients) = self.program(), self.reference()
        constant = ours[0] - exact[0]
        of_value = max(abs(a - b - constant) for a, b in zip(ours, exact, strict=True)) / max(map(abs, exact))
        of_gradient = [
            max(abs(a - b) for a, b in zip(one, other, strict=True)) / max(1, *map(abs, other))
            for one, other in zip(our_gradients, gradients, strict=True)
        ]
        return float(of_value), float(max(of_gradient))


def points(model, n=3, seed=3):
    """The reference point, some around it, and where there are groups one with sigma_alpha all but 0."""
    rng = np.random.default_rng(seed)
    whitening = model.engine.whitening
    sizes = len(whitening.location_hat), len(whitening.u_hat)
    found = [tuple(np.zeros(size) for size in sizes)]
    found += [tuple(rng.uniform(-3, 3, size) for size in sizes) for _ in range(n)]
    if model.engine.grouped:
        u = whitening.u_hat.copy()
        almost_zero = np.log(ALMOST_ZERO) if len(u) == 2 else np.log(ALMOST_ZERO * whitening.sigma_hat)
        u[0] = whitening.soft.coordinate(almost_zero)
        found.append((rng.uniform(-3, 3, sizes[0]), np.linalg.solve(whitening.u_basis, u - whitening.u_hat)))
    return found


def compare(model, rows=None):
    return Comparison(model, rows_of(model) if rows is None else rows, points(model))


@pytest.mark.usefixtures("cmdstan_home")
class TestDensity:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", CASES)
    def test_density_and_gradient_are_those_of_the_rows(self, name):
        of_value, of_gradient = compare(CASES[name]()).errors()
        assert of_value < TOLERANCE
        assert of_gradient < TOLERANCE

    @pytest.mark.slow
    @pytest.mark.parametrize("make", [varying, linear])
    def test_a_group_of_a_million_rows_beside_one_of_one(self, make):
        data = million()
        model = make(data, "y ~ x + (1 | g)" if make is varying else "y ~ x")
        assert model.design.n_rows == 10**6 + 1
        counts = data.value_counts(["x", "y", "g"])
        rows = [Row((x,), y, group=g if model.engine.grouped else 0, count=n) for (x, y, g), n in counts.items()]
        assert len(rows) == 9
        of_value, of_gradient = compare(model, rows).errors()
        assert of_value < TOLERANCE
        assert of_gradient < TOLERANCE

    @pytest.mark.slow
    @pytest.mark.parametrize("make", [varying, linear])
    def test_what_double_precision_cannot_hold(self, make):
        """Standard errors of 16 orders, and responses as far from the line as they say.

        A parameter that is known to 1e8 and one that is known to 1e-8 meet in a row: rounding parameters of the size of
        the first to double precision changes the density more than the tolerance. The program is off by no more than
        this does.
        """
        one = compare(make(standard_errors(16, noise=np.inf), se="se"))
        error = one.errors()[0]
        unavoidable = rounding_of_parameters(one)
        assert TOLERANCE < error < 10 * unavoidable


def rounding_of_parameters(one):
    """How much the log density changes, relative to its magnitude, if parameters are rounded to double precision."""
    rng = np.random.default_rng(4)
    changes, magnitude = [], mp.mpf(0)
    with mp.workdps(2 * fifty_digits.DIGITS):
        for z, z_scale in one.points:
            location, *scales = fifty_digits.parameters(one.model, vector(z), vector(z_scale))
            exact = fifty_digits.log_likelihood(one.model, one.rows, location, *scales)
            magnitude = max(magnitude, abs(exact))
            for signs in rng.choice([-1, 1], (4, len(location))):
                rounded = [value * (1 + int(sign) * HALF_ULP) for value, sign in zip(location, signs, strict=True)]
                changes.append(abs(fifty_digits.log_likelihood(one.model, one.rows, rounded, *scales) - exact))
    return float(max(changes) / magnitude)


@pytest.mark.parametrize("name", VARYING)
def test_group_effects_given_the_parameters(name):
    model = CASES[name]()
    rows, groups = rows_of(model), np.arange(model.engine.compressed.n_groups)
    for z, z_scale in points(model):
        scales = np.exp(model.engine.whitening.log_scales(z_scale[None]))
        sigma = scales[:, -1] if model.sigma is None else np.array([model.sigma])
        sigma_alpha = scales[:, 0]
        location = model.engine.whitening.locations(z[None], sigma, sigma_alpha)
        means, sds = conditional_moments(model.engine.compressed, groups, location, sigma, sigma_alpha)
        with mp.workdps(fifty_digits.DIGITS):
            exact = fifty_digits.group_effects(model, rows, vector(location), *vector([sigma[0], sigma_alpha[0]]))
            for j in groups:
                mean, sd = exact[j]
                assert abs(means[0, j] - mean) < TOLERANCE * max(abs(mean), sd)
                assert abs(sds[0, j] - sd) < TOLERANCE * sd


@pytest.mark.parametrize("name", CASES)
def test_draws_are_where_the_sampler_was(name):
    model = CASES[name]()
    for z, z_scale in points(model):
        with mp.workdps(fifty_digits.DIGITS):
            location, sigma, sigma_alpha = fifty_digits.parameters(model, vector(z), vector(z_scale))
        scales = np.exp(model.engine.whitening.log_scales(z_scale[None]))
        expected = ([] if sigma_alpha is None else [sigma_alpha]) + ([] if model.sigma is not None else [sigma])
        np.testing.assert_allclose(scales[0], np.array(expected, dtype=float), rtol=TOLERANCE)
        given = None if sigma_alpha is None else np.array([float(sigma_alpha)])
        found = model.engine.whitening.locations(z[None], np.array([float(sigma)]), given)
        np.testing.assert_allclose(found[0], np.array(location, dtype=float), rtol=TOLERANCE)


@pytest.mark.parametrize("sigma_alpha", [0.0, 1e-200, 1e-20, 1e20])
@pytest.mark.parametrize("sigma", [1e-12, 1.0, 1e12])
def test_group_effects_stay_finite(sigma, sigma_alpha):
    model = CASES["standard errors of 12 orders"]()
    groups = np.arange(model.engine.compressed.n_groups)
    location = np.zeros((50, 3))
    effects = draw_effects(
        model.engine.compressed, groups, location, np.full(50, sigma), np.full(50, sigma_alpha), seed=1
    )
    assert np.isfinite(effects).all()
    if sigma_alpha < 1e-100:
        np.testing.assert_array_less(np.abs(effects), 1e-100)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.parametrize("factor", [1e12, 1e-12])
def test_units_of_the_response_change_the_posterior_by_their_factor(factor):
    one, other = (
        varying(data).sample(seed=seed, show_progress=False)
        for seed, data in enumerate((frame(), frame().assign(y=lambda d: factor * d.y)))
    )
    assert not one.diagnose().problems
    assert not other.diagnose().problems
    ours, theirs = one.summary(), other.summary()
    error = np.hypot(ours["mcse_mean"], theirs["mcse_mean"] / factor)
    assert (np.abs(ours["mean"] - theirs["mean"] / factor) < 5 * error).all()
    np.testing.assert_allclose(theirs["sd"] / factor, ours["sd"], rtol=0.15)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.parametrize("decades", [6, 12])
def test_standard_errors_of_many_orders_do_not_slow_the_sampler(decades):
    fit = varying(standard_errors(decades), se="se").sample(seed=1, show_progress=False)
    assert fit.summary()["ess_bulk"].min() > 1000
    assert fit.draws.statistics["n_steps"].mean() < 9


def test_rows_of_very_different_size_in_any_order():
    rng = np.random.default_rng(5)
    for _ in range(40):
        size = rng.permutation([1e8, 1e8, 1e4, 1e4, 1, 1, 1, 1e-2])
        rows = rng.standard_normal((8, 4))
        rows[size > 1, rng.integers(4)] *= rng.choice([0, 1e-6, 1])
        rows *= size[:, None]
        target = rows @ np.ones(4) + rng.standard_normal(8)
        q, r, columns = _graded_qr(rows)
        found = np.linalg.solve(r, q.T @ target)[np.argsort(columns)]
        with mp.workdps(fifty_digits.DIGITS):
            matrix = mp.matrix(rows.tolist())
            covariance = mp.inverse(matrix.T * matrix)
            exact = covariance * (matrix.T * mp.matrix(target.tolist()))
            errors = [abs(mp.mpf(float(found[k])) - exact[k]) / mp.sqrt(covariance[k, k]) for k in range(4)]
        assert max(errors) < TOLERANCE
