"""Data along a predictor, drawn into axes: rows as points, or proportions of events."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.regression import Regression
from stanhier.plots.scales import mean_noun
from stanhier.plots.shared import short
from stanhier.plots.typical import Course
from stanhier.posterior.fitted import Fitted

__all__ = ["draw_data", "held_offset", "largest_share", "offset_words"]

_MAX_POINTS = 5_000
_FEW_VALUES, _MAX_BINS = 12, 15
_LEAST_AREA, _MORE_AREA = 6.0, 70.0


def draw_data(
    ax: Any,
    fit: Fitted[Regression],
    course: Course,
    rows: np.ndarray,
    color: str,
    *,
    aside: float = 0.0,
    width: float = 0.15,
    largest: float | None = None,
    crowd: int | None = None,
    label: bool = False,
) -> None:
    """Draw the rows: as points, or of yes or no as proportions of events.

    Points are of up to 5,000 rows, spread sideways where they would hide each other, and counts up and down.
    Proportions are those at each value of the predictor, or in up to 15 bins of as many rows each.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    fit : Fitted
    course : Course
    rows : numpy.ndarray of bool, shape (N,)
        Those to draw.
    color : str
    aside, width : float
        How far levels are moved sideways, and how far points are spread around there.
    largest : float, optional
        Rows (or trials) of a proportion with the largest area; that of these rows by default.
    crowd : int, optional
        Rows in the same axes, which all have points of one size; these alone by default.
    label : bool
        Whether the legend explains proportions.
    """
    design = fit.model.rows
    places = course.positions_of(design.frame[course.name])
    chosen = np.flatnonzero(rows & ~np.isnan(places))
    if mean_noun(fit.model.family) == "probability":
        _draw_shares(ax, *_shares(design, places, chosen, course), color, aside, largest, label=label)
        return
    rng = np.random.default_rng(0)
    if len(chosen) > _MAX_POINTS:
        chosen = rng.choice(chosen, _MAX_POINTS, replace=False)
    at, values = places[chosen], _at_held_offset(fit.model)[chosen]
    if course.kind == "levels":
        at = at + aside + rng.uniform(-width, width, len(at))
    elif 20 * len(np.unique(at)) < len(at):
        at = at + rng.uniform(-0.02, 0.02, len(at)) * np.ptp(places)
    if fit.model.family.is_discrete and 5 * len(np.unique(values)) < len(values):
        values = values + rng.uniform(-0.25, 0.25, len(values))
    few = (len(chosen) if crowd is None else crowd) <= 300
    ax.plot(
        at,
        values,
        "o",
        color=color,
        markersize=3 if few else 1.5,
        alpha=0.7 if few else 0.35,
        markeredgewidth=0,
        zorder=1.5,  # behind means and their intervals
    )


def largest_share(fit: Fitted[Regression], course: Course, parts: Sequence[np.ndarray]) -> float | None:
    """Give how many rows (or trials) the largest proportion of several parts of the rows has, for `draw_data`."""
    if mean_noun(fit.model.family) != "probability":
        return None
    design = fit.model.rows
    places = course.positions_of(design.frame[course.name])
    found = [_shares(design, places, np.flatnonzero(rows & ~np.isnan(places)), course)[2] for rows in parts]
    return max((float(sizes.max()) for sizes in found if len(sizes)), default=None)


def held_offset(model: Regression) -> float:
    """Give the offset at which means are drawn: that of the rows on average."""
    offset = model.rows.whole_offset
    return 0.0 if offset is None else float(offset.mean())


def offset_words(model: Regression) -> list[str]:
    """Say where the offset is, and what that does to the data; nothing without an offset."""
    design = model.design
    if not design.has_offset:
        return []
    name = short("offset" if design.offset_name is None else design.offset_name)
    taken = " (points too)" if design.family.link in ("identity", "log") else ""
    return [f"{name} = {held_offset(model):.4g}{taken}".replace("-", "−")]


def _at_held_offset(model: Regression) -> np.ndarray:
    """Give the responses, shape (N,), taken to the offset at which means are drawn, where the link tells how."""
    design, offset = model.rows, model.rows.whole_offset
    if offset is None:
        return design.observed
    if design.family.link == "identity":
        return design.observed + (held_offset(model) - offset)
    return np.asarray(design.observed * np.exp(held_offset(model) - offset))


def _shares(
    design: InMemoryDesign, places: np.ndarray, chosen: np.ndarray, course: Course
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give where proportions of events stand, the proportions, and of how many rows (or trials) they are."""
    at = places[chosen]
    values, bins = np.unique(at, return_inverse=True)
    if course.kind != "levels" and len(values) > _FEW_VALUES:
        number = int(np.clip(np.sqrt(len(at)), 3, _MAX_BINS))
        # Rows of one value are in one bin.
        edges = np.unique(np.quantile(at, np.arange(1, number) / number, method="lower"))
        bins = np.unique(np.searchsorted(edges, at, side="left"), return_inverse=True)[1]
    trials = np.ones(len(at)) if design.trials is None else design.trials[chosen]
    size = np.bincount(bins, trials)
    return np.bincount(bins, trials * at) / size, np.bincount(bins, design.observed[chosen]) / size, size


def _draw_shares(
    ax: Any,
    at: np.ndarray,
    shares: np.ndarray,
    sizes: np.ndarray,
    color: str,
    aside: float,
    largest: float | None,
    *,
    label: bool,
) -> None:
    if not len(sizes):
        return
    areas = _LEAST_AREA + _MORE_AREA * sizes / (sizes.max() if largest is None else largest)
    words = "observed (area: how many)" if label else None
    ax.scatter(at + aside, shares, s=areas, color=color, alpha=0.6, linewidth=0, zorder=1.5, label=words, clip_on=False)
