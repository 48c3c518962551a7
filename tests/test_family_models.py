"""Models of yes or no and of counts as a whole: published estimates, and what follows from symmetry and integrals."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import stanhier as sh

FORMULA = "incidence ~ C(period) + (1 | herd)"
LONG = {"seed": 3, "iter_sampling": 4000, "show_progress": False}


def cattle():
    return sh.datasets.cbpp()


@pytest.fixture(scope="module")
def fit(cmdstan_home):
    return sh.Model(FORMULA, cattle(), family="binomial", trials="size").sample(**LONG)


def test_cattle_are_near_the_published_estimates(fit):
    """Laplace's approximation to maximum likelihood, as the documentation of lme4's glmer and vignettes show it.

    Fixed effects -1.398 (standard error 0.231), -0.992 (0.303), -1.128 (0.323) and -1.580 (0.422); herds' sd 0.642.
    """
    posterior = fit.posterior
    location = np.append(posterior["beta"].mean(("chain", "draw")), posterior["alpha"].mean())
    np.testing.assert_allclose(location, [-0.992, -1.128, -1.580, -1.398], atol=0.05)
    spread = posterior["beta"].std(("chain", "draw"))
    np.testing.assert_allclose(spread, [0.303, 0.323, 0.422], rtol=0.06)
    sd = posterior["sd_herd"].to_numpy().ravel()
    grid = np.linspace(0.2, 1.5, 400)
    assert grid[stats.gaussian_kde(sd).evaluate(grid).argmax()] == pytest.approx(0.642, abs=0.06)


def test_counting_the_healthy_ones_instead_turns_all_signs(fit):
    data = cattle().assign(incidence=lambda frame: frame["size"] - frame["incidence"])
    other = sh.Model(FORMULA, data, family="binomial", trials="size").sample(**{**LONG, "seed": 4}).posterior
    for name in ("alpha", "beta", "effect_herd"):
        one, two = (posterior[name] for posterior in (fit.posterior, -other))
        spread = one.std(("chain", "draw"))
        gap = np.abs(one.mean(("chain", "draw")) - two.mean(("chain", "draw"))) / spread
        assert gap.max() < 0.08, name
    assert float(other["sd_herd"].mean()) == pytest.approx(float(fit.posterior["sd_herd"].mean()), abs=0.02)


def test_a_new_herd_is_predicted_with_its_unknown_effect_integrated_out(fit):
    new = pd.DataFrame({"herd": 99, "period": [1, 4], "size": 20})
    table = fit.predict(new, new_groups="sample", seed=1)
    last, sd = (fit.posterior[name].to_numpy()[..., -1].ravel() for name in ("beta", "sd_herd"))
    eta = fit.posterior["alpha"].to_numpy().ravel() + np.array([[0.0], [1.0]]) * last
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    risks = special.expit(eta[..., None] + sd[:, None] * nodes)
    expected = (risks @ weights).mean(axis=1) / weights.sum()
    error = 5 * table["sd"] / np.sqrt(eta.shape[1])
    assert (np.abs(table["mean"] - expected) < error).all()
    counts = fit.predict(new, kind="response", new_groups="sample", seed=1)
    assert (np.abs(counts["mean"] - 20 * expected) < 5 * counts["sd"] / np.sqrt(eta.shape[1])).all()


def test_the_number_of_animals_at_risk_is_needed_for_counts_alone(fit):
    new = pd.DataFrame({"herd": [1], "period": [1]})
    assert 0 < fit.predict(new)["mean"].item() < 1
    with pytest.raises(sh.DataError, match="the column 'size' is missing"):
        fit.predict(new, kind="response")
    values = sh.Model(FORMULA, cattle(), family="binomial", trials=cattle()["size"], offset=np.zeros(56))
    with pytest.raises(
        sh.DataError, match=r"given values; make it with offset=.column., and give new data that column"
    ):
        sh.Fit(values, fit.draws).predict(new)
