"""Cross-products of the columns of effects and location under weights of rows: the information on all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from stanhier.engines.multilevel.layout import TermShape
from stanhier.engines.rows.cells import Cells

__all__ = ["EffectColumns", "Information"]


@dataclass(frozen=True)
class EffectColumns:
    """The columns that the effects of all levels are multiplied by.

    Attributes
    ----------
    cells : Cells
    terms : tuple of TermShape
    """

    cells: Cells
    terms: tuple[TermShape, ...]

    @cached_property
    def matrices(self) -> list[sparse.csr_matrix]:
        """Of each term, shape (M, J q), level by level."""
        made = []
        for term, Z, codes in zip(self.terms, self.cells.Z, self.cells.codes, strict=True):
            columns = codes[:, None] * term.q + np.arange(term.q)
            ends = np.arange(len(codes) + 1) * term.q
            made.append(sparse.csr_matrix((Z.ravel(), columns.ravel(), ends), shape=(len(codes), term.n_effects)))
        return made

    @cached_property
    def transposed(self) -> list[sparse.csr_matrix]:
        """Their transposes."""
        return [matrix.T.tocsr() for matrix in self.matrices]

    def predictor(self, location: np.ndarray, effects: Sequence[np.ndarray]) -> np.ndarray:
        """Give the linear predictor, shape (M,), without its offset."""
        eta = self.cells.X @ location
        for matrix, own in zip(self.matrices, effects, strict=True):
            eta += matrix @ own
        return np.asarray(eta)

    def gradients(self, score: np.ndarray) -> list[np.ndarray]:
        """Take first derivatives by the linear predictor to those by effects, and by the location, which is last."""
        return [*(matrix @ score for matrix in self.transposed), self.cells.X.T @ score]

    def information(self, weight: np.ndarray) -> "Information":
        """Give the cross-products with rows of these weights, shape (M,)."""
        scaled = []
        for matrix in self.transposed:
            data = matrix.data * weight[matrix.indices]
            scaled.append(sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape))
        X = self.cells.X
        return Information(
            own=[self._own(t, weight) for t in range(len(self.terms))],
            location=[np.asarray(matrix @ X) for matrix in scaled],
            common=(X.T * weight) @ X,
            between={
                (t, s): (scaled[t] @ self.matrices[s]).tocsr()
                for t in range(len(self.terms))
                for s in range(len(self.terms))
                if t < s
            },
        )

    def _own(self, t: int, weight: np.ndarray) -> np.ndarray:
        term, Z, codes = self.terms[t], self.cells.Z[t], self.cells.codes[t]
        own = np.empty((term.n_levels, term.q, term.q))
        for k in range(term.q):
            for m in range(k + 1):
                products = np.bincount(codes, weight * Z[:, k] * Z[:, m], minlength=term.n_levels)
                own[:, k, m] = own[:, m, k] = products
        return own


@dataclass(frozen=True)
class Information:
    """Blocks of the cross-products Z'WZ of all columns.

    Attributes
    ----------
    own : list of numpy.ndarray, shape (J, q, q)
        Of each level of each term with itself; levels of one term have no rows in common.
    location : list of numpy.ndarray, shape (J q, P)
        Of each term with the location.
    common : numpy.ndarray, shape (P, P)
        Of the location.
    between : dict of scipy.sparse.csr_matrix, shape (J_t q_t, J_s q_s)
        Of terms t < s.
    """

    own: list[np.ndarray]
    location: list[np.ndarray]
    common: np.ndarray
    between: dict[tuple[int, int], sparse.csr_matrix]

    def across(self, t: int, s: int) -> sparse.csr_matrix:
        """Give the cross-products of two different terms, shape (J_t q_t, J_s q_s)."""
        return self.between[t, s] if t < s else self.between[s, t].T.tocsr()
