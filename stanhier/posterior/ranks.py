"""Ranks of the groups of a factor, which their joint posterior has and sorted estimates have not."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_count, checked_probability, in_our_words
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.spacing import evenly
from stanhier.basics.tables import Table
from stanhier.basics.threads import in_threads
from stanhier.basics.words import listed, quoted
from stanhier.engines.engine import Above, Engine
from stanhier.engines.regression import Regression
from stanhier.posterior.chosen_groups import (
    ChosenGroups,
    Kind,
    check_kind,
    chosen_groups,
    effects_above,
    effects_shown,
    group_coefficient,
)
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES
from stanhier.posterior.places import At, Place, place_at

__all__ = ["Best", "Ranks", "group_ranks", "ranks_of"]

type Best = Literal["high", "low"]
"""Which end has rank 1."""

LEAST_DRAWS = 100
"""With fewer, ranks would say too little: that many groups are refused."""


@in_our_words()
def group_ranks(
    fit: Fitted[Regression],
    group: Any = None,
    levels: Any = None,
    *,
    effect: str | None = None,
    top: int | None = None,
    best: Best = "high",
    kind: Kind = "mean",
    at: At = "mean",
    prob: float = 0.9,
) -> pd.DataFrame:
    """Rank the groups of a factor: where each may stand among all, and how probably it is among the best.

    Every draw of all groups together has a ranking, from 1, the best; these are summarised. Estimates that are sorted
    say less: those of small groups are drawn to the middle, and how uncertain their places are is not seen.

    Parameters
    ----------
    group, levels
        As for `group_summary`. With `levels` these groups alone are in the table; their ranks are among all.
    effect : str, optional
        By what groups are ranked: "Intercept", which stands for their means, or the column whose slope varies. By
        default the former, where it varies.
    top : int, optional
        How many groups are the best; by default a tenth of them, at least one.
    best : {"high", "low"}
        Whether the highest or the lowest is the best.
    kind : {"mean", "deviation"}
        Whether groups that lie within those of another factor, as classes in schools, are ranked by what they come to,
        their school's effect in it, or by their own part of that alone. Of others it makes no difference.
    at : {"mean", 0} or dict
        Where the predictors are; as for `group_summary`. It matters where slopes vary too.
    prob : float
        Probability of the central interval from `lower` to `upper`.

    Returns
    -------
    pandas.DataFrame
        One row per group, by expected rank: `rank`, the expected one, which is the best guess of all ranks by squared
        error; `lower`, `median` and `upper` of its rank; and `top_k`, with the number of `top` for k, the probability
        of being among the best k. The k groups where this is highest are the best guess of who is among the best.
        Where draws times groups exceed 20 million, they are those of evenly spaced draws.

    Raises
    ------
    DataError
        As `group_summary`, or if there are so many groups that fewer than 100 draws of them fit into memory.
    StanhierError
        As `group_summary`, or if there is no such effect, `top` is not between 1 and the number of groups, or `best` is
        nothing of the kind.

    References
    ----------
    Lin, Louis, Paddock & Ridgeway (2006), Loss function based ranking in two-stage, hierarchical models,
    doi:10.1214/06-BA130.
    """
    prob = checked_probability(prob, "group_ranks")
    ranks = ranks_of(
        fit,
        chosen_groups(fit, group, levels, "group_ranks"),
        "group_ranks",
        effect=effect,
        top=top,
        best=best,
        kind=kind,
        at=at,
    )
    expected, chosen = ranks.expected, ranks.chosen
    lower, median, upper = ranks.quantiles([(1 - prob) / 2, 0.5, (1 + prob) / 2])
    columns = {"rank": expected, "lower": lower, "median": median, "upper": upper, f"top_{ranks.top}": ranks.among_top}
    table = pd.DataFrame(columns, index=chosen.index).iloc[np.argsort(expected, kind="stable")]
    made = Table.of(table, {"rank": 1, "lower": 0, "median": 0, "upper": 0, f"top_{ranks.top}": 3})
    return made.noted(effects_shown(fit, chosen.term, ranks.above, kind))


@dataclass(frozen=True)
class Ranks:
    """Draws of the ranks of groups among all of a factor.

    Attributes
    ----------
    chosen : ChosenGroups
        The groups.
    values : numpy.ndarray of int, shape (G, S)
        From 1, the best.
    n_groups : int
        Of the factor.
    effect : str
        By what they are ranked.
    top : int
        How many are the best.
    place : Place
        Where the predictors are.
    above : list of Above
        Effects of other factors that groups are ranked with.
    """

    chosen: ChosenGroups
    values: np.ndarray
    n_groups: int
    effect: str
    top: int
    place: Place
    above: list[Above]

    @property
    def expected(self) -> np.ndarray:
        """Expected ranks, shape (G,)."""
        return np.asarray(self.values.mean(axis=1))

    @property
    def among_top(self) -> np.ndarray:
        """Probabilities of being among the best, shape (G,)."""
        return np.asarray((self.values <= self.top).mean(axis=1))

    def quantiles(self, probabilities: list[float]) -> np.ndarray:
        """Give quantiles of the ranks, which are ranks themselves, shape (P, G)."""
        return np.asarray(np.quantile(self.values, probabilities, axis=1, method="inverted_cdf"))


def ranks_of(
    fit: Fitted[Regression], chosen: ChosenGroups, where: str, *, effect: Any, top: Any, best: Any, kind: Any, at: Any
) -> Ranks:
    """Rank groups among all of their factor, draw by draw.

    Parameters
    ----------
    fit : Fitted
    chosen : ChosenGroups
    where : str
        The method, for messages.
    effect, top, best, kind, at
        As for `group_ranks`.

    Raises
    ------
    DataError, StanhierError
        As `group_ranks`.
    """
    grouping = fit.model.design.groupings[chosen.term]
    n_groups, effects = len(grouping.levels), grouping.effects
    if best not in ("high", "low"):
        raise StanhierError(f'{where}(best={quoted(best)}): \'best\' must be "high" or "low".')
    if effect is None:
        effect = "Intercept" if "Intercept" in effects else effects[0]
    if effect not in effects:
        raise StanhierError(
            f"{where}(effect={quoted(effect)}): there is no such effect; those of '{grouping.name}' are "
            f"{listed(effects)}."
        )
    number = max(1, round(n_groups / 10)) if top is None else checked_count(top, "top", where)
    if number > n_groups:
        raise StanhierError(f"{where}(top={number}): '{grouping.name}' has {n_groups:,} groups.")
    check_kind(kind, where)
    place = place_at(fit.model, at, where)
    everybody = ChosenGroups(chosen.term, np.arange(n_groups), grouping.levels)
    above = effects_above(fit, everybody, [effect], place.x) if kind == "mean" else []
    weights, _ = group_coefficient(fit, grouping, effect, place.x)
    n_draws = fit.draws.n_draws
    most = MAX_VALUES // (n_groups * len(effects))
    if most < min(LEAST_DRAWS, n_draws):
        raise DataError(
            f"{where}(): '{grouping.name}' has {n_groups:,} groups, of which fewer than {LEAST_DRAWS} draws fit "
            "comfortably in memory together; group_summary() has the groups one by one."
        )
    some = fit.draws if most >= n_draws else fit.draws.only(evenly(n_draws, most))
    # What all groups share in a draw moves no rank.
    engine: Engine = fit.model.engine
    values = engine.effects(some, chosen.term, everybody.groups) @ weights
    for other in above:
        present, own = np.unique(other.levels, return_inverse=True)
        values += (engine.effects(some, other.term, present) @ other.weights[0])[:, own]
    found = _ranked(values if best == "low" else -values)
    return Ranks(chosen, np.ascontiguousarray(found[:, chosen.groups].T), n_groups, effect, number, place, above)


def _ranked(values: np.ndarray) -> np.ndarray:
    """Rank the values of each draw, shape (S, J), from 1, the least."""
    found = np.empty(values.shape, dtype=np.int32)
    places = np.arange(1, values.shape[1] + 1, dtype=np.int32)

    def rank(draw: int) -> None:
        found[draw, np.argsort(values[draw])] = places

    in_threads(rank, range(len(values)))
    return found
