"""The picture of how far partial pooling moved each group, effect by effect."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed, quoted
from stanhier.engines.regression import Regression
from stanhier.plots.factors import Coefficient, Factor, factor_of
from stanhier.plots.figures import (
    Size,
    checked_size,
    grid_of_axes,
    legend_above,
    new_axes,
    panels_of,
    picture,
    refuse_several,
)
from stanhier.plots.plane import endless_groups, plane, within_sight
from stanhier.plots.rows import MAX_PANELS, finish_panels, in_lines, row_height, row_panels
from stanhier.plots.shared import MAX_GROUPS, OTHER, POSTERIOR, REFERENCE, label_width, short
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.places import At, place_at

__all__ = ["shrinkage"]

_LINE = {"color": REFERENCE, "linestyle": "--", "linewidth": 1, "zorder": 0}


@in_our_words(name="plot_shrinkage")
@picture
def shrinkage(
    fit: Fitted[Regression],
    group: str | None = None,
    *,
    effects: str | Sequence[str] | None = None,
    kind: str | None = None,
    at: At = "mean",
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot what each group's rows alone say of it against its estimate with partial pooling.

    Without pooling, a group's mean is that of its rows, taken to the predictors of `at` with the posterior mean slopes;
    where slopes vary too, intercept and slopes are the least squares of its rows, of a group whose rows can tell them.
    Of other families than the Gaussian they are, on the scale of the linear predictor, the mode of the likelihood of
    these rows times Jeffreys' prior, which is flat with the identity link: without offsets the log odds of y successes
    among n are log((y + 1/2) / (n - y + 1/2)). So groups whose responses are all 0, or all successes, have a place
    too; it is drawn as a triangle that points to where their rows alone put no bound on the intercept.

    With partial pooling it is the posterior mean. Effects of other factors, at their posterior means, are taken off the
    rows first and left out of both, as the axis says. What both share, the population's part, is the same mean over the
    draws in both, so that its Monte Carlo error moves both ends of an arrow and makes none longer.

    Two effects are drawn against each other, "plane": an arrow leads from a group's least squares to its estimate (of
    more than 100 groups without arrows), and ellipses hold 50 % and 90 % of the population, whose mean and covariance
    are posterior means. One effect is drawn group by group, "rows", and more in panels beside each other, sorted by the
    first: up to 50 groups have a row each, with an arrow from one estimate to the other and the number of rows; more
    are points, one estimate against the other, whose areas are the group sizes: on the diagonal nothing was pooled, on
    the horizontal line everything.

    Parameters
    ----------
    fit : Fitted
        Of a model with groups.
    group : str, optional
        The factor, such as "county" or "school:class"; a single one need not be named.
    effects : str or sequence of str, optional
        The effects to draw, "Intercept" or columns; by default the first 6.
    kind : {"rows", "plane"}, optional
        One of the pictures; by default "plane" of two effects.
    at : {"mean", 0} or dict
        Where the predictors are when groups' means are compared: at their means over the rows; at 0, where the
        intercepts are; or at values by column, such as `{"year": 2000}`. As for `group_summary`.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw one effect, or two against each other; a new figure otherwise.

    Returns
    -------
    Panels
        An array of axes, one for each effect or for two against each other, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If the model has no groups, there is no such factor or effect, there are several
        factors and none is named, `kind` is none of these or needs two effects, `at` is nothing of the kind, several
        panels are to go into `ax`, or `figsize` is no size or goes with `ax`.

    References
    ----------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, section 12.2.
    Firth (1993), Bias reduction of maximum likelihood estimates, doi:10.1093/biomet/80.1.27.
    Bates (2011), Mixed models in R using the lme4 package, chapter 4 (least squares and conditional means of slopes).
    """
    if not fit.model.design.groupings:
        raise StanhierError("plot_shrinkage(): the model has no groups, so nothing is pooled.")
    size = checked_size(figsize, "plot_shrinkage", ax=ax)
    place = place_at(fit.model, at, "plot_shrinkage")
    factor = factor_of(fit, group, "plot_shrinkage")
    shown = factor.effects(effects, "plot_shrinkage")
    names = shown if effects is not None else shown[:MAX_PANELS]
    there_are = f"the effects of '{factor.grouping.name}' are {listed(factor.grouping.effects)}"
    if kind not in (None, "rows", "plane"):
        raise StanhierError(f'plot_shrinkage(kind={quoted(kind)}): \'kind\' must be "rows" or "plane".')
    if kind == "plane" and len(names) != 2:
        raise StanhierError(
            f'plot_shrinkage(kind="plane"): this is of two effects, not {len(names)}; name two with effects=: '
            f"{there_are}."
        )
    drawn = [factor.coefficient(one, place) for one in names]
    raw = factor.unpooled(drawn)
    pooled = factor.pooled(drawn)
    if len(drawn) == 2 and kind != "rows":
        return plane(factor, drawn, raw, pooled, new_axes(ax, (6.6, 6.2), size))
    refuse_several(ax, len(drawn), "plot_shrinkage", there_are)
    if factor.n_groups <= MAX_GROUPS:
        return _rows(factor, drawn, raw, pooled, size, ax)
    return _points(factor, drawn, raw, pooled, size, ax)


