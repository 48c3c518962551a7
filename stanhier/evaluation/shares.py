"""Shares of a whole, such as of a variance, with the draws behind them."""

from typing import Any

import numpy as np
import pandas as pd

from stanhier import plots
from stanhier.basics.tables import Table
from stanhier.engines.draws import Draws
from stanhier.posterior.labelled import chain_draw

__all__ = ["Shares", "shares_of"]


class Shares(Table):
    """A table of shares: mean, sd, lower, median and upper of each; parts of it are plain tables.

    Attributes
    ----------
    draws : xarray.DataArray
        The draws behind the numbers: dimensions chain, draw, and one by the names of the rows.
    prob : float
        Probability of the intervals.
    words : str
        What they are.
    """

    _metadata = [*Table._metadata, "draws", "prob", "words"]  # noqa: RUF012 - as of a Table
    draws: Any = None
    prob: float = 0.9
    words: str = ""

    plot = plots.shares  # type: ignore[assignment]


def shares_of(shares: dict[str, np.ndarray], draws: Draws, prob: float, *, name: str, along: str, words: str) -> Shares:
    """Summarise draws of shares.

    Parameters
    ----------
    shares : dict of numpy.ndarray, shape (S,)
        By the names of the rows.
    draws : Draws
        Those of the fit.
    prob : float
        Probability of the central intervals.
    name : str
        Of the array of draws.
    along : str
        What its third dimension, and the index of the table, are called.
    words : str
        What they are, below a picture.
    """
    import xarray as xr

    values = np.stack(list(shares.values()), axis=-1)
    lower, median, upper = np.quantile(values, [(1 - prob) / 2, 0.5, (1 + prob) / 2], axis=0)
    numbers = pd.DataFrame(
        {
            "mean": values.mean(axis=0),
            "sd": values.std(axis=0, ddof=1),
            "lower": lower,
            "median": median,
            "upper": upper,
        },
        index=pd.Index(list(shares), name=along),
    )
    table = Shares.by_sd(numbers)
    table.prob, table.words = prob, words
    table.draws = xr.DataArray(
        values.reshape(*draws.shape, len(shares)),
        dims=("chain", "draw", along),
        coords={**chain_draw(draws), along: list(shares)},
        name=name,
    )
    return table
