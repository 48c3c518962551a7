"""Figures and axes: new ones of a size that is asked for, and arrays of axes that know their figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = [
    "Panels",
    "Size",
    "arviz_figure",
    "checked_size",
    "grid_of_axes",
    "legend_above",
    "new_axes",
    "panels_of",
    "refuse_several",
]

type Size = Sequence[float]
"""Width and height in inches."""


class Panels(np.ndarray):
    """The axes of one figure, row by row: an array of them.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    """

    @property
    def figure(self) -> Any:
        """The figure that the axes are in."""
        return self.flat[0].get_figure()

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save the figure; see `matplotlib.figure.Figure.savefig`."""
        self.figure.savefig(*args, **kwargs)


def panels_of(axes: Any) -> Panels:
    """Give axes as an array that knows their figure."""
    array = np.empty(len(axes), dtype=object)
    array[:] = list(axes)
    return array.view(Panels)


def checked_size(figsize: Any, where: str, *, ax: Any = None) -> tuple[float, float] | None:
    """Check the size that a user asks for.

    Parameters
    ----------
    figsize : pair of float, or None
        Width and height in inches.
    where : str
        The method, for messages.
    ax : optional
        What the user gave as `ax`.

    Returns
    -------
    (float, float) or None

    Raises
    ------
    StanhierError
        If it is no pair of positive numbers, or `ax` is given too, whose figure has its size.
    """
    if figsize is None:
        return None
    if ax is not None:
        raise StanhierError(f"{where}(figsize=...): `ax` is in a figure that has its size; give `figsize` or `ax`.")
    try:
        width, height = (float(side) for side in figsize)
    except (TypeError, ValueError):
        width = height = np.nan
    if not (np.isfinite(width) and np.isfinite(height) and width > 0 and height > 0):
        raise StanhierError(
            f"{where}(figsize={quoted(figsize)}): 'figsize' must be width and height in inches, such as (8, 5)."
        )
    return width, height


def new_axes(ax: Any, usual: tuple[float, float], figsize: tuple[float, float] | None = None) -> Any:
    """Give `ax`, or the axes of a new figure: of the size that was asked for, else of the usual one."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=usual if figsize is None else figsize, layout="constrained")[1]


def grid_of_axes(
    number: int,
    *,
    columns: int = 3,
    each: tuple[float, float] = (3.2, 2.4),
    figsize: tuple[float, float] | None = None,
    **kwargs: Any,
) -> Panels:
    """Give `number` axes in a new figure, row by row; empty places of the grid are blank.

    Parameters
    ----------
    number, columns : int
    each : (float, float)
        Inches of each of the axes, unless the whole figure has its size from `figsize`.
    figsize : (float, float), optional
    **kwargs
        For `matplotlib.pyplot.subplots`.
    """
    import matplotlib.pyplot as plt

    columns = min(number, columns)
    rows = -(-number // columns)
    size = (each[0] * columns, each[1] * rows) if figsize is None else figsize
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False, **kwargs)
    for ax in axes.flat[number:]:
        figure.delaxes(ax)
    return panels_of(axes.ravel()[:number])


def arviz_figure(draw: Any, *args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
    """Let ArviZ draw as many panels as there are; its own limit is a setting, which is put back.

    Parameters
    ----------
    draw : callable
        One of ArviZ's plots.
    *args, **kwargs
        What it takes.

    Returns
    -------
    collection : arviz_plots.PlotCollection
        With the attribute `figure`, as other pictures have it.
    axes : list of matplotlib.axes.Axes
        Empty with a backend other than matplotlib.
    """
    import arviz as az

    with az.rc_context(rc={"plot.max_subplots": None}):
        collection = draw(*args, **kwargs)
    collection.figure = collection.viz["figure"].item()
    return collection, list(getattr(collection.figure, "axes", []))


def legend_above(ax: Any, *entries: Any, columns: int = 1, **keywords: Any) -> Any:
    """Put the legend where it covers nothing that is drawn; `entries` are handles and words where not all count."""
    return ax.legend(
        *entries, frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, **keywords
    )


def refuse_several(ax: Any, number: int, where: str, there_are: str) -> None:
    """Refuse to draw several effects into one pair of axes.

    Raises
    ------
    StanhierError
        Saying what can be named instead.
    """
    if ax is not None and number > 1:
        raise StanhierError(
            f"{where}(ax=...): one pair of axes holds one effect, not {number}; choose it with effects=: {there_are}."
        )
