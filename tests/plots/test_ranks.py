"""Pictures of ranks."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.explicit_fit import crossed, sleep_study


def right_of(ax):
    return [text.get_text() for text in ax.child_axes[0].get_yticklabels()]


def test_intervals_of_ranks_are_those_of_the_table(three):
    ax = three.plot_ranks(top=1, prob=0.8)
    table = three.group_ranks(top=1, prob=0.8)[::-1]  # the best above
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), table["median"])
    np.testing.assert_array_equal(np.array(segments(ax, 0))[:, :, 0], table[["lower", "upper"]])
    inner = three.group_ranks(prob=0.5).loc[table.index]
    np.testing.assert_array_equal(np.array(segments(ax, 1))[:, :, 0], inner[["lower", "upper"]])
    for said, probability in zip(right_of(ax), table["top_1"], strict=True):
        if 0.005 <= probability < 0.995:
            assert said == f"{100 * probability:.0f} %"
    words = " ".join(ax.get_xlabel().split())
    assert words == (
        "rank among 3 groups (1: highest) by mean pressure at the mean of the predictors (median, 50 % and 80 % "
        "intervals)"
    )
    assert " ".join(ax.child_axes[0].get_ylabel().split()) == "probability of being the best"
    assert not texts_overlap(ax.figure)


def test_of_many_groups_the_ends_are_drawn_one_by_one(many):
    ax = many.plot_ranks()
    order = list(many.group_ranks().index)[::-1]
    names = labels_of(ax.yaxis)
    assert names[:25] + names[25:50] == order[:25] + order[-25:]
    assert names[50] == "70 groups between"
    assert [len(c.get_segments()) for c in ax.collections] == [70, 50, 50]
    assert len(right_of(ax)) == 50
    assert " ".join(ax.child_axes[0].get_ylabel().split()) == "probability of being among the best 12"
    assert not texts_overlap(ax.figure)


@pytest.mark.parametrize("top", [1, 2])
def test_what_the_probabilities_are_of_is_no_longer_than_the_axes_are_high(three, top):
    ax = three.plot_ranks(top=top)
    ax.figure.draw_without_rendering()
    label = ax.child_axes[0].yaxis.label.get_window_extent()
    assert label.height <= ax.get_window_extent().height
    assert 0 < label.y0 < label.y1 < ax.figure.bbox.height
    assert label.x1 < ax.figure.bbox.width


def test_some_groups_are_drawn_with_their_ranks_among_all(many):
    _, given = plt.subplots()
    ax = many.plot_ranks(groups=["g007", "g003"], ax=given)
    assert list(ax) == [given]
    table = many.group_ranks(["g003", "g007"])[::-1]
    assert labels_of(ax.yaxis) == list(table.index)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), table["median"])
    assert ax.get_xlim()[1] > 120


def test_slopes_are_ranked_where_asked():
    ax = sleep_study().plot_ranks(effect="days", best="low", at=0)
    assert "(1: lowest) by reaction per unit of days" in " ".join(ax.get_xlabel().split())
    assert "by mean reaction at predictors of 0" in " ".join(sleep_study().plot_ranks(at=0).get_xlabel().split())


def test_probabilities_are_neither_0_nor_1_unless_all_draws_say_so():
    from stanhier.plots.ranks import _percent

    assert [_percent(p) for p in (0.0, 0.001, 0.004, 0.25, 0.996, 1.0)] == [
        "0 %",
        "< 1 %",
        "< 1 %",
        "25 %",
        "> 99 %",
        "100 %",
    ]


def test_what_cannot_be_drawn_is_refused(three):
    with pytest.raises(sh.StanhierError, match=r"plot_ranks\(groups=...\): there is no group 'x' in 'clinic'"):
        three.plot_ranks(groups=["x"])
    with pytest.raises(sh.StanhierError, match=r"plot_ranks\(top=9\): 'clinic' has 3 groups"):
        three.plot_ranks(top=9)
    with pytest.raises(sh.StanhierError, match=r"plot_ranks\(figsize=.*give `figsize` or `ax`"):
        three.plot_ranks(figsize=(3, 3), ax=plt.subplots()[1])
    with pytest.raises(sh.StanhierError, match="the model has several factors; name one"):
        crossed().plot_ranks()
    with pytest.raises(sh.DataError, match="has no groups"):
        synthetic.line().plot_ranks()


def test_intervals_are_named_by_what_they_hold(three):
    for draw in (three.plot_ranks, three.plot_forest, lambda **kept: three.plot_forest(var_names=["beta"], **kept)):
        assert "(median, 50 % and 80 % intervals)" in draw(prob=0.8).get_xlabel()
        assert "(median, 30 % and 30 % intervals)" in draw(prob=0.3).get_xlabel()
