"""What the rows of a group alone say of its effects, of any family: the mode of their likelihood and Jeffreys' prior.

The prior keeps estimates finite where all responses of a group are 0 or all are successes: without offsets the log odds
of y successes among n are log((y + 1/2) / (n - y + 1/2)), and the log mean of counts log((sum + 1/2) / n). It takes the
first-order bias away where the estimate has one; with the identity link it is flat.

References
----------
Firth (1993), Bias reduction of maximum likelihood estimates, doi:10.1093/biomet/80.1.27.
Lange, Little & Taylor (1989), Robust statistical modeling using the t distribution, doi:10.1080/01621459.1989.10478852.
Heinze & Schemper (2002), A solution to the problem of separation in logistic regression, doi:10.1002/sim.1047.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stanhier.engines.gaussian.likelihood import common_mean
from stanhier.engines.multilevel.own_effects import least_squares
from stanhier.engines.rows.given_effects import FamilyRows, GivenEffects
from stanhier.families.family import Family

__all__ = ["own_effects"]

_MOST_STEPS, _MOST_HALVINGS = 100, 40
_CONVERGED = 1e-10
"""Twice what a step promises to gain, at most."""
_LONGEST = 3.0
"""Change of a linear predictor in one step, at most."""
_DIFFERENCE = 1e-4


def own_effects(family: Family, rows: FamilyRows, given: GivenEffects, term: int) -> np.ndarray:
    """Give estimates of the effects of each group from its rows alone.

    Parameters
    ----------
    family : Family
        Of these rows.
    rows : FamilyRows
        Those behind the draws, or distinct ones with sums.
    given : GivenEffects
        Population, effects of other factors and auxiliary parameters are taken at their means.
    term : int

    Returns
    -------
    numpy.ndarray, shape (J, q)
        Nan where the rows of a group do not tell its effects.
    """
    eta = common_mean(rows.X, given.origin, given.location.mean(axis=0)[None])[0] + given.origin[-1]
    if rows.offset is not None:
        eta = eta + rows.offset
    for other, grouping in enumerate(rows.groupings):
        if other != term:
            effects = given.effects(other, np.arange(grouping.codes.max() + 1)).mean(axis=0)
            eta = eta + (rows.effect_matrix(other) * effects[grouping.codes]).sum(axis=1)
    aux = {name: float(values.mean()) for name, values in given.auxiliary.items()}
    groups = _Groups(family, rows.y, rows.trials, eta, rows.effect_matrix(term), rows.groupings[term].codes, aux)
    return groups.modes()


@dataclass(frozen=True)
class _Groups:
    """Rows by group, with linear predictors eta but for the group's effects, which multiply Z."""

    family: Family
    y: np.ndarray
    trials: np.ndarray | None
    eta: np.ndarray
    Z: np.ndarray
    codes: np.ndarray
    aux: Mapping[str, float]

    @property
    def is_flat(self) -> bool:
        """Whether Jeffreys' prior is: information does not depend on the linear predictor."""
        return self.family.link == "identity"

    def modes(self) -> np.ndarray:
        """Climb to the modes by scoring, steps halved until they climb; shape (J, q)."""
        residual = self.y - self.eta if self.is_flat else np.zeros(len(self.y))
        start = least_squares(self._crossed(np.ones(len(self.y))), self._pulled(residual))
        told = ~np.isnan(start).any(axis=1)
        effects = np.where(told[:, None], start, 0.0)
        value, gradient, cross = self._at(effects, told)
        for _ in range(_MOST_STEPS):
            step = np.linalg.solve(cross, gradient[..., None])[..., 0]
            promised = np.einsum("jk,jk->j", step, gradient)
            if promised.max(initial=0.0) < _CONVERGED:
                break
            if not self.is_flat:
                length = np.zeros(len(step))
                np.maximum.at(length, self.codes, np.abs((self.Z * step[self.codes]).sum(axis=1)))
                step *= np.minimum(1.0, _LONGEST / np.maximum(length, _LONGEST))[:, None]
            for _ in range(_MOST_HALVINGS):
                found = self._at(effects + step, told)
                worse = ~(found[0] >= value - 1e-12 * np.abs(value))
                if not worse.any():
                    break
                step[worse] *= 0.5
            else:
                step[worse] = 0.0
                found = self._at(effects + step, told)
            effects, (value, gradient, cross) = effects + step, found
        return np.where(told[:, None], effects, np.nan)

    def _at(self, effects: np.ndarray, told: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give the log density, (J,), its gradient, (J, q), and a curvature, (J, q, q): 0, 0 and 1 if not told."""
        eta = self.eta + (self.Z * effects[self.codes]).sum(axis=1)
        information = self._information(eta)
        score, _ = self.family.slopes(self.y, eta, self.aux, self.trials)
        value = np.bincount(self.codes, self.family.log_kernel(self.y, eta, self.aux, self.trials))
        weights = information
        if self.is_flat:
            # The quadratic that touches the log density from below (Lange, Little & Taylor 1989) reaches far.
            residual = self.y - eta
            weights = np.where(residual == 0, information, score / np.where(residual == 0, 1.0, residual))
        cross = np.where(told[:, None, None], self._crossed(weights), np.eye(self.Z.shape[1]))
        if not self.is_flat:
            leverage = information * np.einsum("nk,nkl,nl->n", self.Z, np.linalg.inv(cross)[self.codes], self.Z)
            ahead, behind = (np.log(self._information(eta + side * _DIFFERENCE)) for side in (1, -1))
            score = score + 0.5 * leverage * (ahead - behind) / (2 * _DIFFERENCE)
            value = value + 0.5 * np.linalg.slogdet(cross)[1]
        return np.where(told, value, 0.0), np.where(told[:, None], self._pulled(score), 0.0), cross

    def _information(self, eta: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(self.family.information(eta, self.aux, self.trials), np.finfo(float).tiny))

    def _crossed(self, weights: np.ndarray) -> np.ndarray:
        """Sum weights times products of columns of Z over the rows of each group, shape (J, q, q)."""
        q = self.Z.shape[1]
        sums = [np.bincount(self.codes, weights * one * other) for one in self.Z.T for other in self.Z.T]
        return np.asarray(np.moveaxis(np.reshape(sums, (q, q, -1)), -1, 0))

    def _pulled(self, values: np.ndarray) -> np.ndarray:
        """Sum columns of Z times values over the rows of each group, shape (J, q)."""
        return np.stack([np.bincount(self.codes, z * values) for z in self.Z.T], axis=1)
