"""Leave-one-out cross-validation by row or by group, from densities in closed form and ArviZ's smoothed weights.

References
----------
Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation,
doi:10.1007/s11222-016-9696-4.
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72): the threshold of k.
Merkle, Furr & Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0: conditional and marginal versions.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.engines.gaussian.likelihood import Block, group_blocks, label_blocks, log_mean_exp, row_blocks
from stanhier.posterior import labelled as datasets
from stanhier.posterior.diagnostics import SamplingWarning

if TYPE_CHECKING:
    from stanhier.engines.draws import Draws
    from stanhier.fit import Fit

__all__ = ["check_by", "good_k", "labels_of", "loo", "relative_efficiency"]


def loo(fit: "Fit", by: Any) -> Any:
    """Estimate leave-one-out predictive densities; see `Fit.loo`."""
    from arviz_stats.base.array import array_stats as untyped_stats
    from arviz_stats.utils import ELPDDataLOO

    array_stats: Any = untyped_stats
    blocks, coordinate = _blocks(fit, by)
    n = len(coordinate)
    n_samples = len(fit.draws.flat_sigma)
    r_eff = relative_efficiency(fit.draws)
    elpd, k, p = np.empty(n), np.empty(n), np.empty(n)
    for part, left_out, all_in in blocks:
        # Fitting the tail of hopeless weights overflows; their k tells.
        with np.errstate(all="ignore"):
            elpd[part], k[part], _ = array_stats.loo(left_out[None], chain_axis=0, draw_axis=1, r_eff=r_eff)
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


def good_k(n_samples: int) -> float:
    """Greatest Pareto k at which weighted draws are reliable, from the number of draws (Vehtari et al. 2024)."""
    return float(min(1 - 1 / np.log10(max(n_samples, 2)), 0.7))


def relative_efficiency(draws: "Draws") -> float:
    """Mean effective sample size of the parameters over the number of draws; 1 for one chain, as ArviZ has it."""
    from arviz_stats.base.array import array_stats as untyped_stats

    array_stats: Any = untyped_stats
    if draws.shape[0] == 1 or draws.shape[1] < 4:
        return 1.0
    quantities = [draws.location[:, :, k] for k in range(draws.location.shape[-1])]
    quantities += [] if draws.sigma_alpha is None else [draws.sigma_alpha]
    quantities += [draws.sigma] if np.ptp(draws.sigma) > 0 else []
    ess = array_stats.ess(np.stack(quantities), chain_axis=1, draw_axis=2, method="mean")
    return float(np.mean(ess) / draws.sigma.size)


def check_by(fit: "Fit", by: Any, method: str) -> None:
    """Refuse what cannot be left out.

    Raises
    ------
    StanhierError
        If `by` is neither "row", "group" nor labels of the rows of a model without groups.
    """
    if isinstance(by, str):
        if by not in ("row", "group"):
            raise StanhierError(f'{method}(by={quoted(by)}): \'by\' must be "row" or "group".')
        if by == "group" and fit.model.design.group is None:
            raise StanhierError(
                f'{method}(by="group"): the model has no groups; give the labels of its rows, as in '
                f'{method}(by=data["subject"]).'
            )
    elif fit.model.design.group is not None:
        raise StanhierError(f'{method}(by=...): this model has groups of its own; \'by\' must be "row" or "group".')


def labels_of(fit: "Fit", by: Any) -> tuple[np.ndarray, pd.Index, str]:
    """Give the sets of rows that are left out together: codes of the rows, labels, name.

    Raises
    ------
    DataError
        If the labels do not fit the rows.
    """
    design = fit.model.design
    if isinstance(by, str):
        assert design.group is not None
        return design.group.codes, design.group.levels, datasets.group_dimension(design.group.name)
    values = pd.Series(np.asarray(by)) if not isinstance(by, pd.Series) else by
    if len(values) != design.n_rows:
        raise DataError(f"'by' has {len(values)} labels, but the fit has {design.n_rows} rows.")
    if values.isna().any():
        raise DataError("'by' has missing values; give each row a label.")
    codes, labels = pd.factorize(values, sort=True)
    name = str(by.name) if isinstance(by, pd.Series) and by.name is not None else "label"
    return codes, pd.Index(labels), datasets.group_dimension(name)


def _blocks(fit: "Fit", by: Any) -> tuple[Iterator[Block], pd.Index]:
    check_by(fit, by, "loo")
    design, compressed, draws = fit.model.design, fit.model.compressed, fit.draws
    if isinstance(by, str) and by == "row":
        return row_blocks(design, compressed, draws), pd.RangeIndex(design.n_rows, name="row")
    codes, labels, name = labels_of(fit, by)
    coordinate = pd.Index(datasets.plain_labels(labels), name=name)
    if design.group is not None:
        return group_blocks(design, compressed.origin, draws), coordinate
    return label_blocks(design, codes, len(labels), compressed.origin, draws), coordinate


def _warn(by: Any, high: int, k: np.ndarray, limit: float, coordinate: pd.Index) -> None:
    row = isinstance(by, str) and by == "row"
    n = len(coordinate)
    at = np.where(np.isnan(k), np.inf, k)
    folds = f"by={'...' if not isinstance(by, str) else repr(by)}, k={min(n, 10)}".replace("'", '"')
    warn(
        f"Leave-one-out is unreliable for {high:,} of {n:,} {'rows' if row else 'groups'}: their Pareto k is above "
        f"{limit:.2f} (highest {at.max():.2f}, {coordinate.name} {coordinate[int(at.argmax())]}), so leaving one out "
        f"changes the posterior too much for weighted draws. fit.kfold({folds}) samples again without them.",
        SamplingWarning,
    )
