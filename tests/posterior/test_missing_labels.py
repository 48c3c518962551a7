"""New rows in which labels of groups are missing: each is of an unknown group of its own, where these are sampled."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import stanhier as sh
from stanhier.posterior.approximation import Mode
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def crossed():
    model = sh.Model("y ~ x + z + (1 + x | school) + (1 | rater)", variants.several())
    return fake_fit(model, chains=2, draws=30)


def test_each_is_a_new_group_of_its_own(crossed):
    one = pd.DataFrame({"x": 0.0, "z": 3.0, "school": ["Nord", None, None, "Mond", "Mond"], "rater": [1] * 5})
    draws = crossed.predict_draws(one, new_groups="sample").to_numpy().reshape(60, 5)
    assert len(np.unique(draws[0])) == 4  # the last two share a group
    np.testing.assert_array_equal(draws[:, 3], draws[:, 4])
    spread = draws[:, 1:4] - crossed.predict_draws(one.iloc[:1], group_effects=False).to_numpy().reshape(60, 1)
    assert np.abs(np.corrcoef(spread.T) - np.eye(3)).max() < 0.5
    all_missing = variants.several().assign(school=None)
    assert crossed.predict(all_missing, new_groups="sample")["sd"].gt(0).all()


def test_a_missing_part_of_a_combination_leaves_the_other_factor_known():
    nested = fake_fit(variants.SEVERAL["nested"](), chains=2, draws=500)
    data = variants.several().iloc[:1]
    known = nested.predict_draws(data).to_numpy().ravel()
    lost = data.assign(**{"class": np.nan})
    drawn = nested.predict_draws(lost, new_groups="sample").to_numpy().ravel()
    school = nested.group_draws("school", [data["school"][0]]).to_numpy().reshape(1000, 2)
    expected = school @ [1, data["x"][0]] + nested.predict_draws(data, group_effects=False).to_numpy().ravel()
    left = drawn - expected
    assert abs(left.mean()) < 4 * left.std() / np.sqrt(1000)
    assert abs(np.corrcoef(left, known)[0, 1]) < 0.15
    with pytest.raises(sh.DataError, match=r"Column 'class' has 1 missing value.*dropna.*new_groups=\"sample\""):
        nested.predict(lost)


def test_the_mode_predicts_the_population_of_such_a_row(crossed):
    mode = Mode(crossed.model, pd.Series(dtype=float), crossed.draws.only(np.array([0])))
    data = variants.several().iloc[:2].assign(school=[None, "Mond"], rater=np.nan)
    expected = crossed.predict_draws(data, group_effects=False).to_numpy()[0, 0]
    np.testing.assert_allclose(mode.predict(data), expected, rtol=1e-9)
    np.testing.assert_array_equal(mode.predict(new=data), mode.predict(data))
    with pytest.raises(sh.StanhierError, match=r"predict\(\) has no keyword 'new_data'. Did you mean 'new'"):
        mode.predict(new_data=data)


def test_a_predictor_that_is_missing_stays_an_error():
    one = fake_fit(variants.SEVERAL["a factor that is a predictor"](), chains=2, draws=30)
    data = variants.several().iloc[:3].assign(school=None)
    with pytest.raises(sh.DataError, match="Column 'school' has 3 missing values"):
        one.predict(data, new_groups="sample")


@pytest.mark.versions
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, pd.NaT])
def test_whatever_missing_looks_like(crossed, missing):
    data = pd.DataFrame({"x": [0.0, 1.0], "z": 3.0, "school": ["Nord", missing], "rater": [1, missing]})
    assert crossed.predict(data, new_groups="sample").notna().all(axis=None)
    table = pa.table({"x": [0.0], "z": [3.0], "school": pa.nulls(1), "rater": pa.nulls(1)})
    assert crossed.predict(table, new_groups="sample").notna().all(axis=None)
