"""The groups that a picture along a predictor is of: one panel for each of a factor, and groups that all share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed
from stanhier.engines.regression import Regression
from stanhier.plots.factors import Factor, is_label
from stanhier.plots.shared import short
from stanhier.posterior.fitted import Fitted

__all__ = ["HeldGroups", "held_groups"]

_WHERE = "plot_prediction"


@dataclass(frozen=True)
class HeldGroups:
    """The groups that are held.

    Attributes
    ----------
    fit : Fitted
    by : Factor or None
        The factor with one panel for each of its groups.
    chosen : numpy.ndarray of int, or None
        Which of them, where they are named.
    shared : dict of int to int
        For other factors, by position, the group that all panels are of.
    """

    fit: Fitted[Regression]
    by: Factor | None
    chosen: np.ndarray | None
    shared: dict[int, int]

    def inside(self, group: int | None = None) -> dict[int, int]:
        """Give the groups, by position of their factors, that are known: in the panel of one of `by`, or in all.

        A group of `a:b` is in one of `a`, which is known with it.
        """
        held = dict(self.shared) if group is None or self.by is None else {**self.shared, self.by.term: group}
        groupings = self.fit.model.rows.groupings
        for term, position in list(held.items()):
            row = self._row(term, position)
            for other, grouping in enumerate(groupings):
                if set(grouping.factors) < set(groupings[term].factors):
                    held.setdefault(other, int(grouping.codes[row]))
        return held

    def rows(self, held: Mapping[int, int]) -> np.ndarray:
        """Tell which rows are in all of these groups, shape (N,)."""
        design = self.fit.model.rows
        found = np.ones(design.n_rows, dtype=bool)
        for term, position in held.items():
            found &= design.groupings[term].codes == position
        return found

    def values(self, held: Mapping[int, int]) -> dict[str, Any]:
        """Give what the columns of these factors hold that are predictors too."""
        design = self.fit.model.rows
        predictors = set(design.formula.predictor_columns)
        return {
            name: design.frame[name].iloc[self._row(term, position)]
            for term, position in held.items()
            for name in design.groupings[term].factors
            if name in predictors
        }

    def words(self) -> list[str]:
        """Say which groups all panels are of."""
        groupings = self.fit.model.design.groupings
        return [f"{short(groupings[t].name)} = {short(groupings[t].levels[k])}" for t, k in self.shared.items()]

    def average_words(self) -> list[str]:
        """Say of which factors the average group is drawn, where its mean is not that of all groups; or nothing."""
        model, inside = self.fit.model, self.inside()
        names = [short(one.name) for term, one in enumerate(model.design.groupings) if term not in inside]
        return [f"the average {' and '.join(names)}"] if names and model.family.link != "identity" else []

    def _row(self, term: int, position: int) -> int:
        return int(np.argmax(self.fit.model.rows.groupings[term].codes == position))


def held_groups(fit: Fitted[Regression], x: str, by: str | None, groups: Any) -> HeldGroups:
    """Read the arguments `by` and `groups` of a picture.

    Parameters
    ----------
    fit : Fitted
    x : str
        The predictor along which it is.
    by : str, optional
        A factor, or anything else, which is not looked at.
    groups : optional
        Labels of groups of the factor `by`, or for factors by name labels: several of the factor that has panels, one
        of any other.

    Raises
    ------
    StanhierError
        If there is no such factor or group, or panels would be of several factors.
    """
    names = [grouping.name for grouping in fit.model.design.groupings]
    asked: dict[str, Any] = {}
    is_factor = by in names and by != x
    if isinstance(groups, Mapping):
        asked = dict(groups)
    elif groups is not None:
        if not is_factor:
            raise StanhierError(f"{_WHERE}(groups=...): this goes with `by`, the grouping column.")
        asked = {str(by): groups}
    for name in asked:
        if name not in names:
            there_are = f"they are {listed(names)}" if names else "it has none"
            raise StanhierError(f"{_WHERE}(groups=...): {name!r} is no factor of the model; {there_are}.")
    several = [name for name, labels in asked.items() if not is_label(labels) and not (is_factor and name == by)]
    if by is None and len(several) == 1:
        by, is_factor, several = several[0], True, []
    if several:
        raise StanhierError(
            f"{_WHERE}(groups=...): panels are of one factor, so give one label of {listed(several)}, and the list of "
            "those to draw with `by`."
        )
    factors = {name: Factor(fit, names.index(name)) for name in names}
    positions = {name: factors[name].positions(labels, _WHERE) for name, labels in asked.items()}
    shared = {factors[name].term: int(found[0]) for name, found in positions.items() if not (is_factor and name == by)}
    own = factors[str(by)] if is_factor else None
    held = HeldGroups(fit, own, positions.get(str(by)) if is_factor else None, shared)
    _refuse_apart(held)
    return held


def _refuse_apart(held: HeldGroups) -> None:
    """Refuse a group of `a:b` in another group of `a` than its own."""
    groupings = held.fit.model.design.groupings
    for term, position in held.shared.items():
        for other, found in HeldGroups(held.fit, None, None, {term: position}).inside().items():
            if held.shared.get(other, found) != found:
                raise StanhierError(
                    f"{_WHERE}(groups=...): {groupings[term].levels[position]!r} of '{groupings[term].name}' is in "
                    f"{groupings[other].levels[found]!r} of '{groupings[other].name}'."
                )
