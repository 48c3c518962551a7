"""Pictures of predictions, comparisons and slopes: a row for each, lines along numbers, or bands of sorted rows."""

from typing import Any, Protocol

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.plots.figures import Size, checked_size, grid_of_axes, legend_above, new_axes, panels_of, picture
from stanhier.plots.rows import MAX_PANELS, in_lines, named_rows, row_height
from stanhier.plots.shared import MAX_GROUPS, POSTERIOR, REFERENCE, Intervals, interval_words, short

__all__ = ["effects"]

_LEAST_FOR_LINES = 6
_MAX_LINES = 8
_LEAST_FOR_LOGARITHMS = 4


class Summarised(Protocol):
    """What draws come to."""

    @property
    def table(self) -> np.ndarray:
        """Mean, sd, lower, median, upper, shape (Q, 5)."""

    @property
    def inner(self) -> np.ndarray:
        """The thick interval, shape (Q, 2)."""


class Quantities(Protocol):
    """Quantities with labels."""

    @property
    def labels(self) -> pd.DataFrame:
        """One row per quantity."""

    @property
    def own(self) -> tuple[str, ...]:
        """Which columns of the labels are the table's: term, contrast, row; the others are the user's."""

    @property
    def categorical(self) -> frozenset[str]:
        """Columns of the labels that are categories, whatever their type."""

    @property
    def summaries(self) -> Summarised:
        """What their draws come to."""

    @property
    def prob(self) -> float:
        """Probability of the thin interval."""

    @property
    def null(self) -> float | None:
        """Where there is no effect."""

    @property
    def words(self) -> str:
        """What they are."""


class Shown(Protocol):
    """What `Fit.predictions`, `Fit.comparisons` and `Fit.slopes` give."""

    @property
    def estimated(self) -> Quantities:
        """What the table is made of."""


@in_our_words(name="plot", called_on="result")
@picture
def effects(result: Shown, *, figsize: Size | None = None, ax: Any = None) -> Any:
    """Plot predictions, comparisons or slopes with their intervals.

    Averages have a row each, up to 50; where they go along numbers, six or more values of a column of `by` or of a
    variable, they are lines instead, one for each combination of the other columns, and contrasts have a panel each.
    Labels of groups and what stands in `C(...)` have rows, also where they are numbers.
    What was estimated row by row, and more than 50 averages, are sorted by their medians. Ratios are on a logarithmic
    axis, unless they are close together.

    Parameters
    ----------
    result : Effects
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw, unless it takes several panels.

    Returns
    -------
    Panels
        Of lines or sorted rows one for each contrast.

    Raises
    ------
    StanhierError
        If `figsize` is no size or goes with `ax`, `ax` is given for several panels, or there are too many of these.
    """
    size = checked_size(figsize, "plot", ax=ax)
    shown = result.estimated
    labels = shown.labels
    along = _numeric(labels[_users(shown)], shown.categorical)
    if "row" in shown.own or (along is None and len(labels) > MAX_GROUPS):
        return _in_panels(shown, None, size, ax)
    if along is not None:
        return _in_panels(shown, along, size, ax)
    return _in_rows(shown, size, ax)


def _intervals(shown: Quantities) -> Intervals:
    table, inner = shown.summaries.table, shown.summaries.inner
    return Intervals(table[:, 3], table[:, 2], table[:, 4], inner[:, 0], inner[:, 1])


def _numeric(labels: pd.DataFrame, categorical: frozenset[str]) -> str | None:
    """Find the column of numbers along which lines go, if the other columns leave few lines."""
    for name in labels.columns:
        is_number = labels[name].dtype.kind in "iuf" and name not in categorical
        if is_number and labels[name].nunique() >= _LEAST_FOR_LINES:
            rest = [other for other in labels.columns if other != name]
            if not rest or len(labels[rest].drop_duplicates()) <= _MAX_LINES:
                return str(name)
    return None


def _users(shown: Quantities) -> list[str]:
    """List the columns of labels that are the user's."""
    return [name for name in shown.labels.columns if name not in shown.own]


def _in_rows(shown: Quantities, size: tuple[float, float] | None, ax: Any) -> Any:
    labels = shown.labels
    shared, names = _row_names(shown)
    height = max(2.0, 1.4 + row_height(len(names)) * len(names))
    ax = named_rows(names, _intervals(shown), height=height, size=size, ax=ax)
    _mark_null(ax, shown, vertical=True)
    words = shown.words if shared is None else f"{shown.words}, {shared}"
    ax.set_xlabel(f"{in_lines(words)}\n(median, {interval_words(shown.prob)})")
    others = _users(shown)
    if shared is None and "term" in shown.own:
        ax.set_ylabel("" if _several_terms(shown) else short(labels["term"].iloc[0]))
    elif len(others) == 1:
        ax.set_ylabel(short(others[0]))
    return ax


