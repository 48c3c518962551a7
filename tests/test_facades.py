"""Methods of models and fits are functions with one signature, which help(), editors and mypy see."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import stanhier as sh

ROOT = Path(sh.__file__).resolve().parents[1]

RIGHT = """
from functools import partial
from pathlib import Path

import pandas as pd
import stanhier as sh

data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "x": [0.0, 1.0, 2.0], "g": ["a", "a", "b"]})
model = sh.VaryingIntercept("y ~ x + (1 | g)", data, priors={"sigma": sh.Exponential(1)})
fit = model.sample(seed=1, chains=4, iter_warmup=500, adapt_delta=0.9, keep_finished=True)
sh.LinearRegression("reaction ~ days", sh.datasets.sleepstudy())
table: pd.DataFrame = fit.predict(data, kind="response", new_groups="sample", prob=0.5)
table = fit.predict("rows/*.parquet", group_effects=False)
written: Path = fit.predict(to="predictions.parquet", seed=1)
fit.to_dataframe(["beta"], groups=["g"]).to_parquet("draws.parquet")
fit.predict_draws(kind="linear").mean("row")
fit.plot_forest(prob=0.5).figure.savefig("forest.png")
fit.plot_trace().savefig("trace.png")
same: sh.VaryingIntercept = fit.model
again: sh.Fit[sh.VaryingIntercept] = fit.update_group(data)
print(fit.summary(var_names=["beta"]), fit.group_summary(prob=0.8), fit.loo(by="group"), fit.diagnose().ok)
fit.kfold(k=3, seed=2, iter_sampling=500)
print(fit.loo(by="group", refit=True, adapt_delta=0.9).worst, fit.r2(kind="linear", prob=0.5), fit.icc().draws)
mode = model.optimize(seed=1, algorithm="lbfgs")
print(mode.model.priors, mode.estimates, model.laplace(draws=500).posterior, model.sample_prior(100, seed=1))
fit.report("report.html", title="A title")
fit.comparisons({"x": 2}, by="g", comparison="ratio", prob=0.5).plot(figsize=(4, 3)).figure.savefig("ratios.png")
effects: pd.DataFrame = fit.slopes("x", average=False, new=data)
print(fit.predictions(["x"], group_effects=False).draws.mean(), effects["pd"])
fit.save("fit.nc")
fit.idata_with("log_likelihood", "prior").to_netcdf("idata.nc")
loaded = sh.load("fit.nc")
pooled = sh.pooling("y ~ x", data, group="g", seed=1)
pooled.plot()
for name, one in sh.fit_many({"a": model}, seed=1, chains=2):
    print(name, one.summary())
sh.fit_many(((str(k), sh.LinearRegression("y ~ x", data)) for k in range(3)), folder="fits")
sh.fit_many({"a": lambda: model, "b": model}).names.index("a")
sh.fit_many([(k, partial(sh.LinearRegression, "y ~ x", data)) for k in range(3)], progress=False).collect().failures
sh.fit_many("y ~ x + (1 | g)", data, by="product", priors={"sigma": sh.Exponential(1)}, seed=1).summary().loc["a"]
for name, one in sh.fit_many("y ~ x", "rows/*.parquet", by=["shop", "day"], se="se", folder="fits", chains=2):
    print(name, one.loo())
"""
WRONG = {
    "fit.plot_forest(probb=0.9)": 'Unexpected keyword argument "probb"',
    "model.sample(sed=1)": 'Unexpected keyword argument "sed"',
    'fit.predict(data, kind="mu")': "No overload variant",
    'model.sample(chains="four")': 'Argument "chains"',
    'fit.loo(groups="g")': 'Unexpected keyword argument "groups"',
    "model.optimize(chains=4)": 'Unexpected keyword argument "chains"',
    "model.pathfinder(iter_warmup=4)": 'Unexpected keyword argument "iter_warmup"',
    'fit.comparisons("x", comparison="odds")': 'Argument "comparison"',
    'fit.slopes("x", contrast=1)': 'Unexpected keyword argument "contrast"',
    "fit.save()": "Too few arguments",
    "fit.plot_densities()": 'has no attribute "plot_densities"',
    'sh.fit_many({"a": model}, sed=1)': 'Unexpected keyword argument "sed"',
    'sh.fit_many({"a": model}, by="g")': 'No overload variant of "fit_many"',
    'sh.fit_many({"a": 3})': 'Dict entry 0 has incompatible type "str": "int"',
    'sh.fit_many("y ~ x", data)': 'No overload variant of "fit_many"',
    'sh.fit_many("y ~ x", data, by=3)': 'No overload variant of "fit_many"',
    'sh.fit_many("y ~ x", data, by="g", chians=2)': 'Unexpected keyword argument "chians"',
    "fit.summary(hdi_prob=0.9)": 'Unexpected keyword argument "hdi_prob"',
    'fit.summary(kind="mean")': 'Argument "kind"',
    'sh.compare({"a": fit, "b": fit}, metod="stacking")': 'Unexpected keyword argument "metod"',
    "fit.kfold(kk=3)": 'Unexpected keyword argument "kk"',
    'sh.LinearRegression("y ~ x", data, prior={})': 'Unexpected keyword argument "prior"',
    'sh.LinearRegression("y ~ x", data, {})': "Too many positional arguments",
    'sh.pooling("y ~ x", data, grup="g")': 'Unexpected keyword argument "grup"',
    'sh.load("fit.nc", contexts={})': 'Unexpected keyword argument "contexts"',
}


def checked(folder, text):
    """What mypy, as strict as it can be, says of a user's script."""
    script = folder / "script.py"
    script.write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", f"--config-file={ROOT / 'pyproject.toml'}", str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def said_of_wrong(tmp_path_factory):
    return checked(tmp_path_factory.mktemp("wrong"), RIGHT + "\n".join(WRONG) + "\n")


@pytest.mark.slow
def test_a_right_script_passes(tmp_path):
    assert checked(tmp_path, RIGHT)[-1].startswith("Success")


@pytest.mark.slow
def test_every_slip_is_found_at_its_line(said_of_wrong):
    first = len(RIGHT.splitlines()) + 1
    for line, (slip, words) in enumerate(WRONG.items(), start=first):
        told = [said for said in said_of_wrong if f"script.py:{line}: error:" in said]
        assert told, slip
        assert words in told[0], slip
    lines = {said.split(":")[1] for said in said_of_wrong if ": error:" in said}
    assert len(lines) == len(WRONG)  # of a function with several signatures mypy says the same slip twice


METHODS = [
    *((sh.Fit, name) for name in vars(sh.Fit) if name.startswith(("plot_", "p", "l", "k", "g", "s", "u", "r"))),
    *((sh.LinearRegression, name) for name in ("sample", "optimize", "laplace", "sample_prior", "plot_prior")),
]


@pytest.mark.parametrize(("owner", "name"), METHODS, ids=lambda value: getattr(value, "__name__", value))
def test_a_method_has_a_signature_and_a_docstring_of_its_own(owner, name):
    method = getattr(owner, name)
    parameters = inspect.signature(method).parameters
    assert "args" not in parameters
    assert not [p for p in parameters.values() if p.annotation is p.empty and p.name != "self"]
    text = inspect.getdoc(method)
    assert len(text.splitlines()) > 1
    assert " see `" not in text.splitlines()[0]


def test_completion_offers_the_public_names_alone():
    assert dir(sh) == sorted([*sh.__all__, "datasets"])
