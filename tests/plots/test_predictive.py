"""Replicated data beside observed data."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.plots.replicated import replicated_rows
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.explicit_fit import crossed


def test_ppc_puts_the_observed_means_into_replicated_intervals(three):
    density, groups = three.plot_ppc()
    assert density.get_xlabel() == "pressure"
    assert len(density.lines) == 51
    observed = groups.lines[0].get_xdata()
    np.testing.assert_allclose(observed, np.sort(three.model.design.frame.groupby("clinic")["pressure"].mean()))
    ends = np.array(segments(groups))[:, :, 0]
    assert ((ends[:, 0] < observed) & (observed < ends[:, 1])).all()
    assert "3 of 3 observed means" in groups.get_xlabel()
    assert not texts_overlap(density.get_figure())


def test_ppc_of_many_groups_and_of_none(many):
    ax = many.plot_ppc(kind="groups")
    assert len(segments(ax)) == 120
    assert (np.diff(ax.lines[0].get_xdata()) >= 0).all(), "sorted"
    assert labels_of(ax.yaxis) == []
    assert ax.get_ylabel() == "120 groups of clinic, sorted"
    _figure, given = plt.subplots()
    assert list(many.plot_ppc(ax=given, draws=8)) == [given]
    assert len(given.lines) == 9
    assert synthetic.line().plot_ppc().get_xlabel() == "y"
    with pytest.raises(sh.StanhierError, match="no groups"):
        synthetic.line().plot_ppc(kind="groups")
    with pytest.raises(sh.StanhierError, match="'kind' must be"):
        many.plot_ppc(kind="means")


def test_replicated_group_means_are_those_of_replicated_rows(three):
    ax = three.plot_ppc(kind="groups", draws=1000)
    ends = np.array(segments(ax))[:, :, 0]
    design = three.model.design
    rows = three.posterior_predictive(seed=9)["posterior_predictive"]["y"].to_numpy().reshape(1000, -1)
    means = np.stack([rows[:, design.group.codes == k].mean(axis=1) for k in range(3)])
    order = np.argsort(pd.Series(design.y).groupby(design.group.codes).mean())
    expected = np.quantile(means[order], [0.05, 0.95], axis=1).T
    np.testing.assert_allclose(ends, expected, atol=0.25 * np.ptp(expected, axis=1).min())


def test_ppc_of_very_many_rows_draws_a_part(three):
    values, observed = replicated_rows(three, np.arange(50), 1, 30)
    assert values.shape == (50, 30)
    assert set(observed) < set(three.model.design.y)
    with pytest.raises(sh.StanhierError, match="'draws' must be an integer of at least 1"):
        three.plot_ppc(draws=0)


def test_each_factor_has_its_means_of_groups():
    fit = crossed()
    panels = fit.plot_ppc()
    assert [ax.get_ylabel() for ax in panels] == ["density", "subject", "item"]
    frame = fit.model.design.frame.assign(y=fit.model.design.y)
    np.testing.assert_allclose(panels[2].lines[0].get_xdata(), np.sort(frame.groupby("item")["y"].mean()))
    assert not texts_overlap(panels.figure)
    _, given = plt.subplots()
    assert list(fit.plot_ppc("item", kind="groups", ax=given)) == [given]
    assert given.get_ylabel() == "item"
    assert len(fit.plot_ppc("item")) == 2
    assert len(fit.plot_ppc(kind="groups")) == 2
    with pytest.raises(
        sh.StanhierError, match="one pair of axes holds one factor; name one with group=: 'subject', 'item'"
    ):
        fit.plot_ppc(kind="groups", ax=given)
    with pytest.raises(sh.StanhierError, match=r"plot_ppc\('items'\): there is no such factor"):
        fit.plot_ppc("items")
