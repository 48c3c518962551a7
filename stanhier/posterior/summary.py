"""The table of a fit: ArviZ's summary of the labelled posterior."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.tables import ROUNDED_DOWN, Table, checked_rounding, decimals
from stanhier.basics.words import quoted
from stanhier.engines.parameters import Inventory, Role
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.meant import which_is_meant
from stanhier.posterior.selection import labelled_part, names_given

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Kind", "summary"]

type Kind = Literal["all", "stats", "diagnostics", "all_median", "stats_median", "diagnostics_median", "mc_diagnostics"]
"""Which columns the table has, as in ArviZ."""

_PROB = 0.9
_INTERVAL = (
    "Did you mean 'prob', the probability of the interval? ArviZ's name of it, 'ci_prob', does too; its kind is "
    'ci_kind="eti" (central) or "hdi".'
)
_HABITS = {
    **dict.fromkeys(("hdi_prob", "credible_interval", "interval", "level", "eti_prob", "probs"), _INTERVAL),
    **dict.fromkeys(("hdi", "alpha", "quantiles", "percentiles", "conf_level"), _INTERVAL),
    **dict.fromkeys(("digits", "decimals", "precision", "sig_figs", "fmt_digits"), "Decimals are round_to=."),
    **dict.fromkeys(("parameters", "params", "pars", "variables", "names"), "Parameters are chosen by var_names=."),
    "group": "It is the posterior that it summarises; arviz.summary(fit.idata, group=...) takes others.",
    "stat_funcs": "Functions of your own can be applied to fit.posterior.",
}


@in_our_words(_HABITS)
def summary(
    fit: Fitted[Regression],
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: Literal["like", "regex"] | None = None,
    coords: Mapping[str, Any] | None = None,
    kind: Kind = "all",
    prob: float = _PROB,
    ci_kind: Literal["eti", "hdi"] = "eti",
    round_to: int | str | None = "auto",
    fmt: Literal["wide", "long", "xarray"] = "wide",
    sample_dims: str | Sequence[str] | None = None,
    skipna: bool = False,
    ci_prob: float | None = None,
) -> pd.DataFrame:
    """Summarise the posterior with ArviZ.

    Parameters
    ----------
    var_names : str or sequence of str, optional
        Parameters; all by default.
    filter_vars : {None, "like", "regex"}
        Whether `var_names` are names, parts of names or regular expressions.
    coords : mapping, optional
        Labels to choose, such as `{"subject": ["308", "309"]}`.
    kind : str
        "all", "stats" or "diagnostics"; with "_median" behind it median and mad take the place of mean and sd; or
        "mc_diagnostics".
    prob : float
        Probability of the interval, which its columns have in their names: `eti90_lb` and `eti90_ub`.
    ci_kind : {"eti", "hdi"}
        The central interval, with as much probability below as above, or the narrowest. Beside medians always "eti".
    round_to : "auto", "none", int or str
        By default two digits of the sd are shown, and all decimals that these have of mean and interval; the numbers
        in the table are not rounded. An integer rounds all of them to so many decimals, "3g" to 3 digits, "none" not.
    fmt : {"wide", "long", "xarray"}
        With "xarray" the result is an `xarray.Dataset`, not rounded by default.
    sample_dims : str or sequence of str, optional
        What is summarised; chains and draws by default.
    skipna : bool
        Whether to ignore draws that are nan.
    ci_prob : float, optional
        ArviZ's name of `prob`.

    Returns
    -------
    pandas.DataFrame
        One row per parameter: mean, sd, interval, effective sample sizes (of the tails: the smaller one of the 5 % and
        95 % quantiles), R-hat (unknown of a single chain), Monte Carlo standard errors of mean and sd.

    Raises
    ------
    StanhierError
        If a keyword, its value, a parameter or a label is none that there is, or `prob` has both of its names.

    References
    ----------
    Vehtari et al. (2021), doi:10.1214/20-BA1221 (R-hat, effective sample sizes).
    """
    import arviz as az
    import xarray as xr

    prob = _probability(prob, ci_prob)
    rounding = checked_rounding(round_to, "summary")
    # The posterior alone: the rows of the data are not needed, and may be many.
    dims = [str(dim) for dim in fit.posterior.dims]
    there_are = f"the dimensions are: {', '.join(dims)}"
    in_order = [parameter.name for parameter in fit.model.parameters if parameter.name in fit.posterior]
    chosen = labelled_part(fit.posterior[in_order], coords, dims, where="summary", there_are=there_are)
    tree = xr.DataTree.from_dict({"posterior": chosen})
    try:
        # ArviZ takes the quantiles of tail ESS from this setting: 5 % and 95 %, those of Vehtari et al. and `diagnose`.
        tails = az.rc_context({"stats.ci_prob": 0.95})
        # Of the 1s in a correlation matrix nothing is estimated.
        with tails, np.errstate(divide="ignore", invalid="ignore"):
            table: Any = az.summary(
                tree,
                var_names=_named(fit, var_names, filter_vars),
                filter_vars=filter_vars,
                kind=_one_of(kind, "kind", get_args(Kind.__value__)),
                # ArviZ's wide table mistakes labels where two variables have dimensions in different orders.
                fmt="xarray" if _one_of(fmt, "fmt", ("wide", "long", "xarray")) == "wide" else fmt,
                ci_prob=prob,
                ci_kind=_one_of(ci_kind, "ci_kind", ("eti", "hdi")),
                sample_dims=_sample_dims(sample_dims),
                round_to="none" if rounding is None else rounding,
                skipna=skipna,
            )
    except (KeyError, TypeError, ValueError) as err:
        raise StanhierError(f"summary() with these keywords: {err.args[0] if err.args else err}") from err
    if fmt == "wide":
        table = _wide(table, fit.model.parameters)
    if isinstance(table, xr.Dataset):
        found: Any = table.assign_coords(summary=[_column(str(name), prob) for name in table["summary"].values])
        return cast("pd.DataFrame", found)
    renamed: pd.DataFrame = table.rename(lambda name: _column(str(name), prob), axis=int(fmt == "wide"))
    return _readable(renamed) if rounding is None and fmt == "wide" else renamed


def _wide(summaries: "xr.Dataset", parameters: Inventory) -> pd.DataFrame:
    """Put the numbers of each parameter in rows, parameter by parameter, and each correlation once."""
    import arviz as az

    parts: list[pd.DataFrame] = []
    for name, variable in summaries.data_vars.items():
        table: pd.DataFrame = az.dataset_to_dataframe(summaries[[name]], sample_dims=["summary"]).T
        parameter = parameters[str(name)]
        if parameter.role is Role.GROUP_COR and set(parameter.dims) <= set(variable.dims):
            table = table[table.index.isin(parameter.scalar_names)]
        parts.append(table)
    return pd.concat(parts)


def _probability(prob: Any, ci_prob: Any) -> float:
    """Give the interval's probability by whichever name it was given."""
    if ci_prob is None:
        return checked_probability(prob, "summary")
    if prob != _PROB:
        raise StanhierError(
            f"summary(prob={quoted(prob)}, ci_prob={quoted(ci_prob)}): these are two names of the interval's "
            "probability; give one."
        )
    return checked_probability(ci_prob, "summary", "ci_prob")


