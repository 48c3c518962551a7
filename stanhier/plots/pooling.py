"""The picture of complete, no and partial pooling, side by side."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed
from stanhier.design.columns import INTERCEPT
from stanhier.engines.regression import Regression
from stanhier.plots.figures import (
    Size,
    checked_size,
    legend_above,
    panels_of,
    picture,
    refuse_several,
)
from stanhier.plots.rows import MAX_PANELS, finish_panels, in_lines, row_height, row_panels
from stanhier.plots.scales import linear_words
from stanhier.plots.shared import MAX_GROUPS, OTHER, POSTERIOR, REFERENCE, label_width, plain, short
from stanhier.posterior.fitted import Fitted

__all__ = ["pooling"]

_COLORS = {"no": OTHER, "partial": POSTERIOR}


class Pooled(Protocol):
    """What `stanhier.pooling` gives."""

    @property
    def fits(self) -> Mapping[str, Fitted[Regression]]:
        """The fits by kind of pooling."""

    @property
    def estimates(self) -> pd.DataFrame:
        """Estimates and intervals by group, of the first effect."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The same of each effect; nothing where intercepts alone vary."""

    @property
    def prob(self) -> float:
        """Probability of the intervals."""

    @property
    def group(self) -> str:
        """The grouping column."""

    @property
    def at(self) -> str:
        """Where the predictors are; empty without any."""


@in_our_words(name="plot", called_on="result")
@picture
def pooling(
    result: Pooled, *, effects: str | Sequence[str] | None = None, figsize: Size | None = None, ax: Any = None
) -> Any:
    """Plot each group's estimate and interval without pooling and with partial pooling, and that of complete pooling.

    Up to 50 groups have a row each, sorted by sample size, which the label says, and where slopes vary too each effect
    a panel. More are drawn in two panels for each effect over the sample size on a logarithmic axis, spread sideways by
    up to 8 % so that groups of one size can be told apart.

    Parameters
    ----------
    result : Pooling
        From `stanhier.pooling`.
    effects : str or sequence of str, optional
        The effects to draw, "Intercept" or columns; by default the first 6.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw one effect of up to 50 groups; a new figure otherwise.

    Returns
    -------
    Panels
        An array of axes, one for each effect, two beyond 50 groups, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If there is no such effect, `ax` is given and there are more than 50 groups or several effects, or `figsize` is
        no size or goes with `ax`.

    References
    ----------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, figures 12.1 and 12.3.
    """
    size = checked_size(figsize, "Pooling.plot", ax=ax)
    tables = _chosen(result, effects)
    details = f"(median and {100 * result.prob:g} % interval)"
    words = {effect: _words(result, effect) for effect in tables}
    if len(result.estimates) > MAX_GROUPS:
        if ax is not None:
            raise StanhierError(
                f"pooling(ax=...): more than {MAX_GROUPS} groups take two panels, in a figure of their own."
            )
        return _panels(result, tables, size, words, details)
    refuse_several(ax, len(tables), "pooling", listed(tables))
    return _rows(result, tables, size, ax, words, details)


def _chosen(result: Pooled, effects: str | Sequence[str] | None) -> dict[str, pd.DataFrame]:
    """Give the tables of the effects that are asked for."""
    known = dict(result.tables) if result.tables else {INTERCEPT: result.estimates}
    if effects is None:
        return dict(list(known.items())[:MAX_PANELS])
    wanted = [effects] if isinstance(effects, str) else list(dict.fromkeys(effects))
    unknown = [effect for effect in wanted if effect not in known]
    if unknown or not wanted:
        what = f"there is no effect {unknown[0]!r}" if unknown else "no effect is named"
        raise StanhierError(f"pooling(effects=...): {what}; they are {listed(known)}.")
    return {effect: known[effect] for effect in wanted}


def _words(result: Pooled, effect: str) -> str:
    design = next(iter(result.fits.values())).model.design
    linear = linear_words(design)
    if effect != INTERCEPT:
        return f"{linear.removeprefix('mean ')} per unit of {short(effect)}"
    return f"{linear} {plain(result.at)}".rstrip()