def _rows(
    factor: Factor,
    drawn: list[Coefficient],
    raw: list[np.ndarray],
    pooled: list[np.ndarray],
    size: tuple[float, float] | None,
    ax: Any,
) -> Any:
    order = np.argsort(np.where(np.isnan(raw[0]), pooled[0], raw[0]), kind="stable")
    y = np.arange(len(order))
    labels = _sized_labels(factor, order)
    height = max(2.6, 1.3 + row_height(len(labels)) * len(labels))
    axes = row_panels(len(drawn), label_width(labels), height, size, ax)
    own = factor.own_words + (f",\n{factor.left_out()}" if factor.left_out() else "")
    for panel, one, of_rows, of_all in zip(axes, drawn, raw, pooled, strict=True):
        panel.hlines(y, of_rows[order], of_all[order], color=REFERENCE, linewidth=1, zorder=1)
        ends = endless_groups(factor, one)
        bounded = np.where(np.any([which for *_, which in ends], axis=0), np.nan, of_rows) if ends else of_rows
        open_marks = {"color": OTHER, "markerfacecolor": "none"}
        panel.plot(bounded[order], y, "o", label=f"no pooling: {own}", **open_marks)
        for marker, said, which in ends:
            panel.plot(np.where(which, of_rows, np.nan)[order], y, marker, label=said, **open_marks)
        panel.plot(of_all[order], y, "o", color=POSTERIOR, label="partial pooling: posterior mean")
        panel.axvline(one.mean, label=one.centre_label(len(axes)), **_LINE)
        panel.set_xlabel(in_lines(one.words, len(axes)))
        if factor.grouping.n_effects > 1:
            panel.set_xlim(*within_sight(of_rows, of_all))
    first = axes[0]
    first.set_yticks(y, labels)
    first.set_ylim(-0.7, len(order) - 0.3)
    first.set_ylabel(short(factor.grouping.name))
    if len(axes) == 1:
        legend_above(first)
        return first
    finish_panels(axes, [one.effect for one in drawn], factor.grouping.n_effects)
    return axes


def _points(
    factor: Factor,
    drawn: list[Coefficient],
    raw: list[np.ndarray],
    pooled: list[np.ndarray],
    size: tuple[float, float] | None,
    ax: Any,
) -> Any:
    if len(drawn) == 1:
        axes = panels_of([new_axes(ax, (6.4, 5.6), size)])
    else:
        axes = grid_of_axes(len(drawn), columns=3, each=(4.6, 4.4), figsize=size)
    sizes = factor.sizes
    weights = factor.weights if sizes is None or factor.fit.model.noise.differs else sizes
    areas = 4 + 76 * weights / weights.max()
    dots = {"color": POSTERIOR, "alpha": 0.4, "linewidth": 0}
    for panel, one, of_rows, of_all in zip(axes, drawn, raw, pooled, strict=True):
        ends = endless_groups(factor, one)
        bounded = ~np.any([which for *_, which in ends], axis=0) if ends else np.ones(len(areas), dtype=bool)
        panel.scatter(of_rows[bounded], of_all[bounded], s=areas[bounded], **dots)
        for marker, said, which in ends:
            panel.scatter(of_rows[which], of_all[which], s=areas[which], marker=marker, label=said, **dots)
        panel.axline((one.mean, one.mean), slope=1, label="no pooling", color=REFERENCE, linewidth=1, zorder=0)
        panel.axhline(one.mean, label="complete pooling", **_LINE)
        how = "" if factor.fit.model.family.is_gaussian else f": {factor.own_words}"
        words = f"the group's own {one.words} (no pooling{how})"
        panel.set_xlabel(textwrap.fill(words, 72 if len(axes) == 1 else 40))
        if factor.grouping.n_effects > 1:
            panel.set_xlim(*within_sight(of_rows, of_all))
            panel.set_ylim(*within_sight(of_all, of_all))
        if len(axes) > 1:
            panel.set_title(short(one.effect, 36), fontsize=10)
    first = axes[0]
    for rows in [] if sizes is None else np.unique(np.quantile(sizes, [0, 0.5, 1], method="nearest")):
        area = 4 + 76 * np.median(weights[sizes == rows]) / weights.max()
        first.scatter([], [], s=area, label=f"{rows:,} {'row' if rows == 1 else 'rows'}", **dots)
    first.set_ylabel("posterior mean (partial pooling)")
    first.legend(frameon=False, loc="upper left", fontsize=9)
    title = f"{factor.n_groups:,} groups of {short(factor.grouping.name)}"
    if len(axes) == 1:
        first.set_title(title, fontsize=10)
        return first
    n_effects = factor.grouping.n_effects
    some = f" ({len(drawn)} of {n_effects} effects)" if len(drawn) < n_effects else ""
    axes.figure.suptitle(f"{title}{some}", fontsize=10)
    return axes


def _sized_labels(factor: Factor, order: np.ndarray) -> list[str]:
    """Label groups with their numbers of rows, or the standard error of an only one."""
    names, sizes = factor.labels, factor.sizes
    if sizes is None:
        return [names[k] for k in order]
    known, weights = factor.fit.model.noise.kind == "known", factor.weights
    return [
        f"{names[k]} (se {weights[k] ** -0.5:.3g})" if known and sizes[k] == 1 else f"{names[k]} (n = {sizes[k]:,})"
        for k in order
    ]
