"""Averages of predictions over rows, draw by draw: no more than a block of draws times rows is in memory.

Of rows that are alike one is predicted, with their number as its weight. Where the link is the identity, the average
over rows of the same groups is the prediction at the averages of their columns.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from stanhier.basics.spacing import evenly
from stanhier.basics.threads import in_threads
from stanhier.design.new_rows import NewRows
from stanhier.engines.draws import Draws
from stanhier.marginal.rows import Cells, State, UserRows
from stanhier.posterior.row_draws import RowDraws, row_draws

__all__ = ["Prediction", "averages", "kept_draws"]

_MOST_VALUES = 400_000_000
"""Draws times distinct rows that are predicted at once; beyond that fewer draws are taken."""

_LEAST_DRAWS = 400

_AT_ONCE = 16
"""Blocks whose sums are held until they are added."""


@dataclass(frozen=True)
class Prediction:
    """What is predicted of rows.

    Attributes
    ----------
    kind : {"mean", "linear"}
    new_groups : {"error", "sample"}
    seed : int
        Of new groups.
    """

    kind: str
    new_groups: str
    seed: int

    def of(self, rows: UserRows, encoded: NewRows, keep: np.ndarray | None = None) -> RowDraws:
        """Predict encoded rows.

        Raises
        ------
        DataError
            If there are new groups and they are errors, or offsets are missing.
        """
        return row_draws(
            rows.fit.model,
            rows.fit.draws,
            encoded,
            kind=self.kind,
            new_groups=self.new_groups,
            seed=self.seed,
            keep=keep,
        )


def averages(
    rows: UserRows,
    state: State,
    cells: Cells,
    prediction: Prediction,
    *,
    keep: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Average predictions of changed rows over cells.

    Parameters
    ----------
    rows : UserRows
    state : State
    cells : Cells
    prediction : Prediction
    keep : numpy.ndarray of int, optional
        Positions of the draws that are wanted; all by default.
    weights : numpy.ndarray, shape (N,), optional
        What each prediction is multiplied by before it is averaged.

    Returns
    -------
    numpy.ndarray, shape (S, G) or (len(keep), G)
    """
    fit = rows.fit
    encoded = rows.changed(state)
    shares = 1.0 / np.bincount(cells.codes, minlength=cells.number)[cells.codes]
    if weights is not None:
        shares = shares * weights
    is_linear = prediction.kind == "linear" or fit.model.family.link == "identity"
    encoded, codes, shares = _merged(encoded, cells.codes, shares, is_linear=is_linear)
    predicted = prediction.of(rows, encoded, keep)
    found = np.zeros((cells.number, predicted.size))

    def sums(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        present, places = np.unique(codes[part], return_inverse=True)
        if len(present) == 1:
            return present, shares[part] @ predicted.block(part)
        at = (places, np.arange(len(part)))
        return present, sparse.csr_array((shares[part], at), shape=(len(present), len(part))) @ predicted.block(part)

    parts = predicted.parts()
    # The first is alone, since it draws what all of them need; sums are added in one order, so that results repeat.
    for some in [parts[:1], *(parts[k : k + _AT_ONCE] for k in range(1, len(parts), _AT_ONCE))]:
        for present, values in in_threads(sums, some) if len(some) > 1 else map(sums, some):
            found[present] += values
    return found.T


def kept_draws(rows: UserRows, state: State, prediction: Prediction) -> np.ndarray | None:
    """Choose evenly spaced draws of each chain, where all of them are too many for the rows; None for all.

    Parameters
    ----------
    rows : UserRows
    state : State
        One of those in which they are predicted.
    prediction : Prediction
    """
    draws, family = rows.fit.draws, rows.fit.model.family
    if prediction.kind == "linear" or family.link == "identity" or draws.n_draws * rows.n_rows <= _MOST_VALUES:
        return None
    encoded = rows.changed(state)
    codes = np.zeros(rows.n_rows, dtype=int)
    distinct = _merged(encoded, codes, np.ones(rows.n_rows), is_linear=False)[0].n_rows
    return evenly_kept(draws, _MOST_VALUES // distinct)


def evenly_kept(draws: Draws, most: int) -> np.ndarray | None:
    """Choose about `most` draws, at least 400, evenly spaced in each chain; None for all."""
    chains, length = draws.shape
    wanted = -(-max(most, _LEAST_DRAWS) // chains)
    if wanted >= length:
        return None
    within = evenly(length, wanted)
    return np.asarray((np.arange(chains)[:, None] * length + within).ravel())


def _merged(
    rows: NewRows, codes: np.ndarray, shares: np.ndarray, *, is_linear: bool
) -> tuple[NewRows, np.ndarray, np.ndarray]:
    """Merge rows whose predictions are the same, or average to one, with the sums of their shares."""
    keys = [codes, *(groups.codes for groups in rows.groups)]
    if not is_linear:
        keys += [*rows.columns.T, *([] if rows.offset is None else [rows.offset])]
    places = pd.DataFrame(dict(enumerate(keys))).groupby(list(range(len(keys))), sort=False).ngroup().to_numpy()
    number = int(places.max()) + 1
    if number == rows.n_rows:
        return rows, codes, shares
    first = np.unique(places, return_index=True)[1]
    sums = np.bincount(places, shares)
    merged = rows.take(first)
    if is_linear:
        at = (places, np.arange(rows.n_rows))
        within = sparse.csr_array((shares / sums[places], at), shape=(number, rows.n_rows))
        offset = None if rows.offset is None else within @ rows.offset
        merged = replace(merged, columns=within @ rows.columns, offset=offset)
    return merged, codes[first], sums
