"""Tables show the digits worth reading, and hold all of them."""

import pickle

import numpy as np
import pandas as pd
import pytest

from stanhier.basics.errors import StanhierError
from stanhier.basics.tables import ROUNDED_DOWN, Table, all_decimals, checked_rounding, decimals, readable

NUMBERS = pd.DataFrame(
    {"mean": [2297.8534, -0.00012345, 0.0], "ess_bulk": [399.7, 1000.2, np.nan], "r_hat": [1.0123, np.nan, 1.0]},
    index=["mu", "beta", "zero"],
)


def table():
    return Table.of(NUMBERS, {"mean": [1, 6, 3], "ess_bulk": ROUNDED_DOWN, "r_hat": 3})


@pytest.mark.parametrize(
    ("uncertainty", "places"),
    [(4.7, 1), (10, 0), (9.99, 1), (0.47, 2), (1e-5, 6), (1e8, -7), (0, 3), (np.nan, 3), (np.inf, 3)],
)
def test_two_digits_of_the_uncertainty(uncertainty, places):
    assert decimals(uncertainty) == places


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (2297.8534, 1, "2297.9"),
        (-0.04, 1, "0.0"),
        (-0.06, 1, "-0.1"),
        (399.7, ROUNDED_DOWN, "399"),
        (-0.5, ROUNDED_DOWN, "-1"),
        (np.nan, 1, "nan"),
        (-np.inf, 1, "-inf"),
        (2.29796e23, -19, "2.2980e+23"),
        (123456.7, -3, "123457"),
        (1.23456e-30, 32, "1.23e-30"),
        (0.0, 32, "0.0e+00"),
    ],
)
def test_a_number_as_text(value, places, text):
    assert readable(value, places) == text


def test_thousands():
    assert readable(-1234567.89, 1, thousands=True) == "-1,234,567.9"


def test_the_printed_table():
    assert repr(table()).splitlines() == [
        "           mean ess_bulk    r_hat",
        "mu       2297.9      399    1.012",
        "beta  -0.000123     1000  unknown",
        "zero      0.000      nan    1.000",
    ]
    assert "<td>2297.9</td>" in table()._repr_html_()
    assert "2297.9" in table().to_html()
    assert table().to_string() == repr(table()) == str(table())


def test_the_numbers_are_not_rounded():
    assert table()["mean"].iloc[0] == 2297.8534
    assert table().loc["mu", "ess_bulk"] == 399.7
    assert "2297.8534" in table().to_csv()
    pd.testing.assert_frame_equal(pd.DataFrame(table()), NUMBERS)


def test_parts_are_shown_alike():
    assert repr(table()[["mean"]]).splitlines()[1].split() == ["mu", "2297.9"]
    assert repr(table().loc[["mu"]]).splitlines()[1].split() == ["mu", "2297.9", "399", "1.012"]
    assert repr(table().T).splitlines()[1].split() == ["mean", "2297.9", "-0.000123", "0.000"]
    assert repr(table().sort_values("mean")).splitlines()[-1].split()[:2] == ["mu", "2297.9"]
    assert repr(pickle.loads(pickle.dumps(table()))) == repr(table())
    assert repr(table().copy()) == repr(table())


def test_what_is_calculated_shows_its_own_numbers():
    assert repr(table() * 2).splitlines()[1].split()[:2] == ["mu", "4595.7"]
    changed = table()
    changed["mean"] = 1.25
    changed["word"] = "new"
    assert repr(changed).splitlines()[1].split() == ["mu", "1.2", "399", "1.012", "new"]


def test_labels_that_come_twice_have_their_digits():
    twice = Table.of(NUMBERS.set_axis(["a", "a", "b"], axis=0), {"mean": [1, 6, 3]})
    assert list(twice.texts()["mean"]) == ["2297.9", "-0.000123", "0.000"]
    assert repr(twice[twice["mean"] > 0]) == repr(pd.DataFrame(twice[twice["mean"] > 0])), "a part, which tells less"


def test_a_long_table_shows_its_ends():
    long = Table.of(pd.DataFrame({"mean": np.arange(1000.0)}), {"mean": 1})
    assert len(repr(long).splitlines()) < 20
    assert repr(long).endswith("[1000 rows x 1 columns]")


