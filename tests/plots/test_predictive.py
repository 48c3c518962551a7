"""Replicated data beside observed data."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.basics.arviz_arrays import array_stats
from stanhier.plots.replicated import means_of_new_groups, replicated_rows
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.explicit_fit import crossed
from tests.tools.mode_fits import family_fit, family_rows, made_fit


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


def test_intervals_of_groups_are_what_the_others_let_expect(three):
    """Against means that are drawn row by row as of unknown groups, with draws weighted by hand."""
    ax = three.plot_ppc(kind="groups", draws=1000)
    ends = np.array(segments(ax))[:, :, 0]
    design, draws = three.model.design, three.draws
    unknown = design.frame.assign(clinic=[f"new {one}" for one in design.frame["clinic"]])
    rows = three.predict_draws(unknown, kind="response", new_groups="sample", seed=9).to_numpy().reshape(1000, -1)
    means = np.stack([rows[:, design.group.codes == k].mean(axis=1) for k in range(3)])
    density = np.empty((1000, 3))
    for part, left_out, _ in three.model.engine.set_densities(design, design.group.codes, 3, draws):
        density[:, part] = left_out
    weights = np.exp(array_stats().psislw(density.T)[0])
    order = np.argsort(pd.Series(design.y).groupby(design.group.codes).mean())
    below = [np.average(means[k] < low, weights=weights[k]) for k, low in zip(order, ends[:, 0], strict=True)]
    above = [np.average(means[k] > high, weights=weights[k]) for k, high in zip(order, ends[:, 1], strict=True)]
    np.testing.assert_allclose([np.mean(below), np.mean(above)], 0.05, atol=0.025)


@pytest.mark.parametrize("family", ["gaussian", "bernoulli", "poisson"])
def test_intervals_of_groups_hold_as_many_as_they_say(family):
    """Of groups whose effects are as the model has them; replications in the same groups would hold nearly all."""
    inside, total = 0, 0
    for seed in range(4):
        fit = family_fit(family, "y ~ x + (1 | g)", rows=family_rows(family, n_groups=50, n_rows=6, seed=seed), sd=0.75)
        groups = means_of_new_groups(fit, 0, np.arange(0, 1000, 2), 1)
        lower, upper = groups.quantiles([0.05, 0.95])
        inside += int(((groups.observed >= lower) & (groups.observed <= upper)).sum())
        total += len(lower)
    assert 0.84 < inside / total < 0.96


def test_a_factor_within_a_group_is_drawn_anew_with_it():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"a": np.repeat(np.arange(6), 8), "b": np.repeat(np.arange(24), 2)})
    for formula, family, response in (
        ("y ~ (1 | a) + (1 | b)", "gaussian", rng.normal(0, 1, 48)),
        ("y ~ (1 | a) + (1 | b)", "poisson", rng.poisson(2, 48)),
    ):
        fit = made_fit(formula, data.assign(y=response), family=family, sd=1.5)
        few = replace(fit.draws, values={**fit.draws.values, "effects": 100 + fit.draws.values["effects"]})
        shifted = fit.again(fit.model, few)
        outer, inner = (means_of_new_groups(shifted, term, np.arange(20), 1).means for term in (0, 1))
        assert outer.max() < 1e3, "neither has the effects that were drawn"
        assert inner.min() > 50, "the outer effect stays"


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
