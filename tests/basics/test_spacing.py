"""Positions at even distances: as many as asked for, each once, from the first to the last."""

import numpy as np
import pytest

from stanhier.basics.spacing import evenly


@pytest.mark.parametrize(
    ("number", "most", "expected"), [(3, 10, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8]), (0, 4, [])]
)
def test_few_of_many(number, most, expected):
    assert evenly(number, most).tolist() == expected


def test_none_is_taken_twice():
    for number in range(1, 60):
        for most in range(2, 60):
            found = evenly(number, most)
            assert len(np.unique(found)) == len(found) == min(number, most)
            assert found[-1] == number - 1