@pytest.mark.parametrize("rounding", [2, 0, -1, np.int64(3), "3g", "none", "None"])
def test_a_rounding_of_the_users_own_wins(rounding):
    assert checked_rounding(rounding, "summary") == rounding


def test_the_rule_is_the_default():
    assert checked_rounding("auto", "summary") is None
    assert checked_rounding(None, "summary") is None


@pytest.mark.parametrize("rounding", [2.5, "two", True, [1], "g", "0g", ""])
def test_no_rounding(rounding):
    with pytest.raises(StanhierError, match=r"summary\(round_to=.*number of decimals"):
        checked_rounding(rounding, "summary")


def test_what_a_user_rounds_is_shown_as_it_is_rounded():
    assert repr(table()[["mean", "r_hat"]].round(1)) == repr(NUMBERS[["mean", "r_hat"]].round(1))
    assert repr(table().round({"mean": 0})) == repr(NUMBERS.round({"mean": 0}))
    assert table().round(1).loc["mu", "mean"] == 2297.9


def test_decimals_of_many_at_once():
    each = np.array([4.7, 10, 9.99, 0.47, 1e-5, 1e8, 0, np.nan, np.inf, 1e-300, -1])
    np.testing.assert_array_equal(all_decimals(each), [decimals(one) for one in each])
    assert all_decimals(np.empty(0)).shape == (0,)


def by_sd(n, index=None):
    sd = np.where(np.arange(n) % 2, 0.5, 30.0)
    return Table.by_sd(pd.DataFrame({"mean": 100 + np.arange(n) / 3, "sd": sd}, index=index))


def test_of_many_rows_those_that_are_seen_have_texts(monkeypatch):
    read = []
    monkeypatch.setattr(
        "stanhier.basics.tables.readable", lambda *one, **how: read.append(one) or readable(*one, **how)
    )
    many = by_sd(100_000)
    text, page = str(many), many._repr_html_()
    assert [line.split() for line in text.splitlines()[1:3]] == [["0", "100", "30"], ["1", "100.33", "0.50"]]
    assert "\n99999  33433.00  0.50\n" in text
    assert text.endswith("[100000 rows x 2 columns]")
    assert "<p>100000 rows" in page
    assert len(read) < 1000


@pytest.mark.parametrize("index", [None, [5, 5, 5, 2, 1, 0], pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]])])
def test_rows_keep_their_digits_with_any_index(index):
    table = by_sd(6, index)
    assert list(table.texts()["mean"]) == ["100", "100.33", "101", "101.00", "101", "101.67"]
    assert list(table.reset_index().texts()["sd"]) == ["30", "0.50"] * 3
    sorted_ones = by_sd(6).sort_values("sd").reset_index(drop=True)
    assert list(sorted_ones.texts()["sd"]) == ["0.50"] * 3 + ["30"] * 3


def test_parts_by_one_of_two_levels_keep_their_digits():
    table = by_sd(6, pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]]))
    for part in (table.xs("b"), table.loc["b"]):
        assert list(part.texts()["mean"]) == ["101.00", "101", "101.67"]
    assert list(table.xs(2, level=1).texts()["mean"]) == ["100.33", "101"]
    assert table.loc[("a", 2), "mean"] == 100 + 1 / 3


def test_a_long_tail_does_not_take_the_digits_of_an_interval():
    numbers = {"mean": [2.2, 2.2], "sd": [16.7, 1.67], "lower": [0.21, 0.21], "median": [1.1, 1.1], "upper": [5.4, 5.4]}
    shown = Table.by_sd(pd.DataFrame(numbers)).texts()
    assert list(shown.loc[0]) == ["2.2", "16.7", "0.2", "1.1", "5.4"]
    assert list(shown.loc[1]) == ["2.2", "1.7", "0.2", "1.1", "5.4"]
    flat = Table.by_sd(pd.DataFrame({"mean": [2.0], "sd": [16.0], "lower": [1.0], "upper": [1.0]})).texts()
    assert list(flat.loc[0]) == ["2", "16", "1", "1"], "an interval of one number tells nothing of digits"
