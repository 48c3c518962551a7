"""What Pareto smoothed importance weights need to be judged.

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72).
"""

import numpy as np

from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import StanhierError
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression

__all__ = ["LEAST_DRAWS", "SAME_WEIGHTS", "check_enough", "good_k", "relative_efficiency", "smoothed_weights"]

LEAST_DRAWS = 25
"""Fewer have too short a tail for Pareto k: Vehtari et al. (2024) take the largest fifth, at least 5."""

SAME_WEIGHTS = 1e-8
"""Range of logarithms of weights that counts as none: rounding of densities alone gives tails that cannot be fitted."""


def check_enough(n_draws: int, method: str) -> None:
    """Refuse to weight fewer draws than tell whether the weights can be trusted.

    Raises
    ------
    StanhierError
    """
    if n_draws < LEAST_DRAWS:
        raise StanhierError(
            f"{method}() weights the draws, and of {n_draws} nobody can tell whether the weights can be trusted; it "
            f"takes at least {LEAST_DRAWS}: sample more with iter_sampling."
        )


def good_k(n_samples: int) -> float:
    """Greatest Pareto k at which weighted draws are reliable, from the number of draws (Vehtari et al. 2024)."""
    return float(min(1 - 1 / np.log10(max(n_samples, 2)), 0.7))


def smoothed_weights(log_density: np.ndarray, r_eff: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Give weights 1 / density of the draws, smoothed and of sum 1, shape (S, n), and Pareto k, shape (n,).

    Parameters
    ----------
    log_density : numpy.ndarray, shape (S, n)
        Of points that are to be left out.
    r_eff : float
        Effective draws over draws.
    """
    n_draws, n = log_density.shape
    weights, k = np.full((n_draws, n), 1 / n_draws), np.zeros(n)
    vary = ~(np.ptp(log_density, axis=0) <= SAME_WEIGHTS)
    if vary.any():
        with np.errstate(all="ignore"):  # fitting the tail of hopeless weights overflows; their k tells
            log_weights, k[vary] = array_stats().psislw(log_density[:, vary].T, r_eff=r_eff)
        values = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
        weights[:, vary] = (values / values.sum(axis=1, keepdims=True)).T
    return weights, k


def relative_efficiency(model: Regression, draws: Draws) -> float:
    """Mean effective sample size of the parameters over the number of draws; 1 for one chain, as ArviZ has it."""
    if draws.shape[0] == 1 or draws.shape[1] < 4:
        return 1.0
    quantities = np.stack(list(model.engine.coordinates.sampled(draws).values()))
    ess = array_stats().ess(quantities, chain_axis=1, draw_axis=2, method="mean")
    return float(np.mean(ess) / draws.n_draws)
