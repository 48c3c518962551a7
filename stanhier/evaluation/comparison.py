"""Models of the same data side by side: ArviZ's table of expected log predictive densities."""

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.tables import Table, checked_rounding, decimals
from stanhier.basics.warned import warn
from stanhier.basics.words import first_line, quoted
from stanhier.design.in_memory import RowGrouping
from stanhier.engines.regression import Regression
from stanhier.evaluation.loo import loo
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare", "loo_of_each"]

LOWEST_DENSITY = -600.0
"""Log density whose exponential is still a number, with room to spare."""


_HABITS = {
    **dict.fromkeys(("digits", "decimals"), "Decimals are round_to=."),
    "ic": "It compares by leave-one-out; results of fit.kfold() can take the place of fits.",
    "k": "Give it results of fit.kfold(k=..., seed=...) in place of fits.",
}


_BY_NAME = 'give it one dict of fits by name: sh.compare({"a": a, "b": b})'


@in_our_words(_HABITS, by_place=_BY_NAME)
def compare(
    fits: Mapping[str, Fitted[Regression]],
    *,
    by: Any = "row",
    method: str = "stacking",
    reference: str | None = None,
    round_to: int | str | None = "auto",
) -> "pd.DataFrame":
    """Compare fits of the same data by leave-one-out cross-validation.

    Parameters
    ----------
    fits : mapping of str to Fit
        Fits of the same response, row by row, by the names that the table shows. Results of `Fit.loo` or `Fit.kfold`
        can take the place of fits; mixing them is up to you.
    by : "row", "group", name of a factor, or array of shape (N,)
        What is left out, as for `Fit.loo`. A fit without groups leaves out those of the others.
    method : {"stacking", "BB-pseudo-BMA", "pseudo-BMA"}
        How the weights come about.
    reference : str, optional
        The fit that differences are from; the best by default.
    round_to : "auto", "none", int or str
        By default two digits of the smallest standard error of a difference are shown, and as many decimals of what
        belongs to it; the numbers in the table are not rounded. An integer rounds to so many decimals, "3g" to 3
        digits, "none" not.

    Returns
    -------
    pandas.DataFrame
        One row per fit, the best first: rank, elpd and differences with their standard errors, effective number of
        parameters, weight, and what casts doubt on them.

    Raises
    ------
    DataError
        If the fits are of different data or different groups.
    StanhierError
        If there are fewer than two, `by` does not suit them, or a keyword is none that there is.

    Warns
    -----
    UserWarning
        If results of `Fit.kfold` are of other folds.
    SamplingWarning
        If a leave-one-out estimate is unreliable, with what to do about it.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4; Yao et al. (2018), doi:10.1214/17-BA1091 (weights).
    """
    import arviz as az

    rounding = checked_rounding(round_to, "compare")
    if not isinstance(method, str):
        raise StanhierError(f"compare(method={quoted(method)}): 'method' must be a name, such as \"stacking\".")
    results = loo_of_each(fits, by=by)
    kwargs: Any = {"method": method, "reference": reference, "round_to": "none" if rounding is None else rounding}
    try:
        if min(float(result.elpd_i.min()) for result in results.values()) > LOWEST_DENSITY:
            table: pd.DataFrame = az.compare(results, **kwargs)
        else:
            # ArviZ takes exponentials, which vanish for large groups; weights stay under a shift of each point.
            with np.errstate(all="ignore"):
                table = az.compare(results, **kwargs)
            top = np.max([result.elpd_i.to_numpy() for result in results.values()], axis=0)
            shifted = {name: _shifted(result, top) for name, result in results.items()}
            table["weight"] = az.compare(shifted, **kwargs)["weight"]
    except ValueError as err:
        raise StanhierError(f"compare(): {err}") from err
    return _readable(table) if rounding is None else table


def _readable(table: "pd.DataFrame") -> Table:
    """Show what belongs to elpd in the digits of the most certain difference, so that fits can be told apart."""
    errors = [*table["dse"], *table["se"]] if not (table["dse"] > 0).any() else [*table["dse"]]
    places = max((decimals(error) for error in errors if error > 0), default=1)
    chances: list[Hashable] = [name for name in ("p_worse", "p_better", "weight") if name in table]
    shown = [name for name in ("elpd_diff", "dse", "elpd", "se", "subsampling_dse") if name in table]
    return Table.of(table, {**dict.fromkeys(shown, max(1, places)), "p": 1, **dict.fromkeys(chances, 2)})


