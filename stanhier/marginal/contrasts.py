"""What is compared with what: two values of a column, or a value and one that is larger by some amount."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from numbers import Real
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted, some_of
from stanhier.marginal.rows import Fixed, Shifted, State, UserRows
from stanhier.marginal.variables import Variable, named_variables

__all__ = ["Contrast", "contrasts_of", "crossed"]


@dataclass(frozen=True)
class Contrast:
    """Two states of the rows.

    Attributes
    ----------
    term : str
        The column that differs, or several.
    low, high : mapping of Fixed or Shifted by column
    words : (str, str)
        What to call them.
    gap : str or None
        What to call their difference, if it is not that of their words.
    """

    term: str
    low: State
    high: State
    words: tuple[str, str]
    gap: str | None = None

    @property
    def difference(self) -> str:
        """Their difference in words."""
        return f"{self.words[1]} - {self.words[0]}" if self.gap is None else self.gap


_LEVELS: dict[str, Callable[[list[Any]], list[tuple[Any, Any]]]] = {
    "reference": lambda levels: [(levels[0], level) for level in levels[1:]],
    "revreference": lambda levels: [(level, levels[0]) for level in levels[1:]],
    "sequential": lambda levels: list(pairwise(levels)),
    "revsequential": lambda levels: [(high, low) for low, high in pairwise(levels)],
    "pairwise": lambda levels: list(combinations(levels, 2)),
    "revpairwise": lambda levels: [(high, low) for low, high in combinations(levels, 2)],
    "all": lambda levels: [(low, high) for low, high in product(levels, levels) if low is not high],
    "minmax": lambda levels: [(levels[0], levels[-1])],
}
"""Pairs (low, high) of levels by the names that the package marginaleffects has for them."""

_NUMBERS = ("sd", "2sd", "iqr", "minmax")


def contrasts_of(rows: UserRows, variables: Any, contrast: Any) -> list[Contrast]:
    """Read the arguments `variables` and `contrast`.

    Parameters
    ----------
    rows : UserRows
    variables : str, sequence of str, mapping of contrasts by column, or None
        None for all predictors of the population.
    contrast : object
        Of each variable, unless `variables` is a mapping.

    Raises
    ------
    StanhierError
        If a variable is no column of the formula, or a contrast does not suit its kind.
    """
    if isinstance(variables, Mapping):
        if contrast is not None:
            raise StanhierError(f"{rows.where}(contrast=...): contrasts are in 'variables' already, by column.")
        asked = dict(variables)
    else:
        asked = dict.fromkeys(named_variables(rows, variables), contrast)
    return [one for name, own in asked.items() for one in _of_variable(Variable.of(rows, name), own, rows.where)]


def crossed(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Change several columns at once: each contrast of a column with each of the others."""
    by_term: dict[str, list[Contrast]] = {}
    for one in contrasts:
        by_term.setdefault(one.term, []).append(one)
    return [
        Contrast(
            term=", ".join(one.term for one in together),
            low={name: value for one in together for name, value in one.low.items()},
            high={name: value for one in together for name, value in one.high.items()},
            words=(", ".join(one.words[0] for one in together), ", ".join(one.words[1] for one in together)),
            gap=", ".join(one.difference for one in together),
        )
        for together in product(*by_term.values())
    ]


def _of_variable(variable: Variable, contrast: Any, where: str) -> list[Contrast]:
    if variable.levels is None:
        return [_of_number(variable, contrast, where)]
    levels, name = variable.levels, variable.name
    if contrast is None or isinstance(contrast, str):
        choose = _LEVELS.get("reference" if contrast is None else contrast)
        if choose is None:
            raise _unsuitable(variable, contrast, where)
        if len(levels) < 2:
            raise StanhierError(f"{where}({quoted(name)}): '{name}' has one value, {levels[0]!r}, to compare.")
        return [_between(variable, low, high) for low, high in choose(levels)]
    pair = _pair(contrast)
    if pair is None:
        raise _unsuitable(variable, contrast, where)
    return [_between(variable, *(variable.level(value, where) for value in pair))]


def _of_number(variable: Variable, contrast: Any, where: str) -> Contrast:
    name, values = variable.name, variable.values
    if contrast is None:
        contrast = (0, 1) if np.isin(values, (0, 1)).all() and np.ptp(values) == 1 else 1
    if isinstance(contrast, str):
        if contrast not in _NUMBERS:
            raise _unsuitable(variable, contrast, where)
        if contrast in ("sd", "2sd"):
            times, sd = 1 + (contrast == "2sd"), variable.spread
            return _shifted(name, times * sd, contrast, f"+{contrast} ({times * sd:.3g})")
        ends = np.quantile(values, (0.25, 0.75) if contrast == "iqr" else (0.0, 1.0))
        words = ("Q1", "Q3") if contrast == "iqr" else ("min", "max")
        low, high = (f"{word} ({end:.4g})" for word, end in zip(words, ends, strict=True))
        return Contrast(name, {name: Fixed(ends[0])}, {name: Fixed(ends[1])}, (low, high))
    pair = _pair(contrast)
    if pair is not None and all(map(_is_number, pair)):
        return _between(variable, *pair)
    if _is_number(contrast) and contrast != 0:
        return _shifted(name, contrast, f"{abs(contrast):g}", f"{contrast:+g}")
    raise _unsuitable(variable, contrast, where)


def _shifted(name: str, amount: Any, size: str, gap: str) -> Contrast:
    sign = "-" if amount < 0 else "+"
    return Contrast(name, {}, {name: Shifted(amount)}, (name, f"({name} {sign} {size})"), gap)


def _between(variable: Variable, low: Any, high: Any) -> Contrast:
    name = variable.name
    return Contrast(name, {name: Fixed(low)}, {name: Fixed(high)}, (variable.word(low), variable.word(high)))


def _pair(contrast: Any) -> tuple[Any, Any] | None:
    if isinstance(contrast, list | tuple | np.ndarray) and len(contrast) == 2:
        return contrast[0], contrast[1]
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and bool(np.isfinite(float(value)))


def _unsuitable(variable: Variable, contrast: Any, where: str) -> StanhierError:
    name = variable.name
    if variable.levels is None:
        kinds = f"a number that is added, two values (from, to), or {some_of([repr(one) for one in _NUMBERS])}"
        what = "numbers"
    else:
        kinds = f"two of its values (from, to), or one of {some_of([repr(one) for one in _LEVELS], 8)}"
        what = "categories"
    return StanhierError(
        f"{where}({quoted(name)}, contrast={quoted(contrast)}): '{name}' holds {what}, of which 'contrast' can be "
        f"{kinds}."
    )
