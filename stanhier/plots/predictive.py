"""The picture of a posterior predictive check: replicated data beside observed."""

from typing import Any

import numpy as np

from stanhier.basics.arguments import checked_count, checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.spacing import evenly
from stanhier.basics.words import listed, quoted
from stanhier.engines.regression import Regression
from stanhier.families.family import Family
from stanhier.plots.discrete import calibration, rootogram
from stanhier.plots.factors import Factor, factor_of
from stanhier.plots.figures import (
    Size,
    axes_beside,
    checked_size,
    legend_above,
    new_axes,
    picture,
)
from stanhier.plots.replicated import NewMeans, left_out_events, means_of_new_groups, replicated_rows
from stanhier.plots.scales import share_words
from stanhier.plots.shared import (
    MAX_GROUPS,
    POSTERIOR,
    density,
    ink,
    label_width,
    quantity,
    short,
)
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.prediction import chosen_seed

__all__ = ["ppc"]

_CURVES = 50
_MAX_ROWS = 100_000
_MAX_VALUES = 10_000_000
"""Rows times replications whose values are looked at one by one."""


@in_our_words(name="plot_ppc")
@picture
def ppc(
    fit: Fitted[Regression],
    group: str | None = None,
    *,
    kind: str | None = None,
    draws: int = 400,
    seed: int | None = None,
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot replicated data over the observed: all rows and, for models with groups, each group's mean among the others.

    The rows are drawn as densities; as a rootogram where they count, ArviZ's, which has how often each count occurs on
    a scale of square roots; or, of yes or no, as the curve by which ArviZ shows whether events occur as often as they
    are predicted to: an increasing function through the events (pool adjacent violators), which replications follow
    within the band. There each row is predicted from all others, by draws weighted as in `loo`: a curve of fitted
    probabilities, which have seen the events, would be too steep for true models. Groups have means, or proportions of
    events.

    Rows are replicated in the same groups: if the model describes the data, these do not stand out among replications.
    The interval of a group is what the others let expect of the mean of its rows, its own rows left out: a new effect
    from the population, with draws weighted as in `loo(by=...)` (not of more than 1,000 groups, nor of rows that are
    not in memory: then a single group hardly matters). If the model describes the groups, intervals hold about `prob`
    of the observed means, of yes or no and counts a few more.

    Parameters
    ----------
    fit : Fitted
    group : str, optional
        The factor whose groups are drawn, such as "county" or "school:class"; by default each has a picture.
    kind : {"density", "rootogram", "calibration", "groups"}, optional
        One of the two pictures; by default both where the model has groups. That of the rows is a density of Gaussian
        and Student t responses, "calibration" of bernoulli ones, "rootogram" of others. Gaussian rows that are not in
        memory have that of the groups alone.
    draws : int
        Number of replicated data sets; up to 50 of their densities are drawn. Weights of yes or no are of up to 1,000
        draws whatever it is.
    seed : int, optional
        Of the replications; the fit's own by default.
    prob : float
        Probability of the central intervals of the groups' means, and of replicated counts and curves.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw one `kind`, of one factor.

    Returns
    -------
    Panels
        An array of axes, of the rows and of each factor, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If an argument has a value that it cannot have, or several factors are to go into `ax`.

    References
    ----------
    Gelman, Meng & Stern (1996), Posterior predictive assessment of model fitness via realized discrepancies, Statistica
    Sinica 6, 733-807. Gabry et al. (2019), Visualization in Bayesian workflow, doi:10.1111/rssa.12378. Kleiber &
    Zeileis (2016), doi:10.1080/00031305.2016.1173590 (rootograms). Dimitriadis, Gneiting & Jordan (2021),
    doi:10.1073/pnas.2016191118 (calibration). Marshall & Spiegelhalter (2003), doi:10.1002/sim.1403 (groups given the
    others).
    """
    prob = checked_probability(prob, "plot_ppc")
    size = checked_size(figsize, "plot_ppc", ax=ax)
    _checked_kind(fit, kind)
    groupings = fit.model.design.groupings
    if kind is None and ax is not None:
        kind = _kind_of_rows(fit.model.family)
    factors = [Factor(fit, term) for term in range(len(groupings))]
    if group is not None:
        factors = [factor_of(fit, group, "plot_ppc")]
    if kind == "groups" and ax is not None and len(factors) > 1:
        names = listed([factor.grouping.name for factor in factors])
        raise StanhierError(f"plot_ppc(ax=...): one pair of axes holds one factor; name one with group=: {names}.")
    keep = _kept(fit, draws)
    seed = chosen_seed(fit, seed)
    if kind not in (None, "groups") or not factors:
        return _draw_rows(new_axes(ax, (6.0, 4.0), size), fit, keep, seed, prob)
    shown = factors if kind == "groups" else [None, *factors]
    heights, widths = zip(*(_usual_size(factor) for factor in shown), strict=True)
    axes = axes_beside(widths, max(heights), size, ax)
    for factor, panel in zip(shown, axes, strict=True):
        if factor is None:
            _draw_rows(panel, fit, keep, seed, prob)
        else:
            _group_means(panel, factor, means_of_new_groups(fit, factor.term, keep, seed), prob)
    return axes if len(axes) > 1 else axes[0]


def _kept(fit: Fitted[Regression], draws: int) -> np.ndarray:
    """Choose this many draws (or all), evenly over the chains and along them."""
    total = fit.draws.n_draws
    return evenly(total, checked_count(draws, "draws", "plot_ppc"))


def _kind_of_rows(family: Family) -> str:
    """Name the picture of the rows that suits a family."""
    if not family.is_discrete:
        return "density"
    return "calibration" if family.name == "bernoulli" else "rootogram"


def _checked_kind(fit: Fitted[Regression], kind: Any) -> None:
    own, family = _kind_of_rows(fit.model.family), fit.model.family.name
    if kind not in (None, own, "groups"):
        raise StanhierError(
            f'plot_ppc(kind={quoted(kind)}): \'kind\' must be "{own}" or "groups"'
            f"{'.' if fit.model.family.is_gaussian else f' of responses of family={family!r}.'}"
        )
    if kind == "groups" and not fit.model.design.groupings:
        raise StanhierError('plot_ppc(kind="groups"): the model has no groups.')


def _draw_rows(ax: Any, fit: Fitted[Regression], keep: np.ndarray, seed: int, prob: float) -> Any:
    """Draw replicated rows beside observed ones, in the way that suits the family."""
    kind = _kind_of_rows(fit.model.family)
    if kind == "density":
        keep = keep[:_CURVES] if len(keep) <= _CURVES else keep[:: -(-len(keep) // _CURVES)]
        return _densities(ax, fit, *replicated_rows(fit, keep, seed, _MAX_ROWS))
    most = min(_MAX_ROWS, max(1, _MAX_VALUES // len(keep)))
    if kind == "calibration":
        return calibration(ax, fit.model.design, *left_out_events(fit, len(keep), seed, most), prob)
    return rootogram(ax, fit.model.design, *replicated_rows(fit, keep, seed, most), prob)


def _densities(ax: Any, fit: Fitted[Regression], replicated: np.ndarray, observed: np.ndarray) -> Any:
    # ArviZ's plot_ppc_dist cuts each density off at its least and greatest value, and spreads its grid between them, so
    # that few far values of heavy tails leave the rest a spike.
    low, high = (-np.inf, np.inf) if fit.model.family.is_gaussian else _middle(observed)
    for k, values in enumerate(replicated):
        inside = values[(values >= low) & (values <= high)]
        if len(inside) < 2:
            continue
        x, height = density(inside, beyond=True)
        ax.plot(
            x,
            height * (len(inside) / len(values)),
            color=POSTERIOR,
            linewidth=0.7,
            alpha=0.35,
            label=f"{len(replicated)} replicated data sets" if k == 0 else None,
        )
    ax.plot(*density(observed, beyond=True), color=ink(), linewidth=2, label="observed")
    if not fit.model.family.is_gaussian:
        ax.set_xlim(_middle(observed))
    ax.set_xlabel(quantity(fit.model.design.formula.response))
    ax.set_ylabel("density")
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    legend = legend_above(ax, columns=2)
    for handle in legend.legend_handles:
        handle.set_alpha(1)
    return ax


def _middle(observed: np.ndarray) -> tuple[float, float]:
    """Give the range of the observed responses and a third beyond, where heavy tails draw from very far."""
    low, high = float(observed.min()), float(observed.max())
    margin = (high - low) / 3 if high > low else max(abs(low), 1.0)
    return low - margin, high + margin


def _usual_size(factor: Factor | None) -> tuple[float, float]:
    """Give height and width of the picture of a factor's groups, or of the densities."""
    if factor is None:
        return 3.8, 5.2
    if factor.n_groups > MAX_GROUPS:
        return 4.6, 5.2
    return max(3.8, 1.3 + 0.22 * factor.n_groups), 4.4 + label_width(factor.labels)


def _group_means(ax: Any, factor: Factor, groups: NewMeans, prob: float) -> None:
    what, observed = share_words(factor.fit.model.design).split()[0], groups.observed
    lower, upper = groups.quantiles([(1 - prob) / 2, (1 + prob) / 2])
    order = np.argsort(observed, kind="stable")
    y = np.arange(len(order))
    few = len(order) <= MAX_GROUPS
    ax.hlines(
        y,
        lower[order],
        upper[order],
        color=POSTERIOR,
        alpha=0.5,
        linewidth=4 if few else 1,
        label=f"{100 * prob:g} % expected from the other groups",
    )
    ax.plot(observed[order], y, "o", color=ink(), markersize=4 if few else 2, label=f"observed {what}")
    if few:
        labels = factor.labels
        ax.set_yticks(y, [labels[k] for k in order])
        ax.set_ylabel(short(factor.grouping.name))
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(order):,} groups of {short(factor.grouping.name)}, sorted")
    ax.set_ylim(-0.7, len(order) - 0.3)
    inside = int(((observed >= lower) & (observed <= upper)).sum())
    ax.set_xlabel(
        f"{share_words(factor.fit.model.design)}\n({inside:,} of {len(order):,} observed {what}s in their interval)"
    )
    legend_above(ax, columns=2)
