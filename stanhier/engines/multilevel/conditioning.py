"""What densities are conditioned on, from the draws of either engine."""

from collections.abc import Sequence

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.effects import GroupDraws, conditional_moments, draw_effects, term_factors
from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.layout import EFFECTS, LOCATION, NOISE, TermShape, effect_slices
from stanhier.engines.multilevel.statistics import Statistics

__all__ = ["given_all_effects", "given_statistics"]


def given_statistics(draws: Draws, statistics: Statistics) -> Given:
    """Condition on draws of which the effects of one term are integrated out: these are drawn where asked for.

    Parameters
    ----------
    draws : Draws
    statistics : Statistics
        Of the rows behind the draws.
    """
    eliminated, terms = statistics.eliminated, statistics.terms
    groups = GroupDraws.of(draws, statistics)

    def effects(term: int, levels: np.ndarray) -> np.ndarray:
        return draw_effects(statistics, term, levels, draws)

    def moments(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return conditional_moments(statistics, levels, groups)

    return Given(
        location=draws.flat(LOCATION),
        origin=statistics.origin,
        sigma=draws.flat(NOISE),
        factors=tuple(term_factors(draws, terms, t) for t in range(len(terms))),
        effects=effects,
        moments={eliminated: moments},
    )


def given_all_effects(draws: Draws, terms: Sequence[TermShape], origin: np.ndarray) -> Given:
    """Condition on draws that have the effects of all terms.

    Parameters
    ----------
    draws : Draws
    terms : sequence of TermShape
    origin : numpy.ndarray, shape (K + 1,)
        What the location is relative to.
    """
    places = effect_slices(terms)

    def effects(term: int, levels: np.ndarray) -> np.ndarray:
        own = draws.flat(EFFECTS)[:, places[term]]
        return own.reshape(draws.n_draws, terms[term].n_levels, terms[term].q)[:, levels]

    return Given(
        location=draws.flat(LOCATION),
        origin=origin,
        sigma=draws.flat(NOISE) if NOISE in draws.values else np.ones(draws.n_draws),
        factors=tuple(term_factors(draws, terms, t) for t in range(len(terms))),
        effects=effects,
        moments={},
    )
