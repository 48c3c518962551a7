"""The picture of a regression: data, mean line and intervals along one predictor."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_probability
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.regression import Regression
from stanhier.plots.figures import Size, checked_size, grid_of_axes, new_axes
from stanhier.plots.shared import (
    POSTERIOR,
    flat,
    group_intervals,
    group_positions,
    ink,
    label_width,
    plain,
    quantity,
    short,
)
from stanhier.plots.typical import fixed_words, is_numeric, levels, rows_along
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.prediction import predict_draws

__all__ = ["prediction"]

_MAX_PANELS = 24
_MAX_POINTS = 5_000


def prediction(
    fit: Fitted[Regression],
    x: str,
    *,
    by: str | None = None,
    groups: Sequence[Any] | None = None,
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot the data along one predictor with the mean line and its interval, and the interval of new observations.

    The other predictors stay where most data are: numbers at their mean, categories at the most frequent one; the
    label of the axis says where. Without `by`, the line of a model with groups is that of the average group (mu_alpha),
    and new observations are ones in a new group, so their interval holds the spread of the groups too.

    Parameters
    ----------
    fit : Fitted
    x : str
        The predictor's column: numeric, or categorical.
    by : str, optional
        The grouping column for one panel per group (at most 24, evenly chosen from the sorted groups), or another
        predictor for one line per category, or per mean and one standard deviation around it if it is numeric.
    groups : sequence, optional
        With `by` the grouping column: the labels of the groups to draw.
    prob : float
        Probability of the central intervals.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw, unless it is one panel per group.

    Returns
    -------
    matplotlib.axes.Axes
        Or Panels of them, one per group: an array with the attribute `figure`.

    Raises
    ------
    StanhierError
        If a column is not one of the model, or an argument has a value that it cannot have.
    """
    prob = checked_probability(prob, "plot_prediction")
    size = checked_size(figsize, "plot_prediction", ax=ax)
    design = fit.model.rows
    columns = list(design.formula.predictor_columns)
    if x not in columns:
        raise StanhierError(
            f"plot_prediction(x={quoted(x)}): 'x' must be a predictor of the model: {_listed(columns)}."
        )
    group = design.group.name if design.group is not None else None
    if by is not None and by == group and by != x:
        if ax is not None:
            raise StanhierError("plot_prediction(ax=...): one panel per group needs a figure of its own.")
        return _panels(fit, x, groups, prob, size)
    if groups is not None:
        raise StanhierError("plot_prediction(groups=...): this goes with `by`, the grouping column.")
    if by is not None and (by not in columns or by == x):
        others = [c for c in [*columns, *([group] if group is not None else [])] if c != x]
        raise StanhierError(
            f"plot_prediction(by={quoted(by)}): 'by' must be another column of the model: {_listed(others)}."
        )
    ax = new_axes(ax, (6.4, 4.4), size)
    frame = design.frame
    if by is None:
        grid = rows_along(fit, x, {})
        _draw_data(ax, fit, x, np.ones(len(frame), dtype=bool), ink())
        _draw_line(ax, fit, x, grid, prob, POSTERIOR, labels=True)
    else:
        drawn = levels(frame, by)
        for k, (value, name, rows) in enumerate(drawn):
            aside = 0.0 if is_numeric(frame[x]) else (k - (len(drawn) - 1) / 2) * 0.8 / len(drawn)
            _draw_data(ax, fit, x, rows, f"C{k}", aside=aside, width=0.3 / len(drawn))
            grid = rows_along(fit, x, {by: value})
            _draw_line(ax, fit, x, grid, prob, f"C{k}", labels=False, name=name, response=False, aside=aside)
    _finish(ax, fit, x)
    fixed = fixed_words(fit, x, by)
    if fixed:
        ax.set_xlabel(f"{quantity(x)}\n{fixed}")
    title = None if by is None else f"{short(by)}, with {100 * prob:g} % intervals of the mean"
    ax.legend(
        frameon=False, fontsize=9, title=title, title_fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3
    )
    return ax


