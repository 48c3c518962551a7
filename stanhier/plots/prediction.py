"""The picture of a regression: data, mean line and intervals along one predictor."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.spacing import evenly
from stanhier.basics.words import quoted
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.regression import Regression
from stanhier.plots.data import draw_data, largest_share, offset_words
from stanhier.plots.figures import (
    Size,
    checked_size,
    grid_of_axes,
    legend_above,
    new_axes,
    picture,
)
from stanhier.plots.held import HeldGroups, held_groups
from stanhier.plots.means import along_words, draw_means, finish, limit_means
from stanhier.plots.scales import mean_noun, mean_words
from stanhier.plots.shared import POSTERIOR, ink, plain, short
from stanhier.plots.typical import (
    course_along,
    fixed_words,
    lines_by,
    made_from,
    own_words,
    typical_values,
    wrapped,
)
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.places import place_at

__all__ = ["prediction"]

_MAX_PANELS = 24


@in_our_words(name="plot_prediction")
@picture
def prediction(
    fit: Fitted[Regression],
    x: str,
    *,
    by: str | None = None,
    groups: Sequence[Any] | Mapping[str, Any] | None = None,
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot the data along one predictor with the mean line and its interval, and the interval of new observations.

    The other predictors stay where most data are, which the label of the axis says: numbers at their mean, categories
    (truth values and numbers in `C(...)` too) at the most frequent level. Along categories the means stand side by
    side, of more than 100 at levels that are evenly chosen. Where the formula is not defined at the means, as `1 / x`
    at 0, the others stay at the nearest row of the data; where it is not defined along `x`, the line has gaps.

    With `by` a grouping factor, each panel is at its own group's values: means and most frequent levels of its rows.

    Without `by`, the line of a model with groups is that of the average group, and new observations are ones in a new
    group of each factor, so their interval holds the spread of the groups too, in slopes as in intercepts. So it is of
    the factors that neither `by` nor `groups` name; a group of `a:b` is known with its group of `a`.

    The axis has the scale of the response. Of yes or no that is the probability of the event, and the data are
    proportions at each value of the predictor, or in up to 15 bins of as many rows each, with areas by the numbers of
    rows (or trials); single new observations are not drawn, and the axis holds what is drawn, not all from 0 to 1. Of
    counts it is the expected count, and the data are points that are spread where they would hide each other. The line
    of the average group is at effects of 0, which is not the mean over all groups where the link is not the identity;
    there the label names it. An offset stays at its mean, to which measurements and counts are taken too.

    Parameters
    ----------
    fit : Fitted
    x : str
        The predictor's column: numbers or categories. Of a predictor that is calculated, as `log(dose)`, it is the
        column that it is made from.
    by : str, optional
        A grouping factor, such as "county" or "school:class", for one panel per group (at most 24, evenly chosen from
        the groups sorted by their means at the mean of the predictors, or by their slopes where no intercept varies),
        or another predictor for one line per category (at most 8), or of numbers at their mean and one standard
        deviation around it, within their range.
    groups : sequence or mapping, optional
        With `by` a grouping factor: the labels of its groups to draw. Or labels by factor: a list of the factor that
        has panels, and one label of any other whose group all panels are of, `{"subject": ["308", "309"], "item": 3}`.
    prob : float
        Probability of the central intervals.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw, unless it is one panel per group.

    Returns
    -------
    Panels
        An array of axes, one or one per group, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If a column is not one of the model, or an argument has a value that it cannot have.
    """
    prob = checked_probability(prob, "plot_prediction")
    size = checked_size(figsize, "plot_prediction", ax=ax)
    design = fit.model.rows
    columns = list(design.formula.predictor_columns)
    x = _column(design, x)
    held = held_groups(fit, x, by, groups)
    if held.by is not None:
        if ax is not None:
            raise StanhierError("plot_prediction(ax=...): one panel per group needs a figure of its own.")
        return _panels(held, x, prob, size)
    if by is not None and (by not in columns or by == x):
        others = [c for c in [*columns, *(g.name for g in design.groupings)] if c != x]
        raise StanhierError(
            f"plot_prediction(by={quoted(by)}): 'by' must be another column of the model: {_listed(others)}."
        )
    inside = held.inside()
    there = held.rows(inside)
    typical = {**typical_values(design), **held.values(inside)}
    course = course_along(design, x, typical)
    drawn = [] if by is None else lines_by(design, by, typical)
    width = min(12.0, max(6.4, 1.6 + 0.2 * len(course.values))) if course.kind == "levels" else 6.4
    ax = new_axes(ax, (width, 4.4), size)
    if by is None:
        draw_data(ax, fit, course, there, ink(), label=True)
        draw_means(ax, fit, course, typical, prob, POSTERIOR, labels=True, inside=inside)
    largest = largest_share(fit, course, [rows & there for _, _, rows in drawn])
    for k, (value, name, rows) in enumerate(drawn):
        aside = (k - (len(drawn) - 1) / 2) * 0.8 / len(drawn) if course.kind == "levels" else 0.0
        points: dict[str, Any] = {
            "aside": aside,
            "width": 0.3 / len(drawn),
            "largest": largest,
            "crowd": int(there.sum()),
        }
        draw_data(ax, fit, course, rows & there, f"C{k}", **points)
        values = {**typical, str(by): value}
        draw_means(ax, fit, course, values, prob, f"C{k}", name=name, response=False, aside=aside, inside=inside)
    finish(ax, fit, course)
    limit_means([ax], fit)
    fixed = fixed_words(design, typical, x, by, groups=[*held.words(), *held.average_words(), *offset_words(fit.model)])
    if fixed:
        ax.set_xlabel(f"{ax.get_xlabel()}\n{fixed}")
    title = None if by is None else f"{short(by)}, with {100 * prob:g} % intervals of the {mean_noun(fit.model.family)}"
    legend_above(ax, columns=3, title=title, title_fontsize=9)
    return ax


