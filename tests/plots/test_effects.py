"""Pictures of predictions, comparisons and slopes hold the numbers of their tables."""

import re

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.explicit_fit import explicit_fit
from tests.tools.fake_fit import fake_fit
from tests.tools.marginal_rows import ROWS, fit_of
from tests.tools.mode_fits import family_fit


@pytest.fixture(scope="module")
def logit():
    return family_fit("bernoulli", draws=100)


@pytest.fixture(scope="module")
def linear():
    return fit_of("y ~ x * z + k + yes")


def test_averages_have_a_row_each(linear):
    found = linear.comparisons(prob=0.8)
    ax = found.plot()
    assert labels_of(ax.yaxis) == ["k: b - a", "k: c - a", "x: +1", "yes: True - False", "z: +1"]
    drawn = np.array(segments(ax))[:, :, 0]
    np.testing.assert_allclose(drawn, found[["lower", "upper"]].to_numpy(dtype=float))
    np.testing.assert_allclose(ax.lines[0].get_xdata(), found["median"])
    inner = np.quantile(found.draws.to_numpy().reshape(-1, 5), [0.25, 0.75], axis=0).T
    np.testing.assert_allclose(np.array(segments(ax, 1))[:, :, 0], inner)
    assert ax.get_xlabel() == "Differences in mean y\n(median, 50 % and 80 % intervals)"
    assert set(ax.lines[1].get_xdata()) == {0}
    assert texts_overlap(ax.figure) == []


def test_labels_say_what_differs(linear, logit):
    assert labels_of(logit.predictions(by="dose").plot().yaxis) == ["high", "low"]
    assert labels_of(linear.predictions().plot().yaxis) == ["all rows"]
    by = linear.comparisons("yes", by=["school", "treated"], new=ROWS.iloc[:20]).plot()
    assert labels_of(by.yaxis)[1] == "school = north, treated = 1"
    assert by.get_xlabel().startswith("Differences in mean y, yes: True - False\n")
    pairs = linear.comparisons("k", by="school", new=ROWS).plot()
    assert labels_of(pairs.yaxis)[1:3] == ["b - a, school = south", "c - a, school = north"]
    assert pairs.get_ylabel() == "k"
    of_groups = logit.comparisons("dose", by="g").plot()
    assert labels_of(of_groups.yaxis)[:2] == ["g00", "g01"]
    assert of_groups.get_ylabel() == "g"
    assert labels_of(linear.predictions({"x": [0.5, 1], "k": ["a"]}).plot().yaxis) == ["x = 0.5, k = a", "x = 1, k = a"]


def test_columns_may_be_called_as_those_of_the_table_are():
    """Rows of a field trial, say: averages by `row` are no single rows, and `term` is what the user calls one."""
    names = {"k": "row", "school": "term", "z": "contrast", "x": "own"}
    rows = ROWS.rename(columns=names)
    odd = fake_fit(sh.LinearRegression("y ~ own + row + term + contrast", rows), chains=2, draws=50)
    plain = fit_of("y ~ x + k + school + z")
    for by in ("k", "school", ["school", "k"]):
        own = [names[name] for name in by] if isinstance(by, list) else names[by]
        found, expected = odd.predictions(by=own).plot(), plain.predictions(by=by).plot()
        assert len(labels_of(found.yaxis)) == len(segments(found)) == len(segments(expected))
        assert [text.split(" = ")[-1] for text in labels_of(found.yaxis)] == [
            text.split(" = ")[-1] for text in labels_of(expected.yaxis)
        ]
    assert labels_of(odd.predictions("term").plot().yaxis) == ["north", "south"]
    lines = odd.predictions({"contrast": range(40, 47), "term": ["north", "south"]}).plot()
    assert [line.get_label() for line in lines.lines] == ["north", "south"]
    assert lines.get_xlabel() == "contrast"
    each = odd.predictions({"term": ["north", "south"]}, average=False).plot()
    assert [ax.get_title() for ax in each] == ["north", "south"]
    assert labels_of(odd.comparisons("own", by="row").plot().yaxis) == ["a", "b", "c"]


def test_along_numbers_there_are_lines(logit):
    found = logit.predictions({"x": np.linspace(3, 0, 7), "dose": ["low", "high"]})
    ax = found.plot()
    assert [line.get_label() for line in ax.lines] == ["low", "high"]
    low = found[found["dose"] == "low"].sort_values("x")
    np.testing.assert_allclose(ax.lines[0].get_xdata(), low["x"])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), low["median"])
    assert ax.get_xlabel() == "x"
    assert ax.get_ylabel().startswith("Probability of y")
    assert not [line for line in ax.lines if line.get_linestyle() == "--"]  # nowhere is there no effect


def test_each_contrast_has_a_panel(linear):
    rows = ROWS.assign(decade=(ROWS["z"] / 3).round())
    found = linear.slopes(by="decade", new=rows)
    panels = found.plot(figsize=(7, 3))
    assert [panel.get_title() for panel in panels] == ["x: dY/dX", "z: dY/dX"]
    assert tuple(panels.figure.get_size_inches()) == (7, 3)
    np.testing.assert_allclose(panels[1].lines[0].get_ydata(), found[found["term"] == "z"]["median"])


