"""Rows to the exact small equivalent that Stan receives.

A Gaussian likelihood sees the rows only through weighted sums. Within groups these are kept as the triangular factor
of the group-centred data (never as X'X, which squares the condition number), between groups as the weighted group
means. Groups of equal weight share a variance, so within such a stratum the means compress once more.

References
----------
Bates & DebRoy (2004), Linear mixed models and penalized least squares, doi:10.1016/j.jmva.2004.04.013.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stanhier.design.blocks import Rows
from stanhier.design.column_moments import ColumnMoments, geometric_mean
from stanhier.engines.gaussian.pieces import Piece, piece_of

__all__ = ["Compressed", "Strata", "compress", "compressed_from"]


@dataclass(frozen=True)
class Strata:
    """The between-group part: group means, compressed within each distinct group weight.

    Attributes
    ----------
    weight : numpy.ndarray, shape (H,)
        Group weight of each stratum.
    n_groups : numpy.ndarray of int, shape (H,)
        Number of groups of that weight.
    rows : numpy.ndarray, shape (B, K + 2)
        Columns [1, x_1 .. x_K, y]; per stratum at most K + 2 rows whose cross-products equal those of its group means.
    stratum : numpy.ndarray of int, shape (B,)
        The stratum of each row.
    """

    weight: np.ndarray
    n_groups: np.ndarray
    rows: np.ndarray
    stratum: np.ndarray


@dataclass(frozen=True)
class Compressed:
    """Sufficient statistics of the rows, centred at an origin so that nothing is lost to large means.

    Attributes
    ----------
    n_rows : int
        N.
    mean, sd : numpy.ndarray, shape (K + 1,)
        Unweighted mean and standard deviation (divisor N - 1; 0 for one row) of each column of [X y].
    log_weights : float
        Sum over rows of log w_i.
    origin : numpy.ndarray, shape (K + 1,)
        What was subtracted from [x_1 .. x_K, y]: the means of the columns.
    within : numpy.ndarray, shape (K + 1, K + 1)
        Upper triangular factor of the weighted, group-centred [X y].
    weights : numpy.ndarray, shape (J,)
        Sum of w in each group.
    means : numpy.ndarray, shape (J, K + 1)
        Weighted group means of [X y], relative to the origin.
    """

    n_rows: int
    mean: np.ndarray
    sd: np.ndarray
    log_weights: float
    origin: np.ndarray
    within: np.ndarray
    weights: np.ndarray
    means: np.ndarray

    @property
    def moments(self) -> ColumnMoments:
        """What default priors are scaled by."""
        return ColumnMoments(self.mean, self.sd, geometric_mean(self.log_weights, self.n_rows))

    @property
    def n_groups(self) -> int:
        """Number of groups, J."""
        return len(self.weights)

    @cached_property
    def strata(self) -> Strata:
        """The group means, compressed within each distinct group weight."""
        weight, inverse, n_groups = np.unique(self.weights, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        rows = np.column_stack([np.ones(self.n_groups), self.means])[order]
        width = rows.shape[1]
        pieces, piece_strata = [], []
        ends = np.cumsum(n_groups)
        small = n_groups <= width
        # Strata of few groups stay as they are, all at once: with known standard errors there is one per group.
        keep = np.repeat(small, n_groups)
        pieces.append(rows[keep])
        piece_strata.append(np.repeat(np.arange(len(weight)), n_groups)[keep])
        for h in np.flatnonzero(~small):
            factor = np.linalg.qr(rows[ends[h] - n_groups[h] : ends[h]], mode="r")
            pieces.append(factor)
            piece_strata.append(np.full(len(factor), h))
        return Strata(weight, n_groups, np.vstack(pieces), np.concatenate(piece_strata))


def compress(
    rows: Rows,
    *,
    weights: np.ndarray | None = None,
    codes: np.ndarray | None = None,
    n_groups: int = 1,
) -> Compressed:
    """Compress rows exactly, in two passes over them.

    Parameters
    ----------
    rows, weights, codes, n_groups
        As `piece_of` takes them.

    Returns
    -------
    Compressed
    """
    return compressed_from(piece_of(rows, weights=weights, codes=codes, n_groups=n_groups))


def compressed_from(piece: Piece) -> Compressed:
    """Bring the sum of all pieces to what Stan's data are made from; groups stay in the order of the piece.

    Parameters
    ----------
    piece : Piece

    Returns
    -------
    Compressed
        Without groups nothing is centred: the origin is 0.
    """
    moments = piece.moments
    mean = moments.means
    origin = mean if len(piece.labels) > 0 else np.zeros(len(mean))
    return Compressed(
        n_rows=moments.n,
        mean=mean,
        sd=moments.sd,
        log_weights=piece.log_weights,
        origin=origin,
        within=piece.factor,
        weights=piece.weights,
        means=piece.means - (origin - moments.reference),
    )
