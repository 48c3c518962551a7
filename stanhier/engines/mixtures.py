"""Summaries of any number of quantities that are mixtures of normals, one for each draw of what they depend on.

Given the other parameters an effect of a group is normal, so its posterior is a mixture of normals. Mean and standard
deviation are the mixture's own (the averaging over conditional distributions of Gelfand & Smith 1990,
doi:10.1080/01621459.1990.10476213, which also has less Monte Carlo error than averaging over draws of the effect
itself). Quantiles are the mixture's: solved to the end where the quantities are few; of many taken from the expansion
of Cornish & Fisher by the mixture's first six cumulants wherever that is good to two thousandths of a standard
deviation, and solved to less than that elsewhere. Where there would be more than 67 million normals, an evenly spaced
part of the draws tells the shape, stretched to the mean and standard deviation.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import special

from stanhier.basics.threads import in_threads

__all__ = ["Components", "linear_moments", "part_of_draws", "summarise_mixtures"]

type Components = Callable[[np.ndarray], Callable[[slice | np.ndarray], tuple[np.ndarray, np.ndarray]]]
"""From positions of draws, (s,), to what gives of n of the quantities, by their positions, the means and standard
deviations of their normals, both (C, n, s) for C kinds of quantity, which the receiver may overwrite."""

MIXTURE_VALUES = 1 << 26
"""Quantities times draws in the mixtures whose quantiles are sought: with fewer, all draws take part."""
LEAST_DRAWS = 64
SOLVED_VALUES = 1 << 22
"""Up to so many, quantiles are solved to the end."""
SMOOTH = 0.4
"""Share of a mixture's variance that lies between its normals up to which cumulants beyond the sixth do not matter:
those of S draws differ from 0 by chance, by sqrt(n! / S) for the n-th, and here count with this share to the n / 2."""
LAST_TERM = 4e-3
"""Largest terms of the expansion's last order, in standard deviations, with which it is taken as it is: what is left
out is a few times smaller."""
_REFERENCE = 1.645
BLOCK_VALUES = 1 << 15
"""As many as a processor's cache holds of a few arrays."""