def _panels(
    fit: Fitted[Regression], x: str, groups: Sequence[Any] | None, prob: float, figsize: tuple[float, float] | None
) -> Any:
    group = fit.model.rows.group
    assert group is not None
    if groups is not None:
        chosen = group_positions(fit, groups, "plot_prediction")
    else:
        chosen = np.argsort(group_intervals(fit, prob).median, kind="stable")
        if len(chosen) > _MAX_PANELS:
            chosen = chosen[np.linspace(0, len(chosen) - 1, _MAX_PANELS).round().astype(int)]
    columns = min(6, max(3, int(np.ceil(np.sqrt(len(chosen))))))
    each = (2.1, 2.0) if columns > 3 else (2.8, 2.4)
    axes = grid_of_axes(len(chosen), columns=columns, each=each, figsize=figsize, sharex=True, sharey=True)
    for k, (code, panel) in enumerate(zip(chosen, axes, strict=True)):
        level = group.levels[int(code)]
        _draw_data(panel, fit, x, group.codes == code, ink())
        grid = rows_along(fit, x, {group.name: level})
        _draw_line(panel, fit, x, grid, prob, POSTERIOR, labels=k == 0, in_group=True)
        panel.set_title(short(level, 24 if columns > 3 else 32), fontsize=9)
        _finish(panel, fit, x)
        if k + columns >= len(chosen):  # nothing is below
            panel.tick_params(axis="x", labelbottom=True)
        panel.set_xlabel("")
        panel.set_ylabel("")
    figure = axes[0].get_figure()
    fixed = fixed_words(fit, x, group.name)
    figure.supxlabel(f"{quantity(x)}\n{fixed}" if fixed else quantity(x), fontsize=10)
    figure.supylabel(quantity(fit.model.design.formula.response), fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
    return axes


def _draw_line(
    ax: Any,
    fit: Fitted[Regression],
    x: str,
    grid: pd.DataFrame,
    prob: float,
    color: str,
    *,
    labels: bool,
    name: str | None = None,
    response: bool = True,
    aside: float = 0.0,
    in_group: bool = False,
) -> None:
    mean, new = _bands(fit, grid, prob, in_group=in_group)
    percent = f"{100 * prob:g} %"
    numeric = is_numeric(fit.model.rows.frame[x])
    at = grid[x].to_numpy(dtype=float) if numeric else np.arange(len(grid)) + aside
    outer_label, inner_label = (f"{percent} of new observations", f"{percent} of the mean") if labels else (None, None)
    if numeric:
        if response and new is not None:
            ax.fill_between(at, new[0], new[2], color=color, alpha=0.15, linewidth=0, label=outer_label)
        ax.fill_between(at, mean[0], mean[2], color=color, alpha=0.35, linewidth=0, label=inner_label)
        ax.plot(at, mean[1], color=color, label="mean" if labels else name)
        return
    if response and new is not None:
        ax.vlines(at, new[0], new[2], color=color, alpha=0.2, linewidth=14, label=outer_label)
    ax.vlines(at, mean[0], mean[2], color=color, linewidth=3, label=inner_label)
    ax.plot(at, mean[1], "o", color=color, label="mean" if labels else name)


def _bands(
    fit: Fitted[Regression], grid: pd.DataFrame, prob: float, *, in_group: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Give lower, median and upper of the mean, and of new observations (None where their error is not known)."""
    design, engine = fit.model.design, fit.model.engine
    tail = [(1 - prob) / 2, 0.5, (1 + prob) / 2]
    if design.group is None or in_group:
        line = flat(predict_draws(fit, grid, kind="mean"))
        spread = engine.noise_scale(fit.draws)
    else:
        rows = design.encode(grid, with_groups=False)
        line = engine.linear(fit.draws, rows.X)
        spread = np.hypot(engine.noise_scale(fit.draws), engine.new_effects(fit.draws, np.ones(fit.draws.n_draws)))
    mean = np.quantile(line, tail, axis=0)
    if fit.model.noise.kind == "known":
        return mean, None
    # One error per draw for the whole line: each quantile is as good as with its own, and the edge is not ragged.
    noise = spread * np.random.default_rng([fit.draws.seed, 0x70]).standard_normal(len(line))
    return mean, np.quantile(line + noise[:, None], tail, axis=0)


def _draw_data(
    ax: Any, fit: Fitted[Regression], x: str, rows: np.ndarray, color: str, *, aside: float = 0.0, width: float = 0.15
) -> None:
    """Draw the rows as points; of more than 5,000 a sample, spread sideways where they would hide each other."""
    design = fit.model.rows
    chosen = np.flatnonzero(rows)
    rng = np.random.default_rng(0)
    if len(chosen) > _MAX_POINTS:
        chosen = rng.choice(chosen, _MAX_POINTS, replace=False)
    column = design.frame[x]
    if is_numeric(column):
        at = column.to_numpy(dtype=float)[chosen]
        if 20 * len(np.unique(at)) < len(at):
            at = at + rng.uniform(-0.02, 0.02, len(at)) * np.ptp(column.to_numpy(dtype=float))
    else:
        categories = column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column.astype(int)
        at = categories.to_numpy()[chosen] + aside + rng.uniform(-width, width, len(chosen))
    few = len(chosen) <= 300
    ax.plot(
        at,
        design.y[chosen],
        "o",
        color=color,
        markersize=3 if few else 1.5,
        alpha=0.7 if few else 0.35,
        markeredgewidth=0,
    )


def _finish(ax: Any, fit: Fitted[Regression], x: str) -> None:
    column = fit.model.rows.frame[x]
    if not is_numeric(column):
        values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else [False, True]
        labels = [short(v, 24) for v in values]
        crowded = label_width(labels) * len(labels) > _width(ax)
        ax.set_xticks(range(len(labels)), labels, **({"rotation": 60, "ha": "right"} if crowded else {}))
        ax.set_xlim(-0.6, len(values) - 0.4)
    elif column.dtype.kind == "i":
        ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(quantity(x))
    ax.set_ylabel(quantity(fit.model.design.formula.response))


def _width(ax: Any) -> float:
    """Give the inches across the axes."""
    figure = ax.get_figure()
    return float(ax.get_position().width * figure.get_size_inches()[0])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{plain(n)}'" for n in names) if names else "it has none"
