"""Covariances of the effects of a factor, draw by draw."""

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression

__all__ = ["effect_covariances", "representative"]


def effect_covariances(model: Regression, draws: Draws, term: int) -> np.ndarray:
    """Give the covariance matrices of the effects of a factor, shape (S, q, q).

    Parameters
    ----------
    model : Regression
    draws : Draws
    term : int
        Position of the factor.
    """
    parameters, q = model.parameters, model.design.groupings[term].n_effects
    values = model.engine.coordinates.population(draws)
    sds = values[parameters.all_of(Role.GROUP_SD)[term].name].reshape(draws.n_draws, q)
    correlations = np.broadcast_to(np.eye(q), (draws.n_draws, q, q))
    for one in parameters.all_of(Role.GROUP_COR):
        if (one.term or 0) == term:
            correlations = values[one.name].reshape(draws.n_draws, q, q)
    return np.asarray(sds[:, :, None] * correlations * sds[:, None, :])


def representative(covariances: np.ndarray, of_group: np.ndarray) -> np.ndarray:
    """Give one covariance of the effects of a factor that stands for those of all draws, shape (q, q).

    It is the one with which a group of average information has the mean information of the draws about its mean: where
    a variance v is known from m groups, the mean of 1 / v is 1 over the usual estimate, the mean of v is not.

    Parameters
    ----------
    covariances : numpy.ndarray, shape (S, q, q)
    of_group : numpy.ndarray, shape (q, q)
        Information of the rows of an average group.
    """
    q = len(of_group)
    floor = 1e-9 * max(float(np.trace(of_group)) / q, np.finfo(float).tiny) * np.eye(q)
    alone = np.linalg.inv(of_group + floor)
    values, vectors = np.linalg.eigh(np.linalg.inv(np.linalg.inv(covariances + alone).mean(axis=0)) - alone)
    least = 1e-9 * max(float(np.trace(covariances.mean(axis=0))) / q, 1e-9)
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)
