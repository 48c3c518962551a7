"""Groups of a single row each: told where only priors tell groups from noise, and nowhere else."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit

N = 24


def frame():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(0, 1, N), "row": np.arange(N), "g": np.arange(N) % 4, "se": 0.5})
    return data.assign(
        y=rng.normal(0, 1, N), yes=rng.integers(0, 2, N), n=rng.poisson(3, N), of=9, w=1.0 + np.arange(N) % 3
    )


def told(formula, *, kind=sh.Model, data=None, **more):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kind(formula, frame() if data is None else data, **more)
    assert all(one.filename == __file__ for one in caught)
    return [str(one.message) for one in caught if one.category is sh.PriorWarning]


@pytest.mark.parametrize("data", [None, pl.from_pandas(frame()).lazy()], ids=["in memory", "elsewhere"])
def test_groups_and_noise_that_priors_share_out(data):
    (said,) = told("y ~ x + (1 | row)", data=data)
    assert said == (
        "Each of the 24 groups of 'row' is a single row: the data do not tell sd_row from sigma, and the priors share "
        'out between the two what varies. Leave the term out, or say what is known of the noise, with se="column" or '
        "sigma=2.5."
    )
    (said,) = told("y ~ x + (1 | row)", kind=sh.VaryingIntercept, data=data)
    assert "the data do not tell sigma_alpha from sigma" in said
    (said,) = told("yes ~ x + (1 | g) + (1 | row)", data=data, family="bernoulli")
    assert said == (
        "Each of the 24 groups of 'row' is a single row: the data tell nothing of sd_row, and its prior decides. Leave "
        "the term out."
    )


def test_student_t_responses():
    (said,) = told("y ~ x + (1 | row)", family="student_t")
    assert said.endswith("Leave the term out.")


@pytest.mark.parametrize(
    ("formula", "more"),
    [
        ("y ~ x + (1 | row)", {"se": "se"}),
        ("y ~ x + (1 | row)", {"sigma": 0.5}),
        ("y ~ x + (1 | row)", {"weights": "w"}),
        ("y ~ x + (1 | g)", {}),
        ("y ~ x + (0 + x | row)", {}),
        ("n ~ x + (1 | row)", {"family": "poisson"}),
        ("n ~ x + (1 | row)", {"family": "binomial", "trials": "of"}),
        ("y ~ x", {}),
    ],
)
def test_what_the_data_tell_is_not_warned_of(formula, more):
    assert told(formula, **more) == []


def test_a_check_does_not_call_rows_groups():
    """The furthest row is 12 standard deviations out: as a row, which is what it is."""
    data = frame()
    data.loc[5, "y"] = 12.0
    with pytest.warns(sh.PriorWarning):
        fit = fake_fit(sh.Model("y ~ x + (1 | row)", data))
    assert not (fit.check().table["check"] == "groups").any()
    assert (fake_fit(sh.Model("y ~ x + (1 | row)", data, se="se")).check().table["check"] == "groups").any()