def loo_of_each(fits: Mapping[str, Fitted[Regression]], *, by: Any = "row") -> dict[str, Any]:
    """Give each fit's leave-one-out result, by name, after checking that they are of the same data.

    Raises
    ------
    DataError, StanhierError
        As `compare`.
    """
    if not isinstance(fits, Mapping):
        raise StanhierError(f"compare() takes a dict of fits by name, not {type(fits).__name__}; {_BY_NAME}.")
    if len(fits) < 2:
        raise StanhierError(f"compare() needs at least two fits; it was given {len(fits)}.")
    real = {name: fit for name, fit in fits.items() if isinstance(fit, Fitted)}
    for name, fit in fits.items():
        if name not in real and not hasattr(fit, "elpd_i"):
            raise StanhierError(
                f"compare(): {quoted(name)} must be a fit or a result of loo() or kfold(), not {first_line(fit)}."
            )
    _check_same_data(real)
    labels = _group_labels(real, by) if real and isinstance(by, str) and by != "row" else None
    results: dict[str, Any] = {}
    for name, fit in fits.items():
        if name not in real:
            results[name] = fit
            continue
        own = by if labels is None or real[name].model.design.groupings else labels
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SamplingWarning)
            results[name] = loo(real[name], by=own)
        for warning in caught:
            said = (
                f"{quoted(name)}: {warning.message}"
                if issubclass(warning.category, SamplingWarning)
                else warning.message
            )
            warn(said, warning.category)
    _check_same_points(results)
    _warn_of_folds(results)
    return results


def _shifted(result: Any, shift: np.ndarray) -> Any:
    return replace(result, elpd=result.elpd - float(shift.sum()), elpd_i=result.elpd_i - shift)


def _check_same_data(fits: Mapping[str, Fitted[Regression]]) -> None:
    names = list(fits)
    for name in names[1:]:
        first, other = fits[names[0]].model.rows, fits[name].model.rows
        if first.n_rows != other.n_rows:
            gaps = {one: fits[one].model.design.left_out for one in (names[0], name)}
            said = [f"{quoted(one)}: {left_out}" for one, left_out in gaps.items() if left_out is not None]
            if said:
                said.append("drop these rows from the data of both, or fill the values in")
            why = f"{first.n_rows:,} rows and {other.n_rows:,}{f' ({"; ".join(said)})' if said else ''}"
        elif not np.array_equal(first.observed, other.observed):
            same = np.array_equal(np.sort(first.observed), np.sort(other.observed))
            if same and first.formula.response == other.formula.response:
                raise DataError(
                    f"compare(): {quoted(names[0])} and {quoted(name)} have the same responses in another order. "
                    "Densities are compared row by row; fit both to the rows in the same order."
                )
            row = int(np.flatnonzero(first.observed != other.observed)[0])
            why = (
                f"responses '{first.formula.response}' and '{other.formula.response}' that differ from row {row} on "
                f"({first.observed[row]:g} and {other.observed[row]:g})"
            )
        else:
            continue
        raise DataError(
            f"compare(): {quoted(names[0])} and {quoted(name)} are fits of different data: {why}. Densities can be "
            "compared for the same response in the same rows alone; fit both to the same rows, and undo "
            "transformations."
        )


def _group_labels(fits: Mapping[str, Fitted[Regression]], by: str) -> Any:
    """Give the labels of the rows by the factor that is left out, for fits without groups."""
    grouped: dict[str, RowGrouping] = {}
    for name, fit in fits.items():
        groupings = fit.model.rows.groupings
        own = [one for one in groupings if one.name == by] or (groupings if len(groupings) == 1 else ())
        if own:
            grouped[name] = own[0]
    if not grouped:
        what = "groups" if by == "group" else f"the factor {quoted(by)}"
        raise StanhierError(f"compare(by={quoted(by)}): none of the fits has {what}; give `by` the labels of the rows.")
    (first, grouping), *others = grouped.items()
    labels = grouping.levels[grouping.codes]
    for name, other in others:
        if not np.array_equal(np.asarray(labels), np.asarray(other.levels[other.codes])):
            raise DataError(f"compare(by={quoted(by)}): {quoted(first)} and {quoted(name)} group the rows differently.")
    return labels.to_series(name=grouping.name)


def _check_same_points(results: Mapping[str, Any]) -> None:
    sizes = {name: int(result.n_data_points) for name, result in results.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{quoted(name)} {size}" for name, size in sizes.items())
        raise DataError(f"compare(): the results leave out different things: {listed} densities.")


def _warn_of_folds(results: Mapping[str, Any]) -> None:
    """Say so if results of cross-validation are not of the same folds."""
    counts = {name: int(result.n_folds) for name, result in results.items() if getattr(result, "n_folds", None)}
    listed = ", ".join(f"{quoted(name)} {count}" for name, count in counts.items())
    remedy = "Give kfold() the same k and the same seed for each."
    if len(set(counts.values())) > 1:
        warn(
            f"compare(): the results are of different numbers of folds: {listed}. With fewer folds each fit has seen "
            f"less, which lowers its elpd whatever the model. {remedy}",
            UserWarning,
        )
        return
    folds = {name: results[name].elpd_i.attrs.get("folds") for name in counts}
    known = {name: np.asarray(fold) for name, fold in folds.items() if fold is not None}
    first = next(iter(known), "")
    for name, fold in known.items():
        # Folds are the same whatever their numbers are.
        if len(np.unique(np.stack([known[first], fold]), axis=1).T) > counts[name]:
            warn(
                f"compare(): {quoted(first)} and {quoted(name)} are of {counts[name]} folds each, but not of the same "
                f"ones, which adds to the difference between them. {remedy}",
                UserWarning,
            )
            return
