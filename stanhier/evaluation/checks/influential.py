"""Rows that change the posterior much if they are left out, by the weights that leave-one-out gives the draws."""

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.evaluation.checks.evidence import Evidence
from stanhier.evaluation.checks.predicted import PredictedRows
from stanhier.posterior.weights import good_k, relative_efficiency, smoothed_weights

__all__ = ["influential_rows"]

_WORTH_IT = 0.3
"""Greatest Pareto k by some of the draws, from which on that of all draws may be too large."""


def influential_rows(evidence: Evidence, rows: PredictedRows, draws: Draws) -> list[str]:
    """Note the rows whose weights cannot be trusted.

    Pareto k of 1,000 draws is that of all draws and much chance. So all of them tell: of at most 2,500 rows the numbers
    are those of `loo`.

    Parameters
    ----------
    evidence : Evidence
    rows : PredictedRows
        The same rows, by some of the draws.
    draws : Draws
        All of them.

    Returns
    -------
    list of str
        One at most.
    """
    if rows.pareto_k.max() < _WORTH_IT:
        return []
    model, k = evidence.model, np.empty(len(rows.pareto_k))
    r_eff = relative_efficiency(model, draws)
    for part, without, _ in model.engine.row_densities(evidence.rows, draws):
        k[part] = smoothed_weights(without, r_eff)[1]
    k = np.where(np.isnan(k), np.inf, k)
    limit = good_k(draws.n_draws)
    n_high, worst = int((k > limit).sum()), int(np.argmax(k))
    if not n_high:
        return []
    change, them = ("changes", "it") if n_high == 1 else ("change", "them")
    return [
        f"{n_high:,} of {len(k):,} rows {change} the posterior much if left out (Pareto k up to {k.max():.2f}, row "
        f"{evidence.rows.frame.index[worst]}, above {limit:.2f}): look at {them}, and at fit.loo()."
    ]
