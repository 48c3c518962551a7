"""What rows say of something that could be added to a model, given all that the model knows already.

If a column b times a small number were added to the linear predictor, the derivative of the log posterior density by
that number would be b's, s being the slopes of the rows' log densities, averages over the posterior (Fisher's
identity). Under the model its variance is b'Qb with Q = W - WF (F'WF + P)^-1 F'W: what is left of the information W of
the rows after the model's own columns F, whose effects of groups have the prior precision P. With the residuals of a
Gaussian model this is the exact score test of a further predictor.

References
----------
Rao (1948), doi:10.1017/S0305004100023987: score tests. Louis (1982), doi:10.1111/j.2517-6161.1982.tb01203.x.
Breslow & Clayton (1993), doi:10.1080/01621459.1993.10594284: Q in models with effects of groups. Lin (1997),
doi:10.1093/biomet/84.2.309: score tests of variances. Pearson (1959), doi:10.1093/biomet/46.3-4.364.
"""

import numpy as np
import scipy  # its parts are imported when they are first used, and that of statistics takes long
from scipy import sparse
from scipy.sparse.linalg import splu

from stanhier.design.in_memory import lies_within
from stanhier.evaluation.checks.covariances import effect_covariances, representative
from stanhier.evaluation.checks.evidence import Evidence

__all__ = ["Information", "degrees_of_freedom", "score_p", "variance_p"]

_TINY = 1e-10
_NOTHING_NEW = 1e-6
"""What is left of a direction, relative to the whole, that the model has already."""


class Information:
    """Q, by a sparse factorisation of what the model knows.

    Parameters
    ----------
    evidence : Evidence

    Attributes
    ----------
    scores : numpy.ndarray, shape (n,)
        Slopes of the rows' log densities, with the coefficients of the population where the data alone would have them.
    """

    def __init__(self, evidence: Evidence) -> None:
        rows = evidence.rows
        self._weights = evidence.scores[1]
        # Of a part of the rows: the posterior knows as much more as there are more rows.
        more = evidence.model.design.n_rows / len(evidence.y)
        intercept = np.ones((len(evidence.y), int(rows.formula.has_intercept)))
        X = np.hstack([intercept, rows.X])
        spread = np.sqrt(np.square(X).mean(axis=0))
        parts: list[sparse.csr_array] = [sparse.csr_array(X / np.where(spread > 0, spread, 1.0))]
        precisions: list[sparse.csr_array] = [sparse.csr_array((X.shape[1], X.shape[1]))]
        for term in range(len(rows.groupings)):
            Z, n_levels = _effect_columns(evidence, term)
            parts.append(Z)
            matrix = rows.effect_matrix(term)
            of_group = more / n_levels * (matrix.T @ (self._weights[:, None] * matrix))
            own = np.linalg.inv(representative(_covariances(evidence, term), of_group))
            precisions.append(sparse.csr_array(sparse.kron(sparse.eye_array(n_levels), sparse.csr_array(own))))
        self._columns = sparse.csr_array(sparse.hstack(parts))
        self._weighted = sparse.csr_array(self._columns.multiply(self._weights[:, None]))
        known = sparse.csc_array(more * (self._columns.T @ self._weighted) + sparse.block_diag(precisions))
        floor = _TINY * max(float(known.diagonal().max(initial=0.0)), np.finfo(float).tiny)
        system = sparse.csc_matrix(known + floor * sparse.eye_array(known.shape[0]))
        self._known = splu(system) if known.shape[0] else None
        self.scores = evidence.scores[0]
        if self._known is not None and more == 1:
            # What a prior holds back is no matter of what could be added.
            held = np.zeros(known.shape[0])
            held[: X.shape[1]] = parts[0].T @ self.scores
            self.scores = self.scores - self._weighted @ self._known.solve(held)

    def of(self, columns: np.ndarray) -> np.ndarray:
        """Give b'Qb of columns, shape (k, k)."""
        whole = columns.T @ (self._weights[:, None] * columns)
        if self._known is None:
            return np.asarray(whole)
        cross = self._weighted.T @ columns
        return np.asarray(whole - cross.T @ self._known.solve(np.ascontiguousarray(cross)))


