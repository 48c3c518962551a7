"""Linear equations in all effects and the location.

The largest term is eliminated level by level, and the rest solved densely.

References
----------
Bates et al. (2015), Fitting linear mixed-effects models using lme4, doi:10.18637/jss.v067.i01 (penalised least
squares).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from stanhier.engines.multilevel.layout import TermShape, dense_slices, dense_terms
from stanhier.engines.rows.information import Information

__all__ = ["DenseSystem", "block_diagonal", "factorised", "parts_of"]


def block_diagonal(blocks: np.ndarray) -> sparse.csr_matrix:
    """Give blocks, shape (J, q, q), as one sparse matrix."""
    J, q, _ = blocks.shape
    columns = np.repeat(np.arange(J * q).reshape(J, 1, q), q, axis=1)
    return sparse.csr_matrix((blocks.ravel(), columns.ravel(), np.arange(J * q + 1) * q), shape=(J * q, J * q))


def factorised(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factorise a positive definite matrix scaled to a diagonal of 1: its scale, and the lower factor.

    Where rounding has made it indefinite, as little is added to the diagonal as helps: it serves to find a point and
    axes, and what is sampled does not depend on these.
    """
    scale = np.sqrt(np.maximum(np.abs(np.diag(matrix)), np.finfo(float).tiny))
    scaled = matrix / scale[:, None] / scale
    ridge = 0.0
    while True:
        try:
            return scale, linalg.cholesky(scaled + ridge * np.eye(len(scaled)), lower=True, check_finite=False)
        except linalg.LinAlgError:
            ridge = max(10 * ridge, 1e-13)


def parts_of(terms: Sequence[TermShape], largest: int, own: np.ndarray, rest: np.ndarray) -> list[np.ndarray]:
    """Give the effects of each term, from those of the largest and those of all others."""
    return [own if t == largest else rest[place] for t, place in enumerate(dense_slices(terms, largest))]


