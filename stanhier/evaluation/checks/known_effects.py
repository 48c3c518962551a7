"""How much rows tell of the effects of their groups, whatever their responses may be."""

import numpy as np

from stanhier.evaluation.checks.covariances import effect_covariances, representative
from stanhier.evaluation.checks.evidence import Evidence

__all__ = ["known_effects"]


def known_effects(evidence: Evidence, term: int, combinations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the standard deviations of estimates of combinations of effects, and the share of variance that rows tell.

    The variance of an estimate is c'(S - P)c, and the share this over c'Sc, with S the covariance of the effects and
    P = (S^-1 + Z'WZ)^-1 that given the rows, whose weights W are those of responses drawn anew with effects from the
    population: an extreme group does not seem to tell more or less of itself for being extreme.

    Parameters
    ----------
    evidence : Evidence
    term : int
    combinations : numpy.ndarray, shape (k, q)

    Returns
    -------
    spreads, shares : numpy.ndarray, shape (J, k)
        Nan of groups without any of the rows looked at.
    """
    rows, draws = evidence.rows, evidence.draws
    levels, codes = np.unique(rows.groupings[term].codes, return_inverse=True)
    Z, covariances = rows.effect_matrix(term), effect_covariances(evidence.model, draws, term)
    q = Z.shape[1]
    weights = _expected_weights(evidence, term, levels, codes, Z, covariances)
    # Of a part of the rows: all tell as much more as there are more.
    weights *= evidence.model.design.n_rows / len(evidence.y)
    cross = np.empty((len(levels), q, q))
    for j in range(q):
        for k in range(q):
            cross[:, j, k] = np.bincount(codes, weights * Z[:, j] * Z[:, k])
    S = representative(covariances, cross.mean(axis=0))
    P = S @ np.linalg.inv(np.eye(q) + cross @ S)  # which needs no inverse of S
    told = np.maximum(np.einsum("kq,gqr,kr->gk", combinations, S - P, combinations), 0.0)
    found = np.full((2, len(evidence.model.design.groupings[term].levels), len(combinations)), np.nan)
    found[0, levels] = np.sqrt(told)
    found[1, levels] = told / np.einsum("kq,qr,kr->k", combinations, S, combinations)
    return found[0], found[1]


def _expected_weights(
    evidence: Evidence, term: int, levels: np.ndarray, codes: np.ndarray, Z: np.ndarray, covariances: np.ndarray
) -> np.ndarray:
    """Give weights of the rows, were their groups new ones, mean over the draws, shape (n,)."""
    family, eta = evidence.family, evidence.eta
    if not family.is_gaussian:
        values, vectors = np.linalg.eigh(covariances)
        noise = (
            evidence.rng.standard_normal((len(eta), len(levels), Z.shape[1])) * np.sqrt(np.maximum(values, 0))[:, None]
        )
        changed = np.einsum("sqr,sgr->sgq", vectors, noise) - evidence.model.engine.effects(
            evidence.draws, term, levels
        )
        eta = eta + np.einsum("snq,nq->sn", changed[:, codes], Z)
    y = family.draw(evidence.rng, eta, evidence.auxiliary, evidence.trials)
    weights = family.slopes(y, eta, evidence.auxiliary, evidence.trials)[1]
    return np.asarray(np.broadcast_to(weights, eta.shape).mean(axis=0))
