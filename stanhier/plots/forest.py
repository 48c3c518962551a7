"""The picture of groups side by side: sorted intervals of their intercepts and slopes; or of the coefficients."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed
from stanhier.engines.parameters import Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.plots.factors import Coefficient, Factor, factor_of
from stanhier.plots.figures import (
    Size,
    checked_size,
    legend_above,
    picture,
    refuse_several,
)
from stanhier.plots.rows import MAX_PANELS, GroupRows, finish_panels, in_lines, named_rows, row_height, row_panels
from stanhier.plots.scales import linear_words
from stanhier.plots.shared import (
    REFERENCE,
    flat,
    interval_words,
    intervals,
    label_width,
    named,
    short,
)
from stanhier.posterior.chosen_groups import Kind, check_kind
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.places import At, place_at

__all__ = ["forest"]

_BOTH = "value at predictors of 0 (intercept), change per unit of the predictor (others)"
_COEFFICIENTS = {Role.INTERCEPT: "value at predictors of 0", Role.SLOPES: "change per unit of the predictor"}


@in_our_words(name="plot_forest")
@picture
def forest(
    fit: Fitted[Regression],
    group: str | None = None,
    *,
    effects: str | Sequence[str] | None = None,
    var_names: str | Sequence[str] | None = None,
    groups: Sequence[Any] | None = None,
    kind: Kind = "mean",
    at: At = "mean",
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot what the groups come to, sorted, with their central intervals; without groups, the coefficients.

    Where slopes vary too, each effect has a panel: the intercept is the group's mean at the predictors of `at`, a slope
    the group's own, the population's and its deviation. Groups that lie within those of another factor, as classes in
    schools, have the effects of these too; those of all other factors are left out, as the axis says. With
    `kind="deviation"` the population and all other factors are left out: what a group adds, as of crossed factors. A
    group has one row across all panels, which are sorted by the first: name another effect first to sort by that. Of
    more than 50 groups the 25 lowest and 25 highest are drawn one by one, and the rest as a band between them. All of
    it is on the scale of the linear predictor, which of a bernoulli or binomial response are log odds (or a probit), of
    counts logarithms of means.

    Parameters
    ----------
    fit : Fitted
    group : str, optional
        The factor, such as "county" or "school:class"; a single one need not be named.
    effects : str or sequence of str, optional
        The effects to draw, "Intercept" or columns, the one to sort by first; by default the first 6.
    var_names : str or sequence of str, optional
        What to draw: the groups (`alpha` of a model with `mu_alpha`, else `effect_` and the factor), or coefficients,
        which are the slopes `beta` and the intercept (`mu_alpha` or `alpha`). By default the groups, else the slopes,
        else the intercept.
    groups : sequence, optional
        Labels of the groups to draw, all of them one by one.
    kind : {"mean", "deviation"}
        What groups come to, or how far that is from the population. As for `group_summary`.
    at : {"mean", 0} or dict
        Where the predictors are when groups' means are compared: at their means over the rows; at 0, where the
        intercepts are; or at values by column, such as `{"year": 2000}`. As for `group_summary`.
    prob : float
        Probability of the thin interval; the thick one has 50 %.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw one effect; a new figure otherwise.

    Returns
    -------
    Panels
        An array of axes, one for each effect, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If `prob` is not between 0 and 1, `kind` or `at` is nothing of the kind, there is no such parameter, factor,
        effect or group, there are several factors and none is named, groups and coefficients are named together,
        several effects are to go into `ax`, or `figsize` is no size or goes with `ax`.
    """
    prob = checked_probability(prob, "plot_forest")
    size = checked_size(figsize, "plot_forest", ax=ax)
    check_kind(kind, "plot_forest")
    place = place_at(fit.model, at, "plot_forest")
    names, group = _asked_for(fit, var_names, group)
    if names:
        if not (group is groups is effects is None):
            raise StanhierError("plot_forest(groups=...): coefficients have no groups.")
        if kind != "mean":
            raise StanhierError('plot_forest(kind="deviation"): coefficients have no groups that deviate.')
        location = fit.model.parameters.location
        return _forest_of_coefficients(fit, [one for one in location if one.name in names], prob, size, ax)
    factor = factor_of(fit, group, "plot_forest")
    shown = factor.effects(effects, "plot_forest")
    drawn = shown if effects is not None else shown[:MAX_PANELS]
    refuse_several(ax, len(drawn), "plot_forest", listed(factor.grouping.effects))
    coefficients = [factor.coefficient(one, place, kind, with_above=True) for one in drawn]
    return _forest_of_groups(factor, coefficients, groups, prob, size, ax)


