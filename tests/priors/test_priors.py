import numpy as np
import pytest
from scipy import stats

import stanhier as sh
from stanhier.priors.distributions import numbers
from stanhier.priors.records import from_dict, to_dict
from tests.tools.reference import prior_log_density

PROPER = [
    sh.Normal(1, 2),
    sh.StudentT(3, -1, 2),
    sh.Cauchy(0.5, 3),
    sh.HalfNormal(2),
    sh.HalfStudentT(4, 1.5),
    sh.HalfCauchy(5),
    sh.Exponential(0.3),
]


@pytest.mark.versions
@pytest.mark.parametrize("prior", PROPER, ids=repr)
def test_log_density_differs_from_scipy_by_a_constant(prior):
    x = np.array([0.1, 0.9, 4.0])
    ours = np.array([numbers([prior]).log_density(np.array([v])) for v in x])
    reference = np.array([prior_log_density(prior, v) for v in x])
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-12)


@pytest.mark.versions
@pytest.mark.parametrize("prior", PROPER, ids=repr)
def test_draws_follow_the_density(prior):
    draws = prior.rvs(np.random.default_rng(1), 4000)
    reference = {
        "Normal": lambda: stats.norm(1, 2),
        "StudentT": lambda: stats.t(3, -1, 2),
        "Cauchy": lambda: stats.cauchy(0.5, 3),
        "HalfNormal": lambda: stats.halfnorm(scale=2),
        "HalfCauchy": lambda: stats.halfcauchy(scale=5),
        "Exponential": lambda: stats.expon(scale=1 / 0.3),
    }
    if type(prior).__name__ == "HalfStudentT":
        pvalue = stats.kstest(draws, lambda x: 2 * stats.t(4, 0, 1.5).cdf(x) - 1).pvalue
    else:
        pvalue = stats.kstest(draws, reference[type(prior).__name__]().cdf).pvalue
    assert pvalue > 1e-3


@pytest.mark.parametrize("prior", [*PROPER, sh.Flat(), sh.Normal(0, 1, centered=True)], ids=repr)
def test_records_round_trip(prior):
    assert from_dict(to_dict(prior)) == prior


def test_a_record_of_something_else_is_refused():
    with pytest.raises(sh.PriorError, match="not the record of a prior"):
        from_dict({"prior": "Popen", "args": 1})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sh.Normal(0, 0), r"Normal\(sigma=0\).*greater than 0"),
        (lambda: sh.Normal(0, -1), "greater than 0"),
        (lambda: sh.Normal(float("nan"), 1), "must be finite"),
        (lambda: sh.HalfNormal(float("inf")), r"use Flat\(\)"),
        (lambda: sh.Exponential("1"), "must be a number, not str"),
        (lambda: sh.Exponential(True), "must be a number, not bool"),
        (lambda: sh.StudentT(0, 0, 1), r"nu=0.*greater than 0"),
    ],
)
def test_numbers_out_of_range_are_refused(make, words):
    with pytest.raises(sh.PriorError, match=words):
        make()


def test_a_flat_prior_has_no_draws():
    with pytest.raises(sh.PriorError, match="improper"):
        sh.Flat().rvs(np.random.default_rng(1), 3)


def test_repr_reads_as_it_is_typed():
    assert repr(sh.Normal(0, 2.5, centered=True)) == "Normal(0, 2.5, centered=True)"
    assert repr(sh.Flat()) == "Flat()"


def test_the_normal_that_touches_a_student_t_has_its_slope():
    prior = numbers([sh.StudentT(3, 1, 2)])
    x, step = np.array([4.0]), 1e-6
    slope = (prior.log_density(x + step) - prior.log_density(x - step)) / (2 * step)
    assert slope == pytest.approx(-(x[0] - 1) / prior.effective_sd(x)[0] ** 2, rel=1e-6)
