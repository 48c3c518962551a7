"""Log likelihoods of rows as functions of their linear predictors, with first and second derivatives."""

from dataclasses import dataclass

import numpy as np
from scipy import special

__all__ = [
    "GAUSSIAN",
    "LOGIT",
    "NEGATIVE_BINOMIAL",
    "POISSON",
    "PROBIT",
    "STUDENT",
    "WITH_SIGMA",
    "Derivatives",
    "derivatives",
    "family_code",
    "first_guess",
    "log_density",
]

GAUSSIAN, LOGIT, PROBIT, POISSON, NEGATIVE_BINOMIAL, STUDENT = range(6)
"""Codes of family and link, as explicit_effects.stan has them."""

WITH_SIGMA = (GAUSSIAN, STUDENT)
"""Those whose linear predictor is in the units of the response, with a scale sigma, the first of their auxiliary
parameters."""

_CODES = {
    ("gaussian", "identity"): GAUSSIAN,
    ("bernoulli", "logit"): LOGIT,
    ("binomial", "logit"): LOGIT,
    ("bernoulli", "probit"): PROBIT,
    ("binomial", "probit"): PROBIT,
    ("poisson", "log"): POISSON,
    ("negative_binomial", "log"): NEGATIVE_BINOMIAL,
    ("student_t", "identity"): STUDENT,
}
_LEAST_WEIGHT = 1e-12
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class Derivatives:
    """The log likelihood at a linear predictor.

    Attributes
    ----------
    value : float
        Its sum, up to a constant of the responses and the auxiliary parameters.
    score : numpy.ndarray, shape (M,)
        First derivatives by the linear predictor.
    weight : numpy.ndarray, shape (M,)
        Minus the second; of Student t responses its expectation, which is positive where it is not.
    """

    value: float
    score: np.ndarray
    weight: np.ndarray


def family_code(name: str, link: str) -> int:
    """Give the code of a family and its link."""
    return _CODES[name, link]


def derivatives(code: int, eta: np.ndarray, y: np.ndarray, n: np.ndarray, aux: np.ndarray) -> Derivatives:
    """Give value, score and weight.

    Parameters
    ----------
    code : int
    eta : numpy.ndarray, shape (M,)
    y : numpy.ndarray, shape (M,)
        Responses; of merged Gaussian rows their means, of others their sums.
    n : numpy.ndarray, shape (M,)
        Gaussian: sums of weights. Binomial: trials. Poisson: exposures. Others: not used.
    aux : numpy.ndarray
        sigma; shape; sigma and nu.
    """
    value, score, weight = _KERNELS[code](eta, y, n, aux)
    return Derivatives(float(value), score, np.maximum(weight, _LEAST_WEIGHT))


type _Triple = tuple[float, np.ndarray, np.ndarray]


def _gaussian(eta: np.ndarray, y: np.ndarray, n: np.ndarray, aux: np.ndarray) -> _Triple:
    weight, residual = n / aux[0] ** 2, y - eta
    score = weight * residual
    return -0.5 * (score @ residual), score, weight


def _logit(eta: np.ndarray, y: np.ndarray, n: np.ndarray, aux: np.ndarray) -> _Triple:  # noqa: ARG001
    p, q = special.expit(eta), special.expit(-eta)
    # Failures times the chance of success and the other way round: no digits are lost where either is nearly sure.
    return -(y @ np.logaddexp(0, -eta) + (n - y) @ np.logaddexp(0, eta)), y * q - (n - y) * p, n * p * q


def _probit(eta: np.ndarray, y: np.ndarray, n: np.ndarray, aux: np.ndarray) -> _Triple:  # noqa: ARG001
    up, down = special.log_ndtr(eta), special.log_ndtr(-eta)
    log_normal = -0.5 * eta**2 - 0.5 * np.log(2 * np.pi)
    of_success, of_failure = np.exp(log_normal - up), np.exp(log_normal - down)
    weight = y * of_success * (eta + of_success) + (n - y) * of_failure * (of_failure - eta)
    return y @ up + (n - y) @ down, y * of_success - (n - y) * of_failure, weight


def _poisson(eta: np.ndarray, y: np.ndarray, n: np.ndarray, aux: np.ndarray) -> _Triple:  # noqa: ARG001
    mean = n * np.exp(np.minimum(eta, _LARGEST_EXPONENT))
    return y @ eta - mean.sum(), y - mean, mean


def _negative_binomial(eta: np.ndarray, y: np.ndarray, n: np.ndarray, aux: np.ndarray) -> _Triple:  # noqa: ARG001
    x, both = eta - np.log(aux[0]), y + aux[0]
    p, q = special.expit(x), special.expit(-x)
    return y @ x - both @ np.logaddexp(0, x), y * q - aux[0] * p, both * p * q


def _student(eta: np.ndarray, y: np.ndarray, n: np.ndarray, aux: np.ndarray) -> _Triple:  # noqa: ARG001
    sigma, nu = aux
    residual = (y - eta) / sigma
    squares = residual**2 / nu
    score = (nu + 1) / nu * residual / (1 + squares) / sigma
    weight = np.full(len(y), (nu + 1) / (nu + 3) / sigma**2)
    return -0.5 * (nu + 1) * np.log1p(squares).sum(), score, weight


_KERNELS = (_gaussian, _logit, _probit, _poisson, _negative_binomial, _student)


def log_density(
    code: int, eta: np.ndarray, y: np.ndarray, aux: np.ndarray, counted: tuple[np.ndarray, np.ndarray]
) -> float:
    """Give the log likelihood of responses with auxiliary parameters, up to a constant of the responses alone.

    Parameters
    ----------
    code : int
        `NEGATIVE_BINOMIAL` or `STUDENT`.
    eta, y : numpy.ndarray, shape (M,)
    aux : numpy.ndarray
    counted : (numpy.ndarray, numpy.ndarray)
        The values of y that occur, and how often.
    """
    value = _KERNELS[code](eta, y, y, aux)[0]
    if code == NEGATIVE_BINOMIAL:
        values, often = counted
        return float(value + often @ (special.gammaln(values + aux[0]) - special.gammaln(aux[0])))
    sigma, nu = aux
    normalising = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu) - np.log(sigma)
    return float(value + len(y) * normalising)


def first_guess(code: int, y: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Give linear predictors, shape (M,), that nearly reproduce each response: where Newton's steps begin.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, section 2.5.
    """
    if code in WITH_SIGMA:
        return y
    if code in (LOGIT, PROBIT):
        p = (y + 0.5) / (n + 1)
        return np.asarray(special.logit(p) if code == LOGIT else special.ndtri(p))
    return np.asarray(np.log((y + 0.1) / (n if code == POISSON else 1.0)))
