"""Draws of the linear predictor, the mean or a new response of rows, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stanhier.design.columns import CONSTANT
from stanhier.design.groupings import NewGroups
from stanhier.design.new_rows import NewRows
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_GROUPS, BLOCK_VALUES
from stanhier.engines.regression import Regression
from stanhier.posterior.predictable import check_rows
from stanhier.posterior.row_streams import Streams, label_position

__all__ = ["RowDraws", "auxiliary_draws", "drawn_effects", "row_draws"]

_RESPONSE, _NEW_GROUP, _NO_LABEL = 0x72, 0x6E, 0x75
_KEPT_VALUES = 1 << 22
"""Draws of effects that are kept from block to block, at most (32 MB for each factor)."""


@dataclass(frozen=True)
class RowDraws:
    """Draws of rows, of any of which they can be asked for, also by several threads at once.

    Each row's response and each new group has random numbers of its own, so that the size of the blocks and the other
    rows change nothing.

    Parameters
    ----------
    model : Regression
    draws : Draws
    rows : NewRows
    kind : {"mean", "response", "linear"}
    seed : int
        Of the random numbers of new groups and responses.
    keep : numpy.ndarray of int, optional
        Positions of the draws that are wanted; all where not given.
    """

    model: Regression
    draws: Draws
    rows: NewRows
    kind: str
    seed: int
    keep: np.ndarray | None = None

    @property
    def size(self) -> int:
        """How many draws each row has."""
        return self.draws.n_draws if self.keep is None else len(self.keep)

    def parts(self) -> list[np.ndarray]:
        """Give the positions of the rows block by block, those of a group together."""
        step = max(1, BLOCK_VALUES // max(self.draws.n_draws, 1))
        if not self.rows.groups:
            return np.split(np.arange(self.rows.n_rows), range(step, self.rows.n_rows, step))
        # Effects of the factor with most groups take longest to draw: they should be drawn once.
        codes = sorted((groups.codes for groups in self.rows.groups), key=lambda one: int(one.max(initial=0)))
        order = np.lexsort(codes)
        together = np.flatnonzero(np.diff(codes[-1][order] // BLOCK_GROUPS)) + 1
        parts, start = [], 0
        while start < len(order):
            end = start + step
            before = together[: np.searchsorted(together, end, side="right")]
            if end < len(order) and len(before) and before[-1] > start:
                end = int(before[-1])
            parts.append(order[start:end])
            start = end
        return parts

    def block(self, part: np.ndarray) -> np.ndarray:
        """Give the draws of some rows by their positions, shape (n, S): those of a row side by side."""
        values = np.ascontiguousarray(self.model.engine.linear(self.draws, self.rows.X[part], self.keep).T)
        for term in range(len(self.rows.groups)):
            self._add_effects(term, part, values)
        if self.rows.offset is not None:
            values += self.rows.offset[part, None]
        if self.kind == "mean":
            values = self.model.family.mean(values)
        elif self.kind == "response":
            values = self._responses(part, values)
        if self.rows.missing is not None:
            values[self.rows.missing[part]] = np.nan
        return values

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the draws block by block, the rows of a group together.

        Yields
        ------
        numpy.ndarray of int, shape (n,)
            Positions of the rows.
        numpy.ndarray, shape (S, n) or (len(keep), n)
        """
        for part in self.parts():
            yield part, self.block(part).T

    def collected(self) -> np.ndarray:
        """Give the draws of all rows in one array, shape (S, N) or (len(keep), N)."""
        values = np.empty((self.size, self.rows.n_rows))
        for part, block in self.blocks():
            values[:, part] = block
        return values

    def _add_effects(self, term: int, part: np.ndarray, values: np.ndarray) -> None:
        """Add what the groups of a factor have of their own: group by group, since its rows share the draws."""
        grouping, columns = self.model.design.groupings[term], self.rows.columns[part]
        codes, inverse = np.unique(self.rows.groups[term].codes[part], return_inverse=True)
        known = self._known_effects[term]
        effects = self._effects(term, codes) if known is None else known[1][np.searchsorted(known[0], codes)]
        order = np.argsort(inverse, kind="stable")
        in_order = bool((inverse[1:] >= inverse[:-1]).all())
        ends = np.cumsum(np.bincount(inverse, minlength=len(codes)))
        start = 0
        for own, end in zip(effects, ends.tolist(), strict=True):
            where = slice(start, end) if in_order else order[start:end]
            for effect, column in zip(own, grouping.columns, strict=True):
                values[where] += effect if column == CONSTANT else columns[where, column, None] * effect
            start = end

    @cached_property
    def _known_effects(self) -> list[tuple[np.ndarray, np.ndarray] | None]:
        """The groups of each factor with their effects, where these are so few that they are drawn once."""
        found: list[tuple[np.ndarray, np.ndarray] | None] = []
        for term, groups in enumerate(self.rows.groups):
            codes = np.unique(groups.codes)
            values = len(codes) * self.model.design.groupings[term].n_effects * self.size
            found.append((codes, self._effects(term, codes)) if values <= _KEPT_VALUES else None)
        return found

    def _effects(self, term: int, codes: np.ndarray) -> np.ndarray:
        """Give the effects of groups, shape (G, q, S)."""
        effects = drawn_effects(self.model, self.draws, term, codes, self.rows.groups[term], self.seed)
        return np.ascontiguousarray((effects if self.keep is None else effects[self.keep]).transpose(1, 2, 0))

    @cached_property
    def _auxiliary(self) -> dict[str, np.ndarray]:
        return auxiliary_draws(self.model, self.draws, self.keep)

    def _responses(self, part: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Draw new observations around linear predictors, each row's from its own stream of random numbers."""
        rows, family, streams = self.rows, self.model.family, Streams(self.seed, _RESPONSE)
        for own, row in zip(values, part.tolist(), strict=True):
            auxiliary = self._auxiliary
            if rows.row_noise is not None:
                auxiliary = auxiliary | {"sigma": auxiliary["sigma"] * rows.row_noise.take(row).relative_sds}
            trials = None if rows.trials is None else rows.trials[row]
            own[:] = family.draw(streams.at(rows.first + row), own, auxiliary, trials)
        return values


def row_draws(
    model: Regression,
    draws: Draws,
    rows: NewRows,
    *,
    kind: str,
    new_groups: str,
    seed: int,
    keep: np.ndarray | None = None,
) -> RowDraws:
    """Give the draws of rows, once these have what the prediction needs.

    Parameters
    ----------
    model, draws, rows, kind, seed, keep
        As `RowDraws` has them.
    new_groups : {"error", "sample"}
        Whether a group that the fit has not seen is an error, or has its effect drawn from the population: one effect
        per draw and group, shared by the rows of that group. Of rows without groups the population is predicted.

    Raises
    ------
    DataError
        If there are new groups and they are errors, or standard errors, weights, offsets or numbers of trials are
        needed and missing.
    """
    check_rows(model, rows, kind=kind, new_groups=new_groups)
    return RowDraws(model, draws, rows, kind, seed, keep)


def auxiliary_draws(model: Regression, draws: Draws, keep: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Give what the distribution of responses has beside the linear predictor, each of shape (S,)."""
    values = {name: draws.flat(name) for name in model.family.beside_sigma}
    values |= {name: np.full(draws.n_draws, value) for name, value in model.family.fixed.items()}
    values = values if keep is None else {name: one[keep] for name, one in values.items()}
    return values | ({"sigma": model.engine.noise_scale(draws, keep)} if model.family.has_sigma else {})


def drawn_effects(
    model: Regression, draws: Draws, term: int, codes: np.ndarray, groups: NewGroups, seed: int
) -> np.ndarray:
    """Give the effects of known and new groups of a factor by their codes, which rise, shape (S, G, q)."""
    grouping = model.design.groupings[term]
    n_known, q = len(grouping.levels), grouping.n_effects
    known, new = codes[codes < n_known], codes[codes >= n_known] - n_known
    if len(known) == len(codes):
        return model.engine.effects(draws, term, known)
    effects = np.empty((len(codes), q, draws.n_draws))
    if len(known):
        effects[: len(known)] = model.engine.effects(draws, term, known).transpose(1, 2, 0)
    labelled, unlabelled = Streams(seed, _NEW_GROUP, term), Streams(seed, _NO_LABEL, term)
    n_labels = len(groups.new_levels)
    for own, position in zip(effects[len(known) :], new.tolist(), strict=True):
        if position < n_labels:
            stream = labelled.at(*label_position(groups.new_levels[position]))
        else:
            stream = unlabelled.at(int(groups.unlabelled[position - n_labels]))
        own[:] = model.engine.new_effects(draws, term, stream.standard_normal((draws.n_draws, q))).T
    return effects.transpose(2, 0, 1)
