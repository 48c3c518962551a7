"""Responses that do not suit a family, and families that there are not."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.families.binary import Bernoulli, Binomial
from stanhier.families.counts import NegativeBinomial, Poisson
from stanhier.families.known import FAMILIES, family_of


@pytest.mark.parametrize(
    ("family", "y", "said"),
    [
        (Bernoulli(), [0, 1, 2], r'\'hit\' of the family "bernoulli".* 1 row is not, the first is row 2.*2.*poisson'),
        (Bernoulli(), [0, 0.5, -1.0], r"2 rows are not, the first is row 1.*gaussian"),
        (Poisson(), [3, 1.5], r"whole numbers.*row 1 \(values such as 1\.5\).*gaussian"),
        (NegativeBinomial(), [3, -1], r"whole numbers.*row 1.*-1"),
        (Poisson(), [1, 3e9], r"larger units"),
        (Bernoulli(), [1, 2, 2], r"2 rows are not.*write so on the left: I\(hit == 2\)"),
    ],
)
def test_responses_that_do_not_suit(family, y, said):
    with pytest.raises(sh.DataError, match=said):
        family.check(np.array(y, dtype=float), "hit")


def test_successes_and_trials():
    family, trials = Binomial(), np.array([5.0, 5.0])
    family.check(np.array([0.0, 5.0]), "k", trials)
    with pytest.raises(sh.DataError, match=r"more successes than trials in 1 row, the first is row 1 \(6 of 5\)"):
        family.check(np.array([0.0, 6.0]), "k", trials)
    with pytest.raises(sh.DataError, match="multiply proportions"):
        family.check(np.array([0.0, 0.5]), "k", trials)
    with pytest.raises(sh.DataError, match="needs the number of trials"):
        family.check(np.array([0.0, 1.0]), "k", None)


def test_families_by_name():
    assert all(family_of(name) is family for name, family in FAMILIES.items())
    assert family_of(Bernoulli(link="probit")).link == "probit"
    with pytest.raises(sh.FormulaError, match='no link \'log\'; it has "logit" or "probit"'):
        Bernoulli(link="log")
    with pytest.raises(sh.StanhierError, match=r"Bernoulli\(\) has no keyword 'lnk'. Did you mean 'link'"):
        Bernoulli(lnk="probit")
    with pytest.raises(sh.FormulaError, match='Did you mean family="bernoulli"'):
        family_of("logistic")
    with pytest.raises(sh.FormulaError, match=r"write Poisson\(\)"):
        family_of(Poisson)
