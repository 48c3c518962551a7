"""Fits as netCDF files: everything that is needed to go on with a fit, readable by any netCDF tool."""

import json
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.files import write_for_user
from stanhier.basics.paths import checked_path, refuse_other_formats
from stanhier.basics.version import VERSION
from stanhier.design.in_memory import InMemoryDesign
from stanhier.design.streamed import StreamedDesign
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.priors.distributions import Prior
from stanhier.priors.records import to_dict
from stanhier.stan.rendered import RenderedProgram
from stanhier.storage import row_labels, streamed
from stanhier.storage.checksum import checksum
from stanhier.storage.columns import stored_column

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["ENGINES", "FORMAT", "OWN", "TEXTBOOK", "contents_of", "save"]

FORMAT = 2
OWN, TEXTBOOK = ENGINES = ("own", "textbook")
"""Engines by the words that files have for them: what the model has by itself, and its textbook program."""

_OTHER_FORMATS = frozenset(
    ".pkl .pickle .joblib .csv .tsv .json .yaml .yml .parquet .feather .arrow .zarr .npz .npy .rds .rda .xlsx .html "
    ".pdf .stan .zip".split()
)
"""HDF5 is none: netCDF files are of that format."""

_HABITS = dict.fromkeys(("overwrite", "mode"), "A file of that name is always replaced, whole or not at all.")


@in_our_words(_HABITS)
def save(fit: Fitted[Regression], path: str | PathLike[str]) -> None:
    """Save the fit as one netCDF file, which `stanhier.load` reads and any netCDF tool can open.

    The labels of the rows, the index of the data, are kept, of one level or more: text, numbers, truth values, dates
    with their time zone, durations, intervals and categories as what they are, anything else as text, with a warning.

    Behind its last byte stands a checksum by which `stanhier.load` finds damage; a tool that changes the file removes
    it.

    Parameters
    ----------
    path : path
        Written beside itself and renamed, so a file of that name is replaced whole or not at all. A link stays, and
        the file that it leads to is replaced.

    Raises
    ------
    StanhierError
        If `path` is no path or ends as files of another format do, such as ".pkl"; if something else than a file is
        there, or the file cannot be written.

    Warns
    -----
    UserWarning
        If labels of rows are kept as text.
    """
    target = checked_path(path, "save() needs the path of a file")
    refuse_other_formats(target, _OTHER_FORMATS, method="save", kind="netCDF", suffix=".nc")
    write_for_user(target, *contents_of(fit), failed="The fit cannot be saved as")


def contents_of(fit: Fitted[Regression], attributes: dict[str, str] | None = None) -> tuple[memoryview, bytes]:
    """Give the contents of the file of a fit, and the checksum that belongs behind them.

    Parameters
    ----------
    fit : Fitted
    attributes : dict of str, optional
        Of the file, beside those that `save` gives it.

    Raises
    ------
    StanhierError
        If labels are of a type that a file cannot hold.
    """
    import xarray as xr

    # Added groups may have been read from other files: how these were compressed is nothing of ours.
    tree = fit.idata.map_over_datasets(lambda dataset: dataset.drop_encoding())
    tree["stanhier_draws"] = xr.DataTree(_draws_dataset(fit.draws))
    tree["stanhier_data"] = xr.DataTree(_frame_dataset(fit.model))
    labels = None if fit.model.in_memory is None else row_labels.to_dataset(fit.model.in_memory.frame.index)
    if labels is not None:
        tree["stanhier_row_labels"] = xr.DataTree(labels)
    if isinstance(fit.model.design, StreamedDesign):
        tree["stanhier_compressed"] = xr.DataTree(streamed.to_dataset(fit.model.design))
    tree.attrs |= {"stanhier": json.dumps(_description(fit)), **(attributes if attributes is not None else {})}
    # In memory first: on a disk that fills up HDF5 can neither finish a file nor close it.
    made: memoryview = tree.to_netcdf(engine="h5netcdf")
    return made, checksum(made)


def _description(fit: Fitted[Regression]) -> dict[str, Any]:
    model = fit.model
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": type(model).__name__,
        "formula": model.formula,
        "family": [model.family.name, model.family.link],
        "nu": model.family.fixed.get("nu"),
        "offset": _named(model.design.offset_name, given=model.design.has_offset),
        "trials": model.design.trials_constant or _named(model.design.trials_name, given=model.family.takes_trials),
        "sigma": model.noise.fixed,
        **{name: _noise_by(model, name) for name in ("se", "weights")},
        "priors": _prior_records(model.priors),
        "functions": sorted(model.design.formula.context),
        "left_out": None if model.design.left_out is None else asdict(model.design.left_out),
        "means": model.engine.moments.mean.tolist() if model.design.formula.context else None,
        "engine": TEXTBOOK if isinstance(model.engine.program, RenderedProgram) else OWN,
        "stages": list(model.stages),
        "seed": fit.draws.seed,
        "max_treedepth": fit.draws.max_treedepth,
        "cmdstan": fit.draws.cmdstan,
        "method": fit.draws.method,
        "pareto_k": fit.draws.pareto_k,
        "failed_chains": fit.failed_chains,
    }


def _prior_records(priors: dict[str, Any]) -> dict[str, Any]:
    return {k: to_dict(v) if isinstance(v, Prior) else _prior_records(v) for k, v in priors.items()}


def _draws_dataset(draws: Draws) -> "xr.Dataset":
    import xarray as xr

    return xr.Dataset(
        {name: (("chain", "draw", f"{name}_number")[: values.ndim], values) for name, values in draws.values.items()}
    )


def _frame_dataset(model: Regression) -> "xr.Dataset":
    """Store the columns that the model uses; names go into attributes, since netCDF does not allow every one."""
    import xarray as xr

    variables: dict[str, Any] = {}
    design = model.design
    # Text that is a predictor and the groups is read back as text, so that the labels are as they were.
    text = {
        grouping.name
        for grouping in design.groupings
        if isinstance(design, InMemoryDesign)
        and grouping.name in design.formula.columns
        and not isinstance(grouping.levels, pd.CategoricalIndex)
    }
    for k, (name, column) in enumerate(model.design.kinds.items()):
        values, said = stored_column(column, str(name), as_categories=name not in text)
        variables[f"column_{k}"] = ("row", values, {"column": str(name), **said})
    variables |= {what: ("row", given) for what, own, given in _beside(model) if own is None and given is not None}
    return xr.Dataset(variables)


def _beside(model: Regression) -> list[tuple[str, str | None, np.ndarray | None]]:
    """Give what rows in memory have beside the formula: what it is, its column if it has one, and the values."""
    design = model.in_memory
    if design is None:
        return []
    trials = design.trials if design.trials_constant is None else None
    noise = design.row_noise
    by_row = [] if noise is None else [(noise.argument, noise.column, noise.values)]
    return [
        *by_row,
        ("offset", design.offset_name, design.whole_offset),
        ("trials", design.trials_name, trials),
    ]


def _noise_by(model: Regression, argument: str) -> str | bool:
    """Give the column of standard errors or weights, or whether rows have these without one."""
    noise = model.design.row_noise
    if noise is None or noise.argument != argument:
        return False
    return _named(noise.column, given=True)


def _named(column: str | None, *, given: bool) -> str | bool:
    """Give the column, or whether values were given without one."""
    return given if column is None else column
