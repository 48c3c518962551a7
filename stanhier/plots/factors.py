"""Grouping factors as pictures show them: labels, sizes, and the intercept and slopes that each group has."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed, quoted
from stanhier.design.columns import CONSTANT
from stanhier.design.groupings import Grouping
from stanhier.engines.engine import Engine
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.plots.scales import linear_words
from stanhier.plots.shared import Intervals, interval_probabilities, plain, short
from stanhier.posterior.chosen_groups import ChosenGroups, Kind, effects_above, group_coefficient, summarised, term_of
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.places import Place

__all__ = ["Coefficient", "Factor", "factor_of", "group_sizes", "is_label", "population_factors"]

_BLOCK_VALUES = 1 << 22


@dataclass(frozen=True)
class Coefficient:
    """What groups have of their own: an intercept at some predictors, or a slope.

    Attributes
    ----------
    effect : str
        "Intercept", or the column whose slope it is.
    weights : numpy.ndarray, shape (q,)
        Of the effects of a group.
    offset : numpy.ndarray, shape (S,)
        Draws of what the population has of it, to which the weighted effects are added.
    words : str
        What it is, in the terms of the response or of its linear predictor.
    centre_words : str
        What groups vary around.
    centre_name : str
        Its name, where it is a parameter.
    above_at : numpy.ndarray, shape (K + E,), or None
        Where the predictors are in the effects that groups have for lying within those of other factors; None where
        they have none.
    """

    effect: str
    weights: np.ndarray
    offset: np.ndarray
    words: str
    centre_words: str = "the mean of the groups"
    centre_name: str = ""
    above_at: np.ndarray | None = None

    @property
    def centre(self) -> float:
        """The median of what the groups vary around."""
        return float(np.median(self.offset))

    @property
    def mean(self) -> float:
        """The mean of what the groups vary around."""
        return float(self.offset.mean())

    def centre_label(self, panels: int) -> str:
        """Say in a legend what groups vary around: one legend of several panels names no parameter."""
        return f"{self.centre_name}, {self.centre_words}" if self.centre_name and panels == 1 else self.centre_words


@dataclass(frozen=True)
class Factor:
    """A grouping factor of a fit.

    Attributes
    ----------
    fit : Fitted
    term : int
        Its position in the formula.
    """

    fit: Fitted[Regression]
    term: int

    @property
    def grouping(self) -> Grouping:
        """The factor itself."""
        return self.fit.model.design.groupings[self.term]

    @property
    def n_groups(self) -> int:
        """Number of its groups, J."""
        return len(self.grouping.levels)

    @property
    def labels(self) -> list[str]:
        """The groups' labels as pictures show them."""
        return [short(level) for level in self.grouping.levels]

    @property
    def sizes(self) -> np.ndarray | None:
        """Rows of each group, shape (J,); None where they are not in memory and weighted."""
        return group_sizes(self.fit, self.term)

    @property
    def weights(self) -> np.ndarray:
        """How much each group says of its own mean, shape (J,)."""
        engine: Engine = self.fit.model.engine
        return engine.group_weights(self.term)

    def positions(self, labels: Any, where: str) -> np.ndarray:
        """Give the positions of the groups of these labels, or of one.

        Raises
        ------
        StanhierError
            If there is no such group, or none is named.
        """
        wanted = [labels] if is_label(labels) else list(labels)
        if not wanted:
            raise StanhierError(f"{where}(groups=[]): no group is named.")
        positions = self.grouping.levels.get_indexer(pd.Index(wanted))
        for label, position in zip(wanted, positions, strict=True):
            if position < 0:
                raise StanhierError(
                    f"{where}(groups=...): there is no group {quoted(label)} in '{self.grouping.name}'."
                )
        return np.asarray(positions)

    def effects(self, named: str | Sequence[str] | None, where: str) -> list[str]:
        """Give the effects that are asked for, each once; all for None.

        Raises
        ------
        StanhierError
            If there is no such effect, or none is named.
        """
        if named is None:
            return list(self.grouping.effects)
        there_are = f"the effects of '{self.grouping.name}' are {listed(self.grouping.effects)}"
        try:
            wanted = [named] if isinstance(named, str) else list(dict.fromkeys(named))
        except TypeError as err:
            raise StanhierError(
                f"{where}(effects={quoted(named)}): 'effects' must be a name or a list of names; {there_are}."
            ) from err
        for name in wanted:
            if name not in self.grouping.effects:
                raise StanhierError(f"{where}(effects=...): there is no effect {quoted(name)}; {there_are}.")
        if not wanted:
            raise StanhierError(f"{where}(effects=[]): no effect is named; {there_are}.")
        return wanted

    def left_out(self, column: int = CONSTANT, within: Collection[str] = ()) -> str:
        """Say which factors have effects that this one's intercepts, or slopes of a column, are shown without.

        Those of the factors `within` whose groups they lie are not left out.
        """
        others = [
            one.name
            for term, one in enumerate(self.fit.model.design.groupings)
            if term != self.term and one.name not in within and (column == CONSTANT or column in one.columns)
        ]
        return f"effects of {_one_or_several(others)} left out" if others else ""

    def _chosen(self, groups: np.ndarray | None) -> ChosenGroups:
        """Give groups by their positions, or all of them."""
        positions = np.arange(self.n_groups) if groups is None else groups
        return ChosenGroups(self.term, positions, self.grouping.levels[positions])

    def coefficient(self, effect: str, place: Place, kind: Kind = "mean", *, with_above: bool = False) -> Coefficient:
        """Give what groups have of their own, or how far that is from the population: at a place of the predictors.

        With what is above them they come to what `group_summary` says.
        """
        grouping, design = self.grouping, self.fit.model.design
        weights, offset = group_coefficient(self.fit, grouping, effect, place.x, kind)
        linear, column = linear_words(design), grouping.columns[grouping.effects.index(effect)]
        words, at = linear, [place.words] if place.words else []
        if column != CONSTANT:
            words, at = f"{linear.removeprefix('mean ')} per unit of {short(effect)}", []
        if kind == "deviation":
            at = at if grouping.n_effects > 1 else []
            words = " ".join(["deviation from the population in", words, *map(plain, at)])
            return Coefficient(effect, weights, offset, words, "the population")
        if column == CONSTANT and design.has_offset:
            at.append("and an offset of 0" if at else "at an offset of 0")
        above = effects_above(self.fit, self._chosen(None), [effect], place.x) if with_above else []
        within = [self.fit.model.design.groupings[one.term].name for one in above]
        included = f"effects of {_one_or_several(within)} included" if within else ""
        left_out = self.left_out(column, within)
        left_out = left_out.removeprefix("effects ") if included else left_out
        words = ", ".join(filter(None, [" ".join([words, *map(plain, at)]), included, left_out]))
        intercept = self.fit.model.parameters.of(Role.INTERCEPT)
        name = "" if intercept is None or column != CONSTANT or place.x.any() else intercept.name
        return Coefficient(effect, weights, offset, words, centre_name=name, above_at=place.x if above else None)

    def intervals(
        self, coefficients: Sequence[Coefficient], prob: float, groups: np.ndarray | None = None
    ) -> list[Intervals]:
        """Summarise coefficients of groups, all of them where none are named, as `group_summary` does."""
        chosen = self._chosen(groups)
        combinations = [(one.weights, one.offset) for one in coefficients]
        at = next((one.above_at for one in coefficients if one.above_at is not None), None)
        above = [] if at is None else effects_above(self.fit, chosen, [one.effect for one in coefficients], at)
        found = summarised(self.fit, chosen, combinations, interval_probabilities(prob), above)
        return [Intervals(*one[2:]) for one in found]

    def pooled(self, coefficients: Sequence[Coefficient]) -> list[np.ndarray]:
        """Give posterior means of the coefficients of all groups, shape (J,) each."""
        draws, engine = self.fit.draws, self.fit.model.engine
        step = max(1, _BLOCK_VALUES // (draws.n_draws * self.grouping.n_effects))
        blocks = (np.arange(k, min(k + step, self.n_groups)) for k in range(0, self.n_groups, step))
        effects = np.concatenate([engine.effect_means(draws, self.term, block).mean(axis=0) for block in blocks])
        return [effects @ one.weights + one.mean for one in coefficients]

    def unpooled(self, coefficients: Sequence[Coefficient]) -> list[np.ndarray]:
        """Give coefficients as each group's rows alone have them, shape (J,) each; nan where they do not tell.

        What else is in them, the population's part above all, is averaged over the draws that `pooled` averages over:
        how far a draw of it is off moves both by as much.
        """
        own = self.fit.model.engine.own_effects(self.fit.draws, self.term)
        used = [one.weights != 0 for one in coefficients]
        return [own[:, which] @ one.weights[which] + one.mean for one, which in zip(coefficients, used, strict=True)]

    @property
    def own_words(self) -> str:
        """Say what `unpooled` is."""
        family = self.fit.model.family
        if family.is_gaussian:
            return "least squares of its own rows" if self.grouping.n_effects > 1 else "the group's own mean"
        return "its own rows" if family.link == "identity" else "its own rows and Jeffreys' prior"

    @property
    def endless(self) -> np.ndarray:
        """-1 of groups whose responses are all 0, 1 of those that succeed always, else 0, shape (J,).

        Their rows alone put no bound on the intercept on this side. Of rows that are not in memory nobody knows.
        """
        rows, family = self.fit.model.in_memory, self.fit.model.family
        if rows is None or not family.is_discrete:
            return np.zeros(self.n_groups, dtype=int)
        codes = rows.groupings[self.term].codes
        most = np.bincount(codes, rows.y, minlength=self.n_groups)
        found = np.where(most == 0, -1, 0)
        if family.link != "log":
            trials = np.ones(len(codes)) if rows.trials is None else rows.trials
            found[most == np.bincount(codes, trials, minlength=self.n_groups)] = 1
        return found

    def covariance(self, coefficients: Sequence[Coefficient]) -> np.ndarray:
        """Give the posterior mean of the covariance of groups' coefficients."""
        weights = np.stack([one.weights for one in coefficients])
        spread = weights @ population_factors(self.fit, self.term)
        return np.asarray(np.einsum("skl,sml->km", spread, spread) / len(spread))


def _one_or_several(names: list[str]) -> str:
    return short(names[0], 24) if len(names) == 1 else "other factors"


def is_label(labels: Any) -> bool:
    """Tell whether this is one label, and not several."""
    return isinstance(labels, str | bytes) or not isinstance(labels, Iterable)


def factor_of(fit: Fitted[Regression], group: Any, where: str) -> Factor:
    """Find a factor by its name; the only one needs none. Raises as `term_of`."""
    return Factor(fit, term_of(fit, group, where))


def group_sizes(fit: Fitted[Regression], term: int = 0) -> np.ndarray | None:
    """Count the rows of a factor's groups, shape (J,); None where they are not in memory and weighted."""
    rows = fit.model.in_memory
    if rows is not None:
        return rows.groupings[term].sizes
    differs = fit.model.noise.differs
    return None if differs else np.rint(fit.model.engine.group_weights(term)).astype(int)


def population_factors(fit: Fitted[Regression], term: int) -> np.ndarray:
    """Give what turns standard normal numbers into the effects of a new group, shape (S, q, q), draw by draw."""
    q, size = fit.model.design.groupings[term].n_effects, fit.draws.n_draws
    columns = [fit.model.engine.new_effects(fit.draws, term, np.broadcast_to(unit, (size, q))) for unit in np.eye(q)]
    return np.stack(columns, axis=2)
