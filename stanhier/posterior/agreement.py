"""Whether two fits agree: differences of means and standard deviations in Monte Carlo errors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from stanhier.basics.arguments import in_our_words
from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import StanhierError
from stanhier.basics.tables import Table, decimals
from stanhier.basics.words import first_line, some_of
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Agreement", "agreement"]

BY_CHANCE = 0.01
"""How often fits of the same posterior are said to differ."""
LEAST_DRAWS = 4


@dataclass(frozen=True)
class Agreement:
    """Two fits, parameter by parameter.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a parameter, the largest difference first: `mean` and `mean_other`; `mean_errors`, their difference in
        Monte Carlo standard errors of this difference; `sd_ratio`, the sd of this fit over that of the other; and
        `sd_errors`, the difference of the sds in its Monte Carlo standard errors.
    limit : float
        What the largest of all differences stays below in 99 of 100 comparisons of fits that have the same posterior.
    missing : tuple of str
        Parameters that one of the fits has alone, with the words which.
    problems : tuple of str
        What the fits' own diagnoses found: Monte Carlo errors count on chains that have mixed.
    """

    table: pd.DataFrame
    limit: float
    missing: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether no difference is larger than chance makes it."""
        return bool(self._largest().max() <= self.limit)

    @property
    def verdict(self) -> str:
        """In a sentence, how far the fits are from each other."""
        size = len(self.table)
        counted = f"{size:,} parameters" if size > 1 else "one parameter"
        farthest = []
        for name, column in (("means", "mean_errors"), ("sds", "sd_errors")):
            values = self.table[column].abs()
            farthest.append(f"{name} differ by at most {values.max():.2f} errors ({values.idxmax()})")
        ratios = self.table["sd_ratio"]
        return (
            f"{'The fits agree' if self.ok else 'The fits differ'} in {counted}: {'; '.join(farthest)}; ratios of sds "
            f"are {ratios.min():.3f} to {ratios.max():.3f}. Chance stays below {self.limit:.1f} Monte Carlo standard "
            f"errors in {1 - BY_CHANCE:.0%} of such comparisons."
        )

    def _largest(self) -> pd.Series:
        return self.table[["mean_errors", "sd_errors"]].abs().max(axis=1)

    def __str__(self) -> str:
        parts = [self.verdict]
        parts += [f"Not compared: {some_of(self.missing)}."] if self.missing else []
        parts += [f"Monte Carlo errors may be wrong: {problem}" for problem in self.problems]
        return "\n".join([*parts, str(self.table.head(10) if len(self.table) > 10 else self.table)])

    __repr__ = __str__


@in_our_words()
def agreement(fit: Fitted[Regression], other: Fitted[Regression]) -> Agreement:
    """Compare this fit with another one of the same parameters, for example by another engine.

    Parameters
    ----------
    other : Fit
        Parameters are matched by name and by label.

    Returns
    -------
    Agreement
        Prints as a verdict and the largest differences; `.ok`, `.verdict` and `.table` hold its parts.

    Raises
    ------
    StanhierError
        If `other` is no fit, has none of the parameters, or one of the fits has fewer than four draws in a chain.

    Notes
    -----
    Standard errors of means are sd / sqrt(ESS), those of sds take the effective sample size of squared deviations;
    errors of both fits are added as squares. The fits differ if any of the 2n differences of n parameters is larger
    than the quantile of the normal distribution at which chance makes one of 2n differences so large once in a hundred
    times (Bonferroni's inequality), which is strict where parameters go together.

    References
    ----------
    Vehtari et al. (2021), Rank-normalization, folding, and localization: an improved R-hat, doi:10.1214/20-BA1221.
    Dunn (1961), Multiple comparisons among means, doi:10.1080/01621459.1961.10482090.
    """
    if not isinstance(other, Fitted):
        raise StanhierError(f"agreement(other={first_line(other)}): 'other' must be a fit, as model.sample() gives it.")
    (ours, values), (theirs, other_values) = _numbers(fit), _numbers(other)
    common = ours.intersection(theirs, sort=False)
    if not len(common):
        raise StanhierError(
            f"agreement(): the fits have no parameter in common; this one has {some_of(ours.tolist())}, the other one "
            f"{some_of(theirs.tolist())}. Compare fits of the same formula, by any engine."
        )
    missing = [f"{name} (this fit alone)" for name in ours.difference(theirs, sort=False)]
    missing += [f"{name} (the other fit alone)" for name in theirs.difference(ours, sort=False)]
    matched = values[ours.get_indexer(common)], other_values[theirs.get_indexer(common)]
    numbers = _compared(*matched, common)
    limit = float(special.ndtri(1 - BY_CHANCE / (4 * len(numbers))))
    problems = [
        f"of {whose} fit, {problem}"
        for whose, one in (("this", fit), ("the other", other))
        for problem in one.diagnose().problems
    ]
    return Agreement(_readable(numbers), limit, tuple(missing), tuple(problems))


