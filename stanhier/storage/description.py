"""What a file of a fit says of it in words: each of its fields of the kind that it should be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.families.known import FAMILIES, GAUSSIAN
from stanhier.storage.netcdf import ENGINES, FORMAT, OWN

__all__ = ["description_from"]


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < np.inf


def _are(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: type(value) is list and all(map(kind, value))


def _is_text(value: Any) -> bool:
    return type(value) is str


def _are_counts(value: Any) -> bool:
    """Tell whether these are counts of rows that were left out: of how many, how many, and for which columns."""
    return (
        type(value) is dict
        and value.keys() == {"n_rows", "n_left_out", "counts"}
        and type(value["counts"]) is dict
        and all(map(_is_whole, (value["n_rows"], value["n_left_out"], *value["counts"].values())))
    )


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "model": _is_text,
    "formula": _is_text,
    "family": lambda value: _are(_is_text)(value) and len(value) == 2 and value[0] in FAMILIES,
    "nu": lambda value: value is None or (_is_number(value) and value > 0),
    "offset": lambda value: type(value) in (bool, str),
    "trials": lambda value: type(value) in (bool, str) or (_is_whole(value) and value > 0),
    "sigma": lambda value: value is None or _is_number(value),
    "se": lambda value: type(value) in (bool, str),
    "weights": lambda value: type(value) in (bool, str),
    "left_out": lambda value: value is None or _are_counts(value),
    "priors": lambda value: type(value) is dict,
    "functions": _are(_is_text),
    "means": lambda value: value is None or _are(_is_number)(value),
    "engine": lambda value: _is_text(value) and value in ENGINES,
    "stages": lambda value: _are(_is_whole)(value) and value == sorted(set(value)) and value[:1] > [0],
    "seed": _is_whole,
    "max_treedepth": _is_whole,
    "cmdstan": lambda value: _is_text(value) and len(value) <= 100,
    "method": _is_text,
    "pareto_k": lambda value: value is None or type(value) in (int, float),
    "failed_chains": lambda value: type(value) is dict and all(_is_text(why) for why in value.values()),
}
_LATER: dict[str, Callable[[], Any]] = {
    "functions": list,
    "family": lambda: [GAUSSIAN.name, GAUSSIAN.link],
    "nu": lambda: None,
    "offset": lambda: False,
    "trials": lambda: False,
    "weights": lambda: False,
    "left_out": lambda: None,
    "means": lambda: None,
    "failed_chains": dict,
    "engine": lambda: OWN,
}
"""What files of earlier versions do not have."""


def description_from(text: str, source: Path) -> dict[str, Any]:
    """Read the description of a fit.

    Parameters
    ----------
    text : str
        As JSON.
    source : Path
        The file, for the errors.

    Returns
    -------
    dict
        By field; `means` as an array, if there are any.

    Raises
    ------
    StanhierError
        If it is damaged, or of a newer version of stanhier.
    """
    try:
        read = json.loads(text, object_pairs_hook=_without_repetition)
        if type(read) is not dict or not _is_whole(read["format"]):
            raise ValueError("there is no description of a fit in it")
        if read["format"] > FORMAT:
            raise StanhierError(
                f"{source} was written by stanhier {str(read.get('version', ''))[:20]}, in a newer format than this "
                "version reads; upgrade with `pip install --upgrade stanhier`."
            )
        described = {name: _LATER[name]() if name in _LATER and name not in read else read[name] for name in _FIELDS}
        for name, is_right in _FIELDS.items():
            if not is_right(described[name]):
                raise ValueError(f"{name} is {repr(described[name])[:80]}")
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as err:
        raise StanhierError(f"{source} is damaged: {type(err).__name__}: {str(err)[:200]}.") from err
    if described["means"] is not None:
        described["means"] = np.array(described["means"], dtype=float)
    return described


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a field is there twice")
    return made
