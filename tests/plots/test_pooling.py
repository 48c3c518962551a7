"""Complete, no and partial pooling side by side."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier import plots
from stanhier.many.pooled import Pooling
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap


def pooled(n_groups, effects=()):
    rng = np.random.default_rng(5)
    partial = synthetic.grouped(1 + np.arange(n_groups) % 30)
    centre = rng.normal(100, 5, n_groups)
    table = {"n": 1 + np.arange(n_groups) % 30}
    for name, middle, half in (("complete", 100.0, 1.0), ("no", centre, 6.0), ("partial", 0.5 * centre + 50, 4.0)):
        table |= {name: middle, f"{name}_lower": middle - half, f"{name}_upper": middle + half}
    index = pd.Index([f"g{k:03d}" for k in range(n_groups)], name="clinic")
    estimates = pd.DataFrame(table, index=index)
    tables = {effect: estimates.assign(partial=estimates["partial"] + k) for k, effect in enumerate(effects)}
    fits = {"complete pooling": partial, "no pooling": partial, "partial pooling": partial}
    return Pooling(fits, estimates, 0.9, tables, "at the mean of the predictors")


def test_pooling_of_few_groups_puts_two_intervals_beside_each_other():
    result = pooled(12)
    ax = plots.pooling(result)
    assert [len(c.get_segments()) for c in ax.collections[:2]] == [12, 12]
    assert labels_of(ax.yaxis)[0] == "g011 (n = 12)", "the largest on top"
    assert ax.get_yticks()[0] == 11
    np.testing.assert_allclose(
        np.array(segments(ax, 0))[0][:, 0], result.estimates.loc["g011", ["no_lower", "no_upper"]]
    )
    np.testing.assert_allclose(
        np.array(segments(ax, 1))[0][:, 0], result.estimates.loc["g011", ["partial_lower", "partial_upper"]]
    )
    assert ax.get_legend_handles_labels()[1] == ["no pooling", "partial pooling", "complete pooling"]
    assert not texts_overlap(ax.get_figure())


def test_pooling_of_many_groups_has_sizes_on_the_axis():
    result = pooled(90)
    no, partial = plots.pooling(result)
    assert [ax.get_title() for ax in (no, partial)] == ["no pooling", "partial pooling"]
    assert no.get_xscale() == "log"
    at, middle = partial.lines[0].get_data()
    np.testing.assert_allclose(at, result.estimates["n"], rtol=0.09)
    np.testing.assert_allclose(middle, result.estimates["partial"])
    assert no.get_ylim() == partial.get_ylim()
    with pytest.raises(sh.StanhierError, match="figure of their own"):
        plots.pooling(result, ax=no)


def test_slopes_that_vary_have_panels_of_their_own():
    result = pooled(12, ["Intercept", "age"])
    panels = plots.pooling(result)
    assert [ax.get_title() for ax in panels] == ["Intercept", "age"]
    assert [ax.get_xlabel() for ax in panels] == [
        "mean pressure at the mean of the\npredictors",
        "pressure per unit of age",
    ]
    for ax, table in zip(panels, result.tables.values(), strict=True):
        ordered = table.sort_values(["n", "partial"], ascending=False)
        np.testing.assert_allclose(ax.lines[1].get_xdata(), ordered["partial"])
    assert not texts_overlap(panels.figure)
    ax = plots.pooling(result, effects="age")
    assert ax.get_xlabel() == "pressure per unit of age\n(median and 90 % interval)"
    _, given = plt.subplots()
    assert list(plots.pooling(result, effects=["age"], ax=given)) == [given]
    with pytest.raises(sh.StanhierError, match=r"one pair of axes holds one effect, not 2.*'Intercept', 'age'"):
        plots.pooling(result, ax=given)
    with pytest.raises(sh.StanhierError, match="there is no effect 'sex'; they are 'Intercept', 'age'"):
        plots.pooling(result, effects="sex")
    with pytest.raises(sh.StanhierError, match="no effect is named; they are 'Intercept', 'age'"):
        plots.pooling(result, effects=[])


def test_slopes_of_many_groups_have_rows_of_panels():
    result = pooled(90, ["Intercept", "age"])
    panels = plots.pooling(result)
    assert [ax.get_title() for ax in panels] == ["no pooling", "partial pooling", "", ""]
    np.testing.assert_allclose(panels[3].lines[0].get_ydata(), result.tables["age"]["partial"])
    assert not texts_overlap(panels.figure)
