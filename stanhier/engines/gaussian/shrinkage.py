"""How far a group's estimate is drawn to the population: the normal distribution of its effect given the rest.

With variance sigma_alpha^2 of the effects and sigma^2 / W of the mean of a group of weight W, the effect given the mean
residual r is normal with mean s r and variance sigma_alpha^2 (1 - s), where s = sigma_alpha^2 / (sigma_alpha^2 +
sigma^2 / W): Gelman et al. (2013), Bayesian Data Analysis, section 15.4. In this form sigma_alpha -> 0 and a group with
a huge weight stay finite.
"""

import numpy as np

__all__ = ["given_mean", "given_sum"]


def given_mean(
    weights: np.ndarray | float, sigma: np.ndarray, sigma_alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the factor on a group's mean residual, and the standard deviation of its effect.

    Parameters
    ----------
    weights : numpy.ndarray
        Of groups with rows; with `sigma` and `sigma_alpha` of shapes that broadcast.

    Returns
    -------
    factor, sd : numpy.ndarray
    """
    variance = sigma_alpha**2
    noise = sigma**2 / weights
    total = variance + noise
    return variance / total, sigma_alpha * np.sqrt(noise / total)


def given_sum(
    weights: np.ndarray, weighted_sums: np.ndarray, sigma: np.ndarray, sigma_alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and variance of a group's effect from the weighted sum of its residuals, also where it has no rows.

    Returns
    -------
    mean, variance : numpy.ndarray
    """
    sigma2, between = sigma**2, sigma_alpha**2
    precision = between * weights + sigma2
    return between * weighted_sums / precision, between * sigma2 / precision
