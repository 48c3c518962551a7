"""Flat priors on what responses at their limits leave open: posteriors that are no distributions, refused."""

import numpy as np

from stanhier.basics.errors import PriorError
from stanhier.basics.words import listed
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.rows.reducer import summed_rows

__all__ = ["refuse_separated"]

_TOLERANCE = 1e-7
"""Of columns whose largest value is 1."""
_FEW = 2_000
"""Rows that are looked at first: where some of them are not separated all are not."""


def refuse_separated(design: Design, chosen: ChosenPriors) -> None:
    """Refuse flat priors on intercept and slopes where some of them may grow without making any response less likely.

    A response at its limit, 0 or all of its trials, becomes the likelier the further its linear predictor goes that
    way. Where a direction of flat coefficients takes every such row its own way, and leaves all other rows alone, the
    likelihood does not fall along it (Albert & Anderson 1984, doi:10.1093/biomet/71.1.1). One class alone is the
    simplest case, with the intercept. Effects of groups change nothing about that: it holds whatever they are.

    Parameters
    ----------
    design : Design
        With its rows, or with the `SummedRows` that were made of them.
    chosen : ChosenPriors

    Raises
    ------
    PriorError
        With the names of the coefficients.
    """
    flat = [k for k, prior in enumerate(chosen.location) if not prior.is_proper]
    if not design.family.is_discrete or not flat:
        return
    direction = _direction(_columns(design, chosen)[:, flat], _limits(design))
    if direction is None:
        return
    names = [name for parameter in chosen.parameters.location for name in parameter.scalar_names]
    which = [names[k] for k, part in zip(flat, direction, strict=True) if abs(part) > _TOLERANCE]
    raise PriorError(
        f"Flat priors on {listed(which, 5)} give an improper posterior: the responses '{design.formula.response}' are "
        "at their limits wherever these tell anything, and become only likelier as they grow (separation, or one class "
        "alone). Give proper priors such as Normal(0, 2.5)."
    )


def _columns(design: Design, chosen: ChosenPriors) -> np.ndarray:
    """Give what each location parameter multiplies, shape (N, P), as far from 0 as the intercept's prior holds."""
    intercept = chosen.intercept
    if isinstance(design, InMemoryDesign):
        X = design.X
        mean = X.mean(axis=0)
    else:
        summed, n_predictors = summed_rows(design), len(design.predictors)
        X, mean = summed.sums.columns[:, :n_predictors], summed.mean[:n_predictors]
    if intercept is None:
        return X
    return np.column_stack([np.ones(len(X)), X - mean if intercept.centered else X])


def _limits(design: Design) -> np.ndarray:
    """Give -1 of a response of 0, 1 of all trials, 0 of any other, and NaN where there were no trials, shape (N,)."""
    if isinstance(design, InMemoryDesign):
        y, trials = design.y, np.ones(design.n_rows) if design.trials is None else design.trials
    else:
        sums = summed_rows(design).sums
        y, trials = sums.y, sums.n
    most = trials if design.family.takes_categories or design.family.takes_trials else np.full(len(y), np.inf)
    return np.where(most == 0, np.nan, (y == most).astype(float) - (y == 0))


def _direction(columns: np.ndarray, limits: np.ndarray) -> np.ndarray | None:
    """Give a direction, shape (P,), that takes rows at limits their own way and leaves the others; or None."""
    size = np.abs(columns).max(axis=0)
    columns = columns / np.where(size > 0, size, 1.0)
    inner = columns[limits == 0]
    free = np.eye(columns.shape[1])
    if len(inner):
        _, values, vectors = np.linalg.svd(np.linalg.qr(inner, mode="r"))
        free = vectors[int((values > _TOLERANCE * max(1.0, values[0])).sum()) :].T
    at_limits = np.abs(limits) == 1
    if free.shape[1] == 0 or not at_limits.any():
        return None
    ways = np.unique(limits[at_limits, None] * columns[at_limits], axis=0) @ free
    some = np.random.default_rng(0).permutation(len(ways))[:_FEW]
    found = _none_against(ways[some])
    if found is not None and len(ways) > _FEW:
        found = _none_against(ways)
    return None if found is None else free @ found


def _none_against(ways: np.ndarray) -> np.ndarray | None:
    """Give d with `ways @ d` nowhere negative and somewhere positive, by linear programming; None if there is none."""
    from scipy.optimize import linprog

    best = linprog(-ways.mean(axis=0), A_ub=-ways, b_ub=np.zeros(len(ways)), bounds=(-1.0, 1.0), method="highs")
    if best.status != 0 or (ways @ best.x).max() < 1e3 * _TOLERANCE:
        return None
    return np.asarray(best.x)
