"""Groups asked for by their labels."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.basics.tables import decimals, readable
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


def test_tables_show_the_digits_of_their_sd_and_hold_all(fit):
    for table in (fit.group_summary(), fit.group_effects(), fit.predict()):
        shown = table.texts()
        assert list(shown["sd"]) == [readable(sd, decimals(sd)) for sd in table["sd"]]
        assert list(shown["mean"]) == [
            readable(*one) for one in zip(table["mean"], map(decimals, table["sd"]), strict=True)
        ]
        last = str(table.head(9)).partition("\n\n")[0].splitlines()[-1]
        assert last.split()[-5:] == list(shown.iloc[min(8, len(shown) - 1)])
        assert not np.array_equal(table["mean"], table["mean"].round(6))
    ranks = fit.group_ranks().texts()
    assert ranks["rank"].str.fullmatch(r"\d+\.\d").all()
    assert ranks["median"].str.fullmatch(r"\d+").all()
