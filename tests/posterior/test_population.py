"""Predictions for the population, `group_effects=False`: for the average group of every factor."""

import numpy as np
import pytest

import stanhier as sh
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.family_fits import ARGUMENTS, TERMS, fit, frame, model


def flat(array):
    return array.to_numpy().reshape(-1, *array.shape[2:])


def population(one, data, predictors=("x",), offset=None):
    posterior = one.posterior
    eta = flat(posterior["beta"]) @ data[list(predictors)].to_numpy().T
    intercept = "mu_alpha" if "mu_alpha" in posterior else "alpha"
    eta = eta + (flat(posterior[intercept])[:, None] if intercept in posterior else 0.0)
    return eta if offset is None else eta + data[offset].to_numpy()


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_family_is_predicted_from_the_population_alone(name, terms):
    one, data = fit(model(name, terms)), frame()
    design = one.model.design
    expected = one.model.family.mean(population(one, data, offset="log_t" if design.has_offset else None))
    new = data.drop(columns=["g", "h"])
    found = flat(one.predict_draws(new, group_effects=False))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    table = one.predict(new, group_effects=False, prob=0.5)
    np.testing.assert_allclose(table["sd"], expected.std(axis=0, ddof=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(table["upper"], np.quantile(expected, 0.75, axis=0), rtol=1e-9, atol=1e-12)
    drawn = flat(one.predict_draws(new, kind="response", group_effects=False))
    assert drawn.shape == expected.shape
    assert not np.allclose(drawn, expected)


def test_an_intercept_that_varies_is_that_of_the_population():
    one = fake_fit(sh.VaryingIntercept("y ~ x + z + (1 | g)", variants.frame()), draws=500)
    new = variants.frame()[["x", "z"]].iloc[:7]
    expected = population(one, new, ("x", "z"))
    np.testing.assert_allclose(flat(one.predict_draws(new, group_effects=False)), expected, rtol=1e-9)
    noise = flat(one.predict_draws(new, group_effects=False, kind="response")) - expected
    np.testing.assert_allclose(noise.std(axis=0) / np.sqrt(np.square(one.draws.flat("sigma")).mean()), 1, atol=0.1)


@pytest.mark.parametrize("name", ["slope around 0", "crossed", "nested", "two blocks", "no intercept"])
def test_columns_of_effects_alone_are_not_needed(name):
    one = fake_fit(variants.SEVERAL[name](), chains=2, draws=30)
    data = variants.several().iloc[:5]
    expected = population(one, data)
    np.testing.assert_allclose(flat(one.predict_draws(data[["x"]], group_effects=False)), expected, rtol=1e-8)
    unknown = data.assign(school="Mond", rater=99, **{"class": 77}, z=np.nan)
    np.testing.assert_allclose(flat(one.predict_draws(unknown, group_effects=False)), expected, rtol=1e-8)
    with pytest.raises(sh.DataError, match=r"no column '(z|school)'"):
        one.predict(data[["x"]])


def test_without_groups_it_changes_nothing():
    one = fake_fit(variants.LINEAR["default"](), chains=1, draws=20)
    new = variants.frame().iloc[:4]
    assert one.predict(new, group_effects=False).equals(one.predict(new))


@pytest.mark.parametrize("given", ["no", 0, None])
def test_it_is_yes_or_no(given):
    one = fake_fit(variants.LINEAR["default"](), chains=1, draws=20)
    for predict in (one.predict, one.predict_draws):
        with pytest.raises(sh.StanhierError, match="'group_effects' must be True, or False, which predicts"):
            predict(variants.frame(), group_effects=given)
