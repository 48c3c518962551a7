"""Combinations of labels: their names and their order, the same whether rows come at once or in blocks."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.data.factors import factor_codes, names_in_order

FRAME = pd.DataFrame(
    {
        "text": ["g10", "g2", "g1", "g10", "g2", "g1"],
        "number": [10, 2, 2, 2, -3, 10],
        "day": pd.to_datetime(["2021-03-01", "2020-12-31"] * 3),
    }
)


def test_combinations_are_in_the_order_of_their_parts_and_integers_by_value():
    _, levels = factor_codes(FRAME, ["text", "number"])
    assert list(levels) == ["g1:2", "g1:10", "g10:2", "g10:10", "g2:-3", "g2:2"]
    _, levels = factor_codes(FRAME, ["number", "day"])
    assert list(levels)[:2] == ["-3:2021-03-01", "2:2020-12-31"]


def test_codes_find_the_name_of_each_row():
    codes, levels = factor_codes(FRAME, ["text", "number"])
    assert list(levels[codes]) == [f"{a}:{b}" for a, b in zip(FRAME["text"], FRAME["number"], strict=True)]


def test_blocks_come_to_the_same_order():
    first, second = (factor_codes(block, ["text", "number"], sort=False)[1] for block in (FRAME[:2], FRAME[2:]))
    joined = second.append(first)
    order, names = names_in_order(joined, ["text", "number"])
    assert names.equals(factor_codes(FRAME, ["text", "number"])[1])
    assert [name.replace("\x1f", ":") for name in joined[order]] == list(names)


@pytest.fixture(params=["memory", "blocks"])
def source(request, tmp_path):
    def of(frame):
        if request.param == "memory":
            return frame
        pytest.importorskip("pyarrow")
        frame.to_parquet(tmp_path / "rows.parquet", row_group_size=200)
        return tmp_path / "rows.parquet"

    return of


def test_names_that_read_alike_are_refused_also_where_they_are_in_different_blocks(source):
    n = 400
    a = np.where(np.arange(n) < n // 2, "p:q", "p")
    b = np.where(np.arange(n) < n // 2, "r", "q:r")
    frame = pd.DataFrame({"y": np.random.default_rng(0).normal(size=n), "a": a, "b": b})
    with pytest.raises(sh.DataError, match="are both called 'p:q:r'"):
        sh.Model("y ~ 1 + (1 | a:b)", source(frame))


def test_a_nested_factor_has_the_same_levels_and_effects_from_any_source(source):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 12, 600), rng.integers(0, 3, 600)
    frame = pd.DataFrame({"y": a + rng.normal(size=600), "a": [f"g{k}" for k in a], "b": b})
    model = sh.Model("y ~ 1 + (1 | a / b)", source(frame))
    nested = model.design.groupings[1]
    assert list(nested.levels[:4]) == ["g0:0", "g0:1", "g0:2", "g1:0"]
    counts = frame.groupby([frame["a"] + ":" + frame["b"].astype(str)]).size()
    np.testing.assert_array_equal(model.engine.group_weights(1), counts[nested.levels])
