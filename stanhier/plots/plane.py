"""Two effects of groups against each other: what pooling did to both, and the population that they come from."""

import textwrap
from typing import Any

import numpy as np

from stanhier.design.columns import INTERCEPT
from stanhier.plots.factors import Coefficient, Factor
from stanhier.plots.rows import in_lines
from stanhier.plots.shared import OTHER, POSTERIOR, REFERENCE, short

__all__ = ["MAX_ARROWS", "endless_groups", "plane", "within_sight"]

MAX_ARROWS = 100
"""Groups that have an arrow each."""

_INSIDE = (0.5, 0.9)


def plane(factor: Factor, drawn: list[Coefficient], raw: list[np.ndarray], pooled: list[np.ndarray], ax: Any) -> Any:
    """Draw groups' estimates without and with partial pooling, and ellipses of their population.

    Parameters
    ----------
    factor : Factor
    drawn : list of two Coefficient
    raw : list of two numpy.ndarray, shape (J,)
        Without pooling; nan of groups whose rows do not tell.
    pooled : list of two numpy.ndarray, shape (J,)
        Posterior means.
    ax : matplotlib.axes.Axes
    """
    own, estimate = np.stack(raw), np.stack(pooled)
    told = ~np.isnan(own).any(axis=0)
    few = factor.n_groups <= MAX_ARROWS
    if few:
        step = (estimate - own)[:, told]
        arrows = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.002, "headwidth": 8}
        ax.quiver(*own[:, told], *step, color=REFERENCE, alpha=0.7, zorder=1, **arrows)
    limits = [within_sight(of_rows[told], of_all) for of_rows, of_all in zip(own, estimate, strict=True)]
    mean = np.array([one.mean for one in drawn])
    covariance = factor.covariance(drawn)
    for prob, style in zip(_INSIDE, ("-", "--"), strict=True):
        edge = _ellipse(mean, covariance, prob)
        ax.plot(
            *edge, color=REFERENCE, linestyle=style, linewidth=1, zorder=0, label=f"{100 * prob:g} % of the population"
        )
        limits = [(min(low, e.min()), max(high, e.max())) for (low, high), e in zip(limits, edge, strict=True)]
    beyond = sum(~((low <= of_rows) & (of_rows <= high)) for (low, high), of_rows in zip(limits, own, strict=True))
    counts = [(int((~told).sum()), "without"), (int(((beyond > 0) & told).sum()), "out of sight")]
    said = ", ".join(f"{count:,} {words}" for count, words in counts if count)
    marks = {"alpha": 1.0 if few else 0.4, "markersize": 5 if few else 3, "linestyle": "none", "marker": "o"}
    how = "own least squares" if factor.fit.model.family.is_gaussian else factor.own_words
    unpooled = {**marks, "color": OTHER, "markerfacecolor": "none" if few else OTHER, "markeredgewidth": few}
    ends = [(marker, words, which & told) for marker, words, which in endless_groups(factor, drawn[0])]
    bounded = told & ~np.any([which for *_, which in ends], axis=0) if ends else told
    label = f"no pooling: {how}" + (f",\n{factor.left_out()}" if factor.left_out() else "")
    ax.plot(*own[:, bounded], label=label, **unpooled)
    for marker, words, which in ends:
        ax.plot(*own[:, which], label=words, **{**unpooled, "marker": marker})
    ax.plot(*estimate, color=POSTERIOR, markeredgewidth=0, label="partial pooling: posterior mean", **marks)
    ax.plot(*mean, "+", color=REFERENCE, markersize=12, markeredgewidth=2, label="mean of the population")
    for (low, high), limit in zip(limits, (ax.set_xlim, ax.set_ylim), strict=True):
        margin = 0.03 * (high - low)
        limit(low - margin, high + margin)
    ax.set_xlabel(in_lines(drawn[0].words))
    ax.set_ylabel(textwrap.fill(drawn[1].words, 48))
    estimates = "least squares" if factor.fit.model.family.is_gaussian else "no pooling"
    ax.set_title(
        f"{factor.n_groups:,} groups of {short(factor.grouping.name)}{f' ({estimates}: {said})' if said else ''}",
        fontsize=10,
    )
    # Below the axes it covers no estimate.
    below = -0.12 - 0.04 * ax.get_xlabel().count("\n")
    ax.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, below), ncols=2)
    return ax


def endless_groups(factor: Factor, drawn: Coefficient) -> list[tuple[str, str, np.ndarray]]:
    """Give groups whose own rows put no bound on the intercept: marker, what to say of them, and which, shape (J,).

    Of slopes nothing is given.
    """
    if drawn.effect != INTERCEPT:
        return []
    ends, design = factor.endless, factor.fit.model.design
    least, most = (0, 1) if design.categories is None else design.categories
    what = "successes" if design.trials_name or design.trials_constant else f"responses {short(most, 24)}"
    said = [
        ("<", -1, f"no pooling: all responses {short(least, 24)}, no lower bound"),
        (">", 1, f"no pooling: all {what}, no upper bound"),
    ]
    return [(marker, words, ends == side) for marker, side, words in said if (ends == side).any()]


def within_sight(raw: np.ndarray, pooled: np.ndarray) -> tuple[float, float]:
    """Give limits that hold all pooled estimates and, unless they are far off, those without pooling.

    Least squares of a few rows can be anywhere. What is further from the pooled estimates and the middle 80 % than
    these are wide is left out, for else all others would be pressed into a corner.
    """
    told = raw[~np.isnan(raw)]
    if not len(told):
        told = pooled
    inner = np.concatenate([np.quantile(told, [0.1, 0.9]), [pooled.min(), pooled.max()]])
    width = np.ptp(inner)
    low, high = max(told.min(), inner.min() - width), min(told.max(), inner.max() + width)
    low, high = min(low, pooled.min()), max(high, pooled.max())
    margin = 0.05 * (high - low) if high > low else max(abs(low), 1.0)
    return float(low - margin), float(high + margin)


def _ellipse(mean: np.ndarray, covariance: np.ndarray, prob: float) -> np.ndarray:
    """Give the edge of the ellipse that holds this share of a normal distribution, shape (2, 200)."""
    values, vectors = np.linalg.eigh(covariance)
    angle = np.linspace(0, 2 * np.pi, 200)
    radius = np.sqrt(-2 * np.log1p(-prob))
    axes = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(mean[:, None] + radius * axes @ np.stack([np.cos(angle), np.sin(angle)]))
