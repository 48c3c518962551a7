"""Groups asked for by their labels."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def fit():
    return fake_fit(variants.VARYING["default"](), chains=2, draws=50)


@pytest.mark.parametrize("none", [[], (), np.array([]), pd.Index([])], ids=lambda value: type(value).__name__)
def test_of_no_groups_there_are_no_draws(fit, none):
    assert fit.group_draws(none).shape == (2, 50, 0)
    assert fit.group_summary(none).shape == (0, fit.group_summary().shape[1])


@pytest.mark.parametrize("levels", [[[1, 2]], object()], ids=["nested", "object"])
def test_what_are_no_labels_is_refused(fit, levels):
    for method in (fit.group_draws, fit.group_summary):
        with pytest.raises(sh.StanhierError, match=r"levels=.*give the labels of groups of '.*' as a list"):
            method(levels)