def _numbers(fit: Fitted[Regression]) -> tuple[pd.Index, np.ndarray]:
    """Give the names, labels included, of all n numbers of the posterior, and draws of shape (n, chains, draws)."""
    chains, draws = fit.draws.shape
    if draws < LEAST_DRAWS:
        raise StanhierError(
            f"agreement(): a fit with {draws} draws per chain has no Monte Carlo errors; it needs at least "
            f"{LEAST_DRAWS}. Ask for more with iter_sampling."
        )
    names: list[str] = []
    parts = []
    for name, variable in fit.posterior.data_vars.items():
        dims = [str(dim) for dim in variable.dims if dim not in ("chain", "draw")]
        labels = pd.MultiIndex.from_product([variable.coords[dim].to_numpy() for dim in dims]) if dims else [()]
        values = variable.transpose(..., "chain", "draw").to_numpy()
        chosen = _once(values.shape[: len(dims)], dims)
        names += [_scalar_name(str(name), label) for label, keep in zip(labels, chosen, strict=True) if keep]
        parts.append(values.reshape(-1, chains, draws)[chosen])
    return pd.Index(names, dtype=object), np.concatenate(parts)


def _once(shape: tuple[int, ...], dims: list[str]) -> np.ndarray:
    """Tell which entries are numbers of their own: of a correlation matrix those below the diagonal."""
    if len(dims) == 2 and dims[1] == f"{dims[0]}_other":
        return np.asarray(np.tri(shape[0], shape[1], -1, dtype=bool).ravel())
    return np.ones(int(np.prod(shape)), dtype=bool)


def _scalar_name(name: str, label: Any) -> str:
    labels = label if isinstance(label, tuple) else (label,)
    return f"{name}[{', '.join(map(str, labels))}]" if labels else name


def _compared(ours: np.ndarray, theirs: np.ndarray, names: pd.Index) -> pd.DataFrame:
    """Compare draws of shape (n, chains, draws); what is the same constant in both fits is left out."""
    columns: dict[str, np.ndarray] = {}
    for kind in ("mean", "sd"):
        own, other = (getattr(values, {"mean": "mean", "sd": "std"}[kind])(axis=(1, 2)) for values in (ours, theirs))
        errors = np.hypot(_errors(ours, kind), _errors(theirs, kind))
        difference = own - other
        with np.errstate(divide="ignore", invalid="ignore"):
            columns[f"{kind}_errors"] = np.where(difference == 0, 0.0, difference / errors)
            columns["sd_ratio"] = np.where(own == other, 1.0, own / other)
        columns[kind], columns[f"{kind}_other"] = own, other
    table = pd.DataFrame(columns, index=names)
    constant = (table["sd"] == 0) & (table["sd_other"] == 0) & (table["mean"] == table["mean_other"])
    table = table[~constant] if not constant.all() else table
    order = table[["mean_errors", "sd_errors"]].abs().max(axis=1).sort_values(ascending=False, kind="stable").index
    return table.loc[order]


def _errors(values: np.ndarray, kind: str) -> np.ndarray:
    """Give Monte Carlo standard errors, shape (n,); 0 of what does not vary."""
    varies = np.ptp(values, axis=(1, 2)) > 0
    errors = np.zeros(len(values))
    if varies.any():
        errors[varies] = array_stats().mcse(values[varies], chain_axis=1, draw_axis=2, method=kind)
    return errors


def _readable(numbers: pd.DataFrame) -> Table:
    own = [decimals(sd) for sd in numbers[["sd", "sd_other"]].max(axis=1)]
    places: dict[Hashable, Any] = {
        "mean": own,
        "mean_other": own,
        "mean_errors": 2,
        "sd_ratio": 3,
        "sd_errors": 2,
    }
    return Table.of(numbers[list(places)], places)
