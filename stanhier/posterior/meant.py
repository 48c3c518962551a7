"""Names that users give to parameters, as tables print them or other packages have them: how they are chosen here."""

from typing import Any

import pandas as pd

from stanhier.basics.words import quoted
from stanhier.engines.parameters import Inventory, Parameter, Role

__all__ = ["which_is_meant"]

_INTERCEPTS = ("intercept", "(intercept)", "const", "constant", "b_intercept")


def which_is_meant(name: Any, parameters: Inventory) -> str:
    """Say how to choose what somebody calls by a name that no parameter has.

    Parameters
    ----------
    name : object
        Such as "beta[hours]", "hours" or "Intercept".
    parameters : Inventory

    Returns
    -------
    str
        A sentence after a blank; empty if there is nothing to say.
    """
    if not isinstance(name, str):
        return ""
    intercept, slopes = parameters.of(Role.INTERCEPT), parameters.of(Role.SLOPES)
    if intercept is not None and name.lower() in _INTERCEPTS:
        return f' That is var_names="{intercept.name}" here.'
    one = next((own for own in parameters if own.dims and name.startswith(f"{own.name}[") and name[-1:] == "]"), None)
    if one is not None:
        return _chosen(one, name.removeprefix(f"{one.name}[").removesuffix("]"))
    return "" if slopes is None else _chosen(slopes, name)


def _chosen(parameter: Parameter, written: str) -> str:
    """Say how to choose the number of a parameter that has these labels, if there is one."""
    parts = [written] if len(parameter.dims) == 1 else written.split(", ")
    if len(parts) != len(parameter.dims):
        return ""
    labels = [_label(index, part) for index, part in zip(parameter.coords, parts, strict=True)]
    if None in labels:
        return ""
    coords = ", ".join(f'"{dim}": [{label}]' for dim, label in zip(parameter.dims, labels, strict=True))
    return f' Choose it with var_names="{parameter.name}", coords={{{coords}}}.'


def _label(index: pd.Index, written: str) -> str | None:
    """Give the label that is written so as Python has it; None if there is none."""
    found = next((label for label in index.tolist() if str(label) == written), None)
    if found is None:
        return None
    return f'"{found}"' if isinstance(found, str) and '"' not in found else quoted(found)
