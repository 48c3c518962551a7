"""Means and standard deviations of the columns of rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np

__all__ = ["ColumnMoments", "geometric_mean"]


@dataclass(frozen=True)
class ColumnMoments:
    """What default priors are scaled by.

    Attributes
    ----------
    mean, sd : numpy.ndarray, shape (W,)
        Unweighted mean and standard deviation (divisor N - 1; 0 for one row) of each column of the rows: the K
        predictors, columns whose effects vary and that are no predictors, the response.
    weight : float
        Geometric mean of the rows' precision weights; 1 where they have none.
    """

    mean: np.ndarray
    sd: np.ndarray
    weight: float = 1.0

    @classmethod
    def of(cls, matrix: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Give those of rows in memory: of the columns of a matrix, shape (N, K + E), and of the response."""
        columns = np.column_stack([matrix, y])
        varies = np.ptp(columns, axis=0) > 0  # the deviations of a constant may be roundings of its mean
        sd = np.where(varies, columns.std(axis=0, ddof=1), 0.0) if len(columns) > 1 else np.zeros(columns.shape[1])
        weight = 1.0 if weights is None else geometric_mean(float(np.log(weights).sum()), len(weights))
        return cls(columns.mean(axis=0), sd, weight)


def geometric_mean(log_sum: float, n_rows: int) -> float:
    """Give the geometric mean of weights from the sum of their logarithms."""
    return float(np.exp(log_sum / n_rows))
