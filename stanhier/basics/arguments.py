"""Arguments that many functions take, checked with the same words everywhere."""

import difflib
import inspect
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from numbers import Integral, Real
from typing import Any

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["check_seed", "checked_count", "checked_probability", "in_our_words", "made_in_our_words", "suggestion"]


def checked_probability(prob: Any, method: str, name: str = "prob") -> float:
    """Give a probability strictly between 0 and 1 as a float.

    Raises
    ------
    StanhierError
        Naming the method, the argument and the value, if it is anything else.
    """
    if isinstance(prob, bool) or not isinstance(prob, Real) or not 0 < float(prob) < 1:
        raise StanhierError(f"{method}({name}={quoted(prob)}): '{name}' must be a number between 0 and 1.")
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


def suggestion(name: str, allowed: Collection[str]) -> str:
    """Say which name may have been meant, or else which there are.

    Parameters
    ----------
    name : str
        What was given.
    allowed : collection of str
        What could have been.

    Returns
    -------
    str
        A sentence.
    """
    close = difflib.get_close_matches(name, allowed, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"It takes: {', '.join(allowed)}." if allowed else "It takes none."


def in_our_words[**P, R](
    habits: Mapping[str, str] | None = None,
    *,
    name: str | None = None,
    called_on: str = "fit",
    by_place: str = "",
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function refuse arguments that it does not have with a `StanhierError` that says what it takes.

    Its signature stays what it is, for `help()`, editors and type checkers.

    Parameters
    ----------
    habits : mapping of str, optional
        What to say of keywords that people know from elsewhere.
    name : str, optional
        What users call the function, if that is not what it is called in its file.
    called_on : str
        The first parameter of a function that becomes a method, which is no argument to its users.
    by_place : str
        What to say of arguments that people give by their places elsewhere.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                signature.bind(*args, **kwargs)
            except TypeError:
                of_class = type(args[0]).__name__ if function.__name__ == "__init__" and args else None
                parameters = list(signature.parameters.values())
                own = int(bool(parameters) and parameters[0].name in ("self", "cls", called_on))
                said = _what_is_wrong(parameters[own:], args[own:], kwargs, habits if habits else {}, by_place)
                raise StanhierError(f"{of_class or name or function.__name__}() {said}") from None
            return function(*args, **kwargs)

        return call

    return decorate


def made_in_our_words[C](habits: Mapping[str, str]) -> Callable[[type[C]], type[C]]:
    """Let a class whose constructor is written for it, as of a dataclass, refuse arguments as `in_our_words` does.

    Parameters
    ----------
    habits : mapping of str
        What people call the fields elsewhere; names of which the class has no field are left out.
    """

    def decorate(kind: type[C]) -> type[C]:
        fields = inspect.signature(kind).parameters
        said = {theirs: f"Did you mean '{ours}'?" for theirs, ours in habits.items() if ours in fields}
        setattr(kind, "__init__", in_our_words(said)(vars(kind)["__init__"]))  # noqa: B010 - mypy refuses it plainly
        return kind

    return decorate


def _what_is_wrong(
    parameters: list[inspect.Parameter],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    habits: Mapping[str, str],
    by_place: str,
) -> str:
    """Say why arguments do not fit the parameters of a function, of which the first fault is enough."""
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    names, in_place = [p.name for p in named], [p.name for p in named if p.kind is p.POSITIONAL_OR_KEYWORD]
    unknown = [name for name in kwargs if name not in names]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        first = unknown[0]
        return f"has no keyword '{first}'. {habits.get(first) or suggestion(first, names)}"
    if len(args) > len(in_place):
        others = ", ".join(f"{name}=" for name in names if name not in in_place)
        others = f"; give what else there is by name: {others}" if others else ""
        places = f"{' and '.join(in_place)} by {'its place' if len(in_place) == 1 else 'their places'}"
        places = places if in_place else "nothing by its place"
        return f"takes {places}{f'; {by_place}' if by_place else others}."
    twice = [name for name in in_place[: len(args)] if name in kwargs]
    if twice:
        return f"got '{twice[0]}' twice, by its place and by its name; give it once."
    missing = [p.name for p in named if p.default is p.empty and p.name not in (*in_place[: len(args)], *kwargs)]
    close = difflib.get_close_matches(missing[0], unknown, n=1)
    return f"needs '{missing[0]}'" + (f", and has no keyword '{close[0]}'." if close else ".")
