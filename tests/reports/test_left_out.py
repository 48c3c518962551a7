"""What reports say of rows that are left out one at a time."""

import re

import numpy as np

import stanhier as sh
from stanhier.reports import left_out
from tests.tools import synthetic
from tests.tools.fake_fit import fake_fit


def test_rows_that_decide_much_are_named():
    rng = np.random.default_rng(4)
    x = np.append(rng.standard_normal(30), 30.0)
    fit = fake_fit(sh.LinearRegression("y ~ x", {"x": x, "y": np.append(rng.standard_normal(30), 40.0)}))
    said = left_out.loo_sentences(fit)
    assert len(said) == 2
    assert re.search(r"Leave-one-out is unreliable for 1 of 31 rows: .*\(row 30: ", said[1])


def test_leave_one_out_of_many_rows_is_left_to_the_reader(monkeypatch):
    monkeypatch.setattr(left_out, "_MOST_ROWS", 59)
    assert left_out.loo_sentences(synthetic.line()) == [
        "Not calculated here for more than 59 rows; fit.loo() does it for all 60."
    ]


def test_leave_one_out_of_few_draws_says_what_it_needs():
    (said,) = left_out.loo_sentences(synthetic.line(chains=1, draws=10))
    assert said.startswith("Not calculated. ")
    assert "25" in said