def _rows(
    result: Pooled,
    tables: Mapping[str, pd.DataFrame],
    size: tuple[float, float] | None,
    ax: Any,
    words: Mapping[str, str],
    details: str,
) -> Any:
    first = next(iter(tables.values())).sort_values(["n", "partial"], ascending=False)
    labels = [f"{short(label)} (n = {n:,})" for label, n in zip(first.index, first["n"], strict=True)]
    y = np.arange(len(first))[::-1]
    height = max(2.8, 1.6 + 1.5 * row_height(len(labels)) * len(labels))
    axes = row_panels(len(tables), label_width(labels), height, size, ax)
    for panel, (effect, table) in zip(axes, tables.items(), strict=True):
        _draw_rows(panel, table.loc[first.index], y)
        panel.set_xlabel(in_lines(words[effect], len(axes)) + (f"\n{details}" if len(axes) == 1 else ""))
    axes[0].set_yticks(y, labels)
    axes[0].set_ylim(-0.7, len(labels) - 0.3)
    axes[0].set_ylabel(short(result.group))
    if len(axes) == 1:
        legend_above(axes[0], columns=3)
        return axes[0]
    finish_panels(axes, list(tables), len(result.tables), details)
    return axes


def _draw_rows(ax: Any, table: pd.DataFrame, y: np.ndarray) -> None:
    for kind, offset in (("no", 0.17), ("partial", -0.17)):
        ax.hlines(y + offset, table[f"{kind}_lower"], table[f"{kind}_upper"], color=_COLORS[kind], linewidth=1.6)
        ax.plot(table[kind], y + offset, "o", color=_COLORS[kind], markersize=5, label=f"{kind} pooling")
    first = table.iloc[0]
    ax.axvspan(first["complete_lower"], first["complete_upper"], color=REFERENCE, alpha=0.15, linewidth=0, zorder=0)
    ax.axvline(first["complete"], color=REFERENCE, linestyle="--", linewidth=1, zorder=0, label="complete pooling")


def _panels(
    result: Pooled,
    tables: Mapping[str, pd.DataFrame],
    size: tuple[float, float] | None,
    words: Mapping[str, str],
    details: str,
) -> Any:
    import matplotlib.pyplot as plt

    number = len(tables)
    usual = (10, 5) if number == 1 else (10, 0.6 + 3.6 * number)
    figure, axes = plt.subplots(
        number,
        2,
        figsize=usual if size is None else size,
        sharex=True,
        sharey="row",
        layout="constrained",
        squeeze=False,
    )
    first = next(iter(tables.values()))
    for row, (effect, table) in zip(axes, tables.items(), strict=True):
        _over_sizes(row, table, titles=table is first)
        row[0].set_ylabel(
            f"{words[effect]} {details}" if number == 1 else f"{textwrap.fill(words[effect], 40)}\n{details}"
        )
    axes[0, 1].legend(frameon=False, fontsize=9)
    figure.supxlabel(f"rows in each of {len(result.estimates):,} groups of {short(result.group)}", fontsize=10)
    return panels_of(axes.ravel())


def _over_sizes(row: Any, table: pd.DataFrame, *, titles: bool) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    at = table["n"].to_numpy(dtype=float) * np.exp(np.random.default_rng(0).uniform(-0.08, 0.08, len(table)))
    first = table.iloc[0]
    for panel, kind in zip(row, ("no", "partial"), strict=True):
        panel.vlines(at, table[f"{kind}_lower"], table[f"{kind}_upper"], color=_COLORS[kind], linewidth=0.8, alpha=0.5)
        panel.plot(at, table[kind], "o", color=_COLORS[kind], markersize=2.5)
        panel.axhspan(first["complete_lower"], first["complete_upper"], color=REFERENCE, alpha=0.2, linewidth=0)
        panel.axhline(first["complete"], color=REFERENCE, linestyle="--", linewidth=1, label="complete pooling")
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        if titles:
            panel.set_title(f"{kind} pooling", fontsize=11)
    # The few widest intervals of tiny groups would press all others flat.
    lower = min(float(table["no_lower"].quantile(0.01)), float(table["partial_lower"].min()))
    upper = max(float(table["no_upper"].quantile(0.99)), float(table["partial_upper"].max()))
    margin = 0.05 * (upper - lower)
    row[0].set_ylim(lower - margin, upper + margin)
