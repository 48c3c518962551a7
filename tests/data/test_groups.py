"""Names of groups: readable, and different for each."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from stanhier.data.groups import group_name, groups_of


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ("Ulm", "Ulm"),
        ("a, b", "a, b"),
        (3, "3"),
        (np.int8(3), "3"),
        (3.0, "3"),
        (True, "True"),
        (pd.Timestamp("2024-02-03"), "2024-02-03"),
        (pd.Timestamp("2024-02-03 04:05"), "2024-02-03 04:05:00"),
        (dt.date(2024, 2, 3), "2024-02-03"),
        (np.datetime64("2024-02-03"), "2024-02-03"),
        (pd.Timedelta("2h"), "0 days 02:00:00"),
        (("Ulm",), "Ulm"),
        (("Ulm", 3), "Ulm, 3"),
        (("a, b", "c"), "'a, b', c"),
        (("a", "b, c"), "a, 'b, c'"),
        (("'a", 'b"'), '"\'a", b"'),
        (("", ""), ", "),
    ],
)
def test_names(labels, name):
    assert group_name(labels) == name
    assert group_name(group_name(labels)) == name


def test_no_two_groups_have_the_same_name():
    pieces = ["", "a", ",", " ", "'", '"', "\\", ", a", "a,", "',", "', '"]
    labels = [(one + two, three + four) for one in pieces for two in pieces for three in pieces for four in pieces]
    assert len({group_name(pair) for pair in labels}) == len(set(labels))


def test_rows_keep_their_order_within_groups():
    groups = groups_of(pd.DataFrame({"g": ["b", "a", "b", "c", "a"], "h": [2, 1, 1, 1, 1]}), ["g", "h"])
    assert groups.names == ["a, 1", "b, 1", "b, 2", "c, 1"]
    assert groups.labels == [("a", 1), ("b", 1), ("b", 2), ("c", 1)]
    assert [one.tolist() for one in groups.rows()] == [[1, 4], [2], [0], [3]]
