"""Models of families written in two ways: offsets, priors and structures."""

import numpy as np
import pytest
from scipy import special

import stanhier as sh
from stanhier.engines.rows.engine import RowsEngine
from tests.tools.family_twins import PRIORS, SHORT, assert_same, assert_same_data, data_of, effect_rows


@pytest.mark.parametrize("family", ["gaussian", "student_t"])
def test_an_offset_is_taken_from_the_response(family, cmdstan_home):
    frame, rng = effect_rows()
    frame["o"] = rng.normal(-50, 3, len(frame))
    frame["y"] = frame["o"] + frame["eta"] + 0.8 * rng.standard_t(5, len(frame))
    frame["rest"] = frame["y"] - frame["o"]
    priors = PRIORS | {"sigma": sh.Exponential(1)}
    one = sh.Model("y ~ x + (1 | g)", frame, family=family, offset="o", priors=priors).sample(**SHORT)
    other = sh.Model("rest ~ x + (1 | g)", frame, family=family, priors=priors).sample(**SHORT | {"seed": 2})
    assert_same(one, other)
    assert one.loo().elpd == pytest.approx(other.loo().elpd, abs=0.5)


def test_an_offset_of_each_row_is_a_predictor_with_a_known_slope(cmdstan_home):
    frame, rng = effect_rows()
    frame["o"] = rng.choice([-50.0, -1.0, 1.0, 50.0], len(frame))
    frame["y"] = rng.binomial(1, special.expit(frame["o"] + frame["eta"]))
    one = sh.Model("y ~ x + (1 | g)", frame, family="bernoulli", offset="o", priors=PRIORS).sample(**SHORT)
    known = PRIORS | {"beta": {"x": sh.Normal(0, 1), "o": sh.Normal(1, 1e-6)}}
    other = sh.Model("y ~ x + o + (1 | g)", frame, family="bernoulli", priors=known).sample(**SHORT | {"seed": 2})
    for name in ("alpha", "sd_g", "effect_g"):
        ours, theirs = one.posterior[name], other.posterior[name]
        gap = np.abs(ours.mean(("chain", "draw")) - theirs.mean(("chain", "draw"))) / ours.std(("chain", "draw"))
        assert gap.max() < 0.15, name


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_a_gamma_prior_of_shape_one_is_exponential(family, cmdstan_home):
    frame, rng = effect_rows()
    frame["y"] = rng.poisson(np.exp(frame["eta"]))
    if family == "gaussian":
        frame["y"] = frame["eta"] + rng.standard_normal(len(frame))
    gamma, exponential = (PRIORS | {"sd": sd} for sd in (sh.Gamma(1, 2), sh.Exponential(2)))
    one = sh.Model("y ~ x + (1 | g) + (1 | h)", frame, family=family, priors=gamma)
    assert isinstance(one.engine, RowsEngine)
    other = sh.Model("y ~ x + (1 | g) + (1 | h)", frame, family=family, priors=exponential)
    assert_same(one.sample(**SHORT), other.sample(**SHORT | {"seed": 2}))


def test_a_student_t_prior_of_many_degrees_of_freedom_is_normal(cmdstan_home):
    frame, rng = effect_rows()
    frame["y"] = rng.binomial(1, frame["p"])
    t = PRIORS | {"alpha": sh.StudentT(1e6, 0, 2.5), "beta": sh.StudentT(1e6, 0, 1)}
    one, other = (sh.Model("y ~ x + (1 | g)", frame, family="bernoulli", priors=priors) for priors in (PRIORS, t))
    assert_same(one.sample(**SHORT), other.sample(**SHORT | {"seed": 2}))


@pytest.mark.parametrize("terms", ["(1 | g)", "(1 + x | g) + (1 | h)"])
def test_a_student_t_response_of_many_fixed_degrees_of_freedom_is_gaussian(terms, cmdstan_home):
    frame, rng = effect_rows()
    frame["y"] = frame["eta"] + 0.8 * rng.standard_normal(len(frame))
    priors = PRIORS | {"sigma": sh.Exponential(1)}
    family = sh.StudentTResponse(nu=1e7)
    one, other = (sh.Model(f"y ~ x + {terms}", frame, family=f, priors=priors) for f in (family, "gaussian"))
    assert_same(one.sample(**SHORT), other.sample(**SHORT | {"seed": 2}))


def test_three_nested_factors_are_one_after_the_other():
    frame, rng = effect_rows()
    frame["k"] = rng.integers(0, 3, len(frame))
    frame["y"] = rng.poisson(np.exp(frame["eta"]))
    frame["hk"] = frame["h"].astype(str) + "-" + frame["k"].astype(str)
    frame["hkg"] = frame["hk"] + "-" + (100 + frame["g"]).astype(str)
    nested = sh.Model("y ~ x + (1 | h / k / g)", frame, family="poisson", priors=PRIORS)
    separate = sh.Model("y ~ x + (1 | h) + (1 | hk) + (1 | hkg)", frame, family="poisson", priors=PRIORS)
    assert_same_data(nested, separate)
    assert sorted(data_of(nested)["above"]) == [0, 1, 2]
