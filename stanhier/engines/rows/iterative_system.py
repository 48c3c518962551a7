"""Linear equations in all effects and the location, by conjugate gradients, where too many are left to solve densely.

References
----------
Hutchinson (1990), doi:10.1080/03610919008812866 (traces of inverses from random signs).
Bekas, Kokiopoulou & Saad (2007), doi:10.1016/j.apnum.2007.01.003 (diagonals of them).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse

from stanhier.engines.multilevel.layout import TermShape, dense_terms
from stanhier.engines.rows.dense_system import block_diagonal, factorised, parts_of
from stanhier.engines.rows.information import Information

__all__ = ["IterativeSystem"]

_TOLERANCE = 1e-9
_MOST_ITERATIONS = 500
_PROBES = 6


@dataclass(frozen=True)
class IterativeSystem:
    """As `DenseSystem`, of which the Schur complement is never formed.

    Attributes
    ----------
    terms : tuple of TermShape
    largest : int
    inverse : numpy.ndarray, shape (J, q, q)
        Of the blocks of the largest term.
    across : scipy.sparse.csr_matrix, shape (J q, m)
        The largest term with the other terms.
    location : numpy.ndarray, shape (J q, P)
        The largest term with the location.
    others : scipy.sparse.csr_matrix, shape (m, m)
        The other terms with each other.
    others_location : numpy.ndarray, shape (m, P)
    common : numpy.ndarray, shape (P, P)
        The location.
    own : tuple of numpy.ndarray, shape (J, q, q)
        Blocks of the other terms' levels, which precondition.
    """

    terms: tuple[TermShape, ...]
    largest: int
    inverse: np.ndarray
    across: sparse.csr_matrix
    location: np.ndarray
    others: sparse.csr_matrix
    others_location: np.ndarray
    common: np.ndarray
    own: tuple[np.ndarray, ...]

    @classmethod
    def of(
        cls,
        information: Information,
        precisions: Sequence[np.ndarray],
        prior: np.ndarray,
        terms: tuple[TermShape, ...],
        largest: int,
    ) -> "IterativeSystem":
        """Set the system up; the arguments are those of `DenseSystem.of`."""
        others = dense_terms(terms, largest)
        own = tuple(information.own[t] + precisions[t] for t in others)
        rows = [
            [block_diagonal(own[k]) if s == t else information.across(t, s) for s in others]
            for k, t in enumerate(others)
        ]
        return cls(
            terms,
            largest,
            np.linalg.inv(information.own[largest] + precisions[largest]),
            sparse.hstack([information.across(largest, t) for t in others], format="csr"),
            information.location[largest],
            sparse.vstack([sparse.hstack(row) for row in rows], format="csr"),
            np.vstack([information.location[t] for t in others]),
            information.common + prior,
            own,
        )

    def solve(self, right: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Solve for the effects of each term, and the location, which is last in both; columns may be several."""
        flat = [part.reshape(len(part), -1) for part in right]
        others = [part for t, part in enumerate(flat[:-1]) if t != self.largest]
        moved = self._given_location(flat[self.largest], np.vstack(others))
        schur = self._location_schur
        reduced = flat[-1] - self.location.T @ moved[0] - self.others_location.T @ moved[1]
        common = np.linalg.solve(schur, reduced) if len(schur) else reduced
        own, rest = (part + shift @ common for part, shift in zip(moved, self._shift, strict=True))
        parts = [*parts_of(self.terms, self.largest, own, rest), common]
        return [part.reshape(one.shape) for part, one in zip(parts, right, strict=True)]

    def location_covariance(self) -> np.ndarray:
        """Give the part of the inverse that belongs to the location, shape (P, P)."""
        scale, factor = factorised(self._location_schur)
        half = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True) / scale
        return np.asarray(half.T @ half)

    def shifts(self) -> list[np.ndarray]:
        """Give how much the effects of each term move with the location, shape (J q, P), all of them following."""
        return parts_of(self.terms, self.largest, *self._shift)

    def summed_variances(self) -> list[np.ndarray]:
        """Estimate for each term the sum over its levels of the blocks of the inverse, shape (q, q).

        Effects of few levels are solved for one by one; of many random signs give the sum with a small error.
        """
        rng = np.random.default_rng(0)
        P = len(self.common)
        sums = []
        for t, term in enumerate(self.terms):
            exact = term.n_effects <= 2 * _PROBES
            signs = np.eye(term.n_effects) if exact else 2.0 * rng.integers(0, 2, (term.n_effects, _PROBES)) - 1.0
            right: list[np.ndarray] = [np.zeros((other.n_effects, signs.shape[1])) for other in self.terms]
            right[t] = signs
            solved = self.solve([*right, np.zeros((P, signs.shape[1]))])[t]
            blocks = (term.n_levels, term.q, signs.shape[1])
            summed = np.einsum("jks,jls->kl", solved.reshape(blocks), signs.reshape(blocks))
            summed /= 1 if exact else _PROBES
            sums.append(0.5 * (summed + summed.T))
        return sums

    @cached_property
    def _shift(self) -> tuple[np.ndarray, np.ndarray]:
        return self._given_location(-self.location, -self.others_location)

    @cached_property
    def _location_schur(self) -> np.ndarray:
        own, rest = self._shift
        schur = self.common + self.location.T @ own + self.others_location.T @ rest
        return np.asarray(0.5 * (schur + schur.T))

    @cached_property
    def _solved(self) -> sparse.csr_matrix:
        return block_diagonal(self.inverse)

    @cached_property
    def _preconditioner(self) -> sparse.csr_matrix:
        blocks = [block_diagonal(np.linalg.inv(own)) for own in self.own]
        return sparse.csr_matrix(sparse.block_diag(blocks, format="csr"))

    def _given_location(self, own: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Solve for the effects of the largest and of the other terms, the location held where it is."""
        first = self._solved @ own
        rest = self._conjugate_gradients(rest - self.across.T @ first)
        return first - self._solved @ (self.across @ rest), rest

    def _conjugate_gradients(self, right: np.ndarray) -> np.ndarray:
        """Solve with the Schur complement of the other terms, each column by itself."""
        x = np.zeros_like(right)
        residual = right.copy()
        z = self._preconditioner @ residual
        direction, inner = z, (residual * z).sum(axis=0)
        first = np.where(inner > 0, inner, 1.0)
        for _ in range(_MOST_ITERATIONS):
            if (inner <= _TOLERANCE**2 * first).all():
                break
            product = self.others @ direction - self.across.T @ (self._solved @ (self.across @ direction))
            curvature = (direction * product).sum(axis=0)
            length = np.divide(inner, curvature, out=np.zeros_like(inner), where=curvature > 0)
            x += length * direction
            residual -= length * product
            z = self._preconditioner @ residual
            new = (residual * z).sum(axis=0)
            direction = z + np.divide(new, inner, out=np.zeros_like(new), where=inner > 0) * direction
            inner = new
        return x
