"""Priors as plain values and back, for files."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from stanhier.basics.errors import PriorError
from stanhier.basics.words import quoted
from stanhier.priors.correlations import LKJ
from stanhier.priors.distributions import (
    Cauchy,
    Exponential,
    Flat,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    Normal,
    Prior,
    StudentT,
)
from stanhier.priors.positive import Gamma, LogNormal

__all__ = ["from_dict", "to_dict"]

_KNOWN: dict[str, Callable[..., Prior]] = {
    kind.__name__: kind
    for kind in (
        Cauchy,
        Exponential,
        Flat,
        Gamma,
        HalfCauchy,
        HalfNormal,
        HalfStudentT,
        LKJ,
        LogNormal,
        Normal,
        StudentT,
    )
}


def to_dict(prior: Prior) -> dict[str, Any]:
    """Give the prior as plain values, for a file."""
    return {"prior": type(prior).__name__, **asdict(prior)}


def from_dict(record: Mapping[str, Any]) -> Prior:
    """Rebuild a prior from what `to_dict` gave.

    Raises
    ------
    PriorError
        If the record names no known prior, or its numbers are not those of one.
    """
    arguments = {k: v for k, v in record.items() if k != "prior"}
    try:
        return _KNOWN[record["prior"]](**arguments)
    except (KeyError, TypeError) as err:
        raise PriorError(f"{quoted(dict(record))} is not the record of a prior.") from err
