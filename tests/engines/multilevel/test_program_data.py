"""The Stan program on the data that it receives."""

import re

import numpy as np
import pytest

from stanhier.engines.gaussian.scale_coordinates import SoftLogarithm
from stanhier.engines.multilevel.program_data import stan_data
from stanhier.engines.multilevel.statistics import statistics_of
from stanhier.engines.multilevel.whitening import marginal_posterior, whiten
from stanhier.priors.numbers import FLAT, NORMAL, STUDENT_T
from stanhier.stan.program import Program
from tests.engines.multilevel.test_marginal import CASES, rows
from tests.tools.grouped_columns import default_priors
from tests.tools.multilevel_rows import evaluated


@pytest.mark.slow
@pytest.mark.parametrize(("family", "sigma"), [(NORMAL, None), (STUDENT_T, None), (FLAT, 0.8)])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("cmdstan_home")
def test_the_program_has_the_same_density_and_gradient(case: str, family: int, sigma: float | None) -> None:
    found = statistics_of(rows(case, weighted=True).piece())
    priors, scale_priors = default_priors(found, family=family, sigma=sigma, eta=1.7)
    whitening = whiten(found, priors, scale_priors)
    posterior = marginal_posterior(found, whitening.axes, whitening.scales, priors, scale_priors)
    z = np.random.default_rng(0).standard_normal((5, len(whitening.u_hat)))
    data = stan_data(found, whitening, scale_priors, posterior)
    values, gradients = evaluated(Program("multilevel").model(), data, z)
    n = whitening.scales.n_sds
    soft = SoftLogarithm(whitening.softness)
    expected, slopes = [], []
    for u in whitening.u_hat + z @ whitening.u_basis.T:
        point = u.copy()
        point[:n] = soft.logarithm(u[:n])
        value, gradient = posterior.value_and_gradient(point)
        slope = soft.slope(point[:n])
        expected.append(value - np.log(slope).sum())
        # The derivative of log(slope) with respect to log(x), for x / softness = r: 1 - r / (exp(r) - 1).
        ratio = np.exp(point[:n]) / whitening.softness
        gradient[:n] = (gradient[:n] - (1 - ratio / np.expm1(ratio))) / slope
        slopes.append(whitening.u_basis.T @ gradient)
    differences = values - np.array(expected)
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-9 * max(1.0, np.abs(values).max()))
    np.testing.assert_allclose(gradients, slopes, rtol=1e-7, atol=1e-7 * np.abs(slopes).max())


def test_its_names_are_those_of_the_data_block() -> None:
    found = statistics_of(rows("crossed", weighted=False).piece())
    priors = default_priors(found)
    whitening = whiten(found, *priors)
    posterior = marginal_posterior(found, whitening.axes, whitening.scales, *priors)
    data = stan_data(found, whitening, priors[1], posterior)
    code = Program("multilevel").path.read_text()
    block = re.sub(r"//.*", "", code[code.index("\ndata {") : code.index("transformed data")])
    names = {
        name for line in block.split(";") for name in re.findall(r"(\w+)\s*(?:,|$)", re.sub(r"[\[<].*[\]>]", "", line))
    }
    assert set(data) == names
