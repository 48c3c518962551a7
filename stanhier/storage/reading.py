"""The parts of a file of a fit, read and checked; nothing in it is executed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.engines.draws import Draws
from stanhier.priors.records import from_dict
from stanhier.storage import hdf, row_labels
from stanhier.storage.columns import SAID, StoredArray, restored_column
from stanhier.storage.description import description_from

if TYPE_CHECKING:
    import h5py
    import xarray as xr

__all__ = ["StoredFit", "read"]

_MADE_ANEW = {"posterior", "observed_data", "constant_data"}
"""Groups for other programs: a fit makes them of the others."""
_ROW_LABELS = "stanhier_row_labels"
_READ = ("sample_stats", "stanhier_draws", "stanhier_data", _ROW_LABELS, "stanhier_compressed")
_BOOLEAN = {"diverging", "reached_max_treedepth"}


@dataclass(frozen=True)
class StoredFit:
    """What a file holds.

    Attributes
    ----------
    groups : dict of dict of arrays
        Those that a fit is made of, by name.
    attributes : dict of str or number
        Of the group stanhier_compressed.
    added : dict of xarray.Dataset
        The groups that were added to the fit, such as posterior_predictive.
    description : dict
        Formula, priors and whatever else is not an array.
    """

    groups: dict[str, dict[str, StoredArray]]
    attributes: dict[str, Any]
    added: dict[str, "xr.Dataset"]
    description: dict[str, Any]

    def frame(self) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Give the columns that the model uses, and what rows have beside them: `se`, `weights`, `offset`, `trials`."""
        frame, beside = _read_frame(self.groups["stanhier_data"])
        labels = self.groups.get(_ROW_LABELS)  # files of earlier versions have none
        if labels is not None:
            frame.index = row_labels.from_arrays(labels, len(frame))
        return frame, beside

    def compressed(self) -> "xr.Dataset | None":
        """Give what was learnt and compressed of rows that were never in memory, if that is how the model was made."""
        import xarray as xr

        stored = self.groups.get("stanhier_compressed")
        if stored is None:
            return None
        # Of the dimensions nobody asks but how many there are.
        arrays = {k: (tuple(f"{k}_{d}" for d in range(a.values.ndim)), a.values) for k, a in stored.items()}
        return xr.Dataset(arrays, attrs=self.attributes)

    def priors(self) -> dict[str, Any]:
        """Give the priors as a model takes them."""
        return _read_priors(self.description["priors"])

    def draws(self) -> Draws:
        """Give the draws."""
        said = self.description
        return Draws(
            values={name: stored.values for name, stored in self.groups["stanhier_draws"].items()},
            statistics={
                name: stored.values.astype(bool) if name in _BOOLEAN else stored.values
                for name, stored in self.groups["sample_stats"].items()
            },
            failed_chains={int(chain): reason for chain, reason in said["failed_chains"].items()},
            **{name: said[name] for name in ("seed", "max_treedepth", "cmdstan", "method", "pareto_k")},
        )


def read(source: Path) -> StoredFit:
    """Read a file.

    Raises
    ------
    StanhierError
        If it is damaged, of another program or of a newer version of stanhier.
    """
    try:
        with hdf.opened(source) as file:
            if "stanhier" not in file.attrs:
                raise StanhierError(f"{source} was not written by stanhier; arviz.from_netcdf may read it.")
            description = description_from(hdf.text_attribute(file, "stanhier"), source)
            # A column of the formula has a letter and a sign; standard errors and the rows themselves are not in it.
            if "stanhier_data" in file and len(file["stanhier_data"]) > len(description["formula"]) / 2 + 3:
                raise ValueError("it has columns that the formula does not use")
            groups, added = _checked_groups(file, hdf.Room(source.stat().st_size))
            arrays = {name: _arrays(file[name]) for name in groups}
            attributes = _attributes(file["stanhier_compressed"]) if "stanhier_compressed" in groups else {}
        return StoredFit(arrays, attributes, {name: _dataset(source, name) for name in added}, description)
    except StanhierError:
        raise
    except PermissionError as err:
        raise StanhierError(f"{source} cannot be read: {err.strerror}.") from err
    except Exception as err:  # whatever the readers raise at a damaged file means the same here
        raise StanhierError(f"{source} is not a netCDF file, or it is damaged: {str(err)[:300]}") from err


