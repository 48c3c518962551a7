"""A streamed design as arrays and back: what was learnt and compressed, since its rows are nowhere."""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.design.block_encoding import Beside, encoding_of
from stanhier.design.groupings import Grouping
from stanhier.design.learning import Learnt
from stanhier.design.moments import Moments
from stanhier.design.streamed import StreamedDesign, design_from
from stanhier.design.whole_columns import whole_columns
from stanhier.engines.building import reducer_of
from stanhier.families.family import Family
from stanhier.formula.parse import ParsedFormula
from stanhier.storage.labels import labels_from_json, labels_to_json

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["from_dataset", "to_dataset"]


def to_dataset(design: StreamedDesign) -> "xr.Dataset":
    """Give all of a streamed design but its `kinds`, which are a frame like that of any design.

    Raises
    ------
    StanhierError
        If the labels of the groups are of a type that a file cannot hold.
    """
    import xarray as xr

    plain = reducer_of(design.formula, design.family).plain(design.reduced)
    variables: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, value in plain.items():
        if np.ndim(value):
            variables[name] = ([f"{name}_{axis}" for axis in range(np.ndim(value))], value)
        else:
            attributes[name] = value
    for variable, grouping in zip(_labels(len(design.groupings)), design.groupings, strict=True):
        text = labels_to_json(grouping.levels, grouping.name)
        # Attributes of a netCDF file are small; there may be a million groups.
        variables[variable] = (f"{variable}_byte", np.frombuffer(text.encode(), dtype=np.uint8))
    moments = {
        call: [m.n, m.reference.tolist(), m.mean.tolist(), m.squares.tolist()]
        for call, m in design.encoding.learnt.moments.items()
    }
    attributes["moments"] = json.dumps(moments)
    return xr.Dataset(variables, attrs=attributes)


def from_dataset(
    formula: ParsedFormula, stored: "xr.Dataset", kinds: pd.DataFrame, beside: Beside, family: Family
) -> StreamedDesign:
    """Read what `to_dataset` gave.

    Raises
    ------
    ValueError
        If what was made of the rows is of other groups or effects than those of the formula and the labels.
    """
    calls = [whole.call for whole in whole_columns(formula)]
    former = {_former_name(call): call for call in calls}
    moments = {
        call if call in calls else former.get(call, call): Moments(
            n, np.array(reference), np.array(mean), np.array(squares)
        )
        for call, (n, reference, mean, squares) in json.loads(stored.attrs["moments"]).items()
    }
    arrays = {str(name): variable.to_numpy() for name, variable in stored.data_vars.items()}
    reducer = reducer_of(formula, family)
    reduced = reducer.from_plain({**stored.attrs, **arrays})
    encoding = encoding_of(formula, Learnt(kinds, moments), family)
    texts = [stored[name].to_numpy().tobytes().decode() for name in _labels(len(encoding.effects))]
    levels = [labels_from_json(text) for text in texts]
    design = design_from(encoding, reduced, reducer.n_rows(reduced), levels, beside)
    _check_groups(arrays, design.groupings)
    if len(arrays["mean"]) != encoding.columns.n_columns + 1:
        raise ValueError(f"{len(arrays['mean'])} means of {encoding.columns.n_columns + 1} columns")
    return design


def _check_groups(arrays: dict[str, np.ndarray], groupings: Sequence[Grouping]) -> None:
    """Refuse numbers of groups, blocks and effects that are not those of the factors."""
    levels = [len(grouping.levels) for grouping in groupings]
    if "n_levels" not in arrays:
        if groupings and [len(arrays["weights"])] != levels:
            raise ValueError(f"{len(arrays['weights'])} groups with {levels[0]} labels")
        return
    expected = {
        "n_levels": levels,
        "n_blocks": [len(grouping.blocks) for grouping in groupings],
        "blocks": [size for grouping in groupings for size in grouping.blocks],
        "columns": [column for grouping in groupings for column in grouping.columns],
    }
    for name, numbers in expected.items():
        if name in arrays and arrays[name].tolist() != numbers:
            raise ValueError(f"{name} {arrays[name].tolist()} in place of {numbers}")


def _labels(n_factors: int) -> list[str]:
    """Name what holds the labels of each factor; the first has the name that it has alone."""
    return ["labels" if term == 0 else f"labels_{term}" for term in range(n_factors)]


def _former_name(call: str) -> str:
    """Give the name under which earlier versions kept what a call with a name in backticks had learnt."""
    return re.sub(r"`([^`]*)`", lambda match: re.sub(r"\W", "_", match[1]), call)
