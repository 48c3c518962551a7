"""The parts of a file of a fit, read and checked; nothing in it is executed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.engines.draws import Draws
from stanhier.priors.records import from_dict
from stanhier.storage.contents import check_contents
from stanhier.storage.labels import labels_from_json
from stanhier.storage.netcdf import FORMAT

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["StoredFit", "read"]

_OWN_GROUPS = {
    "posterior",
    "sample_stats",
    "observed_data",
    "constant_data",
    "stanhier_draws",
    "stanhier_data",
    "stanhier_compressed",
}


@dataclass(frozen=True)
class StoredFit:
    """What a file holds.

    Attributes
    ----------
    tree : xarray.DataTree
    description : dict
        Formula, priors and whatever else is not an array.
    """

    tree: "xr.DataTree"
    description: dict[str, Any]

    def frame(self) -> tuple[pd.DataFrame, np.ndarray | None]:
        """Give the columns that the model uses, and standard errors that were no column."""
        return _read_frame(self.tree["stanhier_data"].to_dataset())

    def compressed(self) -> "xr.Dataset | None":
        """Give what was learnt and compressed of rows that were never in memory, if that is how the model was made."""
        return self.tree["stanhier_compressed"].to_dataset() if "stanhier_compressed" in self.tree else None

    def priors(self) -> dict[str, Any]:
        """Give the priors as a model takes them."""
        return _read_priors(self.description["priors"])

    def draws(self) -> Draws:
        """Give the draws."""
        return _read_draws(self.tree, self.description)

    def others(self) -> dict[str, "xr.Dataset"]:
        """Give the groups that were added to the fit, such as posterior_predictive."""
        return {name: self.tree[name].to_dataset() for name in sorted(set(self.tree.children) - _OWN_GROUPS)}


def read(source: Path) -> StoredFit:
    """Read a file.

    Raises
    ------
    StanhierError
        If it is damaged, of another program or of a newer version of stanhier.
    """
    import xarray as xr

    try:
        check_contents(source)
        with xr.open_datatree(source, engine="h5netcdf") as opened:
            tree = opened.load()
    except Exception as err:  # whatever the readers raise at a damaged file means the same here
        raise StanhierError(f"{source} is not a netCDF file, or it is damaged: {err}") from err
    return StoredFit(tree, _read_description(tree, source))


def _read_description(contents: "xr.DataTree", source: Path) -> dict[str, Any]:
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


def _read_priors(records: dict[str, Any]) -> dict[str, Any]:
    return {k: from_dict(v) if isinstance(v.get("prior"), str) else _read_priors(v) for k, v in records.items()}


def _read_draws(contents: "xr.DataTree", description: dict[str, Any]) -> Draws:
    stored = contents["stanhier_draws"].to_dataset()
    statistics = contents["sample_stats"].to_dataset()
    return Draws(
        values={str(name): variable.to_numpy() for name, variable in stored.data_vars.items()},
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


def _read_frame(stored: "xr.Dataset") -> tuple[pd.DataFrame, np.ndarray | None]:
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
