"""Priors of the location in the coordinates that it is integrated out in."""

from dataclasses import dataclass

import numpy as np

from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.priors.numbers import FLAT, STUDENT_T

__all__ = ["LocationTerms", "location_terms"]


@dataclass(frozen=True)
class LocationTerms:
    """Normal priors of theta - mu = residual + rows @ phi, Student t priors among them as mixtures of normals.

    Attributes
    ----------
    rows : numpy.ndarray, shape (P, P)
    residual : numpy.ndarray, shape (P,)
    precision : numpy.ndarray, shape (P,)
        0 where the prior is flat; of a Student t that of lambda = 1.
    student : numpy.ndarray of int, shape (P,)
        Which lambda multiplies the precision, counted from 1; 0 where none does.
    nu : numpy.ndarray, shape (n_student,)
    """

    rows: np.ndarray
    residual: np.ndarray
    precision: np.ndarray
    student: np.ndarray
    nu: np.ndarray

    def precisions(self, lambdas: np.ndarray) -> np.ndarray:
        """Give the precisions, shape (P,), at factors lambda."""
        return np.asarray(self.precision * np.append(1.0, lambdas)[self.student])

    def quadratic(self, lambdas: np.ndarray) -> np.ndarray:
        """Give the sum of squares over variances as a form in (phi, -1), shape (P + 1, P + 1)."""
        rows = np.column_stack([self.rows, -self.residual])
        return np.asarray((rows.T * self.precisions(lambdas)) @ rows)

    def lambda_density(self, lambdas: np.ndarray) -> float:
        """Give the log density of log(lambda), and what lambda adds to the normal's, up to a constant."""
        return float(((0.5 * self.nu + 0.5) * np.log(lambdas) - 0.5 * self.nu * lambdas).sum())

    def lambda_gradient(self, W: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
        """Give the gradient with respect to log(lambda), shape (n_student,).

        Parameters
        ----------
        W : numpy.ndarray, shape (P + 1, P + 1)
            Second moments of (phi, -1).
        lambdas : numpy.ndarray, shape (n_student,)
        """
        rows = np.column_stack([self.rows, -self.residual])
        squares = np.einsum("kc,cd,kd->k", rows, W, rows) * self.precisions(lambdas)
        of_lambda = np.bincount(self.student, weights=squares, minlength=len(lambdas) + 1)[1:]
        return np.asarray(0.5 * self.nu + 0.5 - 0.5 * self.nu * lambdas - 0.5 * of_lambda)


def location_terms(priors: LocationPriors, location_hat: np.ndarray, basis: np.ndarray) -> LocationTerms:
    """Write priors in coordinates phi, where location = location_hat + basis @ phi.

    Parameters
    ----------
    priors : LocationPriors
    location_hat : numpy.ndarray, shape (P,)
    basis : numpy.ndarray, shape (P, P)
    """
    numbers = priors.numbers
    is_student = numbers.family == STUDENT_T
    # The offset, which can be large against a prior's width, is taken from its mean first.
    residual = priors.without_offset(location_hat[:, None])[:, 0] - (numbers.mu - priors.offset)
    flat = numbers.family == FLAT
    return LocationTerms(
        rows=priors.without_offset(basis),
        residual=np.where(flat, 0.0, residual),
        precision=np.where(flat, 0.0, np.where(flat, 1.0, numbers.sigma) ** -2.0),
        student=np.where(is_student, np.cumsum(is_student), 0),
        nu=numbers.nu[is_student].astype(float),
    )
