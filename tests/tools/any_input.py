"""Frames, formulas and arguments of any kind."""

import os
import warnings
from copy import deepcopy

import numpy as np
import pandas as pd

import stanhier as sh

SEARCHING = os.environ.get("HYPOTHESIS_PROFILE") == "search"


def kind_for(formula):
    return sh.VaryingIntercept if "|" in formula else sh.LinearRegression


def same(one, other):
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_flags=True)
        return
    assert list(one) == list(other)
    for name, before in other.items():
        now = one[name]
        assert type(now) is type(before)
        if isinstance(now, pd.Series):
            pd.testing.assert_series_equal(now, before, check_exact=True)
        elif isinstance(now, np.ndarray):
            assert now.dtype == before.dtype
            np.testing.assert_array_equal(np.ma.getmaskarray(now), np.ma.getmaskarray(before))
            np.testing.assert_array_equal(np.asarray(now), np.asarray(before))
        else:
            assert repr(now) == repr(before)


def made(kind, formula, data, **keywords):
    """The model, or None where the input is refused; anything else that happens is raised."""
    before = deepcopy(data) if isinstance(data, dict) else data.copy(deep=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", r"Predictor .* levels in .* rows")  # rightly, where all rows differ
        for rightly in (sh.PriorWarning, sh.ResponseWarning):
            warnings.simplefilter("ignore", rightly)
        try:
            model = kind(formula, data, **keywords)
            numbers = model.stan_data
        except sh.StanhierError:
            return None
        finally:
            same(data, before)
    for name, values in numbers.items():
        assert np.isfinite(np.asarray(values, dtype=float)).all(), name
    assert repr(model)
    return model
