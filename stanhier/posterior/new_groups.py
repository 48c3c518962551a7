"""A new group from a few of its own rows, without sampling again.

The rows of a new group have a density given the parameters that all groups share, its effects integrated out. Weighting
the draws by it turns draws given the old rows into draws given all rows, and given those the effects of the new group
are drawn from what its rows say. Of Gaussian responses the density is in closed form and the effects are normal; of
others effects are integrated out by quadrature or importance sampling, and drawn by importance resampling.

References
----------
Gelfand, Dey & Chang (1992), Model determination using predictive distributions (importance weights for changed data).
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72).
Rubin (1988), Using the SIR algorithm to simulate posterior distributions, Bayesian Statistics 3, 395-402.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.warned import warn
from stanhier.data.frames import as_frame, clean_group
from stanhier.data.libraries import library_of
from stanhier.data.missing import refuse_missing
from stanhier.data.wrong_data import called
from stanhier.design.in_memory import InMemoryDesign
from stanhier.design.new_rows import NewRows
from stanhier.engines.draws import Draws, resampled
from stanhier.engines.engine import INTEGRATION_POINTS
from stanhier.engines.regression import Regression
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.weights import SAME_WEIGHTS, check_enough, good_k, relative_efficiency

__all__ = ["extend", "update_group"]


@in_our_words()
def update_group[F: Fitted[Regression]](fit: F, rows: pd.DataFrame | Mapping[str, Any], *, reweight: bool = True) -> F:
    """Add a new group from a few of its own rows, without sampling again.

    Given the other parameters the effects of a new group of Gaussian rows have a closed form; of other families each
    draw takes its effects from points around their mode, by weight (importance resampling). `reweight` resamples the
    draws of those parameters by the density of the new rows with these effects integrated out, which makes the result
    one of the posterior given all rows, to the accuracy of the draws; without, they stay as they were, given the old
    rows alone.

    Parameters
    ----------
    rows : pandas.DataFrame or mapping of arrays
        All columns of the model, also the response and those of offsets and trials; every row of a group, or groups,
        that the fit has not seen.
    reweight : bool
        Whether what is known of the other parameters takes the new rows into account.

    Returns
    -------
    Fit
        It knows the new group, in `predict` and everywhere else. Priors stay as they were, those at the mean of
        the predictors at the old rows' mean.

    Raises
    ------
    DataError
        If a column is missing or cannot be used, a response does not suit the family, or a group is known already; if
        the rows of the fit are not in memory.
    StanhierError
        If the model has no groups, or there are fewer than 25 draws to weight.

    Warns
    -----
    SamplingWarning
        If the new rows change the draws too much for weights (Pareto k), so that sampling again is needed; if new
        effects are too many at once, or too unlike normal ones, to be drawn by weight.

    References
    ----------
    Vehtari et al. (2024), Pareto smoothed importance sampling, JMLR 25(72).
    Rubin (1988), Using the SIR algorithm to simulate posterior distributions, Bayesian Statistics 3.
    """
    if reweight:
        check_enough(fit.draws.n_draws, "update_group")
    model = extend(fit.model, rows)
    draws = _reweighted(fit.draws, fit.model, model) if reweight else fit.draws
    _warn_of_effects(model.engine.completion_k(draws))
    return fit.again(model, model.engine.completed(draws))


def _warn_of_effects(k: np.ndarray) -> None:
    """Say that effects of new groups cannot be drawn reliably, if so: Pareto k of each set that is drawn together."""
    limit = good_k(INTEGRATION_POINTS)
    high = int((k > limit).sum())
    if not high:
        return
    which = "of the new groups" if len(k) == 1 else f"of {high:,} of {len(k):,} sets of new groups"
    warn(
        f"update_group(): the effects {which} are too many, or too unlike normal ones, to be drawn by "
        f"{INTEGRATION_POINTS} points of importance sampling: its Pareto k is {k.max():.2f}, above {limit:.2f}; fit "
        "the model again with these rows added.",
        SamplingWarning,
    )


def extend[R: Regression](model: R, data: pd.DataFrame | Mapping[str, Any]) -> R:
    """Give the model with the rows of new groups added; its old groups keep their places.

    Parameters
    ----------
    model : Regression
        With groups.
    data : pandas.DataFrame or mapping of arrays
        All columns of the model; every row of a group that the model does not have yet.

    Returns
    -------
    Regression
        Of the same class.

    Raises
    ------
    DataError
        If a column is missing or cannot be used, or a group is known already.
    StanhierError
        If the model has no groups.
    """
    if not model.design.groupings:
        raise StanhierError("update_group() is for models with groups; this one has none: fit it again with all rows.")
    design = model.rows
    with called("rows"):
        frame = as_frame(data)
    if len(frame) == 0:
        raise DataError("update_group() needs at least one row of the new group.")
    library = library_of(data).as_argument("rows")
    refuse_missing(frame, list(design.frame.columns), library)
    rows = design.encode(frame, library=library)
    _refuse_known(design, rows)
    noise = design.row_noise
    if noise is not None and rows.row_noise is None:
        named = (
            f'a model made with {noise.argument}="column"' if noise.column is None else f"the column '{noise.column}'"
        )
        raise DataError(f"update_group() needs the {noise.words} of the new rows: {named} is missing.")
    groupings = [
        replace(
            grouping,
            levels=pd.Index([*grouping.levels, *new.new_levels]),
            codes=np.concatenate([grouping.codes, new.codes]),
        )
        for grouping, new in zip(design.groupings, rows.groups, strict=True)
    ]
    if design.has_offset and rows.offset is None:
        raise DataError('update_group() needs the offsets of the new rows; make the model with offset="column".')
    if design.trials is not None and rows.trials is None:
        raise DataError(
            'update_group() needs the numbers of trials of the new rows; make the model with trials="column".'
        )
    response = design.encode_response(frame)
    design.family.check(response, design.formula.response, rows.trials)
    subtracted = 0.0 if design.subtracted is None or rows.offset is None else rows.offset
    return model.on_rows(
        replace(
            design,
            y=np.concatenate([design.y, response - subtracted]),
            subtracted=_joined(design.subtracted, rows.offset),
            offset=_joined(design.offset, rows.offset),
            trials=_joined(design.trials, rows.trials),
            frame=_appended(design, frame),
            groupings=tuple(groupings),
            row_noise=noise.followed_by(rows.row_noise) if noise is not None and rows.row_noise is not None else None,
        )
    )


def _joined(old: np.ndarray | None, new: np.ndarray | None) -> np.ndarray | None:
    """Give old values and new ones behind them, where there are both."""
    return None if old is None or new is None else np.concatenate([old, new])


def _refuse_known(design: InMemoryDesign, rows: NewRows) -> None:
    """Refuse rows that are in no new group of any factor: what is known of their groups would change."""
    known = np.all(
        [new.codes < len(one.levels) for one, new in zip(design.groupings, rows.groups, strict=True)], axis=0
    )
    if not known.any():
        return
    named = []
    for grouping, new in zip(design.groupings, rows.groups, strict=True):
        labels = grouping.levels[np.unique(new.codes[known])[:5]]
        named.append(f"'{grouping.name}' has groups that the fit knows: {', '.join(map(repr, labels))}")
    raise DataError(
        f"update_group() takes rows of new groups alone, and {'; '.join(named)}; fit the model again with these rows "
        "added."
    )


def _reweighted(draws: Draws, before: Regression, model: Regression) -> Draws:
    """Turn draws that have not seen the new rows of a model into draws that have.

    Parameters
    ----------
    draws : Draws
    before : Regression
        The model that they are of.
    model : Regression
        As `extend` gave it.

    Returns
    -------
    Draws
        As many as before, some of them repeated.

    Warns
    -----
    SamplingWarning
        If the weights are too uneven to be trusted.
    """
    new_rows = model.rows.take(np.arange(before.design.n_rows, model.design.n_rows))
    log_density = model.engine.log_density_of_new(before.engine, new_rows, draws)
    if np.ptp(log_density) <= SAME_WEIGHTS:
        return draws
    log_weights, k = array_stats().psislw(-log_density, r_eff=relative_efficiency(model, draws))
    if not float(k) <= good_k(len(log_density)):  # not a number where one draw has all the weight
        warn(
            f"The new rows change what is known of all groups too much for weighted draws (Pareto k {float(k):.2f}, "
            f"above {good_k(len(log_density)):.2f}); fit the model again with these rows added.",
            SamplingWarning,
        )
    return draws.take(resampled(log_weights, np.random.default_rng([draws.seed, 0x75, model.design.n_rows])))


def _appended(design: InMemoryDesign, data: pd.DataFrame) -> pd.DataFrame:
    """Give the columns that the model uses, old rows and new; new categories come after the old ones."""
    columns: dict[str, Any] = {}
    for name, old in design.frame.items():
        is_label = name in design.formula.factor_columns and name not in design.formula.columns
        new = clean_group(data, str(name)) if is_label else data[name]
        if isinstance(old.dtype, pd.CategoricalDtype):
            labels = list(dict.fromkeys(new))
            categories = [*old.cat.categories, *(c for c in labels if c not in old.cat.categories)]
            dtype = pd.CategoricalDtype(categories, ordered=old.cat.ordered)
            codes = np.concatenate([old.cat.codes.to_numpy(), pd.Categorical(list(new), dtype=dtype).codes])
            columns[str(name)] = pd.Categorical.from_codes(codes, dtype=dtype)
        else:
            columns[str(name)] = pd.concat([old, new.astype(old.dtype)], ignore_index=True).array
    return pd.DataFrame(columns)
