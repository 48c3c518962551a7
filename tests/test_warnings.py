"""Every warning points at the line of the user who called, whatever lies between."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools import synthetic, variants
from tests.tools.fake_fit import fake_fit

FEW = {"chains": 2, "iter_warmup": 20, "iter_sampling": 5, "seed": 1, "show_progress": False}


def frame():
    return variants.frame()


def model():
    return sh.VaryingIntercept("y ~ x + (1 | g)", frame())


def heavy():
    """A posterior that no normal distribution is close to."""
    priors = {"alpha": sh.Cauchy(0, 10), "beta": sh.Cauchy(0, 1), "sigma": sh.HalfCauchy(1)}
    return sh.LinearRegression("y ~ x + z", frame()[:3], priors=priors)


def far():
    data = frame()
    data["y"] = np.where(np.arange(80) % 7 == 0, 1e4, data["y"])
    return fake_fit(sh.LinearRegression("y ~ x", data), chains=2, draws=15)


CALLS = {
    "sample": lambda: model().sample(**FEW),
    "laplace": lambda: heavy().laplace(draws=200, seed=1),
    "pathfinder": lambda: heavy().pathfinder(draws=200, seed=1),
    "variational": lambda: heavy().variational(draws=200, seed=1, require_converged=False),
    "loo": lambda: far().loo(),
    "compare": lambda: sh.compare({"a": far(), "b": far()}),
    "kfold": lambda: fake_fit(model()).kfold(k=2, **{k: v for k, v in FEW.items() if k != "seed"}),
    "update_group": lambda: fake_fit(model()).update_group(frame()[:9].assign(g=77, y=1e5)),
    "pooling": lambda: sh.pooling("y ~ x", frame(), group="g", **FEW),
    "pooling, compared": lambda: sh.pooling("y ~ x", frame(), group="g", **FEW | {"iter_sampling": 13}).compare(),
    "fit_many": lambda: sh.fit_many({"a": model()}, **{k: v for k, v in FEW.items() if k != "show_progress"}).collect(),
    "fit_many, summed up": lambda: sh.fit_many(
        {"a": model()}, **{k: v for k, v in FEW.items() if k != "show_progress"}
    ).summary(),
    "a prior at x = 0": lambda: sh.LinearRegression(
        "y ~ x", pd.DataFrame({"x": [1000.0, 1001, 1002, 1003], "y": [1.0, 2, 3, 5]}), priors={"alpha": sh.Normal(0, 1)}
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.parametrize("call", CALLS)
def test_a_warning_points_here(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[call]()
    ours = [w for w in caught if issubclass(w.category, SamplingWarning | sh.PriorWarning)]
    assert ours, [str(w.message) for w in caught]
    lines, first = inspect.getsourcelines(CALLS[call])
    for warning in ours:
        assert warning.filename == __file__
        assert first <= warning.lineno < first + len(lines) or warning.lineno <= FIRST_CALL


FIRST_CALL = inspect.getsourcelines(far)[1] + 5


def test_made_up_fits_do_not_warn_here():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        synthetic.line()
