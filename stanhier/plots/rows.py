"""Pictures with a row for each group: intervals, heights, and where the legend is."""

from typing import Any

import numpy as np

from stanhier.plots.shared import Intervals

__all__ = ["draw_rows", "legend_above", "row_height"]


def draw_rows(ax: Any, y: np.ndarray, estimates: Intervals, *, color: str, label: str | None = None) -> None:
    """Draw intervals as horizontal lines, thin and thick, with a point at the median."""
    ax.hlines(y, estimates.lower, estimates.upper, color=color, linewidth=1.2)
    ax.hlines(y, estimates.inner_lower, estimates.inner_upper, color=color, linewidth=3)
    ax.plot(estimates.median, y, "o", color=color, markersize=5, label=label)


def row_height(rows: int) -> float:
    """Give the inches that a row takes: less where there are many, and still enough for its label."""
    return 0.24 if rows <= 25 else 0.19


def legend_above(ax: Any) -> None:
    """Put the legend where it covers no interval."""
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9)
