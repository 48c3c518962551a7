"""Quantities made of predictions of changed rows: averaged over cells of rows, or row by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_probability
from stanhier.basics.errors import StanhierError
from stanhier.basics.threads import in_threads
from stanhier.basics.words import quoted
from stanhier.design.levels import stands_for_categories
from stanhier.engines.regression import Regression
from stanhier.marginal.averages import Prediction, averages, kept_draws
from stanhier.marginal.effects import Calculated, Effects, Estimated, Held, Summaries, effects_of
from stanhier.marginal.rows import State, UserRows
from stanhier.plots.scales import linear_words, mean_words
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES
from stanhier.posterior.prediction import row_labels
from stanhier.posterior.row_draws import RowDraws
from stanhier.posterior.row_summaries import COLUMNS

__all__ = ["Asked", "Quantity", "estimated"]


@dataclass(frozen=True, eq=False)
class Quantity:
    """What is made of the predictions of rows in some states.

    Attributes
    ----------
    labels : dict
        What it is called, by column of the table.
    states : sequence of mapping
    combine : callable
        Takes the predictions in each state, of shape (S, n), or their averages.
    weights : numpy.ndarray, shape (N,), or None
        What each prediction is multiplied by first.
    """

    labels: dict[str, Any]
    states: Sequence[State]
    combine: Callable[..., np.ndarray]
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Asked:
    """What users ask of any such quantity, checked.

    Attributes
    ----------
    where : str
    by : object
    average : bool
    kind : {"mean", "linear"}
    group_effects : bool
    new_groups : {"error", "sample"}
    prob : float
    """

    where: str
    by: Any
    average: bool
    kind: str
    group_effects: bool
    new_groups: str
    prob: float

    def __post_init__(self) -> None:
        checked_probability(self.prob, self.where)
        for name, allowed in {"kind": ("mean", "linear"), "new_groups": ("error", "sample")}.items():
            if getattr(self, name) not in allowed:
                noise = "; predict_draws() draws responses" if getattr(self, name) == "response" else ""
                raise StanhierError(
                    f"{self.where}({name}={quoted(getattr(self, name))}): '{name}' must be "
                    f"{' or '.join(f'{one!r}' for one in allowed)}{noise}."
                )
        for name in ("average", "group_effects"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                value = quoted(getattr(self, name))
                raise StanhierError(f"{self.where}({name}={value}): '{name}' must be True or False.")
        if self.by is not None and not self.average:
            raise StanhierError(f"{self.where}(by=..., average=False): 'by' averages rows; leave out one of the two.")


def estimated(
    rows: UserRows,
    quantities: Sequence[Quantity],
    asked: Asked,
    *,
    own: tuple[str, ...] = (),
    null: float | None,
    words: str,
) -> Effects:
    """Estimate quantities, averaged or row by row.

    Parameters
    ----------
    rows : UserRows
    quantities : sequence of Quantity
    asked : Asked
    own : tuple of str
        Which labels of the quantities are the table's; the others are columns of the rows.
    null : float or None
        Where there is no effect.
    words : str
        With a place for what is predicted.

    Raises
    ------
    StanhierError
        If there would be too many, one is not a number in some draw, or a column has a name that is taken.
    """
    varied, by = [name for name in quantities[0].labels if name not in own], rows.columns_of(asked.by)
    own = own if asked.average else (*own, "row")
    for name in (*varied, *by):
        if name in (*own, *COLUMNS, "pd"):
            raise StanhierError(f"{asked.where}(...): the table has a column '{name}' of its own; rename yours.")
    for name in by:
        if name in varied:
            raise StanhierError(
                f"{asked.where}(by={quoted(asked.by)}): '{name}' is one of 'variables', which are set to values in all "
                "rows; leave it out of one of the two."
            )
    prediction = Prediction(asked.kind, asked.new_groups, rows.fit.draws.seed)
    whole = words.format(predicted_words(rows.fit, asked.kind))
    made = (_averaged if asked.average else _row_by_row)(rows, quantities, asked, prediction, null)
    names = [str(name) for name in made.labels.columns]
    return effects_of(
        Estimated(
            name=asked.where,
            labels=made.labels,
            own=own,
            categorical=frozenset(name for name in names if stands_for_categories(rows.design, name)),
            summaries=made.summaries,
            source=made.source,
            places=np.arange(len(made.labels)),
            prob=asked.prob,
            null=null,
            words=whole[0].upper() + whole[1:],
            over=made.over,
            shape=rows.fit.draws.shape,
            keep=made.keep,
        )
    )


def predicted_words(fit: Fitted[Regression], kind: str) -> str:
    """Say what is predicted."""
    design = fit.model.design
    return mean_words(design) if kind == "mean" and design.family.is_discrete else linear_words(design)


@dataclass(frozen=True)
class _Made:
    """What quantities came to, in the words of `Estimated`."""

    labels: pd.DataFrame
    summaries: Summaries
    source: Held | Calculated
    over: str
    keep: np.ndarray | None = None


def _averaged(
    rows: UserRows, quantities: Sequence[Quantity], asked: Asked, prediction: Prediction, null: float | None
) -> _Made:
    cells, fit = rows.cells(asked.by), rows.fit
    keep = kept_draws(rows, quantities[0].states[0], prediction)
    n_draws = fit.draws.n_draws if keep is None else len(keep)
    if n_draws * cells.number * len(quantities) > MAX_VALUES:
        raise StanhierError(
            f"{asked.where}(...): {n_draws:,} draws of {cells.number * len(quantities):,} averages are more than fit "
            "comfortably in memory; average by columns with fewer values, or ask for fewer variables."
        )
    known: dict[Any, np.ndarray] = {}

    def average(state: State, weights: np.ndarray | None) -> np.ndarray:
        key = (tuple(sorted((name, change.key) for name, change in state.items())), id(weights))
        if key not in known:
            known[key] = averages(rows, state, cells, prediction, keep=keep, weights=weights)
        return known[key]

    values = np.concatenate(
        [_combined(one, [average(s, one.weights) for s in one.states], asked) for one in quantities], axis=1
    )
    each = f"averaged over {rows.n_rows:,} {'row' if rows.n_rows == 1 else 'rows'}"
    some = "" if keep is None else f", from {len(keep):,} of {fit.draws.n_draws:,} draws"
    summaries = Summaries.of(values, asked.prob, null)
    return _Made(_labelled(quantities, cells.labels), summaries, Held(values), each + some, keep)


def _row_by_row(
    rows: UserRows, quantities: Sequence[Quantity], asked: Asked, prediction: Prediction, null: float | None
) -> _Made:
    def blocks(one: Quantity) -> _RowBlocks:
        return _RowBlocks(one, asked, [prediction.of(rows, rows.changed(state)) for state in one.states])

    def draws() -> np.ndarray:
        gathered = np.empty((rows.fit.draws.n_draws, len(quantities), rows.n_rows))
        for k, one in enumerate(quantities):
            of_one = blocks(one)
            for part in of_one.parts():
                gathered[:, k, part] = of_one.at(part)
        return gathered.reshape(len(gathered), -1)

    labels = _labelled(quantities, pd.DataFrame({"row": row_labels(rows.frame.index)}))
    summaries = Summaries.joined([_summarised(blocks(one), rows.n_rows, asked.prob, null) for one in quantities])
    return _Made(labels, summaries, Calculated(draws), "row by row")


@dataclass(frozen=True)
class _RowBlocks:
    """A quantity in single rows."""

    one: Quantity
    asked: Asked
    predicted: list[RowDraws]

    def parts(self) -> list[np.ndarray]:
        """Give the positions of rows, block by block."""
        return self.predicted[0].parts()

    def at(self, part: np.ndarray) -> np.ndarray:
        """Give the draws of some rows, shape (S, n)."""
        values = [one.block(part).T for one in self.predicted]
        if self.one.weights is not None:
            values = [own * self.one.weights[part] for own in values]
        return _combined(self.one, values, self.asked)


def _summarised(blocks: _RowBlocks, n_rows: int, prob: float, null: float | None) -> Summaries:
    """Summarise a quantity in single rows, block by block."""
    into = Summaries(np.empty((n_rows, 5)), np.empty((n_rows, 2)), np.empty(n_rows))

    def fill(part: np.ndarray) -> None:
        found = Summaries.of(blocks.at(part), prob, null)
        into.table[part], into.inner[part], into.direction[part] = found.table, found.inner, found.direction

    parts = blocks.parts()
    for part in parts[:1]:
        fill(part)  # alone, since it draws what all of them need
    in_threads(fill, parts[1:])
    return into


def _combined(one: Quantity, predicted: Sequence[np.ndarray], asked: Asked) -> np.ndarray:
    """Combine predictions, and refuse what is not a number then, as the ratio to a mean of 0."""
    with np.errstate(all="ignore"):
        values = one.combine(*predicted)
    if np.isfinite(values).all():
        return values
    which = ", ".join(str(label) for label in one.labels.values())
    other = 'comparison="difference", or ' if asked.where == "comparisons" else ""
    raise StanhierError(
        f"{asked.where}({which}): it is no finite number in {100 * np.mean(~np.isfinite(values)):.3g} % of the draws: "
        "the means there are beyond what numbers hold, or are 0, negative or a probability of 1 and so have no ratio, "
        f'logarithm or odds. Take {other}kind="linear".'
    )


def _labelled(quantities: Sequence[Quantity], cells: pd.DataFrame) -> pd.DataFrame:
    """Give the labels of each quantity in each of the cells, or rows."""
    parts = []
    for one in quantities:
        own = pd.DataFrame({name: [value] * len(cells) for name, value in one.labels.items()}, index=range(len(cells)))
        parts.append(pd.concat([own, cells], axis=1))
    return pd.concat(parts, ignore_index=True)
