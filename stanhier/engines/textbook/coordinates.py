"""From the variables of a textbook program to draws by the names that engines of several factors share."""

from dataclasses import dataclass

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.basics.spacing import evenly
from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.layout import (
    COR,
    EFFECTS,
    LOCATION,
    NOISE,
    SD,
    TermShape,
    block_pairs,
    cor_slices,
    correlation_matrices,
    effect_slices,
    sd_slices,
)
from stanhier.engines.parameters import Inventory, Role
from stanhier.engines.textbook.description import Description
from stanhier.engines.textbook.names import ProgramNames, TermNames, names_of
from stanhier.families.noise import Noise
from stanhier.stan.nuts import RawDraws

__all__ = ["MOST_EFFECTS", "NUTS_ALONE", "TextbookCoordinates"]

MOST_EFFECTS = 1000
"""Effects that diagnostics look at."""
NUTS_ALONE = (
    "The textbook engine draws with sample() alone; optimize() and the approximations are those of the model's own "
    "engine: make the model anew for them."
)


@dataclass(frozen=True)
class TextbookCoordinates:
    """Where the numbers of a program stand in `Draws.values`.

    The location is [alpha, beta], the intercept at predictors of 0: the origin is 0.

    Attributes
    ----------
    parameters : Inventory
        Those that all groups share.
    shapes : tuple of TermShape
    names : ProgramNames
    noise : Noise
    n_location : int
        P: the slopes, and one more with an intercept.
    around_zero : bool
        Whether effects are deviations from the population already; else they are the intercepts of the groups.
    """

    parameters: Inventory
    shapes: tuple[TermShape, ...]
    names: ProgramNames
    noise: Noise
    n_location: int
    around_zero: bool

    @classmethod
    def of(cls, description: Description, parameters: Inventory) -> "TextbookCoordinates":
        """Find the way back from the draws of a description's program."""
        return cls(
            parameters.without_effects(),
            tuple(description.shapes),
            names_of(description),
            description.noise,
            len(description.predictors) + int(description.intercept is not None),
            description.template != "varying_intercept",
        )

    @property
    def layout(self) -> dict[str, tuple[int, ...]]:
        """The shape that each draw of each array has."""
        sizes = {
            SD: sum(shape.q for shape in self.shapes),
            COR: sum(shape.n_correlations for shape in self.shapes),
            EFFECTS: sum(shape.n_effects for shape in self.shapes),
        }
        single: dict[str, tuple[int, ...]] = dict.fromkeys(
            ([] if self.noise.kind == "none" else [NOISE]) + self.auxiliary, ()
        )
        return {LOCATION: (self.n_location,)} | single | {name: (size,) for name, size in sizes.items() if size}

    @property
    def auxiliary(self) -> list[str]:
        """Names of what else the distribution of responses has."""
        return [parameter.name for parameter in self.parameters.all_of(Role.AUXILIARY)]

    @property
    def positive(self) -> frozenset[str]:
        """Names of the scales."""
        return frozenset(self.layout) & {NOISE, SD, *self.auxiliary}

    def mode(self, raw: RawDraws) -> Draws:  # noqa: ARG002 - of the protocol
        """Refuse, as the engine does before anything runs.

        Raises
        ------
        StanhierError
            Always.
        """
        raise StanhierError(NUTS_ALONE)

    def draws(self, raw: RawDraws) -> Draws:
        """Gather the program's variables.

        Raises
        ------
        StanhierError
            If these are no draws of all of them: of an approximation in place of NUTS.
        """
        if not raw.variables:
            raise StanhierError(NUTS_ALONE)
        shape = next(iter(raw.statistics.values())).shape
        empty = np.empty((*shape, 0))
        found, terms = raw.variables, list(zip(self.shapes, self.names.terms, strict=True))
        intercept = found.get(self.names.intercept)
        location = [empty if intercept is None else intercept[..., None], found.get("beta", empty)]
        known = self.noise.unit
        values = {LOCATION: np.concatenate(location, axis=-1)}
        if self.noise.kind != "none":
            values[NOISE] = np.full(shape, known) if known is not None else np.ascontiguousarray(found["sigma"])
        values |= {name: np.ascontiguousarray(found[name]) for name in self.auxiliary}
        if terms:
            values[SD] = np.concatenate([found[own.sd].reshape(*shape, term.q) for term, own in terms], axis=-1)
            correlations = [found[name] for _, own in terms for name in own.correlations]
            if correlations:
                values[COR] = np.concatenate([_below_diagonal(matrices) for matrices in correlations], axis=-1)
            effects = [found[own.effect].reshape(*shape, term.n_effects) for term, own in terms]
            if not self.around_zero:
                effects = [own - location[0] for own in effects]
            values[EFFECTS] = np.concatenate(effects, axis=-1)
        return Draws.of(raw, values)

    def sampled(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give location, standard deviations, correlations, sigma and effects, number by number.

        They are called as in the program, and counted from 1: `effect_subject[3,2]` is the second effect of the third
        level. Of more than 1,000 effects these are 1,000, chosen evenly.
        """
        names = [name for parameter in self.parameters.location for name in parameter.scalar_names]
        numbers = {name: draws.values[LOCATION][..., k] for k, name in enumerate(names)}
        for shape, own, sd, cor in self._by_term(draws):
            numbers |= {f"{own.sd}[{k + 1}]" if shape.q > 1 else own.sd: sd[..., k] for k in range(shape.q)}
            sizes = [size for size in shape.blocks if size > 1]
            pairs = [
                f"{name}[{i + 1},{j + 1}]"
                for name, size in zip(own.correlations, sizes, strict=True)
                for i, j in block_pairs([size])
            ]
            numbers |= {pair: cor[..., k] for k, pair in enumerate(pairs)}
        if self.noise.is_estimated:
            numbers["sigma"] = draws.values[NOISE]
        numbers |= {name: draws.values[name] for name in self.auxiliary}
        return numbers | self._some_effects(draws)

    def population(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the parameters in the order of the inventory."""
        location, first = draws.values[LOCATION], int(self.parameters.has_intercept)
        by_term = self._by_term(draws)
        values: dict[str, np.ndarray] = {}
        for parameter in self.parameters:
            term = parameter.term or 0
            if parameter.role is Role.INTERCEPT:
                values[parameter.name] = location[..., 0]
            elif parameter.role is Role.SLOPES:
                values[parameter.name] = location[..., first:]
            elif parameter.role is Role.NOISE:
                values[parameter.name] = draws.values[NOISE]
            elif parameter.role is Role.AUXILIARY:
                values[parameter.name] = draws.values[parameter.name]
            elif parameter.role is Role.GROUP_SD:
                values[parameter.name] = by_term[term][2].reshape(*draws.shape, *parameter.shape)
            else:
                cor = by_term[term][3].reshape(draws.n_draws, -1)
                matrices = correlation_matrices(cor, self.shapes[term].blocks)
                values[parameter.name] = matrices.reshape(*draws.shape, *parameter.shape)
        return values

    def _by_term(self, draws: Draws) -> list[tuple[TermShape, TermNames, np.ndarray, np.ndarray]]:
        """Give the standard deviations and correlations of each term, shape (chains, draws, q) and (.., c)."""
        if not self.shapes:
            return []
        sd = draws.values[SD]
        cor = draws.values.get(COR, sd[..., :0])
        parts = zip(self.shapes, self.names.terms, sd_slices(self.shapes), cor_slices(self.shapes), strict=True)
        return [(shape, own, sd[..., of_sd], cor[..., of_cor]) for shape, own, of_sd, of_cor in parts]

    def _some_effects(self, draws: Draws) -> dict[str, np.ndarray]:
        if not self.shapes:
            return {}
        effects, parts = draws.values[EFFECTS], effect_slices(self.shapes)
        size = effects.shape[-1]
        numbers = {}
        for k in evenly(size, MOST_EFFECTS).tolist():
            term = next(t for t, part in enumerate(parts) if k < part.stop)
            level, effect = divmod(k - parts[term].start, self.shapes[term].q)
            index = f"{level + 1},{effect + 1}" if self.shapes[term].q > 1 else f"{level + 1}"
            numbers[f"{self.names.terms[term].effect}[{index}]"] = effects[..., k]
        return numbers


def _below_diagonal(matrices: np.ndarray) -> np.ndarray:
    """Give the entries (1, 0), (2, 0), (2, 1) .. of symmetric matrices, shape (.., c) from (.., q, q)."""
    rows, columns = np.tril_indices(matrices.shape[-1], -1)
    return matrices[..., rows, columns]
