"""What a report says of rows that are left out one at a time."""

import warnings

from stanhier.basics.errors import StanhierError
from stanhier.basics.tables import decimals, readable
from stanhier.basics.words import shortened
from stanhier.engines.regression import Regression
from stanhier.evaluation.loo import loo
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted

__all__ = ["loo_sentences"]

_MOST_ROWS = 10_000
"""Beyond that leave-one-out takes longer than all the rest of a report."""


def loo_sentences(fit: Fitted[Regression]) -> list[str]:
    """Give what `fit.loo()` finds, and what it warns of, a sentence each; or why there is none.

    Parameters
    ----------
    fit : Fitted
    """
    n = fit.model.design.n_rows
    if fit.model.in_memory is None:
        return ["Not calculated, since it takes the rows one by one, and they are not in memory."]
    if n > _MOST_ROWS:
        return [f"Not calculated here for more than {_MOST_ROWS:,} rows; fit.loo() does it for all {n:,}."]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SamplingWarning)
        try:
            found = loo(fit)
        except StanhierError as err:
            return [f"Not calculated. {err}"]
    places = decimals(found.se)
    elpd, se, p = (readable(float(value), max(1, places), thousands=True) for value in (found.elpd, found.se, found.p))
    said = [str(one.message) for one in caught if issubclass(one.category, SamplingWarning)]
    if not said:
        label, worst = shortened(str(found.worst.index[0]), 60), float(found.worst["pareto_k"].iloc[0])
        said = [f"It is reliable: Pareto k is at most {worst:.2f} (row {label}), below {found.good_k:.2f}."]
    return [
        f"Expected log predictive density (elpd) of {n:,} rows, each given the others: {elpd}, standard error {se}; "
        f"effective number of parameters (p): {p}.",
        *said,
    ]
