"""Names as tables print them, and as other packages have them, are refused with the way to choose what is meant."""

import re

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"y": rng.normal(size=60), "hours": rng.normal(size=60), "sex": list("ab") * 30})
    rows = rows.assign(g=list("abcdef") * 10, k=np.repeat([1, 2, 3, 4, 5], 12))
    return fake_fit(sh.Model("y ~ hours + sex + (1 + hours | g) + (1 | k)", rows), draws=50)


MEANT = {
    "beta[hours]": ("beta[hours]", "beta", {"predictor": ["hours"]}),
    "hours": ("beta[hours]", "beta", {"predictor": ["hours"]}),
    "sex[T.b]": ("beta[sex[T.b]]", "beta", {"predictor": ["sex[T.b]"]}),
    "sd_g[hours]": ("sd_g[hours]", "sd_g", {"effect_of_g": ["hours"]}),
    "effect_k[3, Intercept]": ("effect_k[3, Intercept]", "effect_k", {"k": [3], "effect_of_k": ["Intercept"]}),
    "cor_g[Intercept, hours]": (
        "cor_g[Intercept, hours]",
        "cor_g",
        {"effect_of_g": ["Intercept"], "effect_of_g_other": ["hours"]},
    ),
}


@pytest.mark.parametrize("name", MEANT)
def test_the_advice_chooses_what_the_name_says(fit, name):
    row, parameter, coords = MEANT[name]
    with pytest.raises(sh.StanhierError) as refused:
        fit.summary(var_names=name)
    said = str(refused.value)
    advice = f'Choose it with var_names="{parameter}", coords={coords}.'.replace("'", '"')
    assert f"there is no parameter '{name}'; they are: alpha, " in said
    assert said.endswith(advice)
    assert list(fit.summary(var_names=parameter, coords=coords).index) == [row]
    with pytest.raises(sh.StanhierError, match=rf"{re.escape(advice)}$"):
        fit.plot_posterior(var_names=name)


def test_an_intercept_is_alpha(fit):
    for name in ("Intercept", "(Intercept)", "const"):
        with pytest.raises(sh.StanhierError, match=r'That is var_names="alpha" here\.$'):
            fit.summary(var_names=name)


@pytest.mark.parametrize("name", ["gamma", "beta[nothing]", "effect_k[9, Intercept]", "effect_k[3]", "beta["])
def test_nothing_is_advised_where_nothing_is_known(fit, name):
    with pytest.raises(sh.StanhierError, match=r"they are: alpha, [a-z_, ]*effect_k\.$"):
        fit.summary(var_names=name)
