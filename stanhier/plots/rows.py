"""Pictures with a row for each group: intervals, heights, and where the legend is."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stanhier.plots.figures import axes_beside, new_axes, panels_of
from stanhier.plots.shared import MAX_GROUPS, POSTERIOR, Intervals, label_width, short

__all__ = [
    "MAX_PANELS",
    "GroupRows",
    "along_side",
    "draw_rows",
    "finish_panels",
    "in_lines",
    "named_rows",
    "row_height",
    "row_panels",
]

MAX_PANELS = 6
"""Effects that a picture shows beside each other, unless they are named."""

_REST_ROWS = 8


@dataclass(frozen=True)
class GroupRows:
    """Which groups are drawn, and where: of many those at the ends one by one, the rest in a band.

    Attributes
    ----------
    shown, rest : numpy.ndarray of int
        The groups one by one, and those in the band, from below.
    positions, band : numpy.ndarray
        Where they stand.
    """

    shown: np.ndarray
    rest: np.ndarray
    positions: np.ndarray
    band: np.ndarray

    @classmethod
    def of(cls, order: np.ndarray, *, all_of_them: bool) -> "GroupRows":
        """Place groups in their order from below; of more than 50 those between the 25 at each end in a band.

        Parameters
        ----------
        order : numpy.ndarray of int
        all_of_them : bool
            Whether to place any number one by one.
        """
        if all_of_them or len(order) <= MAX_GROUPS:
            return cls(order, order[:0], np.arange(len(order), dtype=float), np.empty(0))
        half = MAX_GROUPS // 2
        above = half + _REST_ROWS + 1 + np.arange(half)
        positions = np.concatenate([np.arange(half), above]).astype(float)
        shown, rest = np.concatenate([order[:half], order[-half:]]), order[half:-half]
        return cls(shown, rest, positions, np.linspace(half, half + _REST_ROWS, len(rest)))

    @property
    def height(self) -> float:
        """Inches of a picture of them."""
        return max(2.6, 1.3 + row_height(len(self.shown)) * (float(self.positions[-1]) + 1))

    def label(self, ax: Any, names: Sequence[str]) -> None:
        """Write beside the rows the names of the groups one by one, and what the band is of."""
        positions, labels = self.positions, list(names)
        if len(self.rest):
            positions = np.append(positions, self.band.mean())
            labels.append(f"{len(self.rest):,} groups between")
        ax.set_yticks(positions, labels)
        ax.set_ylim(positions.min() - 0.7, positions.max() + 0.7)

    def draw(self, ax: Any, estimates: Intervals, *, is_sorted: bool) -> None:
        """Draw intervals of all groups; the medians of a band as a line where the groups are sorted by them."""
        if len(self.rest):
            rest = estimates[self.rest]
            ax.hlines(self.band, rest.lower, rest.upper, color=POSTERIOR, alpha=0.3, linewidth=0.8)
            style = {"linewidth": 1.5} if is_sorted else {"linewidth": 0, "marker": ".", "markersize": 1.5}
            ax.plot(rest.median, self.band, color=POSTERIOR, **style)
        draw_rows(ax, self.positions, estimates[self.shown])


def draw_rows(ax: Any, y: np.ndarray, estimates: Intervals) -> None:
    """Draw intervals as horizontal lines, thin and thick, with a point at the median."""
    ax.hlines(y, estimates.lower, estimates.upper, color=POSTERIOR, linewidth=1.2)
    ax.hlines(y, estimates.inner_lower, estimates.inner_upper, color=POSTERIOR, linewidth=3)
    ax.plot(estimates.median, y, "o", color=POSTERIOR, markersize=5)


def named_rows(
    names: Sequence[str], estimates: Intervals, *, height: float, size: tuple[float, float] | None, ax: Any
) -> Any:
    """Draw an interval for each of the names, from above, into `ax` or into axes of this height and room for names."""
    ax = new_axes(ax, (5.4 + label_width(names), height), size)
    positions = np.arange(len(names))[::-1].astype(float)
    draw_rows(ax, positions, estimates)
    ax.set_yticks(positions, names)
    ax.set_ylim(-0.7, len(names) - 0.3)
    return ax


def row_height(rows: int) -> float:
    """Give the inches that a row takes: less where there are many, and still enough for its label."""
    return 0.24 if rows <= 25 else 0.19


def row_panels(number: int, labels: float, height: float, size: tuple[float, float] | None, ax: Any) -> Any:
    """Give `number` axes beside each other whose rows are the same, for labels of this many inches; or `ax`."""
    if number == 1:
        return axes_beside([5.4 + labels], height, size, ax)
    each = (1.0 + labels) / number + (3.3 if number < 4 else 2.6)
    return axes_beside([each] * number, height + 0.6, size, sharey=True)


def finish_panels(axes: Any, names: Sequence[str], n_effects: int, details: str = "") -> None:
    """Name the panels by their effects, put one legend above all, and below what there is to say of all of them."""
    most = 28 if len(axes) < 4 else 22
    for panel, name in zip(axes, names, strict=True):
        panel.set_title(short(name, most), fontsize=10)
        panel.locator_params(axis="x", nbins=5)
    for panel in axes[1:]:
        panel.tick_params(axis="y", left=False)
    handles, words = axes[0].get_legend_handles_labels()
    axes.figure.legend(handles, words, loc="outside upper center", ncols=len(words), frameon=False, fontsize=9)
    some = f"{len(names)} of {n_effects} effects" if len(names) < n_effects else ""
    below = "; ".join(words for words in (details, some) if words)
    if below:
        axes.figure.supxlabel(below, fontsize=10)


def in_lines(words: str, panels: int = 1) -> str:
    """Break what an axis shows into lines that fit below one of so many panels."""
    return textwrap.fill(words, 60 if panels == 1 else 34 if panels < 4 else 28)


def along_side(ax: Any, words: str) -> str:
    """Break what stands upright beside axes into lines that are no longer than these are high."""
    figure = panels_of([ax]).figure
    figure.draw_without_rendering()  # how high they are follows from what else is in the figure
    inches = ax.get_window_extent().height / figure.dpi
    return textwrap.fill(words, max(1, int(inches / label_width(["x"]))), break_long_words=False)
