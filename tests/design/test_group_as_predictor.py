"""A grouping column may be a predictor too: its labels and its values are kept apart, whatever is done with the fit."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh

pytestmark = pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")  # a few draws are enough here

FEW = {"chains": 2, "iter_warmup": 100, "iter_sampling": 100, "seed": 1, "show_progress": False}
FORMULAS = {
    "an interaction with text": "y ~ x:site + (1 | site)",
    "text": "y ~ x + site + (1 | site)",
    "text as labels": "y ~ x + C(site) + (1 | site)",
    "numbers": "y ~ x + year + (1 | year)",
    "numbers in a calculation": "y ~ x + I((year - 2000) ** 2) + (1 | year)",
    "numbers as labels": "y ~ x + C(year) + (1 | year)",
    "centred numbers": "y ~ x + center(year) + (1 | year)",
    "truth values": "y ~ x + flag + (1 | flag)",
    "categories": "y ~ x + ward + (1 | ward)",
    "intervals": "y ~ x + cut + (1 | cut)",
}


def rows():
    rng = np.random.default_rng(3)
    at = np.arange(60) % 5
    x = rng.standard_normal(60)
    return pd.DataFrame(
        {
            "y": 1 + x + rng.standard_normal(5)[at] + rng.standard_normal(60),
            "x": x,
            "site": [f"site {k}" for k in at],
            "year": (2001 + at).astype("int32"),
            "flag": at > 2,
            "ward": pd.Categorical([f"ward {k}" for k in at], categories=[f"ward {k}" for k in (3, 1, 4, 0, 2, 9)]),
            "cut": pd.cut(at, [-1, 1, 2, 9]),
        }
    )


def frames():
    pandas = rows()
    yield "pandas", pandas, pandas
    yield "a dict", {name: column.to_numpy() for name, column in pandas.items() if name not in ("ward", "cut")}, pandas
    polars = pytest.importorskip("polars").from_pandas(pandas.drop(columns=["ward", "cut"]))
    yield "Polars", polars, polars
    yield "PyArrow", polars.to_arrow(), polars.to_arrow()
    yield "a lazy frame", polars.lazy(), polars


@pytest.mark.parametrize("kind", FORMULAS)
def test_all_that_is_done_with_a_fit_works(kind, tmp_path):
    formula, data = FORMULAS[kind], rows()
    fit = sh.VaryingIntercept(formula, data).sample(**FEW)
    column = fit.model.design.group.name
    expected = fit.predict(data)
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(loaded.predict(data), expected)
    # A file holds whole numbers of 64 bits; with pandas 2 a year has 32.
    pd.testing.assert_frame_equal(loaded.group_summary(), fit.group_summary(), check_index_type=False)
    fit.report(tmp_path / "report.html")
    assert "predictor and group" in (tmp_path / "report.html").read_text(encoding="utf-8")
    fit.kfold(k=2, by="row", **FEW)
    fit.kfold(k=2, by="group", **FEW)
    fit.loo()
    fit.posterior_predictive()
    fit.plot_prediction("x")
    fit.plot_prediction("x", by=column)
    fit.plot_ppc()
    plt.close("all")


@pytest.mark.versions
@pytest.mark.parametrize("formula", [f for f in FORMULAS.values() if "ward" not in f and "cut" not in f])
def test_every_source_makes_the_same_model_and_predicts_alike(formula):
    if "center" not in formula:
        first = sh.VaryingIntercept(formula, rows())
        for name, data, new in frames():
            model = sh.VaryingIntercept(formula, data)
            assert [str(v) for v in model.design.group.levels] == [str(v) for v in first.design.group.levels], name
            np.testing.assert_allclose(
                model.engine.compressed.within, first.engine.compressed.within, rtol=1e-9, atol=1e-9
            )
            encoded = model.design.encode(new)
            np.testing.assert_array_equal(encoded.groups[0].codes, first.design.group.codes)
            np.testing.assert_allclose(encoded.X, first.design.X, rtol=1e-12)


def test_a_new_group_of_numbers_is_added():
    fit = sh.VaryingIntercept("y ~ x + year + (1 | year)", rows()).sample(**FEW)
    new = pd.DataFrame({"y": [2.0, 3.0], "x": [0.1, 0.4], "year": [2009, 2009]})
    more = fit.update_group(new)
    assert list(more.model.design.group.levels) == [2001, 2002, 2003, 2004, 2005, 2009]
    assert more.model.design.frame["year"].iloc[-1] == 2009
    np.testing.assert_allclose(more.model.design.X[-2:, 1], 2009)
    assert len(more.predict(new)) == 2


def test_a_new_label_that_is_a_predictor_too_has_no_coefficient():
    fit = sh.VaryingIntercept("y ~ x + site + (1 | site)", rows()).sample(**FEW)
    with pytest.raises(sh.DataError, match="values that the model has not seen: 'site 9'"):
        fit.update_group({"y": [2.0], "x": [0.1], "site": ["site 9"]})


def test_the_prediction_runs_along_the_grouping_column():
    fit = sh.VaryingIntercept("y ~ x + year + (1 | year)", rows()).sample(**FEW)
    (line, *_) = [
        line for line in fit.plot_prediction("year").lines if len(line.get_xdata()) > 30 and line.get_linestyle() == "-"
    ]
    slope = np.diff(line.get_ydata()) / np.diff(line.get_xdata())
    np.testing.assert_allclose(slope, slope.mean(), atol=0.5)  # of the mean of all groups, with no steps between them
    with pytest.raises(sh.StanhierError, match="must be another column"):
        fit.plot_prediction("year", by="year")
    plt.close("all")
