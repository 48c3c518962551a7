"""Means and intervals along a predictor, drawn into axes."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.regression import Regression
from stanhier.plots.data import held_offset
from stanhier.plots.factors import population_factors
from stanhier.plots.scales import ENDLESS, mean_noun, mean_words
from stanhier.plots.shared import label_width, quantity, short
from stanhier.plots.typical import Course, defined, rows_at
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.row_draws import auxiliary_draws

__all__ = ["along_words", "draw_means", "finish", "limit_means"]

_ROTATED_LABEL = 0.17
"""Inches along the axis that a rotated label takes."""

_BEYOND = 0.03
"""What is seen of the axis below a probability of 0 and above 1: marks there are whole."""


def draw_means(
    ax: Any,
    fit: Fitted[Regression],
    course: Course,
    held: Mapping[str, Any],
    prob: float,
    color: str,
    *,
    name: str | None = None,
    labels: bool = False,
    response: bool = True,
    aside: float = 0.0,
    inside: Mapping[int, int] | None = None,
) -> None:
    """Draw the mean and its interval, and perhaps that of new observations.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    fit : Fitted
    course : Course
    held : mapping
        The values of all other columns.
    prob : float
    color : str
    name : str, optional
        What the legend calls the mean, if it does not explain each part.
    labels : bool
        Whether the legend explains each part.
    response : bool
        Whether to draw the interval of new observations.
    aside : float
        How far levels are moved sideways.
    inside : mapping of int to int, optional
        For factors, by their positions, the group whose means these are; of other factors the average group.

    Raises
    ------
    StanhierError
        If the formula is defined at none of these rows.
    """
    grid = rows_at(fit.model.rows, held, {course.name: course.values})
    there = defined(fit.model.rows, grid)
    if not there.any():
        raise StanhierError(
            f"plot_prediction(x={quoted(course.name)}): {quoted(fit.model.formula)} is defined nowhere along "
            f"'{course.name}' for {name if name is not None else 'these values'}; draw along another predictor."
        )
    mean, new = _bands(fit, grid[there], prob, inside if inside is not None else {})
    new = new if response else None
    outer_label, inner_label, mean_label = None, None, name
    if labels:
        percent, noun = f"{100 * prob:g} %", mean_noun(fit.model.family)
        outer_label, inner_label, mean_label = f"{percent} of new observations", f"{percent} of the {noun}", noun
    if course.kind == "line":
        mean, at = _in_places(mean, there), course.positions  # broken where the formula is not defined
        if new is not None:
            new = _in_places(new, there)
            ax.fill_between(at, new[0], new[2], color=color, alpha=0.15, linewidth=0, label=outer_label)
        ax.fill_between(at, mean[0], mean[2], color=color, alpha=0.35, linewidth=0, label=inner_label)
        ax.plot(at, mean[1], color=color, label=mean_label)
        return
    at = course.positions[there] + aside
    crowd = max(1.0, len(course.values) / 18)
    if new is not None:
        ax.vlines(at, new[0], new[2], color=color, alpha=0.2, linewidth=14 / crowd, label=outer_label)
    ax.vlines(at, mean[0], mean[2], color=color, linewidth=max(3 / crowd, 1), label=inner_label, zorder=3)
    edge = {"markeredgecolor": _paper(), "markeredgewidth": 1 / crowd}  # seen among the points of the data
    ax.plot(at, mean[1], "o", color=color, markersize=7 / np.sqrt(crowd), label=mean_label, zorder=4, **edge)


def _in_places(band: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Put the columns of a band into their places, with NaN between them."""
    spread = np.full((len(band), len(there)), np.nan)
    spread[:, there] = band
    return spread


def finish(ax: Any, fit: Fitted[Regression], course: Course) -> None:
    """Name the axes, and the levels as far as there is room for their names."""
    if course.kind == "levels":
        labels = [short(level, 24) for level in course.values]
        inches = _width(ax)
        crowded = label_width(labels) * len(labels) > inches
        step = max(1, int(np.ceil(_ROTATED_LABEL * len(labels) / inches))) if crowded else 1
        options = {"rotation": 60, "ha": "right"} if crowded else {}
        ax.set_xticks(range(0, len(labels), step), labels[::step], **options)
        ax.set_xlim(-0.6, len(labels) - 0.4)
    elif fit.model.rows.frame[course.name].dtype.kind == "i":
        ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(along_words(course))
    ax.set_ylabel(mean_words(fit.model.design))


