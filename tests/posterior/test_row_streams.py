"""Random numbers of rows and new groups follow from the seed and from what they are of, and from nothing else."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from stanhier.posterior import row_draws
from stanhier.posterior.row_streams import Streams, label_position
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


def test_a_stream_is_the_same_whoever_asked_before():
    streams = Streams(3, 0x72)
    fifth = streams.at(5).standard_normal(7)
    streams.at(9).integers(0, 10, 3, dtype=np.int32)  # leaves half a number behind
    np.testing.assert_array_equal(streams.at(5).standard_normal(7), fifth)
    np.testing.assert_array_equal(Streams(3, 0x72).at(5).standard_normal(7), fifth)


def test_streams_of_other_seeds_purposes_and_positions_are_others():
    first = {
        Streams(seed, *purpose).at(*position).random()
        for seed in (0, 1, 2**70)
        for purpose in ((1, 0), (1, 5), (2, 0), (2, 5))
        for position in ((0,), (1,), (2**63,), (0, 1), (1, 1))
    }
    assert len(first) == 3 * 4 * 5
    streams = Streams(1, 1)
    values = np.stack([streams.at(row).standard_normal(500) for row in range(200)])
    assert stats.kstest(values.ravel(), stats.norm.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(values) - np.eye(200)).max() < 0.25


def test_a_label_is_the_same_however_it_is_held():
    day = dt.date(2024, 5, 1)
    for labels in (
        [3, np.int8(3), np.int64(3), 3.0],
        ["Süd", np.str_("Süd")],
        [day, pd.Timestamp(day), np.datetime64(day, "D"), np.datetime64(day, "ns")],
        [True, np.True_],
    ):
        assert len({label_position(label) for label in labels}) == 1
    assert len({label_position(label) for label in (3, 4, "a", "b", day, True, False)}) == 7


@pytest.fixture(scope="module")
def crossed():
    return fake_fit(sh.Model("y ~ x + (1 + x | school) + (1 | rater)", variants.several()), chains=2, draws=200)


def test_the_effect_of_a_new_group_is_the_same_in_any_company(crossed):
    data = pd.DataFrame({"x": 0.5, "school": ["Mond", "Nord", "Mars", "Mond"], "rater": [1, 77, 1, 77]})
    whole = crossed.predict_draws(data, new_groups="sample").to_numpy()
    for k in range(4):
        alone = crossed.predict_draws(data.iloc[[k]], new_groups="sample").to_numpy()
        np.testing.assert_allclose(alone[..., 0], whole[..., k], rtol=1e-12, atol=1e-12)
    more = pd.concat([pd.DataFrame({"x": 0.1, "school": ["A", "Merkur"], "rater": [3, 900]}), data])
    again = crossed.predict_draws(more, new_groups="sample").to_numpy()
    np.testing.assert_allclose(again[..., 2:], whole, rtol=1e-12, atol=1e-12)
    other = crossed.predict_draws(data, new_groups="sample", seed=9).to_numpy()
    assert not np.allclose(other[..., 0], whole[..., 0])
    assert not np.isclose(whole[..., 0], whole[..., 2]).any()  # other labels, other effects


def test_new_groups_of_two_factors_are_independent_though_their_labels_are_alike():
    data = variants.several().assign(rater=lambda rows: rows["rater"].astype(str), x=lambda rows: rows["x"])
    one = fake_fit(sh.Model("y ~ x + (1 | school) + (1 | rater)", data), chains=2, draws=1000)
    rows = pd.DataFrame({"x": 0.0, "school": ["new", "Nord"], "rater": ["1", "new"]})
    known = one.predict_draws(rows.assign(school="Nord", rater="1")).to_numpy().reshape(2000, 2)
    drawn = one.predict_draws(rows, new_groups="sample").to_numpy().reshape(2000, 2) - known
    posterior = one.posterior
    sd = [posterior[name].to_numpy().ravel() for name in ("sd_school", "sd_rater")]
    own = [one.group_draws("school", ["Nord"]), one.group_draws("rater", ["1"])]
    effects = [(drawn[:, k] + own[k].to_numpy().ravel()) / sd[k] for k in range(2)]
    for effect in effects:
        assert stats.kstest(effect, stats.norm.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(effects)[0, 1]) < 0.1


@pytest.mark.parametrize("kind", ["mean", "response"])
def test_the_order_of_rows_and_the_size_of_blocks_change_nothing(crossed, kind, monkeypatch):
    rng = np.random.default_rng(2)
    data = variants.several(n=70, seed=3).drop(columns="y")
    data.loc[rng.choice(70, 20), "rater"] = 50 + rng.integers(0, 5, 20)
    how = {"kind": kind, "new_groups": "sample"}
    whole = crossed.predict(data, **how)
    if kind == "mean":
        order = rng.permutation(70)
        pd.testing.assert_frame_equal(crossed.predict(data.iloc[order], **how), whole.iloc[order], rtol=1e-10)
    monkeypatch.setattr(row_draws, "BLOCK_VALUES", 3 * 400)
    monkeypatch.setattr(row_draws, "_KEPT_VALUES", 0)  # effects are drawn for each block anew
    pd.testing.assert_frame_equal(crossed.predict(data, **how), whole, rtol=1e-10)


def test_chosen_draws_are_those_of_all(crossed):
    rows = crossed.model.rows.as_new
    how = {"kind": "response", "new_groups": "error", "seed": 1}
    keep = np.array([3, 100, 399])
    mean = {**how, "kind": "mean"}
    whole = row_draws.row_draws(crossed.model, crossed.draws, rows, **mean).collected()
    some = row_draws.row_draws(crossed.model, crossed.draws, rows, keep=keep, **mean).collected()
    np.testing.assert_allclose(some, whole[keep], rtol=1e-12)
    drawn = row_draws.row_draws(crossed.model, crossed.draws, rows, keep=keep, **how)
    assert drawn.collected().shape == (3, 160)