def test_rows_are_sorted_by_their_medians(logit):
    found = logit.comparisons("x", average=False)
    ax = found.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.sort(found["median"]))
    assert ax.get_xlabel() == "rows, sorted by their medians"
    both = logit.comparisons(average=False).plot()
    assert [panel.get_title() for panel in both] == ["dose: low - high", "x: +1"]


def test_many_averages_are_sorted_too(linear):
    names = [f"n{k}" for k in range(len(ROWS))]
    ax = linear.predictions(by="name", new=ROWS.assign(name=names)).plot()
    assert ax.get_xlabel() == "averages, sorted by their medians"
    assert len(ax.lines[0].get_xdata()) == len(ROWS)


def test_ratios_that_are_far_apart_have_a_logarithmic_axis(logit):
    far = logit.comparisons("x", contrast=(0, 5), comparison="odds_ratio").plot()
    assert far.get_xscale() == "log"
    far.figure.canvas.draw()
    assert all(re.fullmatch(r"[\d.e+]*", text) for text in labels_of(far.xaxis))
    near = logit.comparisons("x", contrast=0.1, comparison="ratio").plot()
    assert near.get_xscale() == "linear"
    assert set(near.lines[1].get_xdata()) == {1}


def test_a_given_axes_is_drawn_into(linear):
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1]
    assert list(linear.predictions(by="k").plot(ax=ax)) == [ax]


def test_what_cannot_be_drawn(linear):
    import matplotlib.pyplot as plt

    found = linear.comparisons(average=False)
    with pytest.raises(sh.StanhierError, match=r"plot\(ax=...\): 5 contrasts take as many panels"):
        found.plot(ax=plt.subplots()[1])
    many = linear.comparisons({"k": "all", "x": 1}, average=False)
    with pytest.raises(sh.StanhierError, match=r"plot\(\): 7 panels are too many for one picture \(at most 6\)"):
        many.plot()
    with pytest.raises(sh.StanhierError, match=r"plot\(figsize='big'\)"):
        found.plot(figsize="big")
    with pytest.raises(sh.StanhierError, match=r"plot\(\) has no keyword 'figsiz'. Did you mean 'figsize'"):
        found.plot(figsiz=(3, 3))
    with pytest.raises(sh.StanhierError, match="This table has other means or another index than that"):
        found.iloc[5:].reset_index(drop=True).plot()


def test_a_table_is_a_data_frame_with_draws(linear):
    import copy
    import pickle

    found = linear.comparisons()
    assert isinstance(found, pd.DataFrame)
    assert repr(found).startswith("Differences in mean y, averaged over 60 rows; 90 % intervals\n")
    assert "<p>Differences in mean y" in found._repr_html_()
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.draws, found.draws)
    np.testing.assert_array_equal(copy.copy(found).draws, found.draws)
    by_row = pickle.loads(pickle.dumps(linear.comparisons("x", average=False)))
    assert repr(by_row).startswith("Differences in mean y, row by row; 90 % intervals\n")
    with pytest.raises(sh.StanhierError, match="draws of single rows are calculated from the fit, which is not with"):
        _ = by_row.draws


def test_parts_of_a_table_keep_their_draws(linear):
    found = linear.comparisons()
    part = found[found["term"] == "k"].iloc[::-1]
    assert repr(part).startswith("Differences in mean y, averaged over 60 rows; 90 % intervals\n")
    np.testing.assert_array_equal(part.draws, found.draws.isel(estimate=[1, 0]))
    assert list(part.draws["contrast"].to_numpy()) == ["c - a", "b - a"]
    assert labels_of(part.plot().yaxis) == ["c - a", "b - a"]
    by_row = linear.comparisons("k", average=False)
    np.testing.assert_array_equal(by_row.loc[[3, 70]].draws, by_row.draws[:, :, [3, 70]])
    for other in (found.reset_index(drop=True).iloc[1:].reset_index(drop=True), found.T, found.drop(columns="mean")):
        assert "Differences" not in repr(other)
        with pytest.raises(sh.StanhierError, match="so it has no draws"):
            _ = other.draws


def test_labels_that_are_numbers_have_rows():
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(301, 309), 12)
    rows = pd.DataFrame({"x": rng.normal(size=96), "g": g, "week": np.arange(96) % 7, "day": np.arange(96) % 6})
    rows["y"] = rows["x"] + rng.normal(size=96)
    fit = explicit_fit("y ~ x + C(week) + day + (1 + x | g)", rows, sd={"g": [1.0, 0.5]})
    assert labels_of(fit.slopes("x", by="g").plot().yaxis) == [str(k) for k in range(301, 309)]
    assert labels_of(fit.predictions(by="week").plot().yaxis) == [str(k) for k in range(7)]
    assert fit.predictions(by="day").plot().get_xlabel() == "day"
    both = explicit_fit("y ~ day + (1 | day)", rows, sd={"day": [1.0]})
    assert both.predictions(by="day").plot().get_xlabel() == "day"
