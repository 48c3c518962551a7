import numpy as np
import pandas as pd
import pytest

import stanhier as sh


def frame(n=60, seed=3):
    rng = np.random.default_rng(seed)
    g = np.arange(n) % 6
    x = rng.standard_normal(n)
    return pd.DataFrame(
        {"y": 1 + 2 * x + g + rng.standard_normal(n), "x": x, "z": rng.uniform(5, 9, n), "g": [f"g{k}" for k in g]}
    )


def test_default_priors_are_autoscaled():
    data = frame()
    sd = data["y"].std()
    priors = sh.VaryingIntercept("y ~ x + z + (1 | g)", data).priors
    assert priors["mu_alpha"].mu == pytest.approx(data["y"].mean(), rel=1e-12)
    assert priors["mu_alpha"].sigma == pytest.approx(2.5 * sd, rel=1e-12)
    assert priors["mu_alpha"].centered
    assert priors["beta"]["z"].sigma == pytest.approx(2.5 * sd / data["z"].std(), rel=1e-12)
    assert priors["sigma"].rate == pytest.approx(1 / sd, rel=1e-12)
    assert priors["sigma_alpha"] == priors["sigma"]


def test_given_priors_are_used_as_given():
    given = {"alpha": sh.Normal(0, 50), "beta": {"z": sh.Cauchy(0, 1)}, "sigma": sh.HalfCauchy(5)}
    priors = sh.LinearRegression("y ~ x + z", frame(), priors=given).priors
    assert priors["alpha"] == sh.Normal(0, 50)
    assert priors["beta"]["z"] == sh.Cauchy(0, 1)
    assert isinstance(priors["beta"]["x"], sh.Normal)
    assert priors["sigma"] == sh.HalfCauchy(5)


def test_a_known_sigma_has_no_prior():
    assert "sigma" not in sh.LinearRegression("y ~ x", frame(), sigma=1.0).priors
    assert "sigma" not in sh.LinearRegression("y ~ x", frame(), se="z").priors


@pytest.mark.parametrize(
    ("priors", "words"),
    [
        ({"mu_alpha": sh.Normal(0, 1)}, "'mu_alpha', but the model has no groups"),
        ({"tau": sh.HalfNormal(1)}, "'tau', but there is no such parameter.*'alpha', 'beta', 'sigma'"),
        ({"sigma": sh.Normal(0, 1)}, r"prior of sigma must be one on \(0, inf\).*got Normal\(0, 1\)"),
        ({"alpha": sh.HalfNormal(1)}, "prior of alpha must be one on the real line"),
        ({"beta": {"w": sh.Normal(0, 1)}}, "names 'w', which is no predictor; they are: 'x', 'z'"),
        ({"beta": sh.Normal(0, 1, centered=True)}, "cannot have centered=True"),
        ({"beta": sh.Normal}, "the class Normal; give it numbers"),
        ({"beta": 3}, r"got int \(3\)"),
        ([sh.Normal(0, 1)], "must be a dict by parameter name, not list"),
    ],
)
def test_priors_that_do_not_fit_are_refused(priors, words):
    with pytest.raises(sh.PriorError, match=words):
        sh.LinearRegression("y ~ x + z", frame(), priors=priors)


def test_flat_scale_priors_need_enough_data():
    two = frame().query("g in ['g0', 'g1']")
    with pytest.raises(sh.PriorError, match="at least 3 groups, and 'g' has 2"):
        sh.VaryingIntercept("y ~ 1 + (1 | g)", two, priors={"sigma_alpha": sh.Flat()})
    with pytest.raises(sh.PriorError, match="improper posterior"):
        sh.LinearRegression("y ~ x", frame(3), priors={"alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat()})


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"sigma": 0.0}, "`sigma` must be positive and finite; it is 0.0"),
        ({"sigma": -1}, "`sigma` must be positive"),
        ({"sigma": float("nan")}, "`sigma` must be positive"),
        ({"sigma": "1"}, "`sigma` must be a number or None, not str"),
        ({"sigma": 1.0, "se": "z"}, "`sigma` or `se`, not both"),
        ({"se": "x"}, "'x': standard errors must be positive"),
    ],
)
def test_sigma_and_se_are_checked(kwargs, words):
    with pytest.raises(sh.DataError, match=words):
        sh.LinearRegression("y ~ x", frame(), **kwargs)


