"""The picture of correlations between effects of groups."""

from typing import Any

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed
from stanhier.engines.parameters import Parameter, Role, correlated_pairs
from stanhier.engines.regression import Regression
from stanhier.plots.figures import (
    Size,
    axes_beside,
    checked_size,
    legend_above,
    new_axes,
    picture,
)
from stanhier.plots.priors import PriorDensity, prior_densities
from stanhier.plots.shared import (
    POSTERIOR,
    REFERENCE,
    Intervals,
    density,
    ink,
    interval_words,
    intervals,
    label_width,
    plain,
    short,
)
from stanhier.posterior.fitted import Fitted

__all__ = ["correlations"]

_MAX_EFFECTS = 12
_LABEL = 30
_ROW = 0.85
"""Part of a row that the highest density takes."""


@in_our_words(name="plot_correlations")
@picture
def correlations(
    fit: Fitted[Regression],
    group: str | None = None,
    *,
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot the posterior of each correlation between effects of groups, over its prior in grey.

    Each pair of effects has a row: the density of the correlation, its median and its central intervals, and in grey
    the density that the prior of the whole matrix gives to this one correlation. Of three effects or more a matrix
    beside the rows shows posterior means in colour, with the intervals below.

    Parameters
    ----------
    fit : Fitted
        Of a model in which effects of groups are correlated.
    group : str, optional
        The factor, such as "county" or "school:class"; the only one with correlations need not be named.
    prob : float
        Probability of the thin interval, and of that in the matrix; the thick one has 50 %.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw the rows, without the matrix.

    Returns
    -------
    Panels
        An array of axes, two where there is a matrix, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If the model has no correlations, several factors have and none is named, the factor named has none, there are
        more than 12 effects, `prob` is not between 0 and 1, or `figsize` is no size or goes with `ax`.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008 (the prior of each correlation).
    """
    prob = checked_probability(prob, "plot_correlations")
    size = checked_size(figsize, "plot_correlations", ax=ax)
    parameter = _of_factor(fit, group)
    draws = parameter.scalars(fit.posterior[parameter.name].to_numpy())
    draws = draws.reshape(-1, draws.shape[-1])
    estimates = intervals(draws, prob)
    effects = [short(effect, _LABEL) for effect in parameter.coords[0]]
    pairs = correlated_pairs(parameter.blocks)
    labels = [f"{effects[i]}, {effects[j]}" for i, j in pairs]
    curves = prior_densities(fit.model)
    priors = [curves[parameter.name, label] for label in parameter.scalar_labels]
    width, height = 4.6 + label_width(labels), max(2.6, 1.5 + 0.5 * len(labels))
    if len(effects) < 3 or ax is not None:
        ax = new_axes(ax, (width, height), size)
        _rows(ax, parameter, draws, estimates, labels, priors, prob)
        return ax
    side = 1.2 + label_width(effects) + 1.15 * (len(effects) - 1)
    height = max(height, 1.6 + 0.75 * (len(effects) - 1) + 0.7 * label_width(effects))
    axes = axes_beside([width, side], height, size)
    _rows(axes[0], parameter, draws, estimates, labels, priors, prob)
    _matrix(axes[1], effects, pairs, draws.mean(axis=0), estimates, prob)
    return axes


def _of_factor(fit: Fitted[Regression], group: str | None) -> Parameter:
    found = {str(one.factor): one for one in fit.model.parameters.all_of(Role.GROUP_COR)}
    if not found:
        raise StanhierError(
            "plot_correlations(): the model has no correlations; effects are correlated that stand in one pair of "
            "parentheses, as in (1 + x | g)."
        )
    if group is None and len(found) > 1:
        raise StanhierError(f"plot_correlations(): several factors have correlations; name one: {listed(found)}.")
    if group is not None and group not in found:
        raise StanhierError(
            f"plot_correlations({group!r}): there is no factor of that name with correlated effects; there is "
            f"{listed(found)}."
        )
    parameter = next(iter(found.values())) if group is None else found[group]
    if len(parameter.coords[0]) > _MAX_EFFECTS:
        raise StanhierError(
            f"plot_correlations(): {parameter.size} correlations of {len(parameter.coords[0])} effects are too many "
            f'for one picture; choose some: plot_posterior(var_names="{parameter.name}", coords={{...}}).'
        )
    return parameter


def _rows(
    ax: Any,
    parameter: Parameter,
    draws: np.ndarray,
    estimates: Intervals,
    labels: list[str],
    priors: list[PriorDensity],
    prob: float,
) -> None:
    curves = [density(column) for column in draws.T]
    top = max(height.max() for _, height in curves)
    grid = np.linspace(-1, 1, 402)[1:-1]
    for k, ((x, height), prior) in enumerate(zip(curves, priors, strict=True)):
        base = len(labels) - 1 - k
        # Where the prior is infinite at -1 and 1 it is cut at the height of its row.
        below = base + _ROW * np.minimum(prior.pdf(grid) / top, 1.0)
        ax.fill_between(grid, base, below, color=REFERENCE, alpha=0.3, linewidth=0, label="prior" if k == 0 else None)
        ax.fill_between(x, base, base + _ROW * height / top, color=POSTERIOR, alpha=0.35, linewidth=0)
        ax.plot(x, base + _ROW * height / top, color=POSTERIOR, label="posterior" if k == 0 else None)
    y = np.arange(len(labels))[::-1].astype(float)
    ax.hlines(y, estimates.lower, estimates.upper, color=ink(), linewidth=1.5, zorder=3)
    ax.hlines(y, estimates.inner_lower, estimates.inner_upper, color=ink(), linewidth=4, zorder=3)
    ax.plot(estimates.median, y, "o", color=ink(), markersize=5, zorder=4)
    ax.axvline(0, color=REFERENCE, linestyle="--", linewidth=1, zorder=0)
    ax.set_yticks(y, labels)
    ax.set_ylim(-0.3, len(labels) - 0.02)
    ax.set_xlim(-1, 1)
    words = {prior.words: None for prior in priors}
    ax.set_xlabel(
        f"correlation between effects of {short(str(parameter.factor))}\n"
        f"(median, {interval_words(prob)}; prior {plain(' or '.join(words))})"
    )
    legend_above(ax, columns=2)


def _matrix(
    ax: Any, effects: list[str], pairs: list[tuple[int, int]], means: np.ndarray, estimates: Intervals, prob: float
) -> None:
    """Draw what is below the matrix's diagonal: rows from the second effect on, columns up to the last but one."""
    q = len(effects)
    matrix = np.full((q - 1, q - 1), np.nan)
    for (i, j), mean, lower, upper in zip(pairs, means, estimates.lower, estimates.upper, strict=True):
        matrix[j - 1, i] = mean
        dark = abs(mean) > 0.6
        color = "white" if dark else "black"
        ax.text(i, j - 1.12, _written(mean), ha="center", va="center", fontsize=10, color=color)
        interval = f"{_written(lower)} to {_written(upper)}"
        ax.text(i, j - 0.78, interval, ha="center", va="center", fontsize=7.5, color=color)
    ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    ax.set_xticks(range(q - 1), effects[:-1], rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(q - 1), effects[1:])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_title(f"posterior means, {100 * prob:g} % intervals", fontsize=9)


def _written(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
