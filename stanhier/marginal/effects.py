"""The table of predictions, comparisons or slopes, with the draws behind every number."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier import plots
from stanhier.basics.errors import StanhierError
from stanhier.basics.tables import Table, all_decimals
from stanhier.posterior.labelled import MAX_VALUES
from stanhier.posterior.prediction import row_labels
from stanhier.posterior.row_summaries import COLUMNS, summaries

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Calculated", "Effects", "Estimated", "Held", "Summaries", "effects_of"]


@dataclass(frozen=True)
class Summaries:
    """What draws of several quantities come to, each of shape (Q,).

    Attributes
    ----------
    table : numpy.ndarray, shape (Q, 5)
        Mean, sd, lower, median, upper.
    inner : numpy.ndarray, shape (Q, 2)
        The interval of one half, or of the outer one's probability if that is less.
    direction : numpy.ndarray
        Probability of direction; not a number where there is no such thing.
    """

    table: np.ndarray
    inner: np.ndarray
    direction: np.ndarray

    @classmethod
    def of(cls, draws: np.ndarray, prob: float, null: float | None) -> "Summaries":
        """Summarise draws of shape (S, Q)."""
        direction = np.full(draws.shape[1], np.nan)
        if null is not None:
            direction = np.maximum((draws > null).mean(axis=0), (draws < null).mean(axis=0))
        found = summaries(np.array(draws.T, order="C"), prob, min(0.5, prob))  # a copy, since it is reordered
        return cls(found[:, :5], found[:, 5:], direction)

    @classmethod
    def joined(cls, parts: "list[Summaries]") -> "Summaries":
        """Put summaries of quantities below each other."""
        return cls(
            np.concatenate([one.table for one in parts]),
            np.concatenate([one.inner for one in parts]),
            np.concatenate([one.direction for one in parts]),
        )


@dataclass(frozen=True)
class Held:
    """Draws that are kept."""

    values: np.ndarray

    def __call__(self) -> np.ndarray:
        """Give them."""
        return self.values


@dataclass(frozen=True)
class Calculated:
    """Draws that are calculated when they are asked for, where the fit is."""

    calculate: Callable[[], np.ndarray] | None

    def __call__(self) -> np.ndarray:
        """Calculate them.

        Raises
        ------
        StanhierError
            If this is a copy from elsewhere.
        """
        if self.calculate is None:
            raise StanhierError(
                "The draws of single rows are calculated from the fit, which is not with this table; ask the fit again."
            )
        return self.calculate()

    def __reduce__(self) -> tuple[Any, ...]:
        return Calculated, (None,)


@dataclass(frozen=True)
class Estimated:
    """Quantities with labels, and how their draws come about.

    Attributes
    ----------
    name : str
        The method that gave them.
    labels : pandas.DataFrame
        One row per quantity.
    own : tuple of str
        Which of their columns are the table's: term, contrast, row. The user's may have such names too.
    categorical : frozenset of str
        Those of their columns that the model takes for categories, whatever their type.
    summaries : Summaries
    source : Held or Calculated
        Gives the draws of all that a fit gave, shape (S, R), chain after chain.
    places : numpy.ndarray of int, shape (Q,)
        Which of these the quantities are.
    prob : float
        Of the intervals.
    null : float or None
        Where there is no effect; None where that means nothing.
    words : str
        What the quantities are.
    over : str
        Of which rows, and of which draws if not of all.
    shape : (int, int)
        Chains and draws of the fit.
    keep : numpy.ndarray of int, or None
        Positions of those that were taken.
    """

    name: str
    labels: pd.DataFrame
    own: tuple[str, ...]
    categorical: frozenset[str]
    summaries: Summaries
    source: "Held | Calculated"
    places: np.ndarray
    prob: float
    null: float | None
    words: str
    over: str
    shape: tuple[int, int]
    keep: np.ndarray | None

    def part(self, places: np.ndarray) -> "Estimated":
        """Give some of them, by their positions."""
        whole = self.summaries
        return replace(
            self,
            labels=self.labels.iloc[places],
            summaries=Summaries(whole.table[places], whole.inner[places], whole.direction[places]),
            places=self.places[places],
        )

    def array(self) -> "xr.DataArray":
        """Give the draws with labels."""
        import xarray as xr

        (n_chains, length), number = self.shape, len(self.labels)
        within = np.arange(length) if self.keep is None else self.keep[: len(self.keep) // n_chains]
        if n_chains * len(within) * number > MAX_VALUES:
            raise StanhierError(
                f"{self.name}(...).draws would be {n_chains * len(within):,} draws of {number:,} rows, which is more "
                "than fits comfortably in memory; average them, or give fewer rows with new=."
            )
        coords: dict[str, Any] = {"chain": np.arange(n_chains), "draw": within}
        for name, column in self.labels.items():
            label = f"{name}_" if name in ("chain", "draw", "estimate") else str(name)
            coords[label] = ("estimate", row_labels(pd.Index(column.astype(_plain_dtype(column)))))
        values = self.source()[:, self.places].reshape(n_chains, len(within), number)
        return xr.DataArray(values, dims=("chain", "draw", "estimate"), coords=coords, name=self.name)


class Effects(Table):
    """A table of predictions, comparisons or slopes: one row for each, with mean, sd, lower, median and upper.

    Comparisons and slopes have `pd` too, the probability of direction: how probable it is that the effect has the sign
    that it has in most draws, between 0.5 and 1. Rows that are chosen or sorted keep their draws, as long as they keep
    their index and their means.

    References
    ----------
    Makowski, Ben-Shachar, Chen & Lüdecke (2019), Indices of effect existence and significance in the Bayesian
    framework, doi:10.3389/fpsyg.2019.02767 (probability of direction).
    """

    _metadata = [*Table._metadata, "_estimated"]  # noqa: RUF012 - as of a Table
    _estimated: Estimated | None = None

    @property
    def estimated(self) -> Estimated:
        """What the table is made of.

        Raises
        ------
        StanhierError
            If these are no rows as a fit gave them.
        """
        found = self._found()
        if found is None:
            raise StanhierError(
                "This table has other means or another index than that which a fit gave, so it has no draws; take "
                "those of that one."
            )
        return found

    @property
    def draws(self) -> "xr.DataArray":
        """The draws behind the numbers: dimensions chain, draw and estimate, which are the rows of the table.

        Those of single rows are calculated when they are asked for.

        Raises
        ------
        StanhierError
            If they are more than 20 million values.
        """
        return self.estimated.array()

    plot = plots.effects  # type: ignore[assignment]

    @property
    def _constructor(self) -> "Callable[..., Effects]":
        return Effects

    def _found(self) -> Estimated | None:
        """Find the rows among those that a fit gave, by their index; None if their means are others."""
        whole, index = self._estimated, self.index.to_numpy()
        if whole is None or "mean" not in self.columns or index.dtype.kind != "i" or not len(index):
            return None
        means = whole.summaries.table[:, 0]
        if index.min() < 0 or index.max() >= len(means) or not np.array_equal(self["mean"].to_numpy(), means[index]):
            return None
        return whole if np.array_equal(index, np.arange(len(means))) else whole.part(index)

    def _header(self) -> str | None:
        found = self._found()
        return None if found is None else f"{found.words}, {found.over}; {100 * found.prob:g} % intervals"

    def __repr__(self) -> str:
        header = self._header()
        return super().__repr__() if header is None else f"{header}\n{super().__repr__()}"

    __str__ = __repr__

    def _repr_html_(self) -> str | None:
        table, header = super()._repr_html_(), self._header()
        return table if header is None else f"<p>{header}</p>{table}"


def effects_of(estimated: Estimated) -> Effects:
    """Make the table."""
    found = estimated.summaries
    width = found.table[:, 4] - found.table[:, 2]
    spread = np.fmin(found.table[:, 1], np.where(width > 0, width, np.inf))
    numbers = pd.DataFrame(found.table, columns=list(COLUMNS))
    places: dict[Hashable, Any] = dict.fromkeys(COLUMNS, all_decimals(spread))
    if estimated.null is not None:
        numbers["pd"], places["pd"] = found.direction, 3
    table = Effects.of(pd.concat([estimated.labels.reset_index(drop=True), numbers], axis=1), places)
    table._estimated = estimated
    return table


def _plain_dtype(column: pd.Series) -> Any:
    return object if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
