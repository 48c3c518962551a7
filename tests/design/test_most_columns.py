"""Formulas of more columns than a model can be made of in a few seconds."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.design.sizes import MOST_COLUMNS


def rows(levels):
    codes = np.resize(np.arange(levels), 2 * levels)
    return {"y": np.sin(np.arange(2.0 * levels)), "c": codes, "x": np.cos(codes), "g": codes % 7}


@pytest.mark.parametrize(
    ("kind", "formula"), [(sh.LinearRegression, "y ~ C(c)"), (sh.VaryingIntercept, "y ~ C(c) + (1 | g)")]
)
def test_too_many_levels_are_refused_with_the_limit_and_the_remedy(kind, formula):
    with pytest.raises(sh.DataError, match=rf"{MOST_COLUMNS:,} are the most.*'C\(c\)'.*as a grouping term, \(1 \| g\)"):
        kind(formula, rows(MOST_COLUMNS + 2))


def test_as_a_grouping_term_there_may_be_more():
    model = sh.VaryingIntercept("y ~ x + (1 | c)", rows(MOST_COLUMNS + 2))
    assert model.design.group is not None
    assert len(model.design.group.levels) == MOST_COLUMNS + 2
