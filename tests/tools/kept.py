"""Fits that version 0.1.0 saved before its code was laid out in rooms, and what it made of them.

`tests/storage/kept/*.nc` are saved fits, one of each kind, and `expected.npz` holds what `outcomes` gave for them then;
the quantiles of groups, which were solved for to 1e-5 of their probability, are within 3e-9 of the root; new
observations and effects of new groups are as their random numbers are since these follow from rows and labels alone.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import stanhier as sh

__all__ = ["FOLDER", "KINDS", "loaded", "outcomes"]

FOLDER = Path(__file__).resolve().parents[1] / "storage" / "kept"
KINDS = sorted(path.stem for path in FOLDER.glob("*.nc"))


def double(x):
    return 2 * x


def loaded(kind, path=None):
    context = {"double": double} if kind == "own_function" else None
    return sh.load(FOLDER / f"{kind}.nc" if path is None else path, context=context)


def new_rows(kind):
    rows = pd.DataFrame({"x": [0.5, -1.0, 2.0], "z": [90.0, 110.0, 100.0], "ok": [True, False, True], "y": [1.0, 2, 3]})
    rows["c"] = pd.Categorical(["a", "c", "e"], categories=list("abcde"))
    rows["g"], rows["school"], rows["se"] = [3, 900, 3], ["C", "new", "C"], [1.0, 2.0, 3.0]
    return rows


def outcomes(kind, fit):
    """What a fit gives, as arrays by name: all that needs no sampling."""
    found = {f"posterior {name}": array.to_numpy() for name, array in fit.posterior.data_vars.items()}
    rows, grouped = new_rows(kind), "sigma_alpha" in fit.posterior
    if kind == "laplace":
        rows["c"] = pd.Categorical(["a", "c", "e"])
    for how in ("mean",) if kind == "errors_as_values" else ("mean", "response"):
        found[f"predict {how}"] = fit.predict(rows, kind=how, new_groups="sample", prob=0.8).to_numpy()
        found[f"draws {how}"] = fit.predict_draws(rows, kind=how, new_groups="sample", seed=5).to_numpy()
    table = fit.diagnose().table
    if table.index.str.endswith("(predictors at their means)").any():  # the intercept at 0 was not in it then
        table = table.drop(index=["alpha", "mu_alpha"], errors="ignore")
    found["diagnosis"] = table.to_numpy(dtype=float)
    if grouped:
        found["groups"] = fit.group_summary(at=0, prob=0.8).to_numpy()
        found["group draws"] = fit.group_draws(list(fit.model.design.group.levels[[2, 0]])).to_numpy()
    if kind == "streamed":
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.SamplingWarning)
        for by in ["row", *(["group"] if grouped else [])]:
            left_out = fit.loo(by=by)
            found |= {f"loo {by}": left_out.elpd_i.to_numpy(), f"k {by}": left_out.pareto_k.to_numpy()}
        replicated = fit.posterior_predictive(draws=4, seed=2)["posterior_predictive"]["y"]
        found["replicated"] = replicated.to_numpy()
        if grouped and kind != "laplace":
            name = fit.model.design.group.name
            rows[name] = "Z" if kind == "schools" else 777
            updated = fit.update_group(rows)
            found["updated"] = np.stack([updated.posterior[n].to_numpy() for n in ("mu_alpha", "sigma_alpha")])
            found["updated group"] = updated.group_summary([rows[name][0]], at=0).to_numpy()
    return found
