"""Many distinct group weights, and the few that stand for them in Stan's program.

Over the strata the density sums functions of v = sigma_alpha^2 + sigma^2 / W: its logarithm and its inverse. In
x = log(W) both are smooth whatever the scales are, so that their values at a few weights, the nodes, give them at all
others: sum_h a_h / v(x_h) is sum_m A_m / v(x_m), where A_m = sum_h l_m(x_h) exp((x_h - x_m) / 2) a_h is known
beforehand.

Of the inverse it is exp(-x / 2) / v that is interpolated, 1 / (s exp(x / 2) + exp(-x / 2)) with s = (sigma_alpha /
sigma)^2: its poles are at x = -log(s) + i pi, for any s at least pi from the real line. On an ellipse around the
interval [-h, h] with half-axes b = h (r - 1 / r) / 2 < pi and a = h (r + 1 / r) / 2 it is at most exp((a + h) / 2) /
cos(b / 2) times its least value on the interval, so interpolation at M Chebyshev points has a relative error of no
more than

    4 exp((a + h) / 2) / (cos(b / 2) (r - 1) r^(M - 1)),

for all scales at once (Trefethen 2019, theorem 8.2). Of log(v) + x, which is log(s exp(x / 2) + exp(-x / 2)) and
something linear, it is less than that: on the ellipse it is at most (a + b) / 2 - log(cos(b / 2)) away from its value
at 0. M is the least number for which the bound is below `TOLERANCE`.

References
----------
Trefethen (2019), Approximation Theory and Approximation Practice, extended edition, chapters 5 and 8,
doi:10.1137/1.9781611975949.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log

import numpy as np

from stanhier.engines.gaussian.compression import Strata

__all__ = ["Nodes", "Products", "fewer_weights", "n_nodes", "nodes_of", "products_of", "summed_at"]

TOLERANCE = 1e-14
"""Relative error that interpolation may add, in exact arithmetic."""

WIDEST = log(1e4)
"""Of an interval of log weights that has nodes of its own: over more, sums of both signs would lose digits."""

_WORTH = 0.5
"""Of the work with strata, what the work with nodes must be below: near that, rows stay as they are."""

_VALUES = 1 << 22
"""Of products of strata at a time."""

_LOGARITHM = 40
"""How many products take as long as one logarithm and one division."""


@dataclass(frozen=True)
class Nodes:
    """Weights that stand for those of neighbouring strata.

    Attributes
    ----------
    strata : slice
        Of the strata, which are sorted by weight.
    weight : numpy.ndarray, shape (M,)
    cardinal : numpy.ndarray, shape (H, M)
        l_m at the weights of these strata, in their logarithm.
    """

    strata: slice
    weight: np.ndarray
    cardinal: np.ndarray


@dataclass(frozen=True)
class Products:
    """The between part as sums of products at M weights.

    Attributes
    ----------
    weight, n_groups, v_hat : numpy.ndarray, shape (M,)
        As of strata; the numbers of groups are real numbers of either sign.
    quadratic : numpy.ndarray, shape (M, P, P)
    linear : numpy.ndarray, shape (M, P)
    rest : numpy.ndarray, shape (M,)
        Squared residuals at a weight, in units of its v_hat, are rest + 2 linear @ phi + phi @ quadratic @ phi.
    """

    weight: np.ndarray
    n_groups: np.ndarray
    v_hat: np.ndarray
    quadratic: np.ndarray
    linear: np.ndarray
    rest: np.ndarray


def n_nodes(half_width: float) -> int:
    """Count the nodes that an interval of log weights, -half_width to half_width, needs."""
    farthest = np.pi / half_width
    r = np.exp(np.linspace(0.02, 1, 400)[:-1] * log(farthest + np.sqrt(farthest**2 + 1)))
    a, b = half_width * (r + 1 / r) / 2, half_width * (r - 1 / r) / 2
    bound = 4 * np.exp((a + half_width) / 2) / (np.cos(b / 2) * (r - 1))
    return ceil(float((1 + np.log(bound / TOLERANCE) / np.log(r)).min()))


def nodes_of(weight: np.ndarray) -> list[Nodes]:
    """Find weights that stand for others.

    Parameters
    ----------
    weight : numpy.ndarray, shape (H,)
        Distinct and sorted.

    Returns
    -------
    list of Nodes
        Together of all strata; where these are few in an interval they stand for themselves.
    """
    x = np.log(weight)
    width = float(x[-1] - x[0])
    if width == 0:
        return [Nodes(slice(0, 1), weight, np.ones((1, 1)))]
    n_parts = max(1, ceil(width / WIDEST))
    half = width / n_parts / 2
    most = n_nodes(half)
    ends = np.searchsorted(x, x[0] + 2 * half * np.arange(1, n_parts))
    found = []
    for part, (start, stop) in enumerate(zip([0, *ends], [*ends, len(x)], strict=True)):
        inside = slice(int(start), int(stop))
        if stop - start <= most:
            if stop > start:
                found.append(Nodes(inside, weight[inside], np.eye(stop - start)))
            continue
        centre = x[0] + (2 * part + 1) * half
        angles = (np.arange(most) + 0.5) * np.pi / most
        found.append(Nodes(inside, np.exp(centre + half * np.cos(angles)), _cardinal(x[inside], centre, half, angles)))
    return found


def _cardinal(x: np.ndarray, centre: float, half: float, angles: np.ndarray) -> np.ndarray:
    """Give the polynomials that are 1 at one Chebyshev point and 0 at the others, by their Chebyshev series."""
    order = np.arange(len(angles))
    at_x = np.cos(order * np.arccos(np.clip((x - centre) / half, -1, 1))[:, None])
    at_nodes = np.cos(order[:, None] * angles) * np.where(order == 0, 1, 2)[:, None] / len(angles)
    return np.asarray(at_x @ at_nodes)


def fewer_weights(strata: Strata, n_location: int) -> list[Nodes] | None:
    """Find weights that stand for those of the strata, where that saves work at each step; None where it does not.

    Parameters
    ----------
    strata : Strata
    n_location : int
        Number of location parameters, P.
    """
    n_strata, n_rows = len(strata.weight), len(strata.rows)
    now = _LOGARITHM * n_strata + 2 * n_rows * n_location
    nodes = nodes_of(strata.weight)
    n_weights = sum(len(part.weight) for part in nodes)
    then = n_weights * (_LOGARITHM + n_location * (n_location + 3))
    return nodes if then < _WORTH * now else None


def products_of(
    strata: Strata,
    nodes: list[Nodes],
    rows: np.ndarray,
    residual: np.ndarray,
    scales: tuple[float, float],
) -> Products:
    """Sum the rows of the strata up at the nodes.

    Parameters
    ----------
    strata : Strata
    nodes : list of Nodes
    rows, residual : numpy.ndarray, shape (B, P) and (B,)
        Of the strata: residuals are residual + rows @ phi in units of their sqrt(v_hat).
    scales : tuple of float
        Sigma and sigma_alpha at the reference point.
    """
    weight = np.concatenate([part.weight for part in nodes])
    n_groups = np.concatenate([strata.n_groups[part.strata] @ part.cardinal for part in nodes])
    sigma, sigma_alpha = scales
    total = summed_at(nodes, strata, np.column_stack([rows, residual]), scales)
    return Products(
        weight=weight,
        n_groups=n_groups,
        v_hat=sigma_alpha**2 + sigma**2 / weight,
        quadratic=total[:, :-1, :-1],
        linear=total[:, :-1, -1],
        rest=total[:, -1, -1],
    )


def summed_at(nodes: list[Nodes], strata: Strata, rows: np.ndarray, scales: tuple[float, float]) -> np.ndarray:
    """Sum products of rows, (B, C), up at the nodes, shape (M, C, C); both in units of sqrt(v_hat)."""
    sigma, sigma_alpha = scales
    # The rows of a stratum are neighbours, but strata kept as they are come first.
    order = np.argsort(strata.stratum, kind="stable")
    starts = np.searchsorted(strata.stratum[order], np.arange(len(strata.weight) + 1))
    sums = []
    for part in nodes:
        own_weight = strata.weight[part.strata]
        inverse = np.sqrt(own_weight[:, None] / part.weight) / (sigma_alpha**2 + sigma**2 / part.weight)
        factors = part.cardinal * inverse * (sigma_alpha**2 + sigma**2 / own_weight)[:, None]
        total = np.zeros((len(part.weight), rows.shape[1] ** 2))
        # As many strata at a time as there is memory for.
        some = max(1, _VALUES // rows.shape[1] ** 2)
        for first in range(0, len(own_weight), some):
            here = slice(first, min(first + some, len(own_weight)))
            ends = starts[part.strata.start + first : part.strata.start + here.stop + 1]
            mine = rows[order[ends[0] : ends[-1]]]
            if len(mine) == len(ends) - 1:
                products = np.einsum("hi,hj->hij", mine, mine)
            else:
                own = [mine[start:stop] for start, stop in pairwise(ends - ends[0])]
                products = np.stack([one.T @ one for one in own])
            total += factors[here].T @ products.reshape(len(products), -1)
        sums.append(total.reshape(-1, rows.shape[1], rows.shape[1]))
    return np.vstack(sums)