def _asked_for(
    fit: Fitted[Regression], var_names: str | Sequence[str] | None, group: str | None
) -> tuple[list[str], str | None]:
    """Give the names of the coefficients to draw, or none of them and the factor, where it is named."""
    parameters = fit.model.parameters
    owns = parameters.all_of(Role.EFFECTS)
    drawable = [one.name for one in (*parameters.location, *owns)]
    if not drawable:
        raise StanhierError("plot_forest(): the model has neither groups nor coefficients.")
    if var_names is None:
        return ([], group) if owns else (drawable[-1:], group)
    names = named(var_names, [one.name for one in parameters], "plot_forest")
    others = [name for name in names if name not in drawable]
    if others:
        raise StanhierError(
            f"plot_forest(var_names=...): 'var_names' must be among {', '.join(drawable)}; plot_posterior() draws "
            f"{others[0]}."
        )
    for grouping, own in zip(fit.model.design.groupings, owns, strict=True):
        if own.name not in names:
            continue
        if len(names) > 1:
            raise StanhierError(
                f"plot_forest(var_names={names}): '{own.name}' are the groups, which have a picture of their own; "
                f"draw the {'coefficients' if len(owns) == 1 else 'others'} in another."
            )
        if group not in (None, grouping.name):
            raise StanhierError(f"plot_forest(): '{own.name}' are the groups of '{grouping.name}', not of {group!r}.")
        return [], grouping.name
    return names, group


def _forest_of_groups(
    factor: Factor,
    drawn: list[Coefficient],
    groups: Sequence[Any] | None,
    prob: float,
    size: tuple[float, float] | None,
    ax: Any,
) -> Any:
    chosen = np.arange(factor.n_groups) if groups is None else factor.positions(groups, "plot_forest")
    estimates = factor.intervals(drawn, prob, chosen)
    rows = GroupRows.of(np.argsort(estimates[0].median, kind="stable"), all_of_them=groups is not None)
    labels = factor.labels
    names = [labels[int(chosen[k])] for k in rows.shown]
    details = f"(median, {interval_words(prob)})"
    axes = row_panels(len(drawn), label_width(names), rows.height, size, ax)
    for k, (panel, one, estimate) in enumerate(zip(axes, drawn, estimates, strict=True)):
        rows.draw(panel, estimate, is_sorted=k == 0)
        words = one.centre_label(len(axes))
        panel.axvline(one.centre, color=REFERENCE, linestyle="--", linewidth=1, zorder=0, label=words)
        panel.set_xlabel(in_lines(one.words, len(axes)) + (f"\n{details}" if len(axes) == 1 else ""))
    first = axes[0]
    rows.label(first, names)
    first.set_ylabel(short(factor.grouping.name))
    if len(axes) == 1:
        legend_above(first)
        return first
    finish_panels(axes, [one.effect for one in drawn], factor.grouping.n_effects, details)
    return axes


def _forest_of_coefficients(
    fit: Fitted[Regression], drawn: list[Parameter], prob: float, size: tuple[float, float] | None, ax: Any
) -> Any:
    labels: list[str] = []
    for one in drawn:
        labels += ["intercept"] if one.labels is None else [short(label) for label in one.labels]
    estimates = intervals(np.hstack([flat(fit.posterior[one.name]) for one in drawn]), prob)
    height = max(2.0, 1.3 + row_height(len(labels)) * len(labels))
    ax = named_rows(labels, estimates, height=height, size=size, ax=ax)
    ax.axvline(0, color=REFERENCE, linestyle="--", linewidth=1, zorder=0)
    kind = _BOTH if len(drawn) > 1 else _COEFFICIENTS[drawn[0].role]
    ax.set_xlabel(f"{linear_words(fit.model.design).removeprefix('mean ')}: {kind}\n(median, {interval_words(prob)})")
    return ax
