"""What is accepted has a posterior that is finite."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import stanhier as sh
from tests.tools.any_input import SEARCHING, kind_for, made


@st.composite
def good_frames(draw):
    n = draw(st.integers(4, 12))
    scale = draw(st.sampled_from([1e-12, 1e-3, 1.0, 1e3, 1e12]))
    numbers = st.lists(st.integers(-50, 50), min_size=n, max_size=n, unique=True)
    group = draw(st.lists(st.sampled_from([1, 2, 3]) | st.sampled_from([1, 2, 3]), min_size=n, max_size=n))
    labels = draw(
        st.sampled_from(
            [[1, 2, 3], ["a", "it's", "[😀\n"], [True, False, True], list(pd.date_range("2020", periods=3))]
        )
    )
    return pd.DataFrame(
        {
            "y": np.array(draw(numbers)) * scale,
            "x": draw(numbers),
            "kind": draw(st.lists(st.sampled_from("ab"), min_size=n, max_size=n)),
            "chain": [labels[k - 1] for k in group],
        },
        index=draw(st.sampled_from([pd.RangeIndex(n), pd.Index([0] * n)])),
    )


@pytest.mark.slow
@settings(max_examples=15 if not SEARCHING else 200, deadline=None, suppress_health_check=list(HealthCheck))
@given(good_frames(), st.sampled_from(["y ~ x", "y ~ x + kind", "y ~ (1 | chain)", "y ~ x + (1 | chain)"]))
def test_what_is_accepted_has_a_finite_posterior(data, formula):
    model = made(kind_for(formula), formula, data)
    if model is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", sh.SamplingWarning)  # so few draws cannot be enough
        fit = model.sample(chains=1, iter_warmup=100, iter_sampling=50, seed=1)
        table = fit.predict(data)
    for name, values in fit.posterior.data_vars.items():
        assert np.isfinite(values.to_numpy()).all(), name
    assert np.isfinite(table.to_numpy()).all()
    pd.testing.assert_index_equal(table.index, data.index)
