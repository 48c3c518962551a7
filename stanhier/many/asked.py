"""The models of many fits as they are asked for: named, made, and what ended them before their end."""

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.model import Model

__all__ = ["AskedModels", "Maker", "described"]

type Maker = Callable[[], Model]
"""A function without arguments that makes a model."""


class AskedModels:
    """Models by name, each made when it is asked for.

    Parameters
    ----------
    models : mapping, or iterable of pairs
        Names, and models or functions that make them.
    name_of : callable
        Gives a name as text.

    Attributes
    ----------
    total : int or None
        Number of models, if it is known before all were asked for.
    places : dict of int
        By the names of the models that were asked for, in which place they were; it fills.
    contexts : dict
        For models that have functions of the user's own, these functions, by name; it fills.
    ended : Exception or None
        Why no more models can be asked for, though there may be more.
    """

    def __init__(
        self,
        models: Mapping[Any, Model | Maker] | Iterable[tuple[Any, Model | Maker]],
        name_of: Callable[[object], str] = str,
    ) -> None:
        if not isinstance(models, Iterable):
            raise StanhierError(
                f"fit_many() takes models by name, or pairs of name and model; not {type(models).__name__}."
            )
        self.total = len(models) if isinstance(models, Sized) else None
        self.places: dict[str, int] = {}
        self.contexts: dict[str, Mapping[str, Any]] = {}
        self.ended: Exception | None = None
        self.name_of = name_of
        self._models = models

    def __iter__(self) -> Iterator[tuple[str, Model | Exception]]:
        """Give name and model, or what went wrong when it was made; end where no more can be asked for."""
        for pair in self._pairs():
            unusable = self._unusable(pair)
            if unusable is not None:
                self.ended = StanhierError(f"fit_many() {unusable}")
                return
            name, given = self.name_of(pair[0]), pair[1]
            self.places[name] = len(self.places)
            model = given if isinstance(given, Model) else _made(name, given)
            if isinstance(model, Model) and model.design.formula.context:
                self.contexts[name] = model.design.formula.context
            yield name, model

    def _pairs(self) -> Iterator[Any]:
        try:
            yield from self._models.items() if isinstance(self._models, Mapping) else self._models
        except Exception as err:  # noqa: BLE001  whatever a user's own generator raises
            self.ended = self._ended_by(err)

    def _unusable(self, pair: Any) -> str | None:
        """Say what is wrong with a pair, if anything is."""
        if not isinstance(pair, tuple) or len(pair) != 2:
            return (
                f"takes pairs of name and model, not {type(pair).__name__}; of rows, give a formula and the data: "
                "fit_many(formula, data, by=...)."
            )
        name, given = self.name_of(pair[0]), pair[1]
        if name in self.places:
            return f"stopped early: two models are called {quoted(name)}; give each a name of its own."
        if not isinstance(given, Model) and not callable(given):
            return (
                f"stopped early: {quoted(name)} must be a model, not {type(given).__name__}; or a function without "
                "arguments that makes one."
            )
        return None

    def _ended_by(self, error: Exception) -> Exception:
        ours = isinstance(error, StanhierError) and type(error).__module__ == StanhierError.__module__
        kind: type[Exception] = type(error) if ours else StanhierError
        last = next(reversed(self.places), None)
        place = "before the first model" if last is None else f"after {quoted(last)}"
        ended = kind(
            f"fit_many() stopped early, {place}: asking for the next model raised {type(error).__name__}: "
            f"{str(error).rstrip('.')}. What is finished is kept. Give pairs of a name and a function that makes the "
            "model, or a formula with data and by=: a model that cannot be made is then in `.failures`, and stops no "
            "other."
        )
        ended.__cause__ = error
        return ended


def described(error: BaseException) -> str:
    """Say what went wrong; of errors that are not ours the words alone may say nothing."""
    return str(error) if isinstance(error, StanhierError) else f"{type(error).__name__}: {error}".removesuffix(": ")


def _made(name: str, make: Maker) -> Model | Exception:
    """Make a model; give what goes wrong instead of raising it."""
    try:
        model: Any = make()
    except Exception as err:  # noqa: BLE001  whatever a user's own function raises
        return _without_frames(err)
    if not isinstance(model, Model):
        return StanhierError(f"The function of {quoted(name)} must give a model, not {type(model).__name__}.")
    return model


def _without_frames(error: Exception) -> Exception:
    """Take the tracebacks off, which would keep the rows of the model in memory; say where it was raised."""
    if not isinstance(error, StanhierError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        error.add_note(f"Raised by {place.name}() in {place.filename}, line {place.lineno}.")
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and not any(one is other for other in seen):
            seen.append(one)
            one.__traceback__ = None
            waiting += [one.__cause__, one.__context__]
    return error
