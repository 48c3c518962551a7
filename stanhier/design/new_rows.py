"""Rows of new data, encoded as those of the fit were."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from stanhier.data.missing import missing_in
from stanhier.data.row_numbers import column_numbers, refuse_not_positive
from stanhier.design.groupings import NewGroups
from stanhier.families.noise import RowNoise

__all__ = ["NewRows", "noise_of", "without_gaps"]

_BY_ROW = ("offset", "trials", "missing")


@dataclass(frozen=True)
class NewRows:
    """New data, encoded as the data of the fit were.

    Attributes
    ----------
    columns : numpy.ndarray, shape (N, K + E)
        Predictors of the population, no intercept column, then further effects of groups.
    n_predictors : int
        K.
    groups : tuple of NewGroups
        One for each factor; none where groups were not looked at.
    row_noise : RowNoise or None
        How the noise of rows differs, where it does in the model and the new data say how.
    index : pandas.Index
        Row labels of the new data.
    offset : numpy.ndarray, shape (N,), or None
        What is added to the linear predictor, where the model has it and the new data name it.
    trials : numpy.ndarray, shape (N,), or None
        Numbers of trials, likewise.
    first : int
        Position of the first row in the data that these rows are a block of.
    missing : numpy.ndarray of bool, shape (N,), or None
        Rows with missing values, which have those of another row in all else here; None where there are none.
    """

    columns: np.ndarray
    n_predictors: int
    groups: tuple[NewGroups, ...]
    row_noise: RowNoise | None
    index: pd.Index
    offset: np.ndarray | None = None
    trials: np.ndarray | None = None
    first: int = 0
    missing: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self.columns)

    @property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors of the population, shape (N, K)."""
        return self.columns[:, : self.n_predictors]

    def take(self, rows: np.ndarray) -> "NewRows":
        """Give some rows, by their positions."""
        return replace(
            self,
            columns=self.columns[rows],
            groups=tuple(replace(groups, codes=groups.codes[rows]) for groups in self.groups),
            index=self.index[rows],
            row_noise=None if self.row_noise is None else self.row_noise.take(rows),
            **{name: one[rows] for name in _BY_ROW if (one := getattr(self, name)) is not None},
        )


def without_gaps(frame: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Put a row without missing values in the place of each that has some, under its label, and tell which have.

    So all others stay in their places, and with them their random numbers.
    """
    gaps, _ = missing_in(frame, names)
    if not gaps.any() or gaps.all():
        return frame, gaps if gaps.any() else None
    known = np.where(gaps, int(np.argmin(gaps)), np.arange(len(frame)))
    return frame.iloc[known].set_axis(frame.index), gaps


def noise_of(model: RowNoise, frame: pd.DataFrame, columns: list[str]) -> RowNoise | None:
    """Give how the noise of new rows differs, where they have the column that says so."""
    if model.column is None or model.column not in columns:
        return None
    values = column_numbers(frame, model.column)
    refuse_not_positive(values, f"Column '{model.column}'", model.words)
    return model.of(values)
