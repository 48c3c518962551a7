"""Numpy's elementary functions in formulas: by their own names what they are by numpy's."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

import stanhier as sh
from stanhier.formula.elementary import ELEMENTARY, N_ARGUMENTS
from tests.tools.fake_fit import fake_fit

RNG = np.random.default_rng(5)
DATA = pd.DataFrame({"x": RNG.uniform(0.2, 3, 40), "z": RNG.uniform(0.2, 3, 40), "y": RNG.uniform(1, 9, 40)})
DATA["sign"] = np.resize(["a", "b", "c", "d"], 40)
COLUMNS = ("x", "z", "y")


def arguments(name):
    return ["x > 1", "x", "z"] if name == "where" else ["x", "z"][: N_ARGUMENTS[name]]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_each_has_the_values_of_numpy(name):
    written = f"{name}({', '.join(arguments(name))})"
    values = [DATA.eval(one).to_numpy() for one in arguments(name)]
    expected = np.asarray(getattr(np, name)(*values), dtype=float)
    other = DATA.assign(v=expected)
    if np.ptp(expected) == 0:  # of positive numbers the sign
        with pytest.raises(sh.DataError, match="constant"):
            sh.LinearRegression(f"y ~ {written}", DATA)
        return
    design = sh.LinearRegression(f"y ~ {written}", DATA).design
    np.testing.assert_array_equal(design.X, sh.LinearRegression("y ~ v", other).design.X)
    np.testing.assert_array_equal(design.X, sh.LinearRegression(f"y ~ np.{written}", DATA).design.X)
    assert design.predictors == (written,)
    assert design.formula.is_row_by_row
    np.testing.assert_array_equal(design.encode(DATA.iloc[3:5]).X[:, 0], expected[3:5])


def test_they_work_on_the_left_and_for_groups_too():
    model = sh.Model("sqrt(y) ~ abs(x - z) + (1 + log1p(x) | sign)", DATA)
    np.testing.assert_allclose(model.design.y, np.sqrt(DATA["y"]))
    assert model.design.predictors[:1] == ("abs(x - z)",)
    assert model.design.groupings[0].effects == ("Intercept", "log1p(x)")


def test_pictures_and_averages_go_along_the_column_behind():
    fit = fake_fit(sh.LinearRegression("y ~ sqrt(x) + z", DATA), chains=2, draws=50)
    assert fit.plot_prediction("sqrt(x)").get_xlabel().startswith("x")
    plt.close("all")
    slope = fit.slopes("x")["median"].iloc[0]
    expected = fit.posterior["beta"].sel(predictor="sqrt(x)").to_numpy().ravel()[:, None] / (
        2 * np.sqrt(DATA["x"].to_numpy())
    )
    assert slope == pytest.approx(np.median(expected.mean(axis=1)), rel=1e-3)


def test_a_name_is_a_function_or_a_column():
    with pytest.raises(sh.FormulaError, match="'sign' is a function and a column here; rename the column"):
        sh.Model("y ~ sign(x - 1) + (1 | sign)", DATA)
    with pytest.raises(sh.FormulaError, match="'sign' is a function and a column here; rename the column"):
        sh.Model("y ~ sign(x - 1) + sign", DATA)
    assert sh.Model("y ~ sqrt(x) + (1 | sign)", DATA).design.groupings[0].name == "sign"


def test_what_is_not_finite_names_the_call():
    with pytest.raises(sh.DataError, match=r"'sqrt\(x\)' is not finite in 1 row"):
        sh.LinearRegression("y ~ sqrt(x)", DATA.assign(x=np.r_[-1.0, DATA["x"].to_numpy()[1:]]))


def test_a_saved_fit_predicts_what_it_did(tmp_path):
    fit = fake_fit(sh.LinearRegression("log(y) ~ sqrt(x)", DATA), chains=2, draws=50)
    fit.save(tmp_path / "fit.nc")
    new = {"x": [0.25, 4.0]}
    pd.testing.assert_frame_equal(sh.load(tmp_path / "fit.nc").predict(new), fit.predict(new))
