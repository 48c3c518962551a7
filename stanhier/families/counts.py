"""Responses that count, without an end."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from stanhier.basics.arguments import made_in_our_words
from stanhier.basics.magnitudes import MOST_COUNTED
from stanhier.families.family import Auxiliary, Family, refuse_response
from stanhier.families.saddle_points import binomial_log_probability, poisson_log_probability

__all__ = ["NegativeBinomial", "Poisson"]

_NORMAL_FROM = 1e15
"""Means from which on a count is drawn as a rounded normal number: skewness is below 1e-7 there."""


@dataclass(frozen=True, repr=False)
class _Counts(Family):
    link: str = "log"
    links = ("log",)

    def mean(self, eta: np.ndarray) -> np.ndarray:
        """Give the expected count."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(eta))

    def check(self, y: np.ndarray, name: str, trials: np.ndarray | None = None) -> None:  # noqa: ARG002
        """Refuse what is no count."""
        bad = (y < 0) | (y != np.round(y)) | (y > MOST_COUNTED)
        if bad.any():
            large = (y[bad] > MOST_COUNTED).all()
            remedy = 'Measurements are of family="gaussian" or "student_t".'
            if large:
                remedy = 'Count in larger units, or take family="gaussian" for so large numbers.'
            refuse_response(y, bad, name, self, f"whole numbers from 0 to {MOST_COUNTED:,}", remedy)


@made_in_our_words({})
@dataclass(frozen=True, repr=False)
class Poisson(_Counts):
    """Counts y ~ poisson(exp(eta)); their variance is their mean."""

    name = "poisson"

    def variance(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002, D102
        return self.mean(eta)

    def latent_variance(self, mean: np.ndarray, aux: Auxiliary) -> np.ndarray:  # noqa: ARG002
        """Give the variance of the logarithm of a gamma distributed number of this mean and variance."""
        return np.asarray(special.polygamma(1, mean))

    def log_density(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return poisson_log_probability(np.asarray(y, dtype=float), np.asarray(eta, dtype=float))

    def log_kernel(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return np.asarray(y * eta - self.mean(eta))

    def cumulative(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        y = np.asarray(y, dtype=float)
        return np.where(y < 0, 0.0, special.gammaincc(np.maximum(y, 0) + 1, self.mean(eta)))

    def slopes(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        mean = self.mean(eta)
        return y - mean, mean

    def draw(  # noqa: D102
        self,
        rng: np.random.Generator,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return _poisson(rng, self.mean(np.asarray(eta)))


@made_in_our_words({})
@dataclass(frozen=True, repr=False)
class NegativeBinomial(_Counts):
    """Counts with mean mu = exp(eta) and variance mu + mu**2 / shape."""

    name = "negative_binomial"
    auxiliary = ("shape",)
    merges_rows = False

    def variance(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002, D102
        mean = self.mean(eta)
        with np.errstate(over="ignore"):
            return np.asarray(mean + np.square(mean) / aux["shape"])

    def latent_variance(self, mean: np.ndarray, aux: Auxiliary) -> np.ndarray:
        """Give the variance of the logarithm of a gamma distributed number of this mean and variance."""
        return np.asarray(special.polygamma(1, 1 / (1 / mean + 1 / np.asarray(aux["shape"]))))

    def log_density(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        y, eta, shape = np.asarray(y, dtype=float), np.asarray(eta, dtype=float), np.asarray(aux["shape"], dtype=float)
        # shape successes come with y failures, of which the last trial is a success.
        odds = eta - np.log(shape)
        log_failure, log_success = -np.logaddexp(0.0, -odds), -np.logaddexp(0.0, odds)
        pieces = binomial_log_probability(shape, y, special.expit(-odds), special.expit(odds), log_success, log_failure)
        return np.asarray(pieces - np.log1p(y / shape))

    def log_kernel(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        shape = np.asarray(aux["shape"], dtype=float)
        odds = eta - np.log(shape)
        return np.asarray(y * odds - (y + shape) * (np.maximum(odds, 0.0) + np.log1p(np.exp(-np.abs(odds)))))

    def cumulative(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        y, shape = np.asarray(y, dtype=float), np.asarray(aux["shape"], dtype=float)
        success = special.expit(np.log(shape) - eta)
        return np.where(y < 0, 0.0, special.betainc(shape, np.maximum(y, 0) + 1, success))

    def slopes(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        shape = np.asarray(aux["shape"], dtype=float)
        odds = eta - np.log(shape)
        p = special.expit(odds)
        return y - (y + shape) * p, (y + shape) * p * special.expit(-odds)

    def information(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002
        """Give the expected information on the linear predictor."""
        shape = np.asarray(aux["shape"], dtype=float)
        return np.asarray(shape * special.expit(eta - np.log(shape)))

    def draw(  # noqa: D102
        self,
        rng: np.random.Generator,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        shape = np.broadcast_to(aux["shape"], np.shape(eta))
        with np.errstate(over="ignore", invalid="ignore"):
            return _poisson(rng, self.mean(np.asarray(eta)) * (rng.gamma(shape) / shape))


def _poisson(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    counts = rng.poisson(np.minimum(mean, _NORMAL_FROM)).astype(float)
    large = mean > _NORMAL_FROM
    if large.any():
        noise = rng.standard_normal(np.shape(mean))
        spread = np.where(np.isinf(mean), 0.0, np.sqrt(mean))
        counts = np.where(large, np.round(mean + spread * noise), counts)
    return np.asarray(counts)