def variance_p(information: Information, columns: np.ndarray, freedom: float) -> float | None:
    """Give the probability of squared slopes along columns, were their coefficients all 0 and not merely alike.

    Their sum is a weighted one of squares, whose distribution is that of a chi-square with the same first moments
    (Pearson 1959); the test is that of a variance of the coefficients (Lin 1997).

    Parameters
    ----------
    information : Information
    columns : numpy.ndarray, shape (n, k)
    freedom : float
        As `score_p`.
    """
    matrix, total = information.of(columns), float(np.square(columns.T @ information.scores).sum())
    values = np.maximum(np.linalg.eigvalsh(matrix), 0)
    first, second, third = ((values**power).sum() for power in (1, 2, 3))
    if not third > 0:
        return None
    k = second**3 / third**2
    value = (total - first) / np.sqrt(second) * np.sqrt(k) + k
    return _of_squares(float(max(value, 0.0)), float(k), freedom)


def _of_squares(value: float, k: float, freedom: float) -> float | None:
    """Give the probability of a sum of k squares, measured by what has so many degrees of freedom with these."""
    if np.isinf(freedom):
        return float(scipy.stats.chi2.sf(value, k))
    if freedom < k + 3:
        return None
    left = freedom - value
    return float(scipy.stats.f.sf(value / k * (freedom - k) / left, k, freedom - k)) if left > 0 else 0.0


def score_p(evidence: Evidence, information: Information, columns: np.ndarray, freedom: float) -> float | None:
    """Give the probability of such slopes along columns, or None where the model has all of these already.

    Parameters
    ----------
    evidence : Evidence
    information : Information
    columns : numpy.ndarray, shape (n, k)
    freedom : float
        Degrees of freedom that what the slopes are measured by has; infinite where it is known.
    """
    whole = np.sqrt(np.maximum(columns.T**2 @ evidence.scores[1], np.finfo(float).tiny))
    columns = columns / whole
    values, vectors = np.linalg.eigh(information.of(columns))
    new = values > _NOTHING_NEW
    if not new.any():
        return None
    along = vectors[:, new].T @ (columns.T @ information.scores)
    return _of_squares(float((along**2 / values[new]).sum()), int(new.sum()), freedom)


def degrees_of_freedom(evidence: Evidence, column: np.ndarray) -> float:
    """Give the degrees of freedom by which slopes along a column are measured.

    Of a column that is the same in all rows of each group, these come from the groups.

    Parameters
    ----------
    evidence : Evidence
    column : numpy.ndarray, shape (n,)
    """
    rows = evidence.rows
    fixed = np.hstack([np.ones((len(column), 1)), rows.X])
    whole = [one.codes for one in rows.groupings if lies_within(one.codes, column)]
    if not whole:
        return len(column) - int(np.linalg.matrix_rank(fixed)) if evidence.has_scale else np.inf
    codes = min(whole, key=lambda one: len(np.unique(one)))
    return float(len(np.unique(codes)) - sum(lies_within(codes, one) for one in fixed.T))


def _covariances(evidence: Evidence, term: int) -> np.ndarray:
    """Give the covariances of the effects of a factor in units of sigma^2, shape (S, q, q)."""
    matrices = effect_covariances(evidence.model, evidence.draws, term)
    return matrices / np.square(evidence.scale)[:, :, None] if evidence.has_scale else matrices


def _effect_columns(evidence: Evidence, term: int) -> tuple[sparse.csr_array, int]:
    """Give what the effects of the levels that there are multiply, shape (n, J q), level by level, and J."""
    levels, codes = np.unique(evidence.rows.groupings[term].codes, return_inverse=True)
    Z = evidence.rows.effect_matrix(term)
    n, q = Z.shape
    places = (codes[:, None] * q + np.arange(q)).ravel()
    rows = np.repeat(np.arange(n), q)
    return sparse.csr_array((Z.ravel(), (rows, places)), shape=(n, len(levels) * q)), len(levels)
