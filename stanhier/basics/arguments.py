"""Arguments that many functions take, checked with the same words everywhere."""

from numbers import Integral, Real
from typing import Any

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["check_seed", "checked_count", "checked_probability"]


def checked_probability(prob: Any, method: str) -> float:
    """Give a probability strictly between 0 and 1 as a float.

    Raises
    ------
    StanhierError
        Naming the method and the value, if it is anything else.
    """
    if isinstance(prob, bool) or not isinstance(prob, Real) or not 0 < float(prob) < 1:
        raise StanhierError(f"{method}(prob={quoted(prob)}): 'prob' must be a number between 0 and 1.")
    return float(prob)


def checked_count(value: Any, name: str, method: str) -> int:
    """Give a number of things, at least one, as an int.

    Raises
    ------
    StanhierError
        Naming the method, the argument and the value, if it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise StanhierError(f"{method}({name}={quoted(value)}): '{name}' must be an integer of at least 1.")
    return int(value)


def check_seed(seed: Any) -> None:
    """Refuse a seed that is no integer of at least 0; None is one that the library chooses.

    Raises
    ------
    StanhierError
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0):
        raise StanhierError(f"seed={quoted(seed)}: 'seed' must be an integer of at least 0.")