@dataclass(frozen=True)
class DenseSystem:
    """The matrix [[A_e, A_er], [A_re, A_rr]]: e the effects of the largest term, r all other effects and the location.

    Attributes
    ----------
    terms : tuple of TermShape
    largest : int
        Position of e; -1 without terms.
    inverse : numpy.ndarray, shape (J, q, q)
        Of the blocks of A_e.
    across : scipy.sparse.csr_matrix, shape (J q, m)
        A_er without the location.
    location : numpy.ndarray, shape (J q, P)
        A_er of the location.
    scale, factor : numpy.ndarray
        Of the Schur complement A_rr - A_re A_e^-1 A_er, as `factorised` gives them.
    """

    terms: tuple[TermShape, ...]
    largest: int
    inverse: np.ndarray
    across: sparse.csr_matrix
    location: np.ndarray
    scale: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(
        cls,
        information: Information,
        precisions: Sequence[np.ndarray],
        prior: np.ndarray,
        terms: tuple[TermShape, ...],
        largest: int,
    ) -> "DenseSystem":
        """Set the system up.

        Parameters
        ----------
        information : Information
        precisions : sequence of numpy.ndarray, shape (q, q)
            Of the effects of each term.
        prior : numpy.ndarray, shape (P, P)
            Precision of the location.
        terms : tuple of TermShape
        largest : int
        """
        nothing = np.zeros((0, 1, 1))
        inverse = np.linalg.inv(information.own[largest] + precisions[largest]) if terms else nothing
        others = dense_terms(terms, largest)
        places = dense_slices(terms, largest)
        m = sum(terms[t].n_effects for t in others)
        location = information.location[largest] if terms else np.zeros((0, len(prior)))
        empty = sparse.csr_matrix((len(location), 0))
        across = sparse.hstack([information.across(largest, t) for t in others], format="csr") if others else empty
        S = np.zeros((m + len(prior), m + len(prior)))
        S[m:, m:] = information.common + prior
        for t in others:
            S[places[t], m:] = information.location[t]
            _add_blocks(S, places[t].start, information.own[t] + precisions[t])
            for s in others:
                if t < s:
                    S[places[t], places[s]] = information.between[t, s].toarray()
        solved = block_diagonal(inverse)
        pulled = solved @ location
        S[m:, m:] -= location.T @ pulled
        if m:
            S[:m, m:] -= across.T @ pulled
            S[:m, :m] -= (across.T @ (solved @ across)).toarray()
        upper = np.triu_indices(len(S), 1)
        S.T[upper] = S[upper]
        return cls(terms, largest, inverse, across, location, *factorised(S))

    @property
    def n_others(self) -> int:
        """Number of effects of the other terms, m."""
        return int(self.across.shape[1])

    def solve(self, right: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Solve for the effects of each term, and the location, which is last in both; columns may be several."""
        own = self._times_inverse(right[self.largest] if self.terms else np.empty((0, *right[-1].shape[1:])))
        others = [part for t, part in enumerate(right[:-1]) if t != self.largest]
        reduced = np.concatenate([*others, right[-1]])
        reduced = reduced - np.concatenate([self.across.T @ own, self.location.T @ own])
        rest = self._solve_rest(reduced)
        own = own - self._times_inverse(self.across @ rest[: self.n_others] + self.location @ rest[self.n_others :])
        return [*parts_of(self.terms, self.largest, own, rest), rest[self.n_others :]]

    def location_covariance(self) -> np.ndarray:
        """Give the part of the inverse that belongs to the location, shape (P, P)."""
        m = self.n_others
        L = self.factor[m:, m:] * self.scale[m:, None]
        half = linalg.solve_triangular(L, np.eye(len(L)), lower=True)
        return np.asarray(half.T @ half)

    def shifts(self) -> list[np.ndarray]:
        """Give how much the effects of each term move with the location, shape (J q, P), all of them following."""
        m = self.n_others
        # With L = [[A, 0], [B, D]] the others move by -(A A')^-1 A B' = -A'^-1 B'.
        moved = -linalg.solve_triangular(self.factor[:m, :m], self.factor[m:, :m].T, lower=True, trans="T")
        rest = moved * self.scale[m:] / self.scale[:m, None]
        own = -self._times_inverse(self.across @ rest + self.location)
        return parts_of(self.terms, self.largest, own, rest)

    def summed_variances(self) -> list[np.ndarray]:
        """Give for each term the sum over its levels of the blocks of the inverse, shape (q, q)."""
        if not self.terms:
            return []
        half = linalg.solve_triangular(self.factor, np.eye(len(self.factor)), lower=True, check_finite=False)
        W = (half.T @ half) / self.scale[:, None] / self.scale
        m, q = self.n_others, self.terms[self.largest].q
        summed = self.inverse.sum(axis=0)
        solved = block_diagonal(self.inverse)
        across, location = (solved @ self.across).tocsr(), solved @ self.location
        for k in range(q):
            for i in range(k + 1):
                products = location[i::q].T @ location[k::q]
                found = float((W[m:, m:] * products).sum())
                if m:
                    found += float((across[i::q].T @ across[k::q]).multiply(W[:m, :m]).sum())
                    found += float((W[:m, m:] * (across[i::q].T @ location[k::q])).sum())
                    found += float((W[:m, m:] * (across[k::q].T @ location[i::q])).sum())
                summed[k, i] += found
                summed[i, k] = summed[k, i]
        sums = []
        for t, place in enumerate(dense_slices(self.terms, self.largest)):
            if t == self.largest:
                sums.append(summed)
                continue
            at = np.arange(place.start, place.stop).reshape(-1, self.terms[t].q)
            sums.append(W[at[:, :, None], at[:, None, :]].sum(axis=0))
        return sums

    def _times_inverse(self, vectors: np.ndarray) -> np.ndarray:
        J, q, _ = self.inverse.shape
        by_level = vectors.reshape(J, q, *vectors.shape[1:])
        return np.asarray(np.einsum("jkl,jl...->jk...", self.inverse, by_level).reshape(vectors.shape))

    def _solve_rest(self, right: np.ndarray) -> np.ndarray:
        scale = self.scale.reshape(-1, *[1] * (right.ndim - 1))
        return np.asarray(linalg.cho_solve((self.factor, True), right / scale) / scale)


def _add_blocks(matrix: np.ndarray, start: int, blocks: np.ndarray) -> None:
    at = start + np.arange(blocks.shape[0] * blocks.shape[1]).reshape(blocks.shape[:2])
    matrix[at[:, :, None], at[:, None, :]] += blocks
