"""Pictures of groups: sorted intervals, and how far partial pooling moved each group."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.engines.parameters import Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.plots.figures import Size, checked_size, new_axes
from stanhier.plots.shared import (
    MAX_GROUPS,
    OTHER,
    POSTERIOR,
    REFERENCE,
    Intervals,
    flat,
    group_intervals,
    group_labels,
    group_positions,
    group_sizes,
    intervals,
    label_width,
    named,
    short,
)
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.groups import At, predictors_at, slopes_at

__all__ = ["forest", "shrinkage"]

_REST_ROWS = 8
_BOTH = "value at predictors of 0 (intercept), change per unit of the predictor (others)"
_COEFFICIENTS = {Role.INTERCEPT: "value at predictors of 0", Role.SLOPES: "change per unit of the predictor"}


@in_our_words(name="plot_forest")
def forest(
    fit: Fitted[Regression],
    *,
    var_names: str | Sequence[str] | None = None,
    groups: Sequence[Any] | None = None,
    at: At = "mean",
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot the groups' means, sorted, with their central intervals; without groups, the coefficients.

    Of more than 50 groups the 25 lowest and 25 highest are drawn one by one, and the rest as a band between them.

    Parameters
    ----------
    fit : Fitted
    var_names : str or sequence of str, optional
        What to draw: the groups, `alpha`, or coefficients, which are the slopes `beta` and the intercept (`mu_alpha` of
        a model with groups, else `alpha`). By default the groups, else the slopes, else the intercept.
    groups : sequence, optional
        Labels of the groups to draw, all of them one by one.
    at : {"mean", 0}
        Where the predictors are when groups are compared: at their means over the rows, or at 0, where `alpha` is.
    prob : float
        Probability of the thin interval; the thick one has 50 %.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    StanhierError
        If `prob` is not between 0 and 1, `at` is neither "mean" nor 0, there is no such parameter or group, groups and
        coefficients are named together, or `figsize` is no size or goes with `ax`.
    """
    prob = checked_probability(prob, "plot_forest")
    size = checked_size(figsize, "plot_forest", ax=ax)
    x = predictors_at(fit, at, "plot_forest")
    own, location = fit.model.parameters.effects, fit.model.parameters.location
    drawable = [one.name for one in (*location, own) if one is not None]
    if not drawable:
        raise StanhierError("plot_forest(): the model has neither groups nor coefficients.")
    names = drawable[-1:]
    if var_names is not None:
        names = named(var_names, [one.name for one in fit.model.parameters], "plot_forest")
        others = [name for name in names if name not in drawable]
        if others:
            raise StanhierError(
                f"plot_forest(var_names=...): 'var_names' must be among {', '.join(drawable)}; plot_posterior() draws "
                f"{others[0]}."
            )
    if own is not None and own.name in names:
        if len(names) > 1:
            raise StanhierError(
                f"plot_forest(var_names={names}): '{own.name}' are the groups, which have a picture of their own; "
                "draw the coefficients in another."
            )
        return _forest_of_groups(fit, groups, x, prob, size, ax)
    if groups is not None:
        raise StanhierError("plot_forest(groups=...): coefficients have no groups.")
    return _forest_of_coefficients(fit, [one for one in location if one.name in names], prob, size, ax)