def limit_means(axes: Iterable[Any], fit: Fitted[Regression]) -> None:
    """Cut the axis of probabilities at 0 and 1, that of counts not far above data and means.

    At an edge intervals of counts can be thousands of times as high.
    """
    panels, noun = list(axes), mean_noun(fit.model.family)
    if noun == "probability":
        limits = [ax.get_ylim() for ax in panels]
        for ax, (low, high) in zip(panels, limits, strict=True):
            ax.set_ylim(max(low, -_BEYOND), min(high, 1 + _BEYOND))
    if noun != "expected count":
        return
    highest = [float(np.nanmax(line.get_ydata())) for ax in panels for line in ax.lines if len(line.get_ydata())]
    top = 1.4 * max(highest, default=0.0)
    for ax in panels:
        if 0 < top < ax.get_ylim()[1]:
            ax.set_ylim(-0.04 * top, top)


def along_words(course: Course) -> str:
    """Name the predictor, and say if some of its levels are left out."""
    name, shown = quantity(course.name), len(course.values)
    return f"{name} ({shown:,} of {course.n_levels:,} levels)" if shown < course.n_levels else name


def _bands(
    fit: Fitted[Regression], grid: pd.DataFrame, prob: float, inside: Mapping[int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Give lower, median and upper of the mean, and of new observations (None where these are not drawn).

    New observations are in the groups named, and in a new group of each other factor. They are not drawn where rows
    have standard errors or weights, which those of the picture have not, nor where they are yes or no.
    """
    design, engine, family = fit.model.design, fit.model.engine, fit.model.family
    tail = [(1 - prob) / 2, 0.5, (1 + prob) / 2]
    rows = design.encode(grid, with_groups=False)
    line, others = engine.linear(fit.draws, rows.X) + held_offset(fit.model), []
    for term, grouping in enumerate(design.groupings):
        matrix = grouping.effect_matrix(rows.columns)
        if term in inside:
            line = line + engine.effects(fit.draws, term, np.array([inside[term]]))[:, 0] @ matrix.T
        else:
            others.append(np.linalg.norm(matrix @ population_factors(fit, term), axis=2))
    mean = family.mean(np.quantile(line, tail, axis=0))  # the link is increasing
    if family.is_discrete:
        mean = np.minimum(mean, ENDLESS)
    if fit.model.noise.differs or mean_noun(family) == "probability":
        return mean, None
    return mean, np.quantile(_new(fit, line, others), tail, axis=0)


def _new(fit: Fitted[Regression], line: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """Draw new observations, shape (S, rows), where groups that are not named vary with these standard deviations.

    The effects of a new group at a row are normal given the draw, as is a Gaussian error.
    """
    model, rng = fit.model, np.random.default_rng([fit.draws.seed, 0x70])
    spread = np.zeros(line.shape)
    for other in others:
        spread = np.hypot(spread, other)
    if model.family.is_gaussian:
        spread = np.hypot(spread, model.engine.noise_scale(fit.draws)[:, None])
    # One error per draw for the whole line: each quantile is as good as with its own, and the edge is not ragged.
    line = line + spread * rng.standard_normal(len(line))[:, None]
    if model.family.is_gaussian:
        return np.asarray(line)
    auxiliary = {name: values[:, None] for name, values in auxiliary_draws(model, fit.draws).items()}
    if model.family.is_discrete:
        return np.asarray(np.minimum(model.family.draw(rng, line, auxiliary), ENDLESS))
    return np.asarray(line + model.family.draw(rng, np.zeros((len(line), 1)), auxiliary))


def _paper() -> Any:
    """Give the colour behind the data."""
    import matplotlib as mpl

    return mpl.rcParams["axes.facecolor"]


def _width(ax: Any) -> float:
    """Give the inches across the axes."""
    figure = ax.get_figure()
    return float(ax.get_position().width * figure.get_size_inches()[0])
