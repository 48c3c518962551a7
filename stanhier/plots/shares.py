"""The picture of shares of variance: an interval for each."""

from typing import Any, Protocol

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.plots.figures import Size, checked_size, new_axes, picture
from stanhier.plots.rows import draw_rows, row_height
from stanhier.plots.shared import flat, interval_words, intervals, label_width, short

__all__ = ["shares"]


class Shown(Protocol):
    """What `Fit.r2` and `Fit.icc` give."""

    @property
    def index(self) -> pd.Index:
        """What has the shares."""

    @property
    def draws(self) -> Any:
        """Dimensions chain, draw, and one by the rows."""

    @property
    def prob(self) -> float:
        """Probability of the thin interval."""

    @property
    def words(self) -> str:
        """What they are shares of."""


@in_our_words(name="plot", called_on="shares")
@picture
def shares(shares: Shown, *, figsize: Size | None = None, ax: Any = None) -> Any:
    """Plot the shares with their intervals, a row for each.

    Parameters
    ----------
    shares : Shares
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    Panels
        Of one panel.

    Raises
    ------
    StanhierError
        If `figsize` is no size or goes with `ax`.
    """
    size = checked_size(figsize, "plot", ax=ax)
    names = [short(name) for name in shares.index]
    rows = np.arange(len(names))[::-1].astype(float)
    height = max(1.9, 1.3 + row_height(len(names)) * len(names))
    ax = new_axes(ax, (5.4 + label_width(names), height), size)
    estimates = intervals(flat(shares.draws), shares.prob)
    draw_rows(ax, rows, estimates)
    ax.set_yticks(rows, names)
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.set_xlim(min(0.0, float(estimates.lower.min())) - 0.02, 1.02)  # of rows left out R-squared may be negative
    ax.set_xlabel(f"{shares.words}\n(median, {interval_words(shares.prob)})")
    return ax
