"""Rows beside what the others let expect of them: leave-one-out, by importance weights.

References
----------
Gabry et al. (2019), Visualization in Bayesian workflow, doi:10.1111/rssa.12378: LOO-PIT.
Czado, Gneiting & Held (2009), doi:10.1111/j.1541-0420.2009.01191.x: probability integral transforms of counts.
D'Agostino, Belanger & D'Agostino (1990), doi:10.1080/00031305.1990.10475751: tests of skewness and kurtosis.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used, and that of statistics takes long
from scipy import special

from stanhier.evaluation.checks.evidence import Evidence
from stanhier.evaluation.checks.finding import LEVELS, Finding, p_text
from stanhier.evaluation.checks.statistics import shape_advice
from stanhier.evaluation.uniformity import rank_test
from stanhier.posterior.weights import good_k, smoothed_weights

__all__ = ["LEAST_ROWS", "PredictedRows", "predicted_rows", "row_findings"]

LEAST_ROWS = 20
"""Fewer rows tell nothing of the shape of a distribution."""

_MOST_RANKED, _RANKS = 2_000, 49
_FEWEST_HIGH = 0.05


@dataclass(frozen=True, eq=False)
class PredictedRows:
    """Each row given all the others.

    Attributes
    ----------
    below, up_to : numpy.ndarray, shape (n,)
        Probabilities of a smaller response, and of one that is not greater.
    pareto_k : numpy.ndarray, shape (n,)
    good_k : float
        What it is to stay below.
    scores : numpy.ndarray, shape (n,)
        Standard normal under the model; of counts drawn at random where the probability of the count itself lies.
    """

    below: np.ndarray
    up_to: np.ndarray
    pareto_k: np.ndarray
    good_k: float
    scores: np.ndarray

    @property
    def n_high(self) -> int:
        """Rows whose weights cannot be trusted."""
        return int((~(self.pareto_k <= self.good_k)).sum())

    @property
    def is_reliable(self) -> bool:
        """Whether hardly any row is of that kind."""
        return self.n_high <= max(1.0, _FEWEST_HIGH * len(self.pareto_k))


def predicted_rows(evidence: Evidence) -> PredictedRows:
    """Weight the draws for each row, and give the probabilities of responses up to its own."""
    n, family = len(evidence.y), evidence.family
    below, up_to, k = np.empty(n), np.empty(n), np.empty(n)
    if family.is_gaussian:
        for part, residual, variance in evidence.model.engine.row_residuals(evidence.rows, evidence.draws):
            scaled = residual / np.sqrt(variance)
            weights, k[part] = smoothed_weights(-0.5 * (scaled**2 + np.log(variance)))
            below[part] = up_to[part] = (weights * special.ndtr(scaled)).sum(axis=0)
    else:
        given = (evidence.eta, evidence.auxiliary, evidence.trials)
        weights, k[:] = smoothed_weights(family.log_density(evidence.y, *given))
        up_to[:] = (weights * family.cumulative(evidence.y, *given)).sum(axis=0)
        below[:] = up_to
        if family.is_discrete:
            below[:] = (weights * family.cumulative(evidence.y - 1, *given)).sum(axis=0)
    between = below + evidence.rng.random(n) * np.maximum(up_to - below, 0.0)
    scores = special.ndtri(np.clip(between, 1e-12, 1 - 1e-12))
    return PredictedRows(below, up_to, k, good_k(len(evidence.eta)), scores)


def row_findings(evidence: Evidence, rows: PredictedRows) -> Iterator[Finding]:
    """Check whether rows are where the others let expect: all together, in their shape, and each by itself."""
    n, family = len(rows.scores), evidence.family
    if family.name == "bernoulli" or not rows.is_reliable:
        return
    yield _outliers(evidence, rows)
    if n < LEAST_ROWS:
        return
    if not family.is_discrete:
        yield from _shape(evidence, rows.scores)
    yield _uniformity(evidence, rows)


def _shape(evidence: Evidence, scores: np.ndarray) -> Iterator[Finding]:
    """Check skewness and tails."""
    kurtosis, of_tails = map(float, scipy.stats.kurtosistest(scores))
    skewness, p = map(float, scipy.stats.skewtest(scores))
    if of_tails <= LEVELS["tails"]:
        # With heavy tails a few rows make any data skewed: then what is not far out has to be so too.
        middle, width = np.median(scores), 4 * scipy.stats.median_abs_deviation(scores)
        of_most = float(scipy.stats.skewtest(np.clip(scores, middle - width, middle + width)).pvalue)
        p = p if of_most < 0.05 else max(p, of_most)
    problem = (
        f"The residuals are skewed to the {'right' if skewness > 0 else 'left'} ({p_text(p)}). "
        f"{shape_advice(evidence, right=skewness > 0)}"
    )
    yield Finding("skewness of residuals", "", problem, p, LEVELS["skewness"], float(scipy.stats.skew(scores)))
    advice = "Is the response bounded, or a mixture of kinds?"
    if kurtosis > 0:
        advice = 'Try family="student_t".' if evidence.family.is_gaussian else "Look at the rows that are far out."
    problem = (
        f"The tails of the residuals are {'heavier' if kurtosis > 0 else 'lighter'} than the model's "
        f"({p_text(of_tails)}). {advice}"
    )
    yield Finding("tails of residuals", "", problem, of_tails, LEVELS["tails"], float(scipy.stats.kurtosis(scores)))


def _uniformity(evidence: Evidence, rows: PredictedRows) -> Finding:
    pit = special.ndtr(rows.scores)
    if len(pit) > _MOST_RANKED:
        pit = evidence.rng.choice(pit, _MOST_RANKED, replace=False)
    ranks = np.minimum((pit * (_RANKS + 1)).astype(int), _RANKS)
    p = rank_test(len(pit), _RANKS).p_value(ranks)
    outside = float((np.abs(pit - 0.5) > 0.4).mean())
    if outside > 0.25:
        shape, advice = "further out than it predicts", "Try a family with more spread, or another predictor."
    elif outside < 0.15:
        shape, advice = "closer than it predicts", "Is the response bounded or rounded?"
    else:
        shape, advice = "not where it predicts", "Look at fit.plot_ppc() for where; try a transformation or a family."
    problem = (
        f"Left out one by one, rows are {shape}: {outside:.0%} of them are outside central 80 % intervals "
        f"({p_text(p)}). {advice}"
    )
    return Finding("LOO-PIT", "", problem, p, LEVELS["distribution"], outside, 0.2, 0.2)


def _outliers(evidence: Evidence, rows: PredictedRows) -> Finding:
    tail = 2 * np.minimum(rows.up_to, 1 - rows.below)
    worst = int(np.argmin(tail))
    level = LEVELS["outliers"]
    p = float(min(1.0, len(tail) * max(tail[worst], 0.0)))
    many = int((len(tail) * tail <= level).sum())
    label = evidence.rows.frame.index[worst]
    student = ' or take family="student_t", which bears it' if evidence.family.is_gaussian else ""
    if evidence.family.name == "poisson":
        student = ' or take family="negative_binomial"'
    problem = (
        f"{'One row is' if many < 2 else f'{many:,} rows are'} further out than the model allows; the furthest is row "
        f"{label}, with {evidence.model.design.formula.response} = {evidence.y[worst]:.4g} ({p_text(p)} for so many "
        f"rows). Look at {'it' if many < 2 else 'them'}{student}."
    )
    return Finding("outliers", "", problem, p, level, evidence.y[worst])