def _checked_groups(file: "h5py.File", room: hdf.Room) -> tuple[list[str], list[str]]:
    """Check all of a file, and give the names of the groups that a fit is made of, and of those that were added."""
    import h5py

    hdf.check_group(file, room, nested=True)
    names = [name for name in file if file.get(name, getclass=True) is h5py.Group]
    own = [name for name in names if name in _READ]
    added = [name for name in names if name not in _READ and name not in _MADE_ANEW]
    if sum(len(file[name]) for name in added) > hdf.MOST_ADDED:
        raise ValueError(f"more than {hdf.MOST_ADDED:,} arrays were added to the fit")
    for name in names:
        hdf.check_group(file[name], room, nested=name in added)
    # Of columns there are as few as the formula names; levels of labels are whatever the user's rows had.
    for name in [*added, *({_ROW_LABELS} & set(own))]:
        hdf.check_attributes(file[name], room)
        for item in file[name].values():
            if isinstance(item, h5py.Dataset):
                hdf.check_attributes(item, room)
                hdf.check_texts(item, room)
    return own, sorted(added)


def _arrays(group: "h5py.Group") -> dict[str, StoredArray]:
    """Read the arrays of a group, but for those that only label or name its dimensions."""
    found = {}
    for name in group:
        if name not in ("chain", "draw") and not hdf.is_dimension(group[name]):
            wanted = [key for key in ("column", "name", *SAID) if key in group[name].attrs]
            said = {key: hdf.text_attribute(group[name], key) for key in wanted}
            found[name] = StoredArray(hdf.array(group, name), said)
    return found


def _attributes(group: "h5py.Group") -> dict[str, Any]:
    """Read the attributes of a group of compressed rows: one or two numbers and a text."""
    numbers = {}
    for name in ("n_rows", "log_weights"):
        if name not in group.attrs:  # whoever needs it says so
            continue
        attribute = group.attrs.get_id(name)
        if attribute.dtype.kind not in "iuf" or attribute.shape not in ((), (1,)):
            raise ValueError(f"the attribute {name} of {group.name} is no number")
        numbers[name] = np.ravel(group.attrs[name])[0]
    return {**numbers, "moments": hdf.text_attribute(group, "moments")}


def _dataset(source: Path, name: str) -> "xr.Dataset":
    """Read a group that was added, with xarray, which gives dates and truth values back as they were."""
    import xarray as xr

    dates = xr.coders.CFDatetimeCoder(use_cftime=False)
    with xr.open_dataset(source, engine="h5netcdf", group=name, decode_times=dates) as opened:
        return opened.load()


def _read_priors(records: dict[str, Any]) -> dict[str, Any]:
    return {k: from_dict(v) if isinstance(v.get("prior"), str) else _read_priors(v) for k, v in records.items()}


_BESIDE = frozenset({"se", "weights", "offset", "trials"})
"""What rows may have without a column."""


def _read_frame(stored: dict[str, StoredArray]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    columns: dict[str, Any] = {}
    (n_rows,) = {len(one.values) for one in stored.values() if one.values.ndim == 1}
    for key, one in stored.items():
        if key not in _BESIDE:
            columns[one.said["column"]] = restored_column(one, key)
        elif one.values.ndim != 1:
            raise ValueError(f"{key} of shape {one.values.shape}")
    if len(columns) != len(stored.keys() - _BESIDE):
        raise ValueError("two columns of one name")
    frame = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()}, index=pd.RangeIndex(n_rows))
    return frame, {name: stored[name].values for name in _BESIDE & stored.keys()}
