"""Groups beside their population: effects further out than normal ones are.

References
----------
Lange & Ryan (1989), doi:10.1214/aos/1176347130: effects over the standard deviations that their estimates have.
Cook & Weisberg (1982), Residuals and Influence in Regression: a standard deviation that knows the outlier itself.
"""

from collections.abc import Iterator

import numpy as np
import scipy  # its parts are imported when they are first used, and that of statistics takes long

from stanhier.basics.words import quoted
from stanhier.design.columns import CONSTANT, INTERCEPT
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.regression import Regression
from stanhier.engines.single_rows import undecided_factors
from stanhier.evaluation.checks.covariances import effect_covariances
from stanhier.evaluation.checks.evidence import Evidence
from stanhier.evaluation.checks.finding import LEVELS, Finding, p_text
from stanhier.evaluation.checks.known_effects import known_effects

__all__ = ["MOST_GROUPS", "group_findings"]

MOST_GROUPS = 20_000
_LEAST_GROUPS = 8
_LEAST_KNOWN = 0.4
"""Share of the variance of an effect that the rows of its group have to tell, so that it can be judged."""

_LEAST_LEFT = 0.25
"""Share of the variance of the groups that at least is not the furthest one's, since the sd is not quite theirs."""


def group_findings(model: Regression, draws: Draws, evidence: Evidence | None) -> Iterator[Finding]:
    """Look, for each effect of each factor, for the group that is furthest out.

    Where each group is a row and the data do not tell groups from noise, the checks of rows say the same. Without
    evidence, of rows that are not in memory, what rows tell of effects is taken from the spread of the draws.
    """
    groupings = model.design.groupings
    n_effects = sum(grouping.n_effects for grouping in groupings)
    undecided = undecided_factors(model)
    for term, grouping in enumerate(groupings):
        if term in undecided or not _LEAST_GROUPS <= len(grouping.levels) <= MOST_GROUPS:
            continue
        standard, effects = _standardised(model, draws, evidence, term)
        for k, effect in enumerate(grouping.effects):
            known = np.flatnonzero(np.isfinite(standard[:, k]))
            if len(known) < _LEAST_GROUPS:
                continue
            worst = known[np.argmax(np.abs(standard[known, k]))]
            p = min(1.0, len(known) * _tail(float(standard[worst, k]), len(known)))
            what = "intercept" if effect == INTERCEPT else f"slope of {effect}"
            problem = (
                f"Group {quoted(str(grouping.levels[worst]))} of '{grouping.name}' is far from the others: its {what} "
                f"is {effects[worst, k]:+.3g} from the population's, {abs(standard[worst, k]):.1f} standard deviations "
                f"({p_text(p)} for so many groups). Look at its rows; a predictor that tells it apart keeps it from "
                "widening what is said of all groups."
            )
            of = grouping.name if grouping.n_effects == 1 else f"{grouping.name}[{effect}]"
            yield Finding("groups", of, problem, p, LEVELS["groups"] / n_effects, float(effects[worst, k]))


def _standardised(
    model: Regression, draws: Draws, evidence: Evidence | None, term: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give effects over the standard deviations of their estimates, nan of groups that tell little, and means.

    The intercept is that at the means of the predictors, where the data tell most of it.
    """
    grouping = model.design.groupings[term]
    J, q = len(grouping.levels), grouping.n_effects
    combinations, means_of_columns = np.eye(q), model.engine.moments.mean
    for k, effect in enumerate(grouping.effects):
        if effect == INTERCEPT:
            combinations[k] = [1.0 if c == CONSTANT else means_of_columns[c] for c in grouping.columns]
    covariances = effect_covariances(model, draws, term)
    variances = np.maximum(np.einsum("kq,sqr,kr->sk", combinations, covariances, combinations), np.finfo(float).tiny)
    usual, mean_variance = np.sqrt(np.median(variances, axis=0)), variances.mean(axis=0)
    known, means = np.empty((J, q)), np.empty((J, q))
    step = max(1, BLOCK_VALUES // (draws.n_draws * q))
    for start in range(0, J, step):
        part = np.arange(start, min(start + step, J))
        effects = model.engine.effects(draws, term, part) @ combinations.T
        means[part] = effects.mean(axis=0)
        known[part] = 1 - effects.var(axis=0) / mean_variance
    spreads = usual * np.sqrt(np.maximum(known, _LEAST_KNOWN))
    if evidence is not None:
        spreads, known = known_effects(evidence, term, combinations)
    enough = known >= _LEAST_KNOWN
    return np.where(enough, means / np.where(enough, spreads, 1.0), np.nan), means


def _tail(value: float, n_groups: int) -> float:
    """Probability of as much: the standard deviation that it is measured by is of the same groups."""
    freedom = n_groups - 1
    left = max(freedom - value**2, _LEAST_LEFT * freedom)
    return float(2 * scipy.stats.t.sf(abs(value) * np.sqrt((freedom - 1) / left), freedom - 1))
