"""How many digits of a number are worth reading, and tables that show these alone and keep the rest."""

import re
from collections.abc import Callable, Hashable
from html import escape
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["ROUNDED_DOWN", "Table", "all_decimals", "checked_rounding", "decimals", "readable"]

ROUNDED_DOWN = -1_000_000
"""In place of decimals: an integer, and no greater than the number, so that 399.7 does not pass for 400."""


_LARGEST = 1e15
_MOST_DECIMALS = 12


def decimals(uncertainty: float) -> int:
    """Give the decimals that show a quantity of this uncertainty: two digits of it.

    Parameters
    ----------
    uncertainty : float
        A standard deviation or error, or the width of an interval if that is narrower.

    Returns
    -------
    int
        Negative where tens and hundreds are uncertain; 3 where the uncertainty is 0 or unknown.
    """
    return int(all_decimals(np.array([uncertainty]))[0])


def all_decimals(uncertainties: np.ndarray) -> np.ndarray:
    """Give what `decimals` gives, of many quantities at once, as small integers."""
    known = np.isfinite(uncertainties) & (uncertainties > 0)
    places = 1 - np.floor(np.log10(np.where(known, uncertainties, 1.0)))
    return np.where(known, places, 3).astype(np.int16)


def readable(value: float, places: int, *, thousands: bool = False) -> str:
    """Write a number to some decimals, with an exponent where it would be too long without.

    Parameters
    ----------
    value : float
    places : int
        Decimals, or `ROUNDED_DOWN`. In front of the point all digits are written, unless there is an exponent.
    thousands : bool
        Whether to separate them by commas.
    """
    if not np.isfinite(value):
        return str(float(value))
    if places == ROUNDED_DOWN:
        value, places = float(np.floor(value)), 0
    if places <= _MOST_DECIMALS and abs(value) < _LARGEST:
        text = f"{value:,.{max(places, 0)}f}" if thousands else f"{value:.{max(places, 0)}f}"
        return text if float(text.replace(",", "")) or not text.startswith("-") else text[1:]  # no -0.0
    digits = places + int(np.floor(np.log10(abs(value)))) if value else 0
    return f"{value:.{min(max(digits, 1), 16)}e}"


def checked_rounding(round_to: Any, method: str) -> int | str | None:
    """Give ArviZ's keyword `round_to`, or None where digits are chosen by this rule.

    Raises
    ------
    StanhierError
        Naming the method and the value, if it is nothing of the kind.
    """
    if round_to is None or (isinstance(round_to, str) and round_to == "auto"):
        return None
    if isinstance(round_to, str) and re.fullmatch(r"[Nn]one|[1-9]\d?g", round_to):
        return round_to
    if isinstance(round_to, Integral) and not isinstance(round_to, bool):
        return int(round_to)
    raise StanhierError(
        f"{method}(round_to={quoted(round_to)}): 'round_to' must be a number of decimals such as 2, a number of digits "
        'such as "3g", "none" or "auto".'
    )