def part_of_draws(n_quantities: int, n_draws: int) -> np.ndarray:
    """Give the positions of the draws that take part in the mixtures, evenly spaced."""
    n = int(np.clip(MIXTURE_VALUES // max(n_quantities, 1), min(LEAST_DRAWS, n_draws), n_draws))
    return np.unique(np.linspace(0, n_draws - 1, n).astype(int))


def summarise_mixtures(
    components: Components,
    n_quantities: int,
    n_draws: int,
    probabilities: Sequence[float],
    moments: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Summarise quantities.

    Parameters
    ----------
    components : callable
    n_quantities : int
    n_draws : int
        S.
    probabilities : sequence of float, length P
        Of the quantiles.
    moments : (numpy.ndarray, numpy.ndarray), shape (C, n_quantities), optional
        Means and standard deviations over all draws; those over the draws that take part where not given.

    Returns
    -------
    numpy.ndarray, shape (C, 2 + P, n_quantities)
        Mean, standard deviation, quantiles.
    """
    part = part_of_draws(n_quantities, n_draws)
    to_the_end = n_quantities * len(part) <= SOLVED_VALUES
    step = max(1, BLOCK_VALUES // len(part))
    of_block = components(part)
    z = special.ndtri(np.asarray(probabilities, dtype=float))

    def shape(start: int) -> np.ndarray:
        of_kinds = zip(*of_block(slice(start, min(start + step, n_quantities))), strict=True)
        return np.stack([_shape(means, sds) for means, sds in of_kinds])

    # What is left to Python, which one thread runs at a time, is done for all quantities at once.
    shapes = np.concatenate(in_threads(shape, range(0, max(n_quantities, 1), step)), axis=2)
    centre, spread, between, *cumulants = np.moveaxis(shapes, 1, 0)
    quantiles, last = _expansion(z[:, None, None], cumulants)
    unknown = to_the_end | (between > SMOOTH) | (last > LAST_TERM)

    def solve(kind: int, some: np.ndarray) -> None:
        means, sds = (one[kind] for one in of_block(some))
        _standardise(means, sds)
        for x, probability, which in zip(quantiles, probabilities, unknown, strict=True):
            own = which[kind, some]
            of_own = (means, sds) if own.all() else (means[own], sds[own])
            x[kind, some[own]] = _solve(*of_own, x[kind, some[own]], probability, to_the_end=to_the_end)

    # scipy's special functions release the interpreter, so that threads share the work.
    left = [(kind, np.flatnonzero(which)) for kind, which in enumerate(unknown.any(axis=0))]
    blocks = [(kind, some[k : k + step]) for kind, some in left for k in range(0, len(some), step)]
    if blocks:
        in_threads(solve, *zip(*blocks, strict=True))
    if moments is not None:
        centre, spread = (np.broadcast_to(one, centre.shape) for one in moments)
    return np.stack([centre, spread, *(centre + spread * quantiles)], axis=1)


def linear_moments(features: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over draws of features @ coefficients, without making them draw by draw.

    Parameters
    ----------
    features : numpy.ndarray, shape (n, F)
    coefficients : numpy.ndarray, shape (S, F)

    Returns
    -------
    mean, variance : numpy.ndarray, shape (n,)
    """
    centre = coefficients.mean(axis=0)
    around = coefficients - centre
    covariance = around.T @ around / len(coefficients)
    return features @ centre, ((features @ covariance) * features).sum(axis=1)


def _shape(means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of mixtures of normals (n, s), and what `_cumulants` gives, shape (7, n)."""
    centre, spread = _standardise(means, sds)
    between, cumulants = _cumulants(means, sds)
    return np.stack([centre, spread, between, *cumulants])


def _standardise(means: np.ndarray, sds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring mixtures to mean 0 and standard deviation 1, in place, and give what these were."""
    centre = means.mean(axis=1)
    means -= centre[:, None]
    spread = np.sqrt(_mean_product(means, means) + _mean_product(sds, sds))
    with np.errstate(divide="ignore", invalid="ignore"):
        means /= spread[:, None]
        sds /= spread[:, None]
    # A quantity that is the same in all draws has no spread: then everything is at its mean.
    constant = spread == 0
    means[constant], sds[constant] = 0.0, 1.0
    # Where a standard deviation of groups is all but 0, so is sds: a step, not a slope, would stop Newton's method.
    np.maximum(sds, 1e-3, out=sds)
    return centre, spread


def _mean_product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(np.vecdot(left, right) / left.shape[1])


def _cumulants(means: np.ndarray, sds: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Share of the variance between the normals, and third to sixth cumulants, of standardised mixtures, each (n,)."""
    squares, variances = means * means, sds * sds
    both, cubes = means * variances, squares * means
    mean = _mean_product
    third = mean(squares, means) + 3 * mean(means, variances)
    fourth = mean(squares, squares) + 6 * mean(squares, variances) + 3 * mean(variances, variances)
    fifth = mean(cubes, squares) + 10 * mean(squares, both) + 15 * mean(both, variances)
    sixth = mean(cubes, cubes) + 15 * mean(cubes, both) + 45 * mean(both, both)
    sixth += 15 * mean(variances * variances, variances)
    cumulants = [third, fourth - 3, fifth - 10 * third, sixth - 15 * fourth - 10 * third**2 + 30]
    return squares.mean(axis=1), cumulants


def _expansion(z: np.ndarray, cumulants: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles (P, n) at the normal's z, (P, 1), from cumulants, within half a sd, and how large the last terms get.

    Cornish & Fisher (1938), doi:10.2307/1400905; as in Abramowitz & Stegun (1964), 26.2.49. The size is that at the
    ends of a 90 % interval or further out: around the median the terms may be small though those left out are not.
    """
    *orders, fourth = _terms(z, *cumulants)
    shift = np.sum([*orders, *fourth], axis=0)
    *_, third, fourth = _terms(np.maximum(np.abs(z), _REFERENCE), *cumulants)
    return np.asarray(z + np.clip(shift, -0.5, 0.5)), np.abs(fourth).sum(axis=0) + np.abs(third) / 4


def _terms(z: np.ndarray, k3: np.ndarray, k4: np.ndarray, k5: np.ndarray, k6: np.ndarray) -> tuple[Any, ...]:
    """Give the terms of the expansion order by order, each (P, n), those of the last one by one."""
    h1, h2, h3 = z, z**2 - 1, z**3 - 3 * z
    h4, h5 = z**4 - 6 * z**2 + 3, z**5 - 10 * z**3 + 15 * z
    first = k3 * h2 / 6
    second = k4 * h3 / 24 - k3**2 * (2 * h3 + h1) / 36
    third = k5 * h4 / 120 - k3 * k4 * (h4 + h2) / 24 + k3**3 * (12 * h4 + 19 * h2) / 324
    fourth = [
        k6 * h5 / 720,
        -(k4**2) * (3 * h5 + 6 * h3 + 2 * h1) / 384,
        -k3 * k5 * (2 * h5 + 3 * h3) / 180,
        k3**2 * k4 * (14 * h5 + 37 * h3 + 8 * h1) / 288,
        -(k3**4) * (252 * h5 + 832 * h3 + 227 * h1) / 7776,
    ]
    return first, second, third, fourth


def _solve(means: np.ndarray, sds: np.ndarray, x: np.ndarray, probability: float, *, to_the_end: bool) -> np.ndarray:
    """Solve mean over draws of Phi((x - means) / sds) = probability by Newton's method between brackets."""
    found, left = x.copy(), np.arange(len(x))
    low, high = (means - 9 * sds).min(axis=1), (means + 9 * sds).max(axis=1)
    for _ in range(60):
        z = (x[:, None] - means) / sds
        excess = special.ndtr(z).mean(axis=1) - probability
        low, high = np.where(excess < 0, x, low), np.where(excess < 0, high, x)
        z *= z
        z *= -0.5
        np.exp(z, out=z)
        z /= sds
        slope = z.mean(axis=1) / np.sqrt(2 * np.pi)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = x - excess / slope
        inside = (step >= low) & (step <= high)
        # The step just taken leaves about the square of what was left.
        done = np.abs(excess) < 1e-6 if to_the_end else inside & (np.abs(step - x) < 0.02)
        x = np.where(inside, step, (low + high) / 2)
        found[left] = x
        if done.all():
            break
        if done.any():
            more = ~done
            means, sds, x, low, high, left = (one[more] for one in (means, sds, x, low, high, left))
    return found
