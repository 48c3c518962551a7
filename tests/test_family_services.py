"""What follows from fits of families: calibration, and leave-one-out against refits."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

import stanhier as sh

SHORT = {"seed": 1, "iter_warmup": 500, "iter_sampling": 1000, "show_progress": False}
CALIBRATED = {
    "bernoulli": ("y ~ x + (1 | g)", {}),
    "poisson": ("y ~ x + (1 | g) + (1 | h)", {}),
    "negative_binomial": ("y ~ x + (1 | g)", {"shape": sh.Gamma(4, 1)}),
    "student_t": ("y ~ x + (1 | g)", {"sigma": sh.HalfNormal(1), "nu": sh.Gamma(2, 0.1)}),
    "binomial": ("y ~ x + (1 + x | g)", {}),
}


def _frame(n=60, seed=0):
    rng = np.random.default_rng(seed)
    g, h, x = rng.integers(0, 8, n), rng.integers(0, 5, n), rng.standard_normal(n)
    eta = 0.3 + 0.5 * x + 0.6 * rng.standard_normal(8)[g] + 0.4 * rng.standard_normal(5)[h]
    return pd.DataFrame({"x": x, "g": g, "h": h, "n": rng.integers(1, 8, n), "eta": eta}), rng


def _response(family, frame, rng):
    eta, n = frame["eta"].to_numpy(), len(frame)
    return {
        "bernoulli": lambda: rng.binomial(1, special.expit(eta)),
        "binomial": lambda: rng.binomial(frame["n"], special.expit(eta)),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "negative_binomial": lambda: rng.poisson(np.exp(eta) * rng.gamma(3, 1 / 3, n)),
        "student_t": lambda: eta + 0.8 * rng.standard_t(4, n),
    }[family]()


def _model(family, formula, priors=None, **kwargs):
    frame, rng = _frame(**kwargs)
    frame["y"] = _response(family, frame, rng)
    trials = {"trials": "n"} if family == "binomial" else {}
    return sh.Model(formula, frame, family=family, priors=priors, **trials), frame


@pytest.mark.slow
@pytest.mark.parametrize("family", CALIBRATED)
def test_ranks_are_uniform(family, cmdstan_home):
    formula, further = CALIBRATED[family]
    priors = {"alpha": sh.Normal(0, 1), "beta": sh.Normal(0, 0.7), "sd": sh.HalfNormal(0.7), **further}
    model, _ = _model(family, formula, priors)
    calibration = sh.sbc(model, n=40, seed=2, iter_warmup=500)
    assert calibration.failures == []
    assert calibration.divergences < 40


def _by_refits(model, frame, left_out, family, trials):
    """Log predictive density of rows that are left out together, from a fit of the others; effects integrated out."""
    arguments = {"family": family, "priors": model.priors} | ({"trials": "n"} if trials else {})
    found = []
    for out in left_out:
        fit = sh.Model(model.formula, frame[~out], **arguments).sample(**SHORT)
        eta = fit.predict_draws(frame[out], kind="linear", new_groups="sample", seed=2).to_numpy()
        eta = eta.reshape(-1, int(out.sum())) if eta.shape[-1] == out.sum() else eta.reshape(int(out.sum()), -1).T
        density = _density(family, frame[out], eta, fit).sum(axis=1)
        found.append(np.log(np.exp(density - density.max()).mean()) + density.max())
    return np.array(found)


def _density(family, rows, eta, fit):
    y = rows["y"].to_numpy(float)
    if family == "bernoulli":
        return y * special.log_expit(eta) + (1 - y) * special.log_expit(-eta)
    if family == "poisson":
        return y * eta - np.exp(eta) - special.gammaln(y + 1)
    shape = fit.posterior["shape"].to_numpy().reshape(-1, 1)
    x = eta - np.log(shape)
    chosen = special.gammaln(y + shape) - special.gammaln(shape) - special.gammaln(y + 1)
    return chosen + y * special.log_expit(x) + shape * special.log_expit(-x)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bernoulli", "poisson", "negative_binomial"])
def test_leaving_out_groups_is_what_refits_give(family, cmdstan_home):
    model, frame = _model(family, "y ~ x + (1 | g)", n=120, seed=4)
    fit = model.sample(**SHORT | {"iter_sampling": 3000})
    result = fit.loo(by="g")
    labels = result.elpd_i["g"].to_numpy()
    refits = _by_refits(model, frame, [(frame["g"] == g).to_numpy() for g in labels], family, trials=False)
    fine = result.pareto_k.to_numpy() < result.good_k
    assert fine.sum() >= 4
    np.testing.assert_allclose(result.elpd_i.to_numpy()[fine], refits[fine], atol=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_leaving_out_rows_is_what_refits_give(family, cmdstan_home):
    model, frame = _model(family, "y ~ x + (1 | g) + (1 | h)", n=80, seed=5)
    fit = model.sample(**SHORT | {"iter_sampling": 3000})
    result = fit.loo()
    rows = np.arange(0, 80, 8)
    refits = _by_refits(model, frame, [np.arange(80) == i for i in rows], family, trials=False)
    np.testing.assert_allclose(result.elpd_i.to_numpy()[rows], refits, atol=0.08)


@pytest.mark.slow
def test_folds_are_near_leave_one_out(cmdstan_home):
    model, _ = _model("binomial", "y ~ x + (1 | g)", n=120, seed=6)
    fit = model.sample(**SHORT)
    leave_one_out, folds = fit.loo(), fit.kfold(k=10, seed=1)
    assert folds.elpd == pytest.approx(leave_one_out.elpd, abs=2.0)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
@pytest.mark.parametrize("family", CALIBRATED)
def test_a_saved_fit_says_the_same(family, tmp_path, cmdstan_home):
    model, frame = _model(family, "y ~ x + (1 + x | g) + (1 | h)", n=100, seed=7)
    fit = model.sample(**SHORT | {"iter_sampling": 100})
    fit.save(tmp_path / "fit.nc")
    again = sh.load(tmp_path / "fit.nc")
    new = frame.head(6).assign(g=[0, 1, 2, 99, 99, 98])
    for kind in ("mean", "linear", "response"):
        ours, theirs = (one.predict(new, kind=kind, new_groups="sample", seed=1) for one in (fit, again))
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9)
    pd.testing.assert_series_equal(
        fit.loo().elpd_i.to_series(), again.loo().elpd_i.to_series(), check_exact=False, rtol=1e-9
    )


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
@pytest.mark.parametrize("family", CALIBRATED)
def test_approximations_are_near_the_posterior(family, cmdstan_home):
    model, _ = _model(family, "y ~ x + (1 | g)", n=400, seed=9)
    draws = model.sample(**SHORT | {"iter_sampling": 500}).posterior["beta"].to_numpy()
    estimates = {
        "optimize": model.optimize(seed=1).estimates["beta[x]"],
        "laplace": float(model.laplace(seed=1).posterior["beta"].mean()),
        "pathfinder": float(model.pathfinder(seed=1).posterior["beta"].mean()),
    }
    for method, estimate in estimates.items():
        assert abs(estimate - draws.mean()) < 0.3 * draws.std(), method
