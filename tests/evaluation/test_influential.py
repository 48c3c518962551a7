"""Rows that change the posterior much: the check and leave-one-out name the same ones, with the same numbers."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.evaluation.checks.evidence import N_DRAWS, evidence_of
from stanhier.evaluation.checks.influential import influential_rows
from stanhier.evaluation.checks.predicted import predicted_rows
from tests.tools import family_fits
from tests.tools.fake_fit import fake_fit

DRAWS = 600  # of each chain: together more than a check takes


def outlying(n=40):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": rng.normal(0, 1, n), "g": np.arange(n) % 5}, index=[f"row {k}" for k in range(n)])
    data["y"] = data["x"] + rng.normal(0, 1, n)
    data.loc["row 17", ["x", "y"]] = 9.0, -6.0
    return data


FITS = {
    "line": lambda: fake_fit(sh.LinearRegression("y ~ x", outlying()), draws=DRAWS),
    "intercepts": lambda: fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", outlying()), draws=DRAWS),
    "slopes": lambda: fake_fit(sh.Model("y ~ x + (1 + x | g)", outlying()), draws=DRAWS),
    "counts": lambda: family_fits.fit(family_fits.model("poisson"), draws=2 * DRAWS),
}


@pytest.mark.parametrize("kind", FITS)
def test_the_numbers_are_those_of_leave_one_out(kind):
    fit = FITS[kind]()
    evidence = evidence_of(fit, 1)
    assert len(evidence.eta) == N_DRAWS < fit.draws.n_draws
    (said,) = influential_rows(evidence, predicted_rows(evidence), fit.draws)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.SamplingWarning)
        loo = fit.loo()
    k = loo.pareto_k.to_numpy()
    n_high = int((k > loo.good_k).sum())
    assert n_high >= 1
    pattern = r"(\d+) of (\d+) rows changes? .* \(Pareto k up to ([\d.]+), row (.*), above ([\d.]+)\)"
    number, of, worst, name, limit = re.match(pattern, said).groups()
    assert (int(number), int(of)) == (n_high, len(k))
    assert (float(worst), float(limit)) == (round(k.max(), 2), round(loo.good_k, 2))
    assert name == str(loo.worst.index[0])


def test_what_some_draws_blame_and_all_do_not_is_not_told():
    fit = fake_fit(sh.LinearRegression("y ~ x", outlying().drop("row 17")), draws=DRAWS)
    evidence = evidence_of(fit, 1)
    rows = predicted_rows(evidence)
    rows.pareto_k[3] = 0.9
    assert influential_rows(evidence, rows, fit.draws) == []
