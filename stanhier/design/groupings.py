"""Grouping factors with their levels, and the groups of new data among these."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.data.factors import factor_codes
from stanhier.data.groups import group_name
from stanhier.data.kinds import kind_of_labels
from stanhier.data.libraries import Library
from stanhier.data.missing import rows_without
from stanhier.design.absent import refuse_nul
from stanhier.design.columns import CONSTANT, FactorEffects

__all__ = ["Grouping", "NewGroups", "levels_above", "new_groups"]


@dataclass(frozen=True)
class Grouping(FactorEffects):
    """A grouping factor: labels become codes once, and stay as coordinates.

    Attributes
    ----------
    levels : pandas.Index, length J
        Labels, sorted (a categorical keeps its own order); only those that occur. Of several columns text such as
        "north:3".
    """

    levels: pd.Index

    def __post_init__(self) -> None:
        refuse_nul(self.levels, self.name)

    @property
    def n_effects(self) -> int:
        """How many effects a group has, q."""
        return len(self.effects)

    def effect_matrix(self, columns: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """Give what the effects are multiplied by, shape (N, q), from the columns of a design, shape (N, K + E).

        With positions, shape (n,), it is that of these rows, (n, q).
        """
        rows = slice(None) if positions is None else positions
        matrix = np.ones((len(columns if positions is None else positions), self.n_effects))
        for k, column in enumerate(self.columns):
            if column != CONSTANT:
                matrix[:, k] = columns[rows, column]
        return matrix


def levels_above(inner: Grouping, outer: Grouping) -> np.ndarray | None:
    """Find by the labels of combinations in which level of another factor each lies, "north:3" in "north".

    Returns
    -------
    numpy.ndarray of int, shape (J,), or None
        None where the columns of the one are not among those of the other, or labels with colons of their own leave it
        open.
    """
    if not set(outer.factors) < set(inner.factors):
        return None
    places = [inner.factors.index(name) for name in outer.factors]
    parts = [str(label).split(":") for label in inner.levels]
    if any(len(one) != len(inner.factors) for one in parts):
        return None
    names = map(group_name if len(outer.factors) == 1 else str, outer.levels)
    known = {name: k for k, name in enumerate(names)}
    found = np.array([known.get(":".join(one[place] for place in places), -1) for one in parts])
    return None if (found < 0).any() else found


@dataclass(frozen=True)
class NewGroups:
    """The groups of new data by one factor.

    Attributes
    ----------
    codes : numpy.ndarray of int, shape (N,)
        Positions of the groups; J and beyond are new groups, in the order of `new_levels`.
    new_levels : pandas.Index
        Groups that the fit has not seen.
    unlabelled : numpy.ndarray of int
        Positions of the rows whose label is missing, each of which is a new group of its own, behind `new_levels`.
    """

    codes: np.ndarray
    new_levels: pd.Index
    unlabelled: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def new_groups(frame: pd.DataFrame, grouping: Grouping, library: Library, first: int) -> NewGroups:
    """Find the groups of new rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the columns of the factor.
    grouping : Grouping
    library : Library
        What holds the user's data, for messages.
    first : int
        Position of the first row, where these are a block of more.

    Raises
    ------
    DataError
        If the labels are of another kind than those of the fit, or are none.
    """
    unlabelled = rows_without(frame, grouping.factors)
    codes = np.empty(len(frame), dtype=np.int64)
    if len(unlabelled) == len(frame):
        codes[:] = len(grouping.levels) + np.arange(len(frame))
        return NewGroups(codes, pd.Index([]), first + unlabelled)
    named = np.ones(len(frame), dtype=bool)
    named[unlabelled] = False
    local, levels = factor_codes(frame if named.all() else frame[named], grouping.factors, library)
    if len(grouping.factors) == 1:
        _refuse_other_kind(levels, grouping)
    positions = np.asarray(grouping.levels.get_indexer(levels))
    unseen = positions < 0
    positions[unseen] = len(grouping.levels) + np.arange(unseen.sum())
    codes[named] = positions[local]
    codes[unlabelled] = len(grouping.levels) + unseen.sum() + np.arange(len(unlabelled))
    return NewGroups(codes, levels[unseen], first + unlabelled)


def _refuse_other_kind(labels: pd.Index, group: Grouping) -> None:
    here, before = kind_of_labels(labels), kind_of_labels(group.levels)
    if here != before:
        raise DataError(
            f"Column '{group.name}' holds {here} here (such as {labels[0]!s:.40}), but held {before} (such as "
            f"{group.levels[0]!s:.40}) when the model was made, so that no group would be known; convert it."
        )
