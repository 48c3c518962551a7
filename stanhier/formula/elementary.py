"""Numpy's elementary functions, which a formula may call by their names: all of them work row by row."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["ELEMENTARY", "N_ARGUMENTS"]

_NAMES = (
    "abs arcsinh cbrt ceil cos cosh exp exp2 expm1 floor hypot log log10 log1p log2 maximum minimum power rint sign "
    "sin sinh sqrt square tan tanh where"
).split()

ELEMENTARY: Mapping[str, Callable[..., Any]] = MappingProxyType({name: getattr(np, name) for name in _NAMES})
"""They go by their names, `sqrt(x)`, and by numpy's, `np.sqrt(x)`."""

N_ARGUMENTS = {**dict.fromkeys(_NAMES, 1), **dict.fromkeys("hypot maximum minimum power".split(), 2), "where": 3}
"""How many columns each takes; the argument after these is an array that numpy would write into."""