class Table(pd.DataFrame):
    """A table that shows of each number the digits worth reading, and holds it unrounded.

    Rows, columns and parts of it are shown in the same way; so are results of calculations with it. What is taken out
    as a Series, or has other names, is shown as pandas does. Files that are written hold all digits.
    """

    _metadata = ["_places", "_note"]  # noqa: RUF012 - where pandas looks for what goes with a table to its parts
    _places: pd.DataFrame | None = None
    _note: str = ""

    @classmethod
    def of(cls, numbers: pd.DataFrame, places: dict[Hashable, Any]) -> Self:
        """Make one.

        Parameters
        ----------
        numbers : pandas.DataFrame
        places : dict
            Decimals by column: one number, or one for each row. Columns without any are shown as they are.
        """
        table = cls(numbers)
        rows = numbers.index
        table._places = pd.DataFrame({c: np.broadcast_to(p, len(rows)) for c, p in places.items()}, index=rows)
        return table

    @classmethod
    def by_sd(cls, numbers: pd.DataFrame) -> Self:
        """Make one of estimates in the units of a column `sd`, which says how many digits its row has.

        Where it is that of a long tail, more than twice the width of the interval from `lower` to `upper`, this does.
        """
        uncertainty = numbers["sd"].to_numpy(dtype=float)
        if {"lower", "upper"} <= {*numbers.columns}:
            width = (numbers["upper"] - numbers["lower"]).to_numpy(dtype=float)
            uncertainty = np.where((width > 0) & (2 * width < uncertainty), width, uncertainty)
        return cls.of(numbers, dict.fromkeys(numbers.columns, all_decimals(uncertainty)))

    def noted(self, note: str) -> Self:
        """Give the table with a line of text that is shown below it."""
        self._note = note
        return self

    @property
    def _constructor(self) -> Callable[..., "Table"]:
        return Table

    def transpose(self, *args: Any, **kwargs: Any) -> "Table":
        """Give the table with rows for columns."""
        other: Any = super().transpose(*args, **kwargs)
        other._places = None if self._places is None else self._places.T
        return Table(other) if not isinstance(other, Table) else other

    def reset_index(self, *args: Any, **kwargs: Any) -> Any:
        """As pandas does; rows keep their digits."""
        places, other = self._places_at(slice(None)), super().reset_index(*args, **kwargs)
        table: Table = self if other is None else other  # in place
        table._places = None if places is None else places.set_axis(table.index)
        return other

    def xs(self, *args: Any, **kwargs: Any) -> Any:
        """As pandas does; rows keep their digits."""
        places: Any = self._places_at(slice(None))
        found: Any = super().xs(*args, **kwargs)
        if isinstance(found, Table) and places is not None and len(found.columns) == len(self.columns):
            found._places = places.xs(*args, **kwargs)
        return found

    def round(self, *args: Any, **kwargs: Any) -> "Table":
        """As pandas does; what is rounded already is shown as it is."""
        other = Table(super().round(*args, **kwargs))
        other._places = None
        return other

    def texts(self, *, thousands: bool = False) -> pd.DataFrame:
        """Give what is shown, as text.

        Parameters
        ----------
        thousands : bool
            Whether to separate them by commas.
        """
        return self._texts_at(slice(None), thousands=thousands)

    def _texts_at(self, rows: Any, *, thousands: bool = False) -> pd.DataFrame:
        """Give the texts of some rows, by position: of many no more than are seen."""
        plain: pd.DataFrame = pd.DataFrame(self).iloc[rows]
        places = self._places_at(rows)
        if places is None or not places.columns.is_unique:
            return plain
        at = places.reindex(columns=self.columns).to_numpy(dtype=float)
        shown = plain.astype(object).to_numpy(copy=True)
        for row, column in zip(*np.nonzero(np.isfinite(at)), strict=True):
            value = shown[row, column]
            if isinstance(value, int | float | np.number):
                text = readable(float(value), int(at[row, column]), thousands=thousands)
                unknown = text == "nan" and "r_hat" in (self.columns[column], self.index[row])
                shown[row, column] = "unknown" if unknown else text
        return pd.DataFrame(shown, index=plain.index, columns=self.columns)

    def _places_at(self, rows: Any) -> pd.DataFrame | None:
        """Give the decimals of some rows, by position; None where they cannot be told."""
        places, nlevels = self._places, self.index.nlevels
        if places is None or places.index.equals(self.index):
            return None if places is None else places.iloc[rows]
        alike = places.index.is_unique and places.index.nlevels == nlevels
        return places.reindex(index=self.index[rows]) if alike else None

    def _seen(self) -> pd.DataFrame:
        """Give the texts of the rows that pandas shows, and some between, from which it leaves out those again."""
        most = pd.get_option("display.max_rows")
        if not most or len(self) <= 2 * most + 2:
            return self.texts()
        ends = np.arange(most + 1)
        return self._texts_at(np.concatenate([ends, len(self) - 1 - ends[::-1]]))

    def __repr__(self) -> str:
        shown, most = self._seen(), pd.get_option("display.max_rows")
        whole = most is None or most == 0 or len(self) <= most
        text = (
            shown.to_string() if whole else shown.to_string(max_rows=most, min_rows=pd.get_option("display.min_rows"))
        )
        text = text if whole else f"{text}\n\n[{len(self)} rows x {len(self.columns)} columns]"
        return f"{text}\n\n{self._note}" if self._note else text

    __str__ = __repr__

    def _repr_html_(self) -> str | None:
        shown = self._seen()
        found: str | None = shown._repr_html_()  # type: ignore[operator]
        note = f"<p>{escape(self._note)}</p>" if self._note else ""
        return None if found is None else found.replace(f"<p>{len(shown)} rows", f"<p>{len(self)} rows") + note

    def to_string(self, *args: Any, **kwargs: Any) -> Any:
        """As pandas does, with the digits worth reading."""
        return self.texts().to_string(*args, **kwargs)

    def to_html(self, *args: Any, **kwargs: Any) -> Any:
        """As pandas does, with the digits worth reading."""
        return self.texts().to_html(*args, **kwargs)

    def to_latex(self, *args: Any, **kwargs: Any) -> Any:
        """As pandas does, with the digits worth reading."""
        return self.texts().to_latex(*args, **kwargs)

    def to_markdown(self, *args: Any, **kwargs: Any) -> Any:
        """As pandas does, with the digits worth reading."""
        return self.texts().to_markdown(*args, **kwargs)
