"""The picture of where groups may stand among all: intervals of their ranks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.engines.regression import Regression
from stanhier.plots.factors import Factor
from stanhier.plots.figures import Size, checked_size, new_axes, picture
from stanhier.plots.rows import GroupRows, along_side, in_lines
from stanhier.plots.shared import Intervals, interval_probabilities, interval_words, label_width, short
from stanhier.posterior.chosen_groups import ChosenGroups, Kind, term_of
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.places import At
from stanhier.posterior.ranks import Best, Ranks, ranks_of

__all__ = ["ranks"]


@in_our_words(name="plot_ranks")
@picture
def ranks(
    fit: Fitted[Regression],
    group: str | None = None,
    *,
    effect: str | None = None,
    top: int | None = None,
    best: Best = "high",
    kind: Kind = "mean",
    groups: Sequence[Any] | None = None,
    at: At = "mean",
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot the ranks that groups may have among all, the best above, and how probably each is among the best.

    Groups that lie within those of another factor, as classes in schools, are compared with the effects of these, and
    without those of all other factors, as the axis says. On the right stands the probability of
    being among the `top` best. Of more than 50 groups the 25 first and the 25 last by expected rank are drawn one by
    one, and the rest as a band between them.

    Parameters
    ----------
    fit : Fitted
        Of a model with groups.
    group : str, optional
        The factor, such as "county" or "school:class"; a single one need not be named.
    effect, top, best, kind, at
        As for `Fit.group_ranks`, whose numbers these are.
    groups : sequence, optional
        Labels of the groups to draw, all of them one by one; their ranks are among all groups.
    prob : float
        Probability of the thin interval; the thick one has 50 %.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Panels
        An array of one axes, with `.figure` and `.savefig(path)`.

    Raises
    ------
    DataError, StanhierError
        As `Fit.group_ranks`, or if `figsize` is no size or goes with `ax`.

    References
    ----------
    Lin, Louis, Paddock & Ridgeway (2006), Loss function based ranking in two-stage, hierarchical models,
    doi:10.1214/06-BA130.
    """
    prob = checked_probability(prob, "plot_ranks")
    size = checked_size(figsize, "plot_ranks", ax=ax)
    factor = Factor(fit, term_of(fit, group, "plot_ranks"))
    positions = np.arange(factor.n_groups) if groups is None else factor.positions(groups, "plot_ranks")
    chosen = ChosenGroups(factor.term, positions, factor.grouping.levels[positions])
    found = ranks_of(fit, chosen, "plot_ranks", effect=effect, top=top, best=best, kind=kind, at=at)
    rows = GroupRows.of(np.argsort(found.expected, kind="stable")[::-1], all_of_them=groups is not None)
    names = [short(chosen.index[int(k)]) for k in rows.shown]
    ax = new_axes(ax, (5.9 + label_width(names), rows.height), size)
    rows.draw(ax, Intervals(*found.quantiles(interval_probabilities(prob))), is_sorted=False)
    rows.label(ax, names)
    ax.set_ylabel(short(factor.grouping.name))
    ax.set_xlim(0.5 - 0.02 * found.n_groups, found.n_groups + 0.5 + 0.02 * found.n_groups)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(_words(factor, found, best, kind, prob))
    right = ax.secondary_yaxis("right")
    right.set_yticks(rows.positions, [_percent(found.among_top[k]) for k in rows.shown])
    right.tick_params(axis="y", length=0)
    words = f"probability of being {'the best' if found.top == 1 else f'among the best {found.top:,}'}"
    right.set_ylabel(along_side(ax, words))
    return ax


def _words(factor: Factor, found: Ranks, best: Best, kind: Kind, prob: float) -> str:
    what = factor.coefficient(found.effect, found.place, kind, with_above=True).words
    first = "highest" if best == "high" else "lowest"
    words = in_lines(f"rank among {found.n_groups:,} groups (1: {first}) by {what}")
    return f"{words}\n(median, {interval_words(prob)})"


def _percent(probability: float) -> str:
    """Give a probability as draws tell it: between 0 and 1 it is neither."""
    if 0 < probability < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= probability < 1 else f"{100 * probability:.0f} %"
