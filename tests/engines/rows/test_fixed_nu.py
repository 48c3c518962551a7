"""Student t responses whose degrees of freedom are fixed: no parameter, and otherwise the same model."""

import numpy as np
import pytest
from scipy import stats

import stanhier as sh
from stanhier.engines.rows.likelihood import STUDENT
from stanhier.engines.rows.reference import find_reference
from stanhier.stan.program import Program
from tests.tools.family_fits import TERMS, fit, frame, model

FIXED = sh.StudentTResponse(nu=4)


@pytest.mark.parametrize("terms", TERMS)
def test_they_are_no_parameter(terms):
    one, free = model("student_t", terms, family=FIXED), model("student_t", terms)
    names = one.parameters.population
    assert [name for name in free.parameters.population if name not in names] == ["nu"]
    assert "nu" not in one.priors
    assert one.stan_data["A"] == 1
    np.testing.assert_array_equal(one.stan_data["counts"], [4.0])
    made = fit(one)
    assert "nu" not in made.posterior
    assert "nu" not in made.summary(var_names=names).index
    assert "student_t(4, eta" in one.stan_code
    assert "real<lower=0> nu" not in one.stan_code
    assert "score is student_t, identity link; nu = 4" in repr(one)
    assert "StudentT(4, " in one._repr_html_()
    assert repr(one.family) == 'student_t(link="identity", nu=4)'


def test_rows_have_their_density():
    one = fit(model("student_t", "x", family=FIXED))
    posterior = {name: one.posterior[name].to_numpy().reshape(60, -1) for name in ("alpha", "beta", "sigma")}
    eta = posterior["alpha"] + posterior["beta"] * frame()["x"].to_numpy() + frame()["log_t"].to_numpy()
    found = np.concatenate([one for _, one, _ in one.model.engine.row_densities(one.model.rows, one.draws)], axis=1)
    expected = stats.t.logpdf(frame()["score"].to_numpy(), 4, eta, posterior["sigma"])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    draws = one.predict_draws(frame(), kind="response", seed=1).to_numpy().reshape(60, -1)
    assert np.isfinite(draws).all()


def test_the_reference_point_is_that_of_the_scale_alone():
    rng = np.random.default_rng(2)
    data = frame().sample(3000, replace=True, random_state=1)
    data["score"] = 1.0 + 0.5 * data["x"] + 0.7 * rng.standard_t(4, 3000)
    problem = sh.Model("score ~ x", data, family=FIXED).engine.problem
    assert problem.cells.family == STUDENT
    assert find_reference(problem).aux == pytest.approx([0.7], rel=0.1)


def test_they_are_in_files(tmp_path):
    one = fit(model("student_t", family=sh.StudentTResponse(nu=2.5)))
    one.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert loaded.model.family == sh.StudentTResponse(nu=2.5)
    np.testing.assert_array_equal(loaded.predict()["mean"], one.predict()["mean"])
    assert loaded.model.stan_code == one.model.stan_code


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"family": FIXED, "priors": {"nu": sh.Gamma(2, 0.1)}}, "'nu'.* where it is not fixed"),
        ({"family": "student_t", "priors": {"nu": 4}}, r"got int \(4\). family=sh.StudentTResponse\(nu=...\) fixes it"),
        ({"family": sh.StudentT(4, 0, 1)}, "StudentT is a prior; a family with .* StudentTResponse"),
        ({"family": "student_t", "nu": 4}, r"fixed by family=sh.StudentTResponse\(nu=4\)"),
    ],
)
def test_other_ways_to_fix_them_name_the_right_one(keywords, words):
    with pytest.raises(sh.StanhierError, match=words):
        sh.Model("score ~ x", frame(), **keywords)


@pytest.mark.slow
@pytest.mark.parametrize("terms", TERMS[:2])
def test_the_program_has_the_density_of_estimated_ones_at_their_value(terms, cmdstan_home):
    data = model("student_t", terms).stan_data
    last = len(data["u_hat"]) - 1
    data["u_basis"] = data["u_basis"].copy()
    data["u_basis"][last, :last] = 0.0
    fixed = {**data, "A": 1, "D": 1, "counts": np.array([np.exp(data["u_hat"][last])])}
    fixed |= {"u_hat": data["u_hat"][:last], "u_basis": data["u_basis"][:last, :last]}
    priors = ("scale_prior_family", "scale_prior_nu", "scale_prior_mu", "scale_prior_sigma")
    fixed |= {name: data[name][:-1] for name in priors}
    program, rng = Program("explicit_effects").model(), np.random.default_rng(3)
    found = []
    for _ in range(2):
        z = rng.uniform(-1, 1, data["P"] + data["E"] + last)
        both = (
            program.log_prob({"z": at.tolist()}, data=of, sig_figs=17)
            for at, of in ((z, fixed), (np.append(z, 0), data))
        )
        found.append([one.to_numpy()[0] for one in both])
    (one, other), (further, elsewhere) = found
    assert one[0] - further[0] == pytest.approx(other[0] - elsewhere[0], rel=1e-9)
    np.testing.assert_allclose(one[1:], other[1:-1], rtol=1e-9, atol=1e-9)
