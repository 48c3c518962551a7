"""What partial pooling did to groups of responses of other families than the Gaussian."""

import numpy as np
import pandas as pd
import pytest

from stanhier.plots.scales import linear_words
from tests.tools.drawn import texts_overlap
from tests.tools.mode_fits import FAMILIES, family_fit, made_fit


@pytest.mark.parametrize("family", FAMILIES)
def test_pooling_moves_estimates_of_groups_own_rows(family):
    fit = family_fit(family)
    ax = fit.plot_shrinkage()
    drawn = {line.get_label().split(":")[0]: np.array(line.get_data()) for line in ax.lines}
    pooled = fit.group_summary()["mean"].to_numpy().reshape(-1, 2).T
    np.testing.assert_allclose(drawn["partial pooling"], pooled, rtol=1e-9)
    assert ax.get_xlabel().replace("\n", " ").startswith(f"{linear_words(fit.model.design)} at the mean of")
    jeffreys = any("Jeffreys" in line.get_label() for line in ax.lines)
    assert jeffreys == (family != "student_t")
    assert not texts_overlap(ax.figure)


ENDS = {
    "bernoulli": {"family": "bernoulli"},
    "binomial": {"family": "binomial", "trials": 5},
    "poisson": {"family": "poisson"},
    "negative_binomial": {"family": "negative_binomial"},
}


@pytest.mark.parametrize("n_groups", [8, 60])
@pytest.mark.parametrize("name", ENDS)
def test_groups_of_zeros_or_ones_alone_have_a_place(name, n_groups):
    """A triangle points to where the likelihood has no end."""
    most = {"bernoulli": 1, "binomial": 5}.get(name, 3)
    rows = pd.DataFrame({"g": np.repeat(np.arange(n_groups), 6), "y": np.resize([0, 1, 1, 0, 1], 6 * n_groups)})
    rows.loc[rows["g"] == 1, "y"] = 0
    rows.loc[rows["g"].isin([2, 3]), "y"] = most
    fit = made_fit("y ~ 1 + (1 | g)", rows, **ENDS[name])
    ax = fit.plot_shrinkage()
    handles, words = ax.get_legend_handles_labels()
    low = [k for k, said in enumerate(words) if "all responses 0, no lower bound" in said]
    high = [k for k, said in enumerate(words) if "no upper bound" in said]
    assert len(low) == 1
    assert len(high) == (0 if name in ("poisson", "negative_binomial") else 1)
    if n_groups > 50:
        (at,) = handles[low[0]].get_offsets()
        places = [at[0], *(handles[k].get_offsets()[:, 0] for k in high)]
    else:
        places = [np.unique(np.asarray(handles[k].get_xdata())[~np.isnan(handles[k].get_xdata())]) for k in low + high]
        assert [handles[k].get_marker() for k in low + high] == ["<", ">"][: len(places)]
    if name in ("bernoulli", "binomial"):
        trials = 6 if name == "bernoulli" else 30
        end = np.log((trials + 0.5) / 0.5)
        np.testing.assert_allclose(places[0], -end, rtol=1e-4)
        np.testing.assert_allclose(places[1], end, rtol=1e-4)
    elif name == "poisson":
        np.testing.assert_allclose(places[0], np.log(0.5 / 6), rtol=1e-4)
    assert not texts_overlap(ax.figure)
