"""R-hat, effective sample sizes and E-BFMI of arrays: ArviZ's numbers, for all quantities at once.

Every call of `sample` needs them. ArviZ goes through the quantities one by one, which takes as long as Stan does with a
small model, and its package brings most of scipy and xarray along when it is imported. What it gives and this does not,
other kinds of effective sample sizes and Monte Carlo errors, is asked of ArviZ where it is needed.
"""

from functools import lru_cache

import numpy as np
from scipy.special import ndtri

__all__ = ["bfmi", "convergence"]

_TAILS = (0.05, 0.95)
_ALL_THE_SAME = np.finfo(float).resolution
"""Draws closer together than this are one value to ArviZ."""


def convergence(values: np.ndarray) -> np.ndarray:
    """Give R-hat, bulk and tail effective sample sizes; nan where there are fewer than four draws, or one is nan.

    R-hat is the greater one of the rank-normalized split-R-hat of the draws and of their distances from the median; it
    is nan of one chain. The tails are those beyond the 5 % and 95 % quantiles.

    Parameters
    ----------
    values : numpy.ndarray, shape (quantities, chains, draws)

    Returns
    -------
    numpy.ndarray, shape (quantities, 3)

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved
    R-hat for assessing convergence of MCMC, doi:10.1214/20-BA1221.
    """
    n_quantities, n_chains, n_draws = values.shape
    found = np.full((n_quantities, 3), np.nan)
    known = ~np.isnan(values).any(axis=(1, 2))
    if n_draws < 4 or not known.any():
        return found
    draws = np.asarray(values[known], dtype=float)
    halves = _split(draws)
    with np.errstate(divide="ignore", invalid="ignore"):  # of what does not vary
        normalized = _normal_scores(halves)
        columns = [np.full(len(draws), np.nan)]
        if n_chains > 1:
            folded = np.abs(halves - np.median(halves, axis=(1, 2), keepdims=True))
            bulk, spread = _r_hat(normalized), _r_hat(_normal_scores(folded))
            columns = [np.where(spread > bulk, spread, bulk)]
        columns.append(_effective_size(normalized))
        quantiles = np.quantile(draws.reshape(len(draws), -1), _TAILS, axis=1)
        tails = [_effective_size(_split((draws <= one[:, None, None]).astype(float))) for one in quantiles]
        columns.append(np.minimum(*tails))
    found[known] = np.column_stack(columns)
    return found


def bfmi(energy: np.ndarray) -> np.ndarray:
    """Estimate the Bayesian fraction of missing information of each chain.

    Parameters
    ----------
    energy : numpy.ndarray, shape (chains, draws)

    Returns
    -------
    numpy.ndarray, shape (chains,)

    References
    ----------
    Betancourt (2016), Diagnosing suboptimal cotangent disintegrations in HMC, arXiv:1604.00695.
    """
    return np.asarray(np.square(np.diff(energy, axis=1)).mean(axis=1) / np.var(energy, axis=1, ddof=1))


def _split(values: np.ndarray) -> np.ndarray:
    """Make two chains of each, leaving out the draw in the middle of an odd number."""
    half = values.shape[2] // 2
    return np.concatenate([values[:, :, :half], values[:, :, -half:]], axis=1)


def _normal_scores(values: np.ndarray) -> np.ndarray:
    """Put normal quantiles of their ranks among all chains in the place of values; equal ones share their mean rank."""
    flat = values.reshape(len(values), -1)
    n = flat.shape[1]
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    begins = np.ones(flat.shape, dtype=bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    firsts = np.flatnonzero(begins)
    counts = np.diff(firsts, append=flat.size)
    twice_the_rank = np.repeat(2 * (firsts % n) + counts + 1, counts)
    scores = np.empty(flat.shape)
    np.put_along_axis(scores, order, _scores_of_ranks(n)[twice_the_rank].reshape(flat.shape), axis=1)
    scores[np.isnan(flat)] = np.nan
    return scores.reshape(values.shape)


@lru_cache(maxsize=4)
def _scores_of_ranks(n: int) -> np.ndarray:
    """Give the normal quantiles of the ranks 0, 1/2, 1, ... n with the offset of Blom (1958); the first two are nan."""
    scores = np.full(2 * n + 1, np.nan)
    scores[2:] = ndtri((np.arange(2, 2 * n + 1) / 2 - 3 / 8) / (n - 2 * 3 / 8 + 1))
    scores.flags.writeable = False
    return scores


def _r_hat(values: np.ndarray) -> np.ndarray:
    n = values.shape[2]
    between = n * np.var(values.mean(axis=2), axis=1, ddof=1)
    within = np.var(values, axis=2, ddof=1).mean(axis=1)
    return np.asarray(np.sqrt((between / within + n - 1) / n))


def _effective_size(values: np.ndarray) -> np.ndarray:
    """Give effective sample sizes by Geyer's initial monotone sequence.

    Geyer (1992), Practical Markov chain Monte Carlo, doi:10.1214/ss/1177011137.
    """
    n_chains, n = values.shape[1:]
    size = n_chains * n
    lagged = _autocovariances(values)
    mean_variance = lagged[:, 0] * n / (n - 1.0)
    total = mean_variance * (n - 1.0) / n + np.var(values.mean(axis=2), axis=1, ddof=1)
    rho = 1.0 - (mean_variance[:, None] - lagged) / total[:, None]
    rho[:, 0] = 1.0
    # Pairs of lags 2k and 2k + 1: their sums count until one is not positive, or the lags come to their end.
    last = max(0, (n - 1) // 2 - 1)
    pairs = rho[:, : 2 * last + 2].reshape(len(rho), -1, 2).sum(axis=2)
    ends = ~(pairs > 0)
    ends[:, last] = True
    end = ends.argmax(axis=1)
    counted = np.where(np.arange(last + 1) < end[:, None], np.minimum.accumulate(pairs, axis=1), 0.0)
    rows = np.arange(len(rho))
    even = rho[rows, 2 * end]
    closing = np.where((even > 0) | (pairs[rows, end] >= 0), even, 0.0)
    tau = -1.0 + 2.0 * counted.sum(axis=1) + closing
    least = 1 / np.log10(size)
    sizes = size / np.where(least > tau, least, tau)
    varies = np.ptp(values, axis=(1, 2)) >= _ALL_THE_SAME
    return np.where(varies, np.where(np.isnan(rho[:, 1]), np.nan, sizes), size)


def _autocovariances(values: np.ndarray) -> np.ndarray:
    """Give autocovariances at all lags, the mean of the chains, shape (quantities, lags)."""
    n = values.shape[2]
    length = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(values - values.mean(axis=2, keepdims=True), n=length, axis=2)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).mean(axis=1)
    return np.asarray(np.fft.irfft(power, n=length, axis=1)[:, :n] / n)
