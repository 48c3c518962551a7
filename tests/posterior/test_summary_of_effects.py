"""Tables of effects that vary by groups: each number beside its own label."""

import arviz as az
import numpy as np
import pandas as pd
import pytest

import stanhier as sh


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(3)
    g, h, x = rng.integers(0, 5, 60), rng.integers(0, 4, 60), rng.normal(size=60)
    y = 10 * g + x * (g - 2) + h + rng.normal(size=60)
    data = pd.DataFrame({"y": y, "x": x, "g": g, "h": h})
    return sh.Model("y ~ x + (1 + x | g) + (1 + x | h)", data).sample(chains=2, iter_sampling=100, iter_warmup=100)


def expected(fit, name):
    means = fit.posterior[name].mean(("chain", "draw"))
    first, second = means.dims
    return {
        f"{name}[{a}, {b}]": float(means.sel({first: a, second: b}))
        for a in means[first].values
        for b in means[second].values
    }


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::stanhier.SamplingWarning")
@pytest.mark.parametrize("var_names", [None, ["sd_g", "effect_g"], ["effect_h", "sd_g", "effect_g"]])
def test_the_table_has_each_number_beside_its_label(fit, var_names):
    table = fit.summary(var_names=var_names, kind="stats")
    for name, value in expected(fit, "effect_g").items():
        assert table["mean"][name] == pytest.approx(value, abs=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::stanhier.SamplingWarning")
def test_so_has_the_table_that_arviz_makes_of_all(fit):
    table = az.summary(fit.idata, kind="stats", round_to="none")
    for name in ("effect_g", "effect_h"):
        for label, value in expected(fit, name).items():
            assert table["mean"][label] == pytest.approx(value, abs=1e-12)
    assert table["mean"]["effect_g[4, Intercept]"] > 10 > 3 > table["mean"]["effect_g[4, x]"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::stanhier.SamplingWarning")
def test_the_population_comes_first(fit):
    table = fit.summary(kind="stats")
    assert table.index[0] == "alpha"
    assert table.index[-1] == "effect_h[3, x]"