def _forest_of_groups(
    fit: Fitted[Regression],
    groups: Sequence[Any] | None,
    x: np.ndarray,
    prob: float,
    size: tuple[float, float] | None,
    ax: Any,
) -> Any:
    group = fit.model.design.group
    assert group is not None
    chosen = np.arange(len(group.levels)) if groups is None else group_positions(fit, groups, "plot_forest")
    shift = slopes_at(fit, x)
    estimates = group_intervals(fit, prob, shift)[chosen]
    labels = group_labels(fit)
    order = np.argsort(estimates.median, kind="stable")
    if groups is None and len(order) > MAX_GROUPS:
        half = MAX_GROUPS // 2
        low, rest, high = order[:half], order[half:-half], order[-half:]
    else:
        low, rest, high = order, order[:0], order[:0]
    shown = np.concatenate([low, high])
    gap = _REST_ROWS + 1 if len(rest) else 0
    positions = np.concatenate([np.arange(len(low)), len(low) + gap + np.arange(len(high))]).astype(float)
    shown_labels = [labels[int(chosen[k])] for k in shown]
    height = max(2.6, 1.3 + row_height(len(shown)) * (len(shown) + gap))
    ax = new_axes(ax, (5.4 + label_width(shown_labels), height), size)
    if len(rest):
        y = np.linspace(len(low), len(low) + gap - 1, len(rest))
        ax.hlines(y, estimates.lower[rest], estimates.upper[rest], color=POSTERIOR, alpha=0.3, linewidth=0.8)
        ax.plot(estimates.median[rest], y, color=POSTERIOR, linewidth=1.5)
        positions, shown_labels = np.append(positions, y.mean()), [*shown_labels, f"{len(rest):,} groups between"]
    draw_rows(ax, positions[: len(shown)], estimates[shown], color=POSTERIOR)
    centre, words = _mean_of_groups(fit, x, shift)
    ax.axvline(centre, color=REFERENCE, linestyle="--", linewidth=1, zorder=0, label=words)
    ax.set_yticks(positions, shown_labels)
    ax.set_ylim(positions.min() - 0.7, positions.max() + 0.7)
    ax.set_ylabel(short(group.name))
    ax.set_xlabel(f"{_mean_words(fit, x)}\n(median, 50 % and {100 * prob:g} % intervals)")
    _legend_above(ax)
    return ax


def _forest_of_coefficients(
    fit: Fitted[Regression], drawn: list[Parameter], prob: float, size: tuple[float, float] | None, ax: Any
) -> Any:
    labels: list[str] = []
    for one in drawn:
        labels += ["intercept"] if one.labels is None else [short(label) for label in one.labels]
    estimates = intervals(np.hstack([flat(fit.posterior[one.name]) for one in drawn]), prob)
    positions = np.arange(len(labels))[::-1].astype(float)
    ax = new_axes(ax, (5.4 + label_width(labels), max(2.0, 1.3 + row_height(len(labels)) * len(labels))), size)
    draw_rows(ax, positions, estimates, color=POSTERIOR)
    ax.axvline(0, color=REFERENCE, linestyle="--", linewidth=1, zorder=0)
    ax.set_yticks(positions, labels)
    ax.set_ylim(-0.7, len(labels) - 0.3)
    kind = _BOTH if len(drawn) > 1 else _COEFFICIENTS[drawn[0].role]
    response = short(fit.model.design.formula.response)
    ax.set_xlabel(f"{response}: {kind}\n(median, 50 % and {100 * prob:g} % intervals)")
    return ax


