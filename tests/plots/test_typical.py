"""Where the predictors stay that are not drawn, and the values along the one that is, for every use of a column."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.drawn import labels_of
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    n = 240
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "w": rng.lognormal(0, 1.5, n),
            "k": rng.choice([1, 2, 4, 7], n, p=[0.2, 0.5, 0.2, 0.1]),
            "h": rng.choice([0.5, 1.5, 2.5], n),
            "my code": rng.choice([10, 20, 30], n),
            "b": rng.random(n) < 0.3,
            "t": rng.choice(["a", "b", "c"], n),
            "g": rng.integers(0, 8, n),
            "year": rng.integers(2000, 2008, n),
            "side": np.resize([-1.0, 1.0], n),
            "person": rng.integers(0, 180, n),
        }
    )
    frame["c"] = pd.Categorical(rng.choice(["lo", "mid", "hi"], n), categories=["lo", "mid", "hi"], ordered=True)
    frame["part"] = pd.cut(frame["x"], 4)
    frame["apart"] = np.sign(frame["x"]) * (1.2 + frame["x"].abs())
    frame["y"] = frame["x"] + frame["k"] + frame["b"] + rng.normal(size=n)
    return frame


def fit_of(formula, data, **kwargs):
    model = sh.VaryingIntercept if "|" in formula else sh.LinearRegression
    return fake_fit(model(f"y ~ {formula}", data, **kwargs), draws=50)


FORMULAS = [
    "C(k)",
    "C(h) + x",
    "C(`my code`)*x",
    "x + C(k, contr.treatment(base=2))",
    "C(k, contr.sum()) + x",
    "C(k, levels=[1, 2, 4, 7]) + x",
    "C(k):x",
    "k + C(k)",
    "C(k + 1) + x",
    "C(x > 0) + w",
    "C(np.floor(x)) + b",
    "C(b) + x",
    "b*x",
    "bs(x, df=4) + C(k)",
    "bs(w, df=4) + x",
    "cr(x, df=4) + w",
    "poly(w, 2)*C(k)",
    "scale(x) + center(w)*b",
    "log(w) + x",
    "I(1 / side)*x",
    "log(w - x + 5) + t",
    "x*t*C(k)",
    "part*x",
    "c*x",
    "C(k)*b + (1 | g)",
    "C(g) + x + (1 | g)",
    "x:g + (1 | g)",
    "year + (1 | year)",
    "C(year) + x + (1 | year)",
    "b*x + (1 | b)",
    "c*x + (1 | c)",
    "t + x + (1 | t)",
    "part + (1 | part)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_use_of_a_column_is_drawn_along_and_by(data, formula):
    fit = fit_of(formula, data)
    columns = fit.model.design.formula.predictor_columns
    group = fit.model.design.group
    for x in columns:
        for by in (None, *columns, *([] if group is None else [group.name])):
            if by != x:
                drawn = np.ravel(fit.plot_prediction(x, by=by))
                for ax in drawn:
                    middles = [line.get_ydata() for line in ax.lines]
                    assert np.isfinite(np.concatenate(middles)).any()
                    assert len([m for m in middles if np.isfinite(m).any()]) >= 2, "data and means"


def means_of(ax):
    return next(line for line in ax.lines if line.get_label() == "mean")


@pytest.mark.parametrize(
    ("formula", "x", "others", "words"),
    [
        ("C(k)*x + b", "k", {"b": False, "x": None}, "(at b = False, x = {x:.4g})"),
        ("C(k)*x + t", "x", {"k": 2, "t": None}, "(at k = 2, t = {t})"),
        ("k*C(k) + x", "x", {"k": 2}, "(at k = 2)"),
        ("C(`my code`) + b", "b", {"my code": None}, "(at my code = {my code})"),
        ("C(b):x + w", "w", {"b": False, "x": None}, "(at b = False, x = {x:.4g})"),
        ("poly(x, 2) + C(h)", "x", {"h": None}, "(at h = {h})"),
    ],
)
def test_the_means_are_predictions_with_the_others_at_their_level_or_mean(data, formula, x, others, words):
    fit = fit_of(formula, data)
    ax = fit.plot_prediction(x)
    held = {}
    for name, value in others.items():
        usual = data[name].mean() if name in ("x", "w") else data[name].mode()[0]
        held[name] = usual if value is None else value
        assert held[name] == usual
    line = means_of(ax)
    levels = x in ("k", "b")
    at = sorted(data[x].unique()) if levels else line.get_xdata()
    expected = fit.predict(pd.DataFrame({x: at, **held}))
    np.testing.assert_allclose(line.get_ydata(), expected["median"])
    np.testing.assert_allclose(line.get_xdata(), np.arange(len(at)) if levels else at)
    assert ax.get_xlabel() == f"{x}\n{words.format(**held)}".replace("-", "−")
    if levels:
        assert labels_of(ax.xaxis) == [str(level) for level in at]


def test_the_rows_stand_at_their_level(data):
    ax = fit_of("C(k)*x", data).plot_prediction("k")
    points = next(line for line in ax.lines if len(line.get_xdata()) == len(data))
    np.testing.assert_array_equal(points.get_ydata(), data["y"])
    np.testing.assert_array_equal(np.round(points.get_xdata()), data["k"].map({1: 0, 2: 1, 4: 2, 7: 3}))


def test_the_grouping_column_is_held_at_each_group(data):
    fit = fit_of("C(year) + x + (1 | year)", data)
    panels = fit.plot_prediction("x", by="year")
    assert sorted(ax.get_title() for ax in panels) == sorted(map(str, data["year"].unique()))
    for ax in panels:
        line = ax.lines[-1]
        new = pd.DataFrame({"x": line.get_xdata(), "year": int(ax.get_title())})
        np.testing.assert_allclose(line.get_ydata(), fit.predict(new)["median"])


def test_lines_by_a_number_stay_within_its_range(data):
    ax = fit_of("log(w) + x", data).plot_prediction("x", by="w")
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words[0] == f"{data['w'].min():.4g}", "a standard deviation below the mean would be negative"
    assert words[1] == f"{data['w'].mean():.4g}"


def test_lines_by_numbers_in_labels_are_its_levels(data):
    ax = fit_of("C(k)*x", data).plot_prediction("x", by="k")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1", "2", "4", "7"]
    rows = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [len(line.get_xdata()) for line in rows] == data["k"].value_counts().sort_index().to_list()


def test_too_many_lines_are_refused_with_a_remedy(data):
    with pytest.raises(sh.StanhierError, match=r"by='person'.*categories are too many lines.*draw along .* x='person'"):
        fit_of("C(person) + x", data).plot_prediction("x", by="person")


def test_of_very_many_levels_some_are_drawn(data):
    names = data.assign(person=[f"somebody called {k}" for k in data["person"]])
    for frame in (data, names):
        ax = fit_of("C(person) + x", frame).plot_prediction("person")
        n_levels = frame["person"].nunique()
        assert ax.get_xlabel().startswith(f"person (100 of {n_levels} levels)\n(at x = ")
        assert len(means_of(ax).get_xdata()) == 100
        assert len(labels_of(ax.xaxis)) < 100, "as many as there is room for"
        assert ax.lines[0].get_xdata().max() < 99.5


def test_where_the_mean_is_not_defined_the_nearest_row_is(data):
    ax = fit_of("I(1 / side) + x", data).plot_prediction("x")
    assert ax.get_xlabel() in ("x\n(at side = 1)", "x\n(at side = −1)")


def test_a_line_has_a_gap_where_the_formula_is_not_defined(data):
    line = means_of(fit_of("np.sqrt(apart**2 - 1)", data).plot_prediction("apart"))
    between = np.abs(line.get_xdata()) < 1
    assert between.any()
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), between)


def test_few_numbers_that_stand_for_something_else_are_points(data):
    fit = fit_of("code(k) + x", data, context={"code": lambda k: k.astype(int).astype(str)})
    line = means_of(fit.plot_prediction("k"))
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 4, 7])
    expected = fit.predict({"k": [1, 2, 4, 7], "x": [data["x"].mean()] * 4})
    np.testing.assert_allclose(line.get_ydata(), expected["median"])


def test_a_picture_of_nothing_is_refused():
    u = np.random.default_rng(1).permutation(40) * 1.0
    frame = pd.DataFrame({"u": u, "v": u, "y": np.sin(u)})
    fit = fit_of("near(u, v)", frame, context={"near": lambda u, v: (u + v) / (u == v)})
    with pytest.raises(
        sh.StanhierError, match=r"x='u'.*defined at no value of 'u' while.*\(at v = 19.5\).*another one"
    ):
        fit.plot_prediction("u")


def test_categories_are_said_before_numbers(data):
    ax = fit_of("x + C(k) + t + b + w + year + C(h)", data).plot_prediction("x")
    words = ax.get_xlabel().replace("\n", " ")
    assert words.startswith("x (at b = False, h = ")
    assert "k = 2" in words
    assert "2 more likewise" in words
