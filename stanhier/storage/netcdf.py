"""Fits as netCDF files: everything that is needed to go on with a fit, readable by any netCDF tool."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from stanhier import models
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted, shortened
from stanhier.design.streamed import StreamedDesign
from stanhier.engines.draws import Draws
from stanhier.fit import Fit
from stanhier.formula.expressions import checked_context
from stanhier.formula.parse import parse
from stanhier.posterior.new_groups import extend
from stanhier.priors.distributions import Prior, from_dict, to_dict
from stanhier.storage import streamed
from stanhier.storage.contents import check_contents, check_draws
from stanhier.storage.labels import labels_from_json, labels_to_json

if TYPE_CHECKING:
    from stanhier.models import Model

__all__ = ["load", "save"]

FORMAT = 2
_OWN_GROUPS = {
    "posterior",
    "sample_stats",
    "observed_data",
    "constant_data",
    "stanhier_draws",
    "stanhier_data",
    "stanhier_compressed",
}
_MODELS: dict[str, type["Model"]] = {
    "LinearRegression": models.LinearRegression,
    "VaryingIntercept": models.VaryingIntercept,
}


def save(fit: Fit, path: str | PathLike[str]) -> None:
    """Save a fit; see `Fit.save`."""
    target = Path(path)
    contents = fit.idata.copy()
    description = json.dumps(_description(fit))
    contents["stanhier_draws"] = xr.DataTree(_draws_dataset(fit.draws))
    contents["stanhier_data"] = xr.DataTree(_frame_dataset(fit.model))
    if isinstance(fit.model.design, StreamedDesign):
        contents["stanhier_compressed"] = xr.DataTree(streamed.to_dataset(fit.model.design))
    contents.attrs["stanhier"] = description
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
        try:
            contents.to_netcdf(name, engine="h5netcdf")
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except (OSError, RuntimeError) as err:  # HDF5 reports some failures to write as RuntimeError
        raise StanhierError(f"The fit cannot be saved as {target}: {err}.") from err


def load(path: str | PathLike[str], *, context: Mapping[str, Callable[..., Any]] | None = None) -> Fit:
    """Load a fit that `Fit.save` wrote. Nothing in the file is executed.

    Parameters
    ----------
    path : path
    context : mapping of functions by name, optional
        The functions that the model was made with, if it was made with any: a file holds their names alone.

    Returns
    -------
    Fit
        It predicts, summarises and plots as the saved one did.

    Raises
    ------
    StanhierError
        If the file is missing, damaged, of another program or of a newer version of stanhier; if the model needs
        functions that `context` does not have, or these give other values than when the fit was saved.
    """
    try:
        source = Path(path)
        is_file = source.is_file()
    except TypeError:
        raise StanhierError(
            f"load() needs the path of a file that Fit.save wrote, not {type(path).__name__} ({quoted(path, 60)})."
        ) from None
    except (ValueError, OSError):  # no path of any file: too long, or with signs that none has
        source, is_file = Path("-"), False
    if not is_file:
        raise StanhierError(f"There is no file {shortened(str(path))}.")
    try:
        check_contents(source)
        with xr.open_datatree(source, engine="h5netcdf") as opened:
            contents = opened.load()
    except Exception as err:  # whatever the readers raise at a damaged file means the same here
        raise StanhierError(f"{source} is not a netCDF file, or it is damaged: {err}") from err
    description = _read_description(contents, source)
    _check_context(description, context, source)
    try:
        fit = _rebuild(contents, description, context)
    except Exception as err:  # what was saved can be rebuilt, so the file or a function has been changed since
        what = "cannot be rebuilt with the functions in `context`" if description["functions"] else "is damaged"
        raise StanhierError(f"{source} {what}: {type(err).__name__}: {err}.") from err
    means, compressed = description["means"], fit.model.compressed
    if means is not None and means.shape != compressed.mean.shape:
        raise StanhierError(f"{source} is damaged: {means.shape} means.")
    if means is not None and (np.abs(compressed.mean - means) > 1e-9 * (np.abs(means) + compressed.sd)).any():
        raise StanhierError(
            f"{source}: the functions in `context` give other values than those that the fit was made with; "
            "load it with the same ones."
        )
    return fit


def _check_context(description: dict[str, Any], context: Any, source: Path) -> None:
    missing = sorted(set(description["functions"]) - set(checked_context(context)))
    if missing:
        listed = ", ".join(f'"{name}": {name}' for name in missing)
        raise StanhierError(
            f"{source} holds a fit of {quoted(description.get('formula'))}, which calls functions that a file cannot "
            f"hold; define them and give them to load(..., context={{{listed}}})."
        )


def _description(fit: Fit) -> dict[str, Any]:
    from stanhier import __version__

    model = fit.model
    return {
        "format": FORMAT,
        "version": __version__,
        "model": type(model).__name__,
        "formula": model.formula,
        "sigma": None if model.design.has_errors else model.sigma,
        "se": model.design.se_name if model.design.se_name is not None else model.design.has_errors,
        "priors": _prior_records(model.priors),
        "functions": sorted(model.design.formula.context),
        "means": model.compressed.mean.tolist() if model.design.formula.context else None,
        "stages": list(model.stages),
        "seed": fit.draws.seed,
        "max_treedepth": fit.draws.max_treedepth,
        "cmdstan": fit.draws.cmdstan,
        "method": fit.draws.method,
        "pareto_k": fit.draws.pareto_k,
        "failed_chains": fit.failed_chains,
    }


def _read_description(contents: xr.DataTree, source: Path) -> dict[str, Any]:
    if "stanhier" not in contents.attrs:
        raise StanhierError(f"{source} was not written by stanhier; arviz.from_netcdf may read it.")
    try:
        description: dict[str, Any] = dict(json.loads(contents.attrs["stanhier"]))
        newer = description["format"] > FORMAT
        description["functions"] = [str(name) for name in description.get("functions", [])]
        means = description.get("means")
        description["means"] = None if means is None else np.array(means, dtype=float)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as err:
        raise StanhierError(f"{source} is damaged: {type(err).__name__}: {err}.") from err
    if newer:
        raise StanhierError(
            f"{source} was written by stanhier {description.get('version', '')}, in a newer format than this version "
            "reads; upgrade with `pip install --upgrade stanhier`."
        )
    return description


def _rebuild(
    contents: xr.DataTree, description: dict[str, Any], context: Mapping[str, Callable[..., Any]] | None
) -> Fit:
    frame, se = _read_frame(contents["stanhier_data"].to_dataset())
    known_se = description["se"]
    first, *later = stages = description["stages"]
    if stages != sorted(set(stages)) or first < 1:
        raise ValueError(f"stages {stages}")
    data: Any = frame.iloc[:first]
    if "stanhier_compressed" in contents:
        compressed = contents["stanhier_compressed"].to_dataset()
        data = streamed.from_dataset(parse(description["formula"]), compressed, frame, known_se if known_se else None)
    model: Model = _MODELS[description["model"]](
        description["formula"],
        data,
        priors=_read_priors(description["priors"]),
        sigma=description["sigma"],
        se=known_se if isinstance(known_se, str) else se,
        context=context,
    )
    for start, end in pairwise([first, *later]):
        model = extend(model, frame.iloc[start:end])
    draws = _read_draws(contents, description)
    check_draws(draws, len(model.whitening.location_hat), grouped=model.grouped)
    fit = Fit(model, draws)
    for name in set(contents.children) - _OWN_GROUPS:
        fit.idata[name] = contents[name]
    return fit


def _prior_records(priors: dict[str, Any]) -> dict[str, Any]:
    return {k: to_dict(v) if isinstance(v, Prior) else _prior_records(v) for k, v in priors.items()}


def _read_priors(records: dict[str, Any]) -> dict[str, Any]:
    return {k: from_dict(v) if isinstance(v.get("prior"), str) else _read_priors(v) for k, v in records.items()}


def _draws_dataset(draws: Draws) -> xr.Dataset:
    variables: dict[str, Any] = {"location": (("chain", "draw", "parameter"), draws.location)}
    variables["sigma"] = (("chain", "draw"), draws.sigma)
    if draws.sigma_alpha is not None:
        variables["sigma_alpha"] = (("chain", "draw"), draws.sigma_alpha)
    return xr.Dataset(variables)


def _read_draws(contents: xr.DataTree, description: dict[str, Any]) -> Draws:
    stored = contents["stanhier_draws"].to_dataset()
    statistics = contents["sample_stats"].to_dataset()
    return Draws(
        location=stored["location"].to_numpy(),
        sigma=stored["sigma"].to_numpy(),
        sigma_alpha=stored["sigma_alpha"].to_numpy() if "sigma_alpha" in stored else None,
        statistics={
            str(k): v.to_numpy().astype(bool) if k == "diverging" else v.to_numpy() for k, v in statistics.items()
        },
        seed=description["seed"],
        max_treedepth=description["max_treedepth"],
        cmdstan=description["cmdstan"],
        method=description["method"],
        pareto_k=description["pareto_k"],
        failed_chains={int(chain): str(reason) for chain, reason in description.get("failed_chains", {}).items()},
    )


def _frame_dataset(model: "Model") -> xr.Dataset:
    """Store the columns that the model uses; names go into attributes, since netCDF does not allow every one."""
    variables: dict[str, Any] = {}
    for k, (name, column) in enumerate(model.design.kinds.items()):
        attributes = {"column": str(name)}
        if isinstance(column.dtype, pd.CategoricalDtype):
            attributes["labels"] = labels_to_json(column.cat.categories, str(name))
            attributes["categorical"] = "ordered" if column.cat.ordered else "unordered"
            values = column.cat.codes.to_numpy()
        elif isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
            attributes["number"] = str(column.dtype)
            values = column.to_numpy()
        else:
            values, levels = pd.factorize(column, sort=True)
            attributes["labels"] = labels_to_json(pd.Index(levels), str(name))
        variables[f"column_{k}"] = ("row", values, attributes)
    if model.design.has_errors and model.design.se_name is None:
        variables["se"] = ("row", model.design.se)
    return xr.Dataset(variables)


def _read_frame(stored: xr.Dataset) -> tuple[pd.DataFrame, np.ndarray | None]:
    columns: dict[str, Any] = {}
    for key, variable in stored.items():
        if key == "se":
            continue
        values: Any = variable.to_numpy()
        if "labels" in variable.attrs:
            labels = labels_from_json(variable.attrs["labels"])
            if "categorical" in variable.attrs:
                ordered = variable.attrs["categorical"] == "ordered"
                values = pd.Categorical.from_codes(values, categories=labels, ordered=ordered)
            elif values.min() < 0:
                raise ValueError(f"code {values.min()} in {key}")
            else:
                values = labels[values]
        else:
            values = values.astype(variable.attrs["number"])
        columns[variable.attrs["column"]] = values
    n_rows = stored.sizes["row"]
    frame = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()}, index=pd.RangeIndex(n_rows))
    return frame, stored["se"].to_numpy() if "se" in stored else None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