def _column(design: InMemoryDesign, x: Any) -> str:
    """Give the column of the data to draw along: itself, or the one that a predictor is made from."""
    columns = list(design.formula.predictor_columns)
    if not isinstance(x, str):
        raise StanhierError(
            f"plot_prediction(x={quoted(x)}): 'x' must be one column, the name of a predictor: {_listed(columns)}; a "
            "second one can be by=."
        )
    if x in columns:
        return str(x)
    behind = made_from(design, x)
    if len(behind) == 1:
        return behind[0]
    if behind:
        raise StanhierError(
            f"plot_prediction(x={quoted(x)}): it is made from several columns; draw along one of them: "
            f"{_listed(behind)}."
        )
    raise StanhierError(f"plot_prediction(x={quoted(x)}): 'x' must be a predictor of the model: {_listed(columns)}.")


def _panels(held: HeldGroups, x: str, prob: float, figsize: tuple[float, float] | None) -> Any:
    fit, factor = held.fit, held.by
    assert factor is not None
    chosen = held.chosen
    if chosen is None:
        effects = factor.grouping.effects
        sorted_by = "Intercept" if "Intercept" in effects else effects[0]
        place = place_at(fit.model, "mean", "plot_prediction")
        (estimates,) = factor.intervals([factor.coefficient(sorted_by, place, with_above=True)], prob)
        chosen = np.argsort(estimates.median, kind="stable")[evenly(factor.n_groups, _MAX_PANELS)]
    design = fit.model.rows
    course = course_along(design, x, typical_values(design))
    columns = min(6, max(3, int(np.ceil(np.sqrt(len(chosen))))))
    each = (2.1, 2.0) if columns > 3 else (2.8, 2.4)
    axes = grid_of_axes(len(chosen), columns=columns, each=each, figsize=figsize, sharex=True, sharey=True)
    largest = largest_share(fit, course, [held.rows(held.inside(int(code))) for code in chosen])
    for k, (code, panel) in enumerate(zip(chosen, axes, strict=True)):
        inside = held.inside(int(code))
        draw_data(panel, fit, course, held.rows(inside), ink(), largest=largest, label=k == 0)
        own = typical_values(design.take(held.rows({factor.term: int(code)})))
        values = {**own, **held.values(inside)}
        draw_means(panel, fit, course, values, prob, POSTERIOR, labels=k == 0, inside=inside)
        panel.set_title(short(factor.grouping.levels[int(code)], 24 if columns > 3 else 32), fontsize=9)
        finish(panel, fit, course)
        if k + columns >= len(chosen):  # nothing is below
            panel.tick_params(axis="x", labelbottom=True)
        panel.set_xlabel("")
        panel.set_ylabel("")
    limit_means(axes, fit)
    figure = axes[0].get_figure()
    words = along_words(course)
    others = [name for name in design.formula.predictor_columns if name not in (x, *factor.grouping.factors)]
    said = ", ".join(filter(None, [*held.words(), *offset_words(fit.model), own_words(design, others)]))
    figure.supxlabel("\n".join([words, *wrapped(f"(at {said})")]) if said else words, fontsize=10)
    figure.supylabel(mean_words(fit.model.design), fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    some = f"{len(chosen):,} of " if len(chosen) < factor.n_groups else ""
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=len(labels),
        frameon=False,
        fontsize=9,
        title=f"{some}{factor.n_groups:,} groups of {short(factor.grouping.name)}",
        title_fontsize=10,
    )
    return axes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{plain(n)}'" for n in names) if names else "it has none"