@in_our_words(name="plot_shrinkage")
def shrinkage(fit: Fitted[Regression], *, at: At = "mean", figsize: Size | None = None, ax: Any = None) -> Any:
    """Plot each group's mean without pooling against its estimate with partial pooling, and the group's size.

    Without pooling, a group's mean is that of its rows, taken to the predictors of `at` with the posterior mean slopes.
    Up to 50 groups have a row each, with an arrow from one estimate to the other; more are points, one estimate against
    the other, whose areas are the group sizes: on the diagonal nothing was pooled, on the horizontal line everything.

    Parameters
    ----------
    fit : Fitted
        Of a model with groups.
    at : {"mean", 0}
        Where the predictors are when groups are compared: at their means over the rows, or at 0, where `alpha` is.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    StanhierError
        If the model has no groups, `at` is neither "mean" nor 0, or `figsize` is no size or goes with `ax`.

    References
    ----------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, section 12.2.
    """
    group = fit.model.design.group
    if group is None:
        raise StanhierError("plot_shrinkage(): the model has no groups, so nothing is pooled.")
    size = checked_size(figsize, "plot_shrinkage", ax=ax)
    x = predictors_at(fit, at, "plot_shrinkage")
    shift = slopes_at(fit, x)
    raw, pooled = fit.model.engine.own_means(fit.draws) + shift.mean(), group_intervals(fit, 0.9, shift).median
    centre, centre_words = _mean_of_groups(fit, x, shift)
    sizes = group_sizes(fit)
    line = {"color": REFERENCE, "linestyle": "--", "linewidth": 1, "zorder": 0}
    if len(raw) <= MAX_GROUPS:
        order = np.argsort(raw, kind="stable")
        y = np.arange(len(order))
        labels = [_sized_label(fit, int(k), sizes) for k in order]
        usual = (5.4 + label_width(labels), max(2.6, 1.3 + row_height(len(labels)) * len(labels)))
        ax = new_axes(ax, usual, size)
        ax.hlines(y, raw[order], pooled[order], color=REFERENCE, linewidth=1, zorder=1)
        ax.plot(raw[order], y, "o", color=OTHER, markerfacecolor="none", label="no pooling: the group's own mean")
        ax.plot(pooled[order], y, "o", color=POSTERIOR, label="partial pooling: posterior median")
        ax.axvline(centre, label=centre_words, **line)
        ax.set_yticks(y, labels)
        ax.set_ylim(-0.7, len(order) - 0.3)
        ax.set_ylabel(short(group.name))
        ax.set_xlabel(_mean_words(fit, x))
        _legend_above(ax)
        return ax
    ax = new_axes(ax, (6.4, 5.6), size)
    weights = fit.model.engine.group_weights if sizes is None or (fit.model.noise.kind == "known") else sizes
    areas = 4 + 76 * weights / weights.max()
    ax.scatter(raw, pooled, s=areas, color=POSTERIOR, alpha=0.4, linewidth=0)
    ax.axline((centre, centre), slope=1, label="no pooling", color=REFERENCE, linewidth=1, zorder=0)
    ax.axhline(centre, label="complete pooling", **line)
    for rows in [] if sizes is None else np.unique(np.quantile(sizes, [0, 0.5, 1], method="nearest")):
        area = 4 + 76 * np.median(weights[sizes == rows]) / weights.max()
        ax.scatter(
            [], [], s=area, color=POSTERIOR, alpha=0.4, linewidth=0, label=f"{rows:,} {'row' if rows == 1 else 'rows'}"
        )
    ax.set_xlabel(f"the group's own {_mean_words(fit, x)} (no pooling)")
    ax.set_ylabel("posterior median (partial pooling)")
    ax.set_title(f"{len(raw):,} groups of {short(group.name)}", fontsize=10)
    ax.legend(frameon=False, loc="upper left", fontsize=9)
    return ax


def _mean_of_groups(fit: Fitted[Regression], x: np.ndarray, shift: np.ndarray) -> tuple[float, str]:
    """Give the median of the mean that the groups vary around, and what it is called."""
    intercept = fit.model.parameters.of(Role.INTERCEPT)
    assert intercept is not None
    words = "the mean of the groups"
    return float(np.median(flat(fit.posterior[intercept.name])[:, 0] + shift)), (
        words if x.any() else f"{intercept.name}, {words}"
    )


def draw_rows(ax: Any, y: np.ndarray, estimates: Intervals, *, color: str, label: str | None = None) -> None:
    """Draw intervals as horizontal lines, thin and thick, with a point at the median."""
    ax.hlines(y, estimates.lower, estimates.upper, color=color, linewidth=1.2)
    ax.hlines(y, estimates.inner_lower, estimates.inner_upper, color=color, linewidth=3)
    ax.plot(estimates.median, y, "o", color=color, markersize=5, label=label)


def row_height(rows: int) -> float:
    """Give the inches that a row takes: less where there are many, and still enough for its label."""
    return 0.24 if rows <= 25 else 0.19


def _sized_label(fit: Fitted[Regression], k: int, sizes: np.ndarray | None) -> str:
    group = fit.model.design.group
    assert group is not None
    label = short(group.levels[k])
    if sizes is None:
        return label
    if (fit.model.noise.kind == "known") and sizes[k] == 1:
        return f"{label} (se {fit.model.engine.group_weights[k] ** -0.5:.3g})"
    return f"{label} (n = {sizes[k]:,})"


def _mean_words(fit: Fitted[Regression], x: np.ndarray) -> str:
    """Say what the means of groups are, and where."""
    at = " at the mean of the predictors" if x.any() else " at predictors of 0" if len(x) else ""
    return f"mean {short(fit.model.design.formula.response)}{at}"


def _legend_above(ax: Any) -> None:
    """Put the legend where it covers no interval."""
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9)
