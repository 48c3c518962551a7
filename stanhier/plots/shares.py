"""The picture of shares of variance: an interval for each."""

from typing import Any, Protocol

import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.plots.figures import Size, checked_size, picture
from stanhier.plots.rows import named_rows, row_height
from stanhier.plots.shared import flat, interval_words, intervals, short

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
    height = max(1.9, 1.3 + row_height(len(names)) * len(names))
    estimates = intervals(flat(shares.draws), shares.prob)
    ax = named_rows(names, estimates, height=height, size=size, ax=ax)
    ax.set_xlim(min(0.0, float(estimates.lower.min())) - 0.02, 1.02)  # of rows left out R-squared may be negative
    ax.set_xlabel(f"{shares.words}\n(median, {interval_words(shares.prob)})")
    return ax