def _column(name: str, prob: float) -> str:
    """Name an end of an interval by its whole probability, of which ArviZ cuts off what is no percent."""
    return re.sub(r"^(eti|hdi)\d+_(lb|ub)$", rf"\g<1>{100 * prob:g}_\g<2>", name)


def _readable(table: pd.DataFrame) -> Table:
    """Choose the digits of each row by its sd, or by its interval where that is narrower."""
    spread = table.filter(regex="^(sd|mad)$").min(axis=1).to_numpy(dtype=float)
    ends = table.filter(regex="_(lb|ub)$").to_numpy(dtype=float)
    if ends.size:
        width = ends[:, 1] - ends[:, 0]
        spread = np.fmin(spread, np.where(width > 0, width, np.inf))
    elif "mcse_mean" in table and not np.isfinite(spread).any():
        spread = table["mcse_mean"].to_numpy(dtype=float)
    own = np.array([decimals(one) for one in spread])
    places: dict[Hashable, Any] = {}
    for column in table.columns:
        if column.startswith("ess_") or column == "min_ss":
            places[column] = ROUNDED_DOWN
        elif column == "r_hat":
            places[column] = 3
        elif column.startswith("mcse_"):
            places[column] = [decimals(one) for one in table[column]]
        else:
            places[column] = own
    return Table.of(table, places)


def _named(fit: Fitted[Regression], var_names: Any, filter_vars: Any) -> Any:
    """Give names of parameters as they are, if there are parameters of these names."""
    _one_of(filter_vars, "filter_vars", (None, "like", "regex"))
    if var_names is None:
        return None
    known = [parameter.name for parameter in fit.model.parameters if parameter.name in fit.posterior]
    names = names_given(var_names, known, "summary")
    for name in names:
        plain = name.removeprefix("~") if isinstance(name, str) else name
        try:
            found = isinstance(plain, str) and (
                plain in known
                if filter_vars is None
                else any(plain in one if filter_vars == "like" else re.search(plain, one) for one in known)
            )
        except re.error as err:
            raise StanhierError(f"summary(): {quoted(name)} is no regular expression ({err}).") from err
        if not found:
            like = {None: "", "like": " like", "regex": " that matches"}[filter_vars]
            meant = which_is_meant(name, fit.model.parameters)
            raise StanhierError(
                f"summary(): there is no parameter{like} {quoted(name)}; they are: {', '.join(known)}.{meant}"
            )
    return var_names if isinstance(var_names, str) else names


def _sample_dims(sample_dims: Any) -> list[str] | None:
    if sample_dims is None:
        return None
    names = [sample_dims] if isinstance(sample_dims, str) else list(sample_dims) if np.iterable(sample_dims) else []
    if not names or not all(name in ("chain", "draw") for name in names):
        raise StanhierError(
            f'summary(sample_dims={quoted(sample_dims)}): \'sample_dims\' must be "chain", "draw" or a list of them.'
        )
    return [str(name) for name in names]


def _one_of[T](value: T, name: str, allowed: tuple[Any, ...]) -> T:
    if not any(value is one or (isinstance(value, str) and value == one) for one in allowed):
        raise StanhierError(
            f"summary({name}={quoted(value)}): '{name}' must be one of {', '.join(map(repr, allowed))}."
        )
    return value
