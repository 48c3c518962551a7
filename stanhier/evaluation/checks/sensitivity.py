"""How much the posterior depends on the priors, and how much on the data: by raising each to a power.

References
----------
Kallioinen, Paananen, Bürkner & Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with
power-scaling, doi:10.1007/s11222-023-10366-5.
"""

from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression
from stanhier.posterior.joint_likelihood import MAX_TOGETHER, joint_log_likelihood
from stanhier.posterior.labelled import MAX_VALUES, chain_draw
from stanhier.posterior.log_prior import lack_of_log_prior, log_prior

__all__ = ["LARGE", "power_scaled"]

LARGE = 0.05
"""Sensitivities above are worth a look: Kallioinen et al. (2024), section 2.5."""
_MOST_PARAMETERS = 200
_COLUMNS = ["prior", "likelihood"]
_WHAT = "how much results depend on the priors, by powers of these"


def power_scaled(model: Regression, draws: Draws) -> tuple[pd.DataFrame, str | None]:
    """Give the sensitivity of each parameter that all groups share to powers of the priors and of the likelihood.

    Effects of groups are integrated out of the likelihood of Gaussian models; of others they are given, and their
    density scaled with neither.

    Parameters
    ----------
    model : Regression
    draws : Draws

    Returns
    -------
    table : pandas.DataFrame
        By parameter, of the first 200: `prior` and `likelihood`.
    lack : str or None
        What is not known, and why, where the table has no rows; None of a model whose priors are all flat.
    """
    nothing = pd.DataFrame(columns=_COLUMNS, dtype=float)
    if lack_of_log_prior(model) is not None:
        return nothing, None
    if model.in_memory is None:
        return nothing, f"{_WHAT}, for which the rows have to be in memory"
    if draws.n_draws * model.design.n_rows > MAX_VALUES:
        return nothing, f"{_WHAT}, of more than {MAX_VALUES // draws.n_draws:,} rows"
    try:
        likelihood = _log_likelihood(model, draws)
    except StanhierError:
        return nothing, f"{_WHAT}: more than {MAX_TOGETHER} effects would have to be integrated out together"
    return _of_powers(model, draws, likelihood), None


def _of_powers(model: Regression, draws: Draws, likelihood: np.ndarray) -> pd.DataFrame:
    import xarray as xr
    from arviz_stats.psense import psense

    scaled: Any = psense
    names, values = _numbers(model, draws)
    samples = chain_draw(draws)
    posterior = xr.Dataset({"number": (("chain", "draw", "name"), values)}, coords={**samples, "name": names})
    together = ("chain", "draw", "all"), likelihood[..., None]
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "log_prior": log_prior(model, draws),
            "log_likelihood": xr.Dataset({"y": together}, coords=samples),
        }
    )
    found = {group: scaled(tree, group=group)["number"].to_numpy() for group in _COLUMNS}
    return pd.DataFrame(found, index=names)


def _numbers(model: Regression, draws: Draws) -> tuple[list[str], np.ndarray]:
    """Give names and draws, (chains, draws, number), of the numbers that all groups share."""
    values = model.engine.coordinates.population(draws)
    shared = list(model.parameters.without_effects())
    names = [name for one in shared for name in one.scalar_names]
    numbers = np.concatenate([one.scalars(values[one.name]) for one in shared], axis=-1)
    varying = np.flatnonzero(np.ptp(numbers, axis=(0, 1)) > 0)[:_MOST_PARAMETERS]
    return [names[k] for k in varying], numbers[..., varying]


def _log_likelihood(model: Regression, draws: Draws) -> np.ndarray:
    """Give the log likelihood of all rows, shape (chains, draws)."""
    if model.family.is_gaussian and model.design.groupings:
        return joint_log_likelihood(model, draws)
    total = np.zeros(draws.n_draws)
    for _, densities, _ in model.engine.row_densities(model.rows, draws):
        total += densities.sum(axis=1)
    return total.reshape(draws.shape)