def test_each_model_takes_its_own_formulas():
    with pytest.raises(sh.FormulaError, match="use VaryingIntercept"):
        sh.LinearRegression("y ~ x + (1 | g)", frame())
    with pytest.raises(sh.FormulaError, match="no grouping term"):
        sh.VaryingIntercept("y ~ x", frame())
    with pytest.raises(sh.FormulaError, match="intercept cannot be removed"):
        sh.VaryingIntercept("y ~ 0 + x + (1 | g)", frame())
    with pytest.raises(sh.FormulaError, match="nothing to estimate"):
        sh.LinearRegression("y ~ 0", frame(), sigma=1.0)


def test_collinear_predictors_with_flat_priors_are_named():
    data = frame().assign(w=lambda d: 2 * d["x"] - 1)
    with pytest.raises(sh.DataError, match=r"determine 'x', 'w' .*or give `beta` a proper prior"):
        sh.LinearRegression("y ~ x + w + z", data, priors={"alpha": sh.Flat(), "beta": sh.Flat()})
    sh.LinearRegression("y ~ x + w + z", data)


def test_more_predictors_than_rows_need_proper_priors():
    data = frame(4)
    sh.LinearRegression("y ~ x + z + x:z + I(x**2) + I(z**2)", data)
    with pytest.raises(sh.DataError, match="more columns than rows"):
        sh.LinearRegression("y ~ x + z + x:z + I(x**2) + I(z**2)", data, priors={"beta": sh.Flat()})


def test_data_without_spread_are_refused_where_a_scale_is_needed():
    with pytest.raises(sh.DataError, match="Predictor 'c' is constant"):
        sh.LinearRegression("y ~ x + c", frame().assign(c=3.0))
    with pytest.raises(sh.DataError, match=r"response 'y' is 0 or undefined \(it is always 2\)"):
        sh.LinearRegression("y ~ x", frame().assign(y=2.0))
    with pytest.raises(sh.DataError, match="there is only one row"):
        sh.LinearRegression("y ~ 1", frame().iloc[:1])
    with pytest.raises(sh.DataError, match="reproduced exactly by the predictors"):
        sh.LinearRegression("y ~ x", frame().assign(y=lambda d: 3 * d["x"] + 1))


def test_stan_code_shows_the_model_and_its_priors():
    model = sh.VaryingIntercept(
        "y ~ x + z + (1 | g)",
        frame(),
        priors={"mu_alpha": sh.Normal(0, 50), "beta": {"x": sh.Flat()}, "sigma": sh.HalfStudentT(3, 2)},
    )
    code = model.stan_code
    assert "mu_alpha ~ normal(0.0, 50.0);" in code
    assert "// beta[1]: flat" in code
    assert "sigma ~ student_t(3.0, 0, 2.0);" in code
    assert "y ~ normal(alpha[jj] + X * beta, sigma);" in code
    assert set(model.row_data) == {"N", "J", "K", "X", "y", "jj"}


def test_a_users_text_stays_in_comments():
    data = frame().rename(columns={"x": "a\n} model { reject"})
    code = sh.LinearRegression("y ~ `a\n} model { reject`", data).stan_code
    assert "// X[, 1]: a } model { reject" in code


def test_repr_tells_the_model():
    text = repr(sh.VaryingIntercept("y ~ x + (1 | g)", frame(), sigma=2.0))
    assert "60 rows in 6 groups of 'g'" in text
    assert "beta[x] ~ Normal(0, " in text
    assert "sigma = 2" in text


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"chain": 4}, "no keyword 'chain'. Did you mean 'chains'"),
        ({"draws": 4}, "no keyword 'draws'"),
        ({"chains": 0}, r"sample\(chains=0\): 'chains' must be an integer of at least 1"),
        ({"chains": 2.0}, "'chains' must be an integer"),
        ({"iter_sampling": 0}, "at least 1"),
        ({"seed": -1}, "at least 0"),
        ({"seed": 2**32}, "less than"),
        ({"fixed_param": True}, "does not take 'fixed_param'"),
        ({"inits": {"alpha": 1}}, "must be a number, the radius"),
        ({"timeout": 0}, "a positive number"),
    ],
)
def test_keywords_are_checked_before_sampling(kwargs, words):
    with pytest.raises(sh.StanhierError, match=words):
        sh.LinearRegression("y ~ x", frame()).sample(**kwargs)
