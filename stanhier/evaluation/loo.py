"""Leave-one-out cross-validation by row or by group, from densities in closed form and ArviZ's smoothed weights.

References
----------
Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation,
doi:10.1007/s11222-016-9696-4.
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72): the threshold of k.
Merkle, Furr & Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0: conditional and marginal versions.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.warned import warn
from stanhier.basics.words import listed, quoted
from stanhier.engines.engine import Block, log_mean_exp
from stanhier.engines.parameters import dimension
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.weights import SAME_WEIGHTS, check_enough, good_k, relative_efficiency

__all__ = ["check_by", "labels_of", "loo"]


@in_our_words()
def loo(fit: Fitted[Regression], *, by: Any = "row") -> Any:
    """Estimate how well the model predicts what it has not seen, leaving out one row or one group at a time.

    Of Gaussian responses group effects are integrated out in closed form: leaving out a row, its group's other rows
    inform its effect; leaving out a group, its effect comes from the population. Of other families a row is left out
    given the effects that were drawn; those of a group that is left out are integrated out by quadrature, three or more
    of them at once by importance sampling.

    Parameters
    ----------
    by : "row", "group", name of a factor, or array of shape (N,)
        What is left out: rows, groups of the only factor or of the one that is named, or, where the model itself has no
        groups, of rows with the same label.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        Prints as a table; `elpd`, `se`, `p`, pointwise `elpd_i` and `pareto_k`.

    Raises
    ------
    StanhierError
        If `by` is something else, or there are fewer than 25 draws.

    Warns
    -----
    SamplingWarning
        If an estimate is unreliable (Pareto k), with what to do about it.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4.
    Merkle, Furr & Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0.
    """
    import xarray as xr
    from arviz_stats.utils import ELPDDataLOO

    blocks, coordinate = _blocks(fit, by)
    n = len(coordinate)
    n_samples = fit.draws.n_draws
    check_enough(n_samples, "loo")
    r_eff = relative_efficiency(fit.model, fit.draws)
    elpd, k, p = np.empty(n), np.empty(n), np.empty(n)
    for part, left_out, all_in in blocks:
        elpd[part], k[part] = _smoothed(left_out, r_eff)
        p[part] = log_mean_exp(all_in) - elpd[part]
    limit = good_k(n_samples)
    high = int((~(k <= limit)).sum())
    if high:
        _warn(by, high, k, limit, coordinate)
    return ELPDDataLOO(
        elpd=float(elpd.sum()),
        se=float(np.sqrt(n * elpd.var(ddof=1)) if n > 1 else np.nan),
        p=float(p.sum()),
        n_samples=n_samples,
        n_data_points=n,
        scale="log",
        warning=high > 0,
        good_k=limit,
        elpd_i=xr.DataArray(elpd, coords=[coordinate], name="elpd_i"),
        pareto_k=xr.DataArray(k, coords=[coordinate], name="pareto_k"),
        p_loo_i=xr.DataArray(p, coords=[coordinate], name="p_loo_i"),
    )


def _smoothed(left_out: np.ndarray, r_eff: float) -> tuple[np.ndarray, np.ndarray]:
    """Give elpd and Pareto k, shape (n,), from log densities of points that are left out, (S, n)."""
    # Weights that are all the same, as of rows with huge standard errors, have no tail to smooth.
    with np.errstate(invalid="ignore"):
        same = np.ptp(left_out, axis=0) <= SAME_WEIGHTS
    elpd, k = np.empty(len(same)), np.zeros(len(same))
    elpd[same] = left_out[:, same].mean(axis=0)
    if not same.all():
        # Fitting the tail of hopeless weights overflows; their k tells.
        with np.errstate(all="ignore"):
            found = array_stats().loo(left_out[None][:, :, ~same], chain_axis=0, draw_axis=1, r_eff=r_eff)
        elpd[~same], k[~same] = found[:2]
    return elpd, k


def check_by(fit: Fitted[Regression], by: Any, method: str) -> None:
    """Refuse what cannot be left out.

    Raises
    ------
    StanhierError
        If `by` is neither "row", "group", a factor of the model nor labels of the rows of a model without groups.
    """
    names = [grouping.name for grouping in fit.model.design.groupings]
    allowed = (
        f'"row" or one of {listed(names)}'
        if len(names) > 1
        else f'"row" or "group"{f", which is {listed(names)} here" if names else ""}'
    )
    if isinstance(by, str):
        if by == "row" or by in names or (by == "group" and len(names) == 1):
            return
        if by == "group" and not names:
            raise StanhierError(
                f'{method}(by="group"): the model has no groups; give the labels of its rows, as in '
                f'{method}(by=data["subject"]).'
            )
        raise StanhierError(f"{method}(by={quoted(by)}): 'by' must be {allowed}.")
    if names:
        raise StanhierError(f"{method}(by=...): this model has groups of its own; 'by' must be {allowed}.")


def labels_of(fit: Fitted[Regression], by: Any) -> tuple[np.ndarray, pd.Index, str]:
    """Give the sets of rows that are left out together: codes of the rows, labels, name.

    Raises
    ------
    DataError
        If the labels do not fit the rows.
    """
    design = fit.model.rows
    if isinstance(by, str):
        grouping = next((one for one in design.groupings if one.name == by), design.groupings[0])
        return grouping.codes, grouping.levels, dimension(grouping.name)
    values = pd.Series(np.asarray(by)) if not isinstance(by, pd.Series) else by
    if len(values) != design.n_rows:
        raise DataError(f"'by' has {len(values)} labels, but the fit has {design.n_rows} rows.")
    if values.isna().any():
        raise DataError("'by' has missing values; give each row a label.")
    codes, labels = pd.factorize(values, sort=True)
    name = str(by.name) if isinstance(by, pd.Series) and by.name is not None else "label"
    return codes, pd.Index(labels), dimension(name)


def _blocks(fit: Fitted[Regression], by: Any) -> tuple[Iterator[Block], pd.Index]:
    check_by(fit, by, "loo")
    design, engine, draws = fit.model.rows, fit.model.engine, fit.draws
    if isinstance(by, str) and by == "row":
        return engine.row_densities(design, draws), pd.RangeIndex(design.n_rows, name="row")
    codes, labels, name = labels_of(fit, by)
    coordinate = pd.Index(labelled.plain_labels(labels), name=name)
    return engine.set_densities(design, codes, len(labels), draws), coordinate


def _warn(by: Any, high: int, k: np.ndarray, limit: float, coordinate: pd.Index) -> None:
    row = isinstance(by, str) and by == "row"
    n = len(coordinate)
    at = np.where(np.isnan(k), np.inf, k)
    one = by if isinstance(by, str) and by not in ("row", "group") else coordinate.name
    folds = f"by={'...' if not isinstance(by, str) else repr(by)}, k={min(n, 10)}".replace("'", '"')
    warn(
        f"Leave-one-out is unreliable for {high:,} of {n:,} {'rows' if row else 'groups'}: their Pareto k is above "
        f"{limit:.2f} (highest {at.max():.2f}, {one} {coordinate[int(at.argmax())]}), so leaving one out "
        f"changes the posterior too much for weighted draws. fit.kfold({folds}) samples again without them.",
        SamplingWarning,
    )