def _row_names(shown: Quantities) -> tuple[str | None, list[str]]:
    """Name quantities by what differs between them; and the one contrast, where groups of rows alone differ."""
    labels, others, shared = shown.labels, _users(shown), None
    compared = "term" in shown.own
    if others and compared and len(labels[["term", "contrast"]].drop_duplicates()) == 1:
        shared = short(f"{labels['term'].iloc[0]}: {labels['contrast'].iloc[0]}", 60)
    several, names = _several_terms(shown), []
    columns = labels.to_dict("list")
    for k in range(len(labels)):  # also of a row without labels
        row, parts = {name: values[k] for name, values in columns.items()}, []
        if shared is None and compared:
            parts = [f"{row['term']}: {row['contrast']}" if several else str(row["contrast"])]
        alone = not parts and len(others) == 1
        parts += [_value(row[name]) if alone else f"{name} = {_value(row[name])}" for name in others]
        names.append(short(", ".join(parts), 60) if parts else "all rows")
    return shared, names


def _several_terms(shown: Quantities) -> bool:
    return "term" in shown.own and len(shown.labels["term"].unique()) > 1


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _in_panels(shown: Quantities, along: str | None, size: tuple[float, float] | None, ax: Any) -> Any:
    """Draw bands: along numbers, or of sorted quantities; each contrast in a panel."""
    labels, of_rows = shown.labels, "row" in shown.own
    heads: list[str] = [name for name in ("term", "contrast") if name in shown.own and (along is not None or of_rows)]
    if of_rows:
        heads += _users(shown)
    parts = list(labels.groupby(heads, sort=False, observed=True).indices.items()) if heads else [("", slice(None))]
    if len(parts) > MAX_PANELS:
        raise StanhierError(
            f"plot(): {len(parts)} panels are too many for one picture (at most {MAX_PANELS}); ask for fewer variables "
            "or contrasts."
        )
    if ax is not None and len(parts) > 1:
        raise StanhierError(f"plot(ax=...): {len(parts)} contrasts take as many panels, in a figure of their own.")
    if len(parts) == 1:
        axes = panels_of([new_axes(ax, (6.4, 4.4), size)])
    else:
        axes = grid_of_axes(len(parts), each=(3.6, 3.0), figsize=size)
    whole = _intervals(shown)
    for panel, (name, which) in zip(axes, parts, strict=True):
        places = np.arange(len(labels))[which]
        if along is None:
            _draw_sorted(panel, whole[places], "rows" if of_rows else "averages")
        else:
            _draw_lines(panel, labels.iloc[places][_users(shown)], whole[places], along)
        _mark_null(panel, shown, vertical=False)
        if heads:
            words = name if isinstance(name, tuple) else (name,)
            panel.set_title(short(": ".join(map(_value, words)), 40), fontsize=10)
    details = f"{shown.words}\n(median, {interval_words(shown.prob)})"
    if len(axes) == 1:
        axes[0].set_ylabel(details)
        return axes[0]
    axes.figure.supylabel(details, fontsize=10)
    return axes


def _draw_sorted(ax: Any, estimates: Intervals, what: str) -> None:
    estimates = estimates[np.argsort(estimates.median, kind="stable")]
    at = np.arange(1, len(estimates.median) + 1)
    width = min(3.0, 250 / len(at))
    ax.vlines(at, estimates.lower, estimates.upper, color=POSTERIOR, alpha=0.2, linewidth=width)
    ax.vlines(at, estimates.inner_lower, estimates.inner_upper, color=POSTERIOR, alpha=0.4, linewidth=width)
    ax.plot(at, estimates.median, color=POSTERIOR)
    ax.set_xlabel(f"{what}, sorted by their medians")


def _draw_lines(ax: Any, labels: pd.DataFrame, estimates: Intervals, along: str) -> None:
    others = [name for name in labels.columns if name != along]
    lines: list[Any] = [("", np.arange(len(labels)))]
    if others:
        lines = list(labels.reset_index(drop=True).groupby(others, sort=False, observed=True).indices.items())
    for k, (name, places) in enumerate(lines):
        order = places[np.argsort(labels[along].to_numpy()[places], kind="stable")]
        words = ", ".join(map(_value, name if isinstance(name, tuple) else (name,)))
        _draw_band(ax, labels[along].to_numpy()[order], estimates[order], f"C{k}", short(words) if others else None)
    ax.set_xlabel(short(along))
    if others:
        legend_above(ax, columns=4, title=short(", ".join(map(str, others))), title_fontsize=9)


def _draw_band(ax: Any, at: np.ndarray, estimates: Intervals, color: str, label: str | None) -> None:
    ax.fill_between(at, estimates.lower, estimates.upper, color=color, alpha=0.15, linewidth=0)
    ax.fill_between(at, estimates.inner_lower, estimates.inner_upper, color=color, alpha=0.35, linewidth=0)
    ax.plot(at, estimates.median, color=color, label=label)


def _mark_null(ax: Any, shown: Quantities, *, vertical: bool) -> None:
    if shown.null is None:
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    table = shown.summaries.table
    if shown.null == 1 and table[:, 2].min() > 0 and table[:, 4].max() > _LEAST_FOR_LOGARITHMS * table[:, 2].min():
        (ax.set_xscale if vertical else ax.set_yscale)("log")
        axis = ax.xaxis if vertical else ax.yaxis
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    draw = ax.axvline if vertical else ax.axhline
    draw(shown.null, color=REFERENCE, linestyle="--", linewidth=1, zorder=0)
