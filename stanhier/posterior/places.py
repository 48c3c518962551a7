"""Where predictors are when groups are compared: at their means, at 0, or where a user says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import listed, quoted, shortened, some_of
from stanhier.data.frames import as_frame, clean_columns
from stanhier.data.kinds import is_categorical
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.engine import Engine
from stanhier.engines.regression import Regression

__all__ = ["At", "Place", "place_at"]

type At = Literal["mean", 0] | Mapping[str, Any]
"""Where groups are compared: at the means of the predictors over the rows, at 0, or at values by column."""

_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True)
class Place:
    """Values of the predictors.

    Attributes
    ----------
    x : numpy.ndarray, shape (K + E,)
        Of the columns of the design.
    words : str
        Where that is, as an axis has it after what it shows; empty without predictors.
    """

    x: np.ndarray
    words: str


def place_at(model: Regression, at: Any, where: str) -> Place:
    """Find where `at` is.

    At values of some columns of the data the columns of the design are the means over the rows, each with these values
    in the place of its own: what is made of other columns alone stays at its mean, what is made of the named alone has
    its value there, and a product of both is the value times the mean.

    Parameters
    ----------
    model : Regression
    at : {"mean", 0} or mapping
    where : str
        The method, for messages.

    Raises
    ------
    StanhierError
        If `at` is nothing of the kind, or names a column that is no predictor.
    DataError
        If a value is none that its column can have, or the formula is not defined there; or if it takes rows, which
        are not in memory, to know the mean of a product.
    """
    engine, n_columns = model.engine, model.design.columns.n_columns
    if isinstance(at, str) and at == "mean":
        return Place(_means(engine), "at the mean of the predictors" if n_columns else "")
    if isinstance(at, int | float) and not isinstance(at, bool) and at == 0:
        return Place(np.zeros(n_columns), "at predictors of 0" if n_columns else "")
    if isinstance(at, Mapping):
        return _at_values(model, dict(at), where) if at else place_at(model, "mean", where)
    raise StanhierError(
        f"{where}(at={quoted(at)}): 'at' must be \"mean\", for the predictors at their means, 0, or values by "
        'column, such as {"year": 2000}.'
    )


def _means(engine: Engine) -> np.ndarray:
    return engine.moments.mean[:-1]


def _at_values(model: Regression, values: dict[Any, Any], where: str) -> Place:
    design = model.design
    said = f"{where}(at={quoted(values)}):"
    for name in values:
        if name not in design.formula.predictor_columns:
            columns = design.formula.predictor_columns
            there_are = f"they are {listed(columns)}" if columns else "the model has none"
            raise StanhierError(f"{said} there is no predictor {quoted(name)}; {there_are}.")
    try:
        given = {name: _checked(design, name, value) for name, value in values.items()}
        x = _columns_at(model, given)
    except DataError as err:
        raise DataError(f"{said} {err}") from None
    others = set(design.formula.predictor_columns) - given.keys()
    words = ", ".join(f"{shortened(name, 40)} = {_shown(column.iloc[0])}" for name, column in given.items())
    return Place(x, f"at {words}" + (", other predictors at their means" if others else ""))


def _checked(design: Design, name: str, value: Any) -> pd.Series:
    """Give a value as the column of one row that new data would be, of the kind of the fit."""
    if not pd.api.types.is_scalar(value):
        raise DataError(f"'{name}' must have one value; it has {quoted(value)}.")
    known = design.kinds[name]
    # A category may be a number too, which alone would be taken for one.
    frame = as_frame({name: pd.Categorical([value]) if is_categorical(known) else [value]})
    if frame[name].isna().any():
        raise DataError(f"'{name}' must have a value; it is {value!r}.")
    column = clean_columns(frame, [name], calculated=design.formula.calculated, like=design.kinds)[name]
    if is_categorical(known):
        if column.iloc[0] not in known.cat.categories:
            raise DataError(
                f"'{name}' has no {quoted(value)} in the data of the fit; its levels are "
                f"{some_of([quoted(level) for level in known.cat.categories.tolist()])}."
            )
        return column.astype(known.dtype)
    if (known.dtype.kind == "b") != (column.dtype.kind == "b"):
        raise DataError(f"'{name}' is {'true or false' if known.dtype.kind == 'b' else 'a number'}, not {value!r}.")
    return column


def _columns_at(model: Regression, given: Mapping[str, pd.Series]) -> np.ndarray:
    """Give the columns of the design, shape (K + E,)."""
    design, x = model.design, _means(model.engine).copy()
    made_of = design.columns.made_of(design.formula)
    touched = np.array([not used.isdisjoint(given) for used in made_of], dtype=bool)
    mixed = np.array([not used <= given.keys() for used in made_of], dtype=bool) & touched
    if not touched.any():
        return x
    if mixed.any() and model.in_memory is None:
        k = int(np.argmax(mixed))
        raise DataError(
            f"'{shortened(design.columns.names[k])}' takes the mean of a product over the rows, which are not in "
            f"memory; give a value of {listed(sorted(made_of[k] - given.keys()))} too."
        )
    if mixed.any():
        x[touched] = _mean_over(model.rows, given)[touched]
    else:
        x[touched] = design.columns.evaluate(_with(design.kinds.iloc[:1], given), design.formula)[0, touched]
    if not np.isfinite(x).all():
        name = design.columns.names[int(np.argmin(np.isfinite(x)))]
        raise DataError(f"'{shortened(name)}' is not defined there, or not in all rows.")
    return x


def _mean_over(design: InMemoryDesign, given: Mapping[str, pd.Series]) -> np.ndarray:
    """Give the means of the columns over the rows of the fit, all with these values."""
    total = np.zeros(design.columns.n_columns)
    for start in range(0, design.n_rows, _BLOCK_ROWS):
        block = _with(design.frame.iloc[start : start + _BLOCK_ROWS], given)
        total += design.columns.evaluate(block, design.formula, are_all=False).sum(axis=0)
    return total / design.n_rows


def _with(frame: pd.DataFrame, given: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Give rows with these values in the place of their own."""
    nothing = np.zeros(len(frame), dtype=int)
    return frame.assign(**{name: column.take(nothing).set_axis(frame.index) for name, column in given.items()})


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else shortened(str(value), 40)
