"""What engines share whose draws have the effects of all groups: what follows from these, for rows of any family."""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from stanhier.design.in_memory import InMemoryDesign, rows_of
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Above, Block
from stanhier.engines.multilevel import group_means
from stanhier.engines.multilevel.conditional import ConditionalEngine
from stanhier.engines.multilevel.conditioning import given_all_effects
from stanhier.engines.multilevel.effect_summary import EffectsAbove, summarise_draws
from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.layout import EFFECTS, NOISE, effect_slices
from stanhier.engines.rows import densities, own_effects
from stanhier.engines.rows.given_effects import FamilyRows, GivenEffects
from stanhier.engines.rows.new_effects import drawn_new_effects, linked, new_effects_k
from stanhier.engines.rows.new_levels import drawn_new_levels, with_room
from stanhier.families.family import Family

__all__ = ["ExplicitEngine"]


class ExplicitEngine(ConditionalEngine):
    """An engine that samples the effects of all groups."""

    n_before: tuple[int, ...]
    """Of each factor the number of groups before rows were added; the first are the same."""

    @property
    def family(self) -> Family:
        """How responses vary around the linear predictor."""
        return rows_of(self.rows).family

    def fingerprint(self) -> Iterator[np.ndarray]:
        """Give the rows."""
        rows = rows_of(self.rows)
        yield rows.matrix.ravel()
        yield rows.y
        yield from (one.codes for one in rows.groupings)
        noise = None if rows.row_noise is None else rows.row_noise.values
        yield from (values for values in (noise, rows.offset, rows.trials) if values is not None)

    def predictor_covariance(self) -> np.ndarray | None:
        """Give the covariance matrix of the predictors over the rows, shape (K, K)."""
        return np.atleast_2d(np.cov(rows_of(self.rows).X, rowvar=False))

    def group_weights(self, term: int) -> np.ndarray:
        """Give how much each group says of its own mean, shape (J,): its rows, or the sum of their weights."""
        rows = rows_of(self.rows)
        grouping = rows.groupings[term]
        return np.bincount(grouping.codes, rows.weights, minlength=len(grouping.levels)).astype(float)

    def effects(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Give the draws of effects of groups, deviations from the population, shape (S, G, q)."""
        shape = self.shapes[term]
        own = draws.flat(EFFECTS)[:, effect_slices(self.shapes)[term]]
        return own.reshape(draws.n_draws, shape.n_levels, shape.q)[:, groups]

    def effect_means(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Give the draws of the groups' effects, shape (S, G, q), which have the mean of their conditional means."""
        return self.effects(draws, term, groups)

    def summarise_groups(
        self,
        draws: Draws,
        term: int,
        groups: np.ndarray,
        probabilities: Sequence[float],
        weights: np.ndarray,
        offsets: np.ndarray,
        above: Sequence[Above] = (),
    ) -> np.ndarray:
        """Summarise offset + effects @ weights of groups and what is above, shape (C, 2 + P, G), by their draws."""
        added = EffectsAbove.of(above, lambda other, levels: self.effects(draws, other, levels))
        effects = self.effects(draws, term, groups)
        return summarise_draws(effects, probabilities, weights=weights, offsets=offsets, added=added)

    def given(self, draws: Draws) -> Given:
        """Give what densities of Gaussian rows are conditioned on."""
        return given_all_effects(draws, self.shapes, self.origin)

    def given_effects(self, draws: Draws) -> GivenEffects:
        """Give what densities of rows of other families are conditioned on."""
        given, family = self.given(draws), self.family
        auxiliary = {name: np.full(given.n_draws, value) for name, value in family.fixed.items()}
        auxiliary |= {name: draws.flat(name) for name in family.beside_sigma}
        auxiliary |= {NOISE: given.sigma} if family.has_sigma else {}
        return GivenEffects(family, given.location, given.origin, auxiliary, given.factors, given.effects)

    def row_densities(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give log densities of rows, block by block: given the other rows of their group, or given all effects."""
        if self.family.is_gaussian:
            return super().row_densities(design, draws)
        return densities.row_densities(design, self.given_effects(draws))

    def set_densities(
        self,
        design: InMemoryDesign,
        codes: np.ndarray,
        n_sets: int,
        draws: Draws,
        *,
        known: Sequence[np.ndarray] | None = None,
    ) -> Iterator[Block]:
        """Give log densities of sets of rows, of a model with groups of those of a factor."""
        if self.family.is_gaussian:
            return super().set_densities(design, codes, n_sets, draws, known=known)
        return densities.set_densities(design, codes, n_sets, self.given_effects(draws), known)

    def integration_k(
        self,
        design: InMemoryDesign,
        codes: np.ndarray,
        n_sets: int,
        draws: Draws,
        *,
        known: Sequence[np.ndarray] | None = None,
    ) -> np.ndarray:
        """Give Pareto k of the importance sampling by which `set_densities` integrates effects out, shape (n_sets,).

        It is nan where effects are integrated out in closed form or by quadrature, or none are.
        """
        if self.family.is_gaussian:
            return super().integration_k(design, codes, n_sets, draws, known=known)
        some = draws.only(densities.draws_for_k(draws.n_draws))
        return densities.integration_k(design, codes, n_sets, self.given_effects(some), known)

    def held_out_densities(self, design: InMemoryDesign, codes: Sequence[np.ndarray], draws: Draws) -> np.ndarray:
        """Give the log posterior mean density of rows that the draws have not seen, shape (N,)."""
        if self.family.is_gaussian:
            return super().held_out_densities(design, codes, draws)
        return densities.held_out_densities(design, codes, self.given_effects(draws))

    def log_density_of_new(self, before: Self, new_rows: InMemoryDesign, draws: Draws) -> np.ndarray:
        """Give the log density, shape (S,), of rows that this engine has seen and `before`, whose draws these are, not.

        The effects of groups that have no rows before are integrated out.
        """
        known = [
            np.where(np.arange(len(one.levels)) < shape.n_levels, np.arange(len(one.levels)), -1)
            for one, shape in zip(new_rows.groupings, before.shapes, strict=True)
        ]
        if self.family.is_gaussian:
            codes = np.zeros(new_rows.n_rows, dtype=int)
        else:
            new = [
                np.where(of[one.codes] < 0, one.codes, -1) for of, one in zip(known, new_rows.groupings, strict=True)
            ]
            codes = linked(new)
        blocks = before.set_densities(new_rows, codes, int(codes.max()) + 1, draws, known=known)
        return np.asarray(np.concatenate([left_out for _, left_out, _ in blocks], axis=1).sum(axis=1))

    def completed(self, draws: Draws) -> Draws:
        """Give draws of fewer rows, weighted for all, with the effects of new groups drawn given all rows."""
        roomy = with_room(draws, self.shapes, self.n_before)
        if self.family.is_gaussian:
            return drawn_new_levels(roomy, rows_of(self.rows), self.given(roomy), self.shapes, self.n_before)
        return drawn_new_effects(roomy, self._new_rows, self.given_effects(roomy), self.shapes, self.n_before)

    def completion_k(self, draws: Draws) -> np.ndarray:
        """Give Pareto k of the importance sampling by which `completed` draws effects; none of Gaussian responses."""
        if self.family.is_gaussian:
            return np.empty(0)
        some = with_room(draws.only(densities.draws_for_k(draws.n_draws)), self.shapes, self.n_before)
        return new_effects_k(self._new_rows, self.given_effects(some), self.n_before)

    @property
    def _new_rows(self) -> InMemoryDesign:
        """The rows of groups that came after the draws were made."""
        rows = rows_of(self.rows)
        new = [one.codes >= before for one, before in zip(rows.groupings, self.n_before, strict=True)]
        return rows.take(np.any(new, axis=0))

    def own_effects(self, draws: Draws, term: int) -> np.ndarray:
        """Give what each group's rows alone say of its effects, shape (J, q); nan where they do not tell."""
        if self.family.is_gaussian:
            return group_means.own_effects(rows_of(self.rows), self.given(draws), term)
        family, rows = self.summed()
        return own_effects.own_effects(family, rows, self.given_effects(draws), term)

    def summed(self) -> tuple[Family, FamilyRows]:
        """Give the rows, or distinct ones with sums, and the family of these."""
        return self.family, rows_of(self.rows)
