"""The picture of a posterior predictive check: replicated data beside observed."""

from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import check_seed, checked_count, checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.design.design import NewRows
from stanhier.engines.regression import Regression
from stanhier.plots.figures import Size, checked_size, new_axes, panels_of
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
from stanhier.posterior.prediction import collect

__all__ = ["ppc"]

_CURVES = 50
_MAX_ROWS = 100_000


@in_our_words(name="plot_ppc")
def ppc(
    fit: Fitted[Regression],
    *,
    kind: str | None = None,
    draws: int = 400,
    seed: int | None = None,
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot replicated data over the observed: densities and, for models with groups, the groups' means.

    Replicated data are drawn for the same rows and the same groups. A model that describes the data gives replications
    among which the observed data do not stand out, and intervals that hold about `prob` of the observed group means.

    Parameters
    ----------
    fit : Fitted
    kind : {"density", "groups"}, optional
        One of the two pictures; by default both where the model has groups. Rows that are not in memory have that of
        the groups alone.
    draws : int
        Number of replicated data sets; up to 50 of their densities are drawn.
    seed : int, optional
        Of the replications; the fit's own by default.
    prob : float
        Probability of the central intervals of the replicated group means.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw one `kind`.

    Returns
    -------
    matplotlib.axes.Axes, or Panels of two
        The latter is an array with the attribute `figure`.

    Raises
    ------
    StanhierError
        If an argument has a value that it cannot have.

    References
    ----------
    Gelman, Meng & Stern (1996), Posterior predictive assessment of model fitness via realized discrepancies, Statistica
    Sinica 6, 733-807. Gabry et al. (2019), Visualization in Bayesian workflow, doi:10.1111/rssa.12378.
    """
    prob = checked_probability(prob, "plot_ppc")
    size = checked_size(figsize, "plot_ppc", ax=ax)
    if kind not in (None, "density", "groups"):
        raise StanhierError(f'plot_ppc(kind={quoted(kind)}): \'kind\' must be "density" or "groups".')
    grouped = fit.model.parameters.effects is not None
    if kind == "groups" and not grouped:
        raise StanhierError('plot_ppc(kind="groups"): the model has no groups.')
    if kind is None and ax is not None:
        kind = "density"
    keep = _kept(fit, draws)
    check_seed(seed)
    chosen_seed = fit.draws.seed if seed is None else int(seed)
    if kind == "density" or not grouped:
        return _densities(new_axes(ax, (6.0, 4.0), size), fit, *_replicated_rows(fit, keep, chosen_seed))
    means, observed = fit.model.engine.replicated_means(fit.draws, keep, chosen_seed)
    if kind == "groups":
        height, width = _size_of_groups(fit)
        return _group_means(new_axes(ax, (width, height), size), fit, means, observed, prob)
    import matplotlib.pyplot as plt

    height, width = _size_of_groups(fit)
    size = (5.2 + width, height) if size is None else size
    _, axes = plt.subplots(1, 2, figsize=size, layout="constrained", width_ratios=[5.2, width])
    _densities(axes[0], fit, *_replicated_rows(fit, keep, chosen_seed))
    _group_means(axes[1], fit, means, observed, prob)
    return panels_of(axes)


def _kept(fit: Fitted[Regression], draws: int) -> np.ndarray:
    """Choose this many draws (or all), evenly over the chains and along them."""
    total = fit.draws.n_draws
    return np.linspace(0, total - 1, min(checked_count(draws, "draws", "plot_ppc"), total)).round().astype(int)


def _replicated_rows(fit: Fitted[Regression], keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give replicated responses, shape (draws, rows), and the observed ones; of very many rows a random part."""
    design = fit.model.rows
    rows = np.arange(design.n_rows)
    if len(rows) > _MAX_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MAX_ROWS, replace=False))
    chosen = NewRows(
        design.X[rows],
        None if design.codes is None else design.codes[rows],
        pd.Index([]),
        None if design.se is None else design.se[rows],
        pd.RangeIndex(len(rows)),
    )
    keep = keep[:_CURVES] if len(keep) <= _CURVES else keep[:: -(-len(keep) // _CURVES)]
    values = collect(fit.model, fit.draws, chosen, kind="response", new_groups="error", seed=seed, keep=keep)
    return values, design.y[rows]


def _densities(ax: Any, fit: Fitted[Regression], replicated: np.ndarray, observed: np.ndarray) -> Any:
    for k, values in enumerate(replicated):
        ax.plot(
            *density(values, beyond=True),
            color=POSTERIOR,
            linewidth=0.7,
            alpha=0.35,
            label=f"{len(replicated)} replicated data sets" if k == 0 else None,
        )
    ax.plot(*density(observed, beyond=True), color=ink(), linewidth=2, label="observed")
    ax.set_xlabel(quantity(fit.model.design.formula.response))
    ax.set_ylabel("density")
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    legend = ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    for handle in legend.legend_handles:
        handle.set_alpha(1)
    return ax


def _size_of_groups(fit: Fitted[Regression]) -> tuple[float, float]:
    group = fit.model.design.group
    assert group is not None
    if len(group.levels) > MAX_GROUPS:
        return 4.6, 5.2
    return max(3.8, 1.3 + 0.22 * len(group.levels)), 4.4 + label_width([short(v) for v in group.levels])


def _group_means(ax: Any, fit: Fitted[Regression], means: np.ndarray, observed: np.ndarray, prob: float) -> Any:
    design = fit.model.design
    group = design.group
    assert group is not None
    lower, upper = np.quantile(means, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
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
        label=f"{100 * prob:g} % of replicated means",
    )
    ax.plot(observed[order], y, "o", color=ink(), markersize=4 if few else 2, label="observed mean")
    if few:
        ax.set_yticks(y, [short(group.levels[k]) for k in order])
        ax.set_ylabel(short(group.name))
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(order):,} groups of {short(group.name)}, sorted")
    ax.set_ylim(-0.7, len(order) - 0.3)
    inside = int(((observed >= lower) & (observed <= upper)).sum())
    ax.set_xlabel(
        f"mean {quantity(design.formula.response)}\n({inside:,} of {len(order):,} observed means in their interval)"
    )
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax
