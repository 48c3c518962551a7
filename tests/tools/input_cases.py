"""One case for each row of stanhier/input.md, by heading and the text of its first cell.

A case makes the model of its row, or several, each with the same data given plainly where these are to give the same
model. Where the row says that the input is refused, making it raises.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import stanhier as sh

Pair = tuple[Any, Any]
CASES: dict[tuple[str, str], Callable[[], Iterator[Pair]]] = {}
FEW = {"chains": 1, "iter_warmup": 200, "iter_sampling": 200, "seed": 1}
N = 12


def case(heading: str, row: str) -> Callable[[Callable[[], Iterator[Pair]]], Callable[[], Iterator[Pair]]]:
    def register(function: Callable[[], Iterator[Pair]]) -> Callable[[], Iterator[Pair]]:
        assert (heading, row) not in CASES
        CASES[heading, row] = function
        return function

    return register


def accepted(heading: str, row: str, make: Callable[[], Any]) -> None:
    case(heading, row)(lambda: iter([(make(), None)]))


refused = accepted
"""Making raises; the table says with which words."""


@cache
def base() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "y": rng.standard_normal(N),
            "x": np.arange(N) % 5,
            "n": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
            "kind": list("abc") * 4,
            "g": np.repeat([0, 1, 2, 3], 3),
        }
    )


def frame(**columns: Any) -> pd.DataFrame:
    return base().assign(**columns)


_ARGUMENTS = ("priors", "sigma", "se", "weights", "missing", "context", "data")


def line(formula: str = "y ~ x", **keywords: Any) -> Any:
    arguments = {k: keywords.pop(k) for k in _ARGUMENTS if k in keywords}
    data = arguments.pop("data", None)
    return sh.LinearRegression(formula, frame(**keywords) if data is None else data, **arguments)


def groups(g: Any = None, formula: str = "y ~ x + (1 | g)", **keywords: Any) -> Any:
    return sh.VaryingIntercept(formula, frame() if g is None else frame(g=g), **keywords)


def several(formula: str = "y ~ x + (x | g) + (1 | kind)", g: Any = None, **priors: Any) -> Any:
    return sh.Model(formula, frame() if g is None else frame(g=g), priors=priors)


def rest(values: Any, first: Any) -> list[Any]:
    """The values with the third one replaced."""
    return [*list(values)[:2], first, *list(values)[3:]]


WHOLE = np.arange(N) % 5
TEXT = [f"level {k % 3}" for k in range(N)]
FLAGS = np.arange(N) % 3 == 0
DATES = pd.Series(pd.date_range("2020", periods=4)).repeat(3).reset_index(drop=True)
FLAT = {"alpha": sh.Flat(), "beta": sh.Flat()}
