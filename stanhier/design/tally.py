"""What is wrong with the rows, counted over all blocks before anything is said."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.data.libraries import Library
from stanhier.data.missing import missing_values, n_missing
from stanhier.data.row_numbers import is_positive

__all__ = ["Tally"]


@dataclass
class Tally:
    """Counts of rows, and of values that a model cannot use, by column.

    Attributes
    ----------
    n_rows : int
    missing : dict of int by column
    infinite : dict of (int, float) by column
        How many, and one of them.
    not_positive : dict of (int, float) by text
        Standard errors or weights that are none, by what they are called.
    unsuited : str
        What is wrong with the first block whose responses or trials do not suit the family.
    """

    n_rows: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    infinite: dict[str, tuple[int, float]] = field(default_factory=dict)
    not_positive: dict[str, tuple[int, float]] = field(default_factory=dict)
    unsuited: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong so far."""
        return not (self.missing or self.infinite or self.not_positive or self.unsuited)

    def count_unusable(self, name: str, column: pd.Series) -> None:
        """Count the missing and the infinite values of a column."""
        # Most columns are floats without any: their finite sum shows it, and allocates nothing.
        if column.dtype.kind != "f":
            self.count_missing(name, column)
        elif not _sum_is_finite(column.to_numpy()):
            self.count_missing(name, column)
            self.count_infinite(name, column.dropna().to_numpy())

    def count_missing(self, name: str, column: pd.Series) -> None:
        """Count the missing values of a column."""
        count = n_missing(column)
        if count:
            self.missing[name] = self.missing.get(name, 0) + count

    def count_infinite(self, name: str, values: np.ndarray) -> None:
        """Count the values of a numeric column that are not finite."""
        if not _sum_is_finite(values):
            _count(self.infinite, name, values, ~np.isfinite(values))

    def count_not_positive(self, what: str, values: np.ndarray) -> None:
        """Count the standard errors or weights of a column that are not positive and finite."""
        _count(self.not_positive, what, values, ~is_positive(values))

    def merge(self, others: Iterable["Tally"]) -> "Tally":
        """Give the counts of this and others together."""
        total = Tally(self.n_rows, dict(self.missing), dict(self.infinite), dict(self.not_positive), self.unsuited)
        for other in others:
            total.n_rows += other.n_rows
            total.unsuited = total.unsuited or other.unsuited
            for name, count in other.missing.items():
                total.missing[name] = total.missing.get(name, 0) + count
            for mine, theirs in ((total.infinite, other.infinite), (total.not_positive, other.not_positive)):
                for name, (count, example) in theirs.items():
                    mine[name] = (mine[name][0] + count, mine[name][1]) if name in mine else (count, example)
        return total

    def refuse(self, library: Library, floats: Collection[str] = (), further: str = "") -> None:
        """Refuse rows that a model cannot use.

        Parameters
        ----------
        library : Library
            What holds the rows.
        floats : collection of str
            The columns whose missing values may be NaN.
        further : str
            What else there is to say, after a blank, where values are missing.

        Raises
        ------
        DataError
            Naming the column, with the counts over all rows.
        """
        if self.n_rows == 0:
            raise DataError("`data` has no rows.")
        if self.missing:
            remedy = library.without_missing(list(self.missing), floats)
            raise missing_values(self.missing, self.n_rows, remedy, further)
        for name, (count, example) in self.infinite.items():
            raise DataError(
                f"'{name}' is not finite in {count} {'row' if count == 1 else 'rows'} of {self.n_rows} "
                f"(such as {example}); filter those rows out of the query or write another formula."
            )
        for what, (count, example) in self.not_positive.items():
            raise DataError(
                f"{what} must be positive and finite; {count} of {self.n_rows} are not (such as {example:g}); filter "
                "those rows out of the query."
            )
        if self.unsuited:
            raise DataError(self.unsuited)


def _sum_is_finite(values: np.ndarray) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()))


def _count(counts: dict[str, tuple[int, float]], name: str, values: np.ndarray, bad: np.ndarray) -> None:
    count = int(bad.sum())
    if count:
        before, example = counts.get(name, (0, float(values[bad][0])))
        counts[name] = (before + count, example)
