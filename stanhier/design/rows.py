"""Rows of a frame to the columns of a design, as they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stanhier.data.kinds import refuse_infinite
from stanhier.design.columns import Columns
from stanhier.formula.parse import ParsedFormula

__all__ = ["EncodedRows", "RowEncoder", "column_matrix"]


class RowEncoder:
    """Writes the columns of rows of a frame; where each is just a numeric column, without formulaic.

    Parameters
    ----------
    columns : Columns
        As learnt from the data of the fit.
    frame : pandas.DataFrame
        Cleaned columns.
    formula : ParsedFormula
    """

    def __init__(self, columns: Columns, frame: pd.DataFrame, formula: ParsedFormula) -> None:
        self._columns = columns
        self._frame = frame
        self._formula = formula
        self._plain = columns.plain(frame)

    @property
    def is_plain(self) -> bool:
        """Whether each is just a numeric column, so that clean columns make finite ones."""
        return self._plain is not None

    def write(self, rows: slice, out: np.ndarray) -> None:
        """Write the columns of some rows into an array of shape (rows, K + E)."""
        if self._plain is None:
            out[:] = self._columns.evaluate(self._frame.iloc[rows], self._formula, are_all=False)
            return
        for k, column in enumerate(self._plain):
            out[:, k] = column[rows]


@dataclass(frozen=True)
class EncodedRows:
    """Rows that are encoded as they are asked for.

    Attributes
    ----------
    encoder : RowEncoder
    y : numpy.ndarray, shape (N,)
    columns : Columns
    """

    encoder: RowEncoder
    y: np.ndarray
    columns: Columns

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self.y)

    @property
    def n_columns(self) -> int:
        """K + E + 1."""
        return self.columns.n_columns + 1

    @property
    def n_extra(self) -> int:
        """E."""
        return len(self.columns.extra)

    def blocks(self, size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Give blocks [x_1 .. x_K, e_1 .. e_E, y]; the array is used again for the next one."""
        block = np.empty((min(size, self.n_rows), self.n_columns), order="F")
        for start in range(0, self.n_rows, size):
            rows = slice(start, min(start + size, self.n_rows))
            part = block[: rows.stop - rows.start]
            self.encoder.write(rows, part[:, :-1])
            part[:, -1] = self.y[rows]
            yield rows, part


def column_matrix(columns: Columns, frame: pd.DataFrame, formula: ParsedFormula) -> np.ndarray:
    """Encode all rows, shape (N, K + E).

    Raises
    ------
    DataError
        If a column is not finite; with its name and count.
    """
    values = columns.evaluate(frame, formula)
    for k, name in enumerate(columns.names):
        refuse_infinite(values[:, k], name)
    return values
