"""Summaries of the draws of rows: mean, standard deviation, median and central interval."""

import numpy as np
import pandas as pd

from stanhier.basics.threads import in_threads
from stanhier.posterior.row_draws import RowDraws

__all__ = ["COLUMNS", "summaries", "summarise"]

COLUMNS = ("mean", "sd", "lower", "median", "upper")


def summarise(found: RowDraws, prob: float) -> pd.DataFrame:
    """Summarise predictions row by row.

    Parameters
    ----------
    found : RowDraws
    prob : float
        Probability of the central interval.

    Returns
    -------
    pandas.DataFrame
        Columns mean, sd, lower, median, upper; the index of the new data.
    """
    rows = found.rows
    table = np.empty((rows.n_rows, len(COLUMNS)))

    def fill(part: np.ndarray) -> None:
        table[part] = summaries(found.block(part), prob)

    parts = found.parts()
    for part in parts[:1]:
        fill(part)  # alone, since it draws what all of them need
    in_threads(fill, parts[1:])
    return pd.DataFrame(table, index=rows.index, columns=list(COLUMNS))


def summaries(draws: np.ndarray, prob: float, *others: float) -> np.ndarray:
    """Summarise rows of draws, which are reordered.

    Parameters
    ----------
    draws : numpy.ndarray, shape (n, S)
        Draws of a row side by side.
    prob : float
        Probability of the central interval.
    *others : float
        Probabilities of other ones.

    Returns
    -------
    numpy.ndarray, shape (n, 5) or more
        Mean, standard deviation, lower end, median, upper end, then both ends of each other interval; quantiles as
        `numpy.quantile` interpolates them. What is not a number in any draw is none in the summaries.
    """
    size = draws.shape[1]
    (lower, upper), *more = (((1 - one) / 2, 1 - (1 - one) / 2) for one in (prob, *others))
    probabilities = (lower, 0.5, upper, *(end for ends in more for end in ends))
    with np.errstate(over="ignore", invalid="ignore"):  # expected counts beyond any float
        mean = draws.mean(axis=1)
        sd = draws.std(axis=1, ddof=1, mean=mean[:, None]) if size > 1 else np.full(len(draws), np.nan)
        quantiles = _quantiles(draws, probabilities)
    for row in np.flatnonzero(np.isnan(mean)):
        if np.isnan(draws[row]).any():
            quantiles[:, row] = np.nan
    return np.column_stack([mean, sd, *quantiles])


def _quantiles(draws: np.ndarray, probabilities: tuple[float, ...]) -> np.ndarray:
    """Give quantiles of each row, shape (probabilities, n).

    Partitions at one position after the other, each within what the last has left, take a fifth of the time of one call
    with all positions, since numpy has a fast way for a single one.
    """
    last = draws.shape[1] - 1
    places = [probability * last for probability in probabilities]
    below = sorted({int(place) for place in places})
    _partition(draws, 0, last + 1, below)
    above = {
        k: draws[:, k + 1 : end + 1].min(axis=1) for k, end in zip(below, [*below[1:], last], strict=True) if k < last
    }
    found = np.empty((len(places), len(draws)))
    for own, place in zip(found, places, strict=True):
        k = int(place)
        lower, share = draws[:, k], place - k
        upper = above.get(k, lower)
        # Between equal values there is nothing, also where they are infinite.
        step = np.where(upper > lower, upper - lower, 0.0)
        own[:] = lower + step * share if share else lower
    return found


def _partition(draws: np.ndarray, start: int, end: int, places: list[int]) -> None:
    """Put the values of some places of the sorted rows there, smaller ones before and greater ones behind each."""
    if not places:
        return
    middle = len(places) // 2
    place = places[middle]
    draws[:, start:end].partition(place - start, axis=1)
    _partition(draws, start, place, places[:middle])
    _partition(draws, place + 1, end, places[middle + 1 :])
