"""Responses that are yes or no: one by one, or so many of so many trials."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy import special

from stanhier.basics.arguments import made_in_our_words
from stanhier.basics.errors import DataError
from stanhier.families.family import Auxiliary, Family, refuse_response
from stanhier.families.saddle_points import binomial_log_probability

__all__ = ["Bernoulli", "Binomial"]


@dataclass(frozen=True, repr=False)
class _Binary(Family):
    """Trials that succeed with a probability whose logit or probit is the linear predictor."""

    link: str = "logit"
    links = ("logit", "probit")

    def mean(self, eta: np.ndarray) -> np.ndarray:
        """Give the probability of one success."""
        return np.asarray(special.expit(eta) if self.link == "logit" else special.ndtr(eta))

    def variance(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002
        """Give the variance of the proportion of successes."""
        return np.asarray(self.mean(eta) * self.mean(-eta) / self._sizes(eta, trials))

    def latent_variance(self, mean: np.ndarray, aux: Auxiliary) -> np.ndarray:  # noqa: ARG002
        """Give the variance of the distribution whose distribution function the link inverts: logistic, or normal."""
        return np.full(np.shape(mean), np.pi**2 / 3 if self.link == "logit" else 1.0)

    def _log_mean(self, eta: np.ndarray) -> np.ndarray:
        """Log of the probability of one success; that of a failure is the same at -eta."""
        return np.asarray(-np.logaddexp(0.0, -eta) if self.link == "logit" else special.log_ndtr(eta))

    def cumulative(
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,
    ) -> np.ndarray:
        y, sizes = np.asarray(y, dtype=float), np.asarray(self._sizes(eta, trials))
        most = np.where(y < 0, 0.0, special.bdtr(np.clip(y, 0, sizes), sizes, self.mean(eta)))
        return np.where(y >= sizes, 1.0, most)

    @abstractmethod
    def _sizes(self, eta: np.ndarray, trials: np.ndarray | None) -> np.ndarray | int:
        """Give the number of trials."""

    def log_kernel(
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,
    ) -> np.ndarray:
        """Log density up to what the linear predictor does not change."""
        sizes = self._sizes(eta, trials)
        if self.link == "logit":
            # Of 1 + exp(..) the logarithm is taken some ten times as fast as log1p; it is as near, in units of 1.
            return np.asarray(y * eta - sizes * (np.maximum(eta, 0.0) + np.log(1.0 + np.exp(-np.abs(eta)))))
        return np.asarray(y * special.log_ndtr(eta) + (sizes - y) * special.log_ndtr(-eta))

    def slopes(
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        sizes = self._sizes(eta, trials)
        if self.link == "logit":
            p = self.mean(eta)
            return y - sizes * p, sizes * p * self.mean(-eta)
        ratio, other = _mills(eta), _mills(-eta)
        return y * ratio - (sizes - y) * other, y * ratio * (ratio + eta) + (sizes - y) * other * (other - eta)

    def information(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:
        """Give the expected information on the linear predictor."""
        if self.link == "logit":
            return super().information(eta, aux, trials)
        return np.asarray(self._sizes(eta, trials) * _mills(eta) * _mills(-eta))

    def draw(
        self,
        rng: np.random.Generator,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,
    ) -> np.ndarray:
        return np.asarray(rng.binomial(self._sizes(eta, trials), self.mean(np.asarray(eta))), dtype=float)


def _mills(eta: np.ndarray) -> np.ndarray:
    """Give the standard normal density over the distribution function."""
    return np.asarray(np.exp(-0.5 * eta**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(eta)))


@made_in_our_words({})
@dataclass(frozen=True, repr=False)
class Bernoulli(_Binary):
    """Yes or no: y ~ bernoulli(p), the logit or probit of p being the linear predictor.

    Parameters
    ----------
    link : {"logit", "probit"}
    """

    name = "bernoulli"
    takes_categories = True

    def log_density(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return self._log_mean(np.where(np.asarray(y) > 0, 1.0, -1.0) * eta)

    def _sizes(self, eta: np.ndarray, trials: np.ndarray | None) -> np.ndarray | int:  # noqa: ARG002
        return 1

    def check(self, y: np.ndarray, name: str, trials: np.ndarray | None = None) -> None:  # noqa: ARG002
        """Refuse what is neither 0 nor 1."""
        bad = (y != 0) & (y != 1)
        if not bad.any():
            return
        values = np.unique(y)
        if len(values) == 2:
            remedy = f"Where one of two numbers is the event, write so on the left: I({name} == {values[1]:g}) ~ ..."
        elif ((y >= 0) & (y == np.round(y))).all():
            remedy = 'Counts are of family="poisson" or "negative_binomial", or of family="binomial" with trials=.'
        else:
            remedy = 'Measurements are of family="gaussian" or "student_t".'
        refuse_response(y, bad, name, self, "0 or 1, True or False, or one of two categories", remedy)


@made_in_our_words({})
@dataclass(frozen=True, repr=False)
class Binomial(_Binary):
    """So many of so many: y ~ binomial(trials, p), the logit or probit of p being the linear predictor.

    Parameters
    ----------
    link : {"logit", "probit"}
    """

    name = "binomial"
    takes_trials = True

    def log_density(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,  # noqa: ARG002
        trials: np.ndarray | None = None,
    ) -> np.ndarray:
        y, eta = np.asarray(y, dtype=float), np.asarray(eta, dtype=float)
        rest = self._sizes(eta, trials) - y
        p, q = self.mean(eta), self.mean(-eta)
        return binomial_log_probability(y, rest, p, q, self._log_mean(eta), self._log_mean(-eta))

    def _sizes(self, eta: np.ndarray, trials: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        assert trials is not None
        return np.asarray(trials).astype(np.int64)

    def check(self, y: np.ndarray, name: str, trials: np.ndarray | None = None) -> None:
        """Refuse what is no whole number from 0 to the number of trials."""
        if trials is None:
            raise DataError(
                f"The family \"binomial\" needs the number of trials of each row of '{name}': give trials=, a column, "
                'an array or one whole number. Single trials, 0 or 1, are of family="bernoulli".'
            )
        bad = (y < 0) | (y != np.round(y))
        if bad.any():
            remedy = 'It counts successes; measurements are of family="gaussian" or "student_t".'
            if ((y >= 0) & (y <= 1)).all():
                remedy = "It counts successes: multiply proportions by the number of trials."
            refuse_response(y, bad, name, self, "whole numbers from 0 to the number of trials", remedy)
        more = y > trials
        if more.any():
            row = int(np.flatnonzero(more)[0])
            raise DataError(
                f"The response '{name}' has more successes than trials in {int(more.sum()):,} "
                f"{'row' if more.sum() == 1 else 'rows'}, the first is row {row} ({y[row]:g} of {trials[row]:g}); give "
                'the number of trials, not of failures, or take family="poisson" for counts without an end.'
            )
