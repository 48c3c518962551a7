"""The picture of complete, no and partial pooling, side by side."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.engines.regression import Regression
from stanhier.plots.figures import Size, checked_size, new_axes, panels_of
from stanhier.plots.rows import row_height
from stanhier.plots.shared import MAX_GROUPS, OTHER, POSTERIOR, REFERENCE, label_width, short
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
        """Estimates and intervals by group."""

    @property
    def prob(self) -> float:
        """Probability of the intervals."""

    @property
    def group(self) -> str:
        """The grouping column."""


@in_our_words(name="plot", called_on="result")
def pooling(result: Pooled, *, figsize: Size | None = None, ax: Any = None) -> Any:
    """Plot each group's estimate and interval without pooling and with partial pooling, and that of complete pooling.

    Up to 50 groups have a row each, sorted by sample size, which the label says. More are drawn in two panels over the
    sample size on a logarithmic axis, spread sideways by up to 8 % so that groups of one size can be told apart.

    Parameters
    ----------
    result : Pooling
        From `stanhier.pooling`.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw up to 50 groups; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes, or Panels of two beyond 50 groups
        The latter is an array with the attribute `figure`.

    Raises
    ------
    StanhierError
        If `ax` is given and there are more than 50 groups, or `figsize` is no size or goes with `ax`.

    References
    ----------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, figures 12.1 and 12.3.
    """
    size = checked_size(figsize, "Pooling.plot", ax=ax)
    model = next(iter(result.fits.values())).model
    at_zero = " at predictors of 0" if model.design.predictors else ""
    words = f"mean {short(model.design.formula.response)}{at_zero}"
    details = f"(median and {100 * result.prob:g} % interval)"
    if len(result.estimates) <= MAX_GROUPS:
        return _rows(result, size, ax, f"{words}\n{details}")
    if ax is not None:
        raise StanhierError(
            f"pooling(ax=...): more than {MAX_GROUPS} groups take two panels, in a figure of their own."
        )
    return _panels(result, size, f"{words} {details}")


def _rows(result: Pooled, size: tuple[float, float] | None, ax: Any, words: str) -> Any:
    table = result.estimates.sort_values(["n", "partial"], ascending=False)
    labels = [f"{short(label)} (n = {n:,})" for label, n in zip(table.index, table["n"], strict=True)]
    y = np.arange(len(table))[::-1]
    height = max(2.8, 1.6 + 1.5 * row_height(len(labels)) * len(labels))
    ax = new_axes(ax, (5.4 + label_width(labels), height), size)
    for kind, offset in (("no", 0.17), ("partial", -0.17)):
        ax.hlines(y + offset, table[f"{kind}_lower"], table[f"{kind}_upper"], color=_COLORS[kind], linewidth=1.6)
        ax.plot(table[kind], y + offset, "o", color=_COLORS[kind], markersize=5, label=f"{kind} pooling")
    first = table.iloc[0]
    ax.axvspan(first["complete_lower"], first["complete_upper"], color=REFERENCE, alpha=0.15, linewidth=0, zorder=0)
    ax.axvline(first["complete"], color=REFERENCE, linestyle="--", linewidth=1, zorder=0, label="complete pooling")
    ax.set_yticks(y, labels)
    ax.set_ylim(-0.7, len(labels) - 0.3)
    ax.set_ylabel(short(result.group))
    ax.set_xlabel(words)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9, ncols=3)
    return ax


def _panels(result: Pooled, size: tuple[float, float] | None, words: str) -> Any:
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    table = result.estimates
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 5) if size is None else size, sharex=True, sharey=True, layout="constrained"
    )
    at = table["n"].to_numpy(dtype=float) * np.exp(np.random.default_rng(0).uniform(-0.08, 0.08, len(table)))
    first = table.iloc[0]
    for panel, kind in zip(axes, ("no", "partial"), strict=True):
        panel.vlines(at, table[f"{kind}_lower"], table[f"{kind}_upper"], color=_COLORS[kind], linewidth=0.8, alpha=0.5)
        panel.plot(at, table[kind], "o", color=_COLORS[kind], markersize=2.5)
        panel.axhspan(first["complete_lower"], first["complete_upper"], color=REFERENCE, alpha=0.2, linewidth=0)
        panel.axhline(first["complete"], color=REFERENCE, linestyle="--", linewidth=1, label="complete pooling")
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_title(f"{kind} pooling", fontsize=11)
    # The few widest intervals of tiny groups would press all others flat.
    lower = min(float(table["no_lower"].quantile(0.01)), float(table["partial_lower"].min()))
    upper = max(float(table["no_upper"].quantile(0.99)), float(table["partial_upper"].max()))
    margin = 0.05 * (upper - lower)
    axes[0].set_ylim(lower - margin, upper + margin)
    axes[0].set_ylabel(words)
    axes[1].legend(frameon=False, fontsize=9)
    figure.supxlabel(f"rows in each of {len(table):,} groups of {short(result.group)}", fontsize=10)
    return panels_of(axes)
