"""Figures and axes: new ones of a size that is asked for, and arrays of axes that know their figure."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = [
    "Panels",
    "Size",
    "arviz_figure",
    "axes_beside",
    "checked_size",
    "collection_on",
    "grid_of_axes",
    "legend_above",
    "new_axes",
    "panels_of",
    "picture",
    "refuse_several",
]

type Size = Sequence[float]
"""Width and height in inches."""


class Panels(np.ndarray):
    """What every picture gives back: the axes of one figure, row by row, as an array.

    `panels[0]` are matplotlib's axes. Of a picture with one of them the array has their methods as well:
    `fit.plot_forest().set_title("Counties")`.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    collection : arviz_plots.PlotCollection or None
        ArviZ's own account of a picture that it has drawn, whose methods the array has too.
    """

    collection: Any = None

    def __array_finalize__(self, other: Any) -> None:
        self.collection = getattr(other, "collection", None) if isinstance(other, Panels) else None

    @property
    def figure(self) -> Any:
        """The figure that the axes are in; that of the backend where ArviZ drew with another than matplotlib."""
        if not self.size:
            return self.collection.viz["figure"].item()
        own = self.flat[0].get_figure()
        return getattr(own, "figure", own)  # that of a part of a figure, too

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save the figure; see `matplotlib.figure.Figure.savefig`."""
        (self.figure if self.size else self.collection).savefig(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for owner in [self.collection, *(self.flat if self.size == 1 else [])]:
                if hasattr(owner, name):
                    return getattr(owner, name)
        many = f"; it holds {self.size} panels: take one, as in panels[0]" if self.size > 1 else ""
        raise AttributeError(f"Panels has no attribute '{name}'{many}")

    def __repr__(self) -> str:
        return f"<{self.size} {'panel' if self.size == 1 else 'panels'} of a figure>"

    __str__ = __repr__


def panels_of(axes: Any, collection: Any = None) -> Panels:
    """Give axes as an array that knows their figure."""
    array = np.empty(len(axes), dtype=object)
    array[:] = list(axes)
    panels = array.view(Panels)
    panels.collection = collection
    return panels


def picture[**P](draw: Callable[P, Any]) -> Callable[P, Panels]:
    """Let a function that draws into one of matplotlib's axes, or several, give back `Panels` of them."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Panels:
        axes = draw(*args, **kwargs)
        return axes if isinstance(axes, Panels) else panels_of([axes])

    vars(drawn)["__signature__"] = inspect.signature(draw).replace(return_annotation=Panels)
    return drawn


def checked_size(figsize: Any, where: str, *, ax: Any = None) -> tuple[float, float] | None:
    """Check the size that a user asks for, and the axes.

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
        If it is no pair of positive numbers, or `ax` is given too, whose figure has its size; or if `ax` is no axes.
    """
    # A figure has neither of these, an array of one of the axes of ours has both.
    if ax is not None and not (hasattr(ax, "plot") and hasattr(ax, "set_xlabel")):
        how = "one of figure.axes, or figure.subplots()" if hasattr(ax, "subplots") else "plt.subplots()[1]"
        raise StanhierError(
            f"{where}(ax=...): 'ax' must be one pair of matplotlib's axes, not {_kind(ax)}; give {how}."
        )
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


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{name} of {len(value)}" if isinstance(value, np.ndarray | list | tuple) else name


def new_axes(ax: Any, usual: tuple[float, float], figsize: tuple[float, float] | None = None) -> Any:
    """Give `ax`, or the axes of a new figure: of the size that was asked for, else of the usual one."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=usual if figsize is None else figsize, layout="constrained")[1]


def axes_beside(
    widths: Sequence[float], height: float, figsize: tuple[float, float] | None, ax: Any = None, *, sharey: bool = False
) -> Any:
    """Give axes of these widths beside each other, in inches, in a new figure; a single one may be there already."""
    if len(widths) == 1:
        return panels_of([new_axes(ax, (widths[0], height), figsize)])
    import matplotlib.pyplot as plt

    size = (sum(widths), height) if figsize is None else figsize
    how: Any = {"width_ratios": widths, "sharey": sharey, "layout": "constrained"}
    return panels_of(plt.subplots(1, len(widths), figsize=size, **how)[1])


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


def arviz_figure(draw: Any, *args: Any, **kwargs: Any) -> Panels:
    """Let ArviZ draw as many panels as there are; its own limit is a setting, which is put back.

    Parameters
    ----------
    draw : callable
        One of ArviZ's plots.
    *args, **kwargs
        What it takes.

    Returns
    -------
    Panels
        Empty with a backend other than matplotlib.
    """
    import arviz as az

    with az.rc_context(rc={"plot.max_subplots": None}):
        collection = draw(*args, **kwargs)
    return panels_of(getattr(collection.viz["figure"].item(), "axes", []), collection)


def collection_on(axes: Iterable[Any], variables: Any) -> Any:
    """Give ArviZ axes that are there already to draw into.

    Parameters
    ----------
    axes : iterable of matplotlib.axes.Axes
    variables : xarray.Dataset
        What will be drawn, with one variable for each of the axes.

    Returns
    -------
    arviz_plots.PlotCollection
    """
    import arviz as az
    import xarray as xr

    def held(one: Any) -> tuple[tuple[()], np.ndarray]:
        array = np.empty((), dtype=object)
        array[()] = one
        return (), array

    panels = list(axes)
    plots = {name: held(ax) for name, ax in zip(variables.data_vars, panels, strict=True)}
    places = {"/": xr.Dataset({"figure": held(panels[0].get_figure())}), "plot": xr.Dataset(plots)}
    return az.PlotCollection(variables, xr.DataTree.from_dict(places), backend="matplotlib")


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
