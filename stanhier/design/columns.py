"""The columns of a design: the predictors of the population, and what varies by group besides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.formula import SimpleFormula

from stanhier.design.encoding import evaluate, learn_spec, plain_columns, predictor_names, without_intercept
from stanhier.formula.factors import factor_name
from stanhier.formula.formulaic_parts import columns_of_terms
from stanhier.formula.parse import ParsedFormula

__all__ = ["CONSTANT", "INTERCEPT", "Columns", "FactorEffects", "arranged", "columns_of", "sides_of"]

INTERCEPT = "Intercept"
CONSTANT = -1
"""The position that stands for a column of ones, which no design holds."""


@dataclass(frozen=True)
class FactorEffects:
    """What varies by one factor.

    Attributes
    ----------
    factors : tuple of str
        The columns whose labels, together, tell groups apart.
    effects : tuple of str, length q
        "Intercept", or names of columns.
    columns : tuple of int, length q
        Their positions among the columns of the design; `CONSTANT` of the intercept.
    blocks : tuple of int
        Lengths of consecutive runs of effects: those of a run are correlated with each other alone.
    """

    factors: tuple[str, ...]
    effects: tuple[str, ...]
    columns: tuple[int, ...]
    blocks: tuple[int, ...]

    @property
    def name(self) -> str:
        """The factor's name: that of its column, or of several joined with colons."""
        return factor_name(self.factors)


@dataclass(frozen=True)
class Columns:
    """How rows become the columns of a design, as learnt from the data of the fit.

    Attributes
    ----------
    specs : tuple of formulaic.ModelSpec
        Of the population's predictors, then of each grouping term in which more than intercepts vary.
    predictors : tuple of str, length K
        Of the population, no intercept column.
    extra : tuple of str, length E
        Effects that are none of them.
    sources : tuple of (int, int), length E
        For each of these a spec and the position of its column there.
    """

    specs: tuple[ModelSpec, ...]
    predictors: tuple[str, ...]
    extra: tuple[str, ...]
    sources: tuple[tuple[int, int], ...]

    @property
    def n_columns(self) -> int:
        """K + E."""
        return len(self.predictors) + len(self.extra)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return (*self.predictors, *self.extra)

    @property
    def population(self) -> "Columns":
        """The predictors of the population alone."""
        return Columns(self.specs[:1], self.predictors, (), ())

    def plain(self, frame: pd.DataFrame) -> list[np.ndarray] | None:
        """Give the columns of a frame that these are, where each is just a numeric one; None otherwise."""
        found = [plain_columns(spec, frame) for spec in self.specs]
        if any(columns is None for columns in found):
            return None
        by_spec = [columns for columns in found if columns is not None]
        return [*by_spec[0], *(by_spec[spec][position] for spec, position in self.sources)]

    def made_of(self, formula: ParsedFormula) -> list[frozenset[str]]:
        """Give for each column the columns of the data that it is made of."""
        by_spec = []
        for spec in self.specs:
            found: dict[int, frozenset[str]] = {}
            for parts, places in zip(columns_of_terms(spec.term_indices), spec.term_indices.values(), strict=True):
                used = [formula.expressions[text].columns if python else {text} for text, python in parts]
                found |= dict.fromkeys(places, frozenset[str]().union(*used))
            by_spec.append([found[k] for k, name in enumerate(spec.column_names) if name != INTERCEPT])
        return [*by_spec[0], *(by_spec[spec][position] for spec, position in self.sources)]

    def evaluate(self, frame: pd.DataFrame, formula: ParsedFormula, *, are_all: bool = True) -> np.ndarray:
        """Encode rows, shape (N, K + E)."""
        used = {0, *(spec for spec, _ in self.sources)}
        made = {
            spec: without_intercept(evaluate(self.specs[spec], frame, formula, are_all=are_all))
            if self.specs[spec].column_names
            else np.empty((len(frame), 0))
            for spec in sorted(used)
        }
        if not self.sources:
            return made[0]
        return np.column_stack([made[0], *(made[spec][:, position] for spec, position in self.sources)])


def columns_of(
    formula: ParsedFormula, frame: pd.DataFrame, *, are_all: bool = True
) -> tuple[Columns, tuple[FactorEffects, ...]]:
    """Learn from rows how the right-hand side of a formula and its grouping terms are encoded.

    Parameters
    ----------
    formula : ParsedFormula
    frame : pandas.DataFrame
        Cleaned columns; one row is enough where each expression works row by row.
    are_all : bool
        Whether the rows are those of the user, and not examples of them.

    Returns
    -------
    Columns, tuple of FactorEffects
        The latter one for each factor, in the order of the formula.

    Raises
    ------
    DataError
        If there would be too many columns, or two of the same name.
    FormulaError
        If an expression cannot be evaluated.
    """
    some = frame.iloc[:1] if are_all and formula.is_row_by_row else frame
    return arranged(formula, [learn_spec(side, some, formula, are_all=are_all) for side in sides_of(formula)])


def sides_of(formula: ParsedFormula) -> list[SimpleFormula]:
    """List what has columns: the predictors of the population, then each term in which more than intercepts vary."""
    return [formula.common.rhs, *(term.effects for term in formula.terms if not term.is_intercept)]


def arranged(formula: ParsedFormula, specs: Sequence[ModelSpec]) -> tuple[Columns, tuple[FactorEffects, ...]]:
    """Give effects their columns: those of the population where these are the same, else columns of their own.

    Parameters
    ----------
    formula : ParsedFormula
    specs : sequence of formulaic.ModelSpec
        Of its `sides_of`.
    """
    predictors = predictor_names(specs[0])
    positions = {name: position for position, name in enumerate(predictors)}
    extra: list[str] = []
    sources: list[tuple[int, int]] = []
    by_factor: dict[tuple[str, ...], FactorEffects] = {}
    next_spec = 1
    for term in formula.terms:
        names: tuple[str, ...] = ()
        if not term.is_intercept:
            names = predictor_names(specs[next_spec])
            for place, name in enumerate(names):
                if name not in positions:
                    positions[name] = len(predictors) + len(extra)
                    extra.append(name)
                    sources.append((next_spec, place))
            next_spec += 1
        effects = ((INTERCEPT,) if term.has_intercept else ()) + names
        before = by_factor.get(term.factors, FactorEffects(term.factors, (), (), ()))
        by_factor[term.factors] = FactorEffects(
            term.factors,
            before.effects + effects,
            before.columns + tuple(CONSTANT if name == INTERCEPT else positions[name] for name in effects),
            before.blocks + ((len(effects),) if term.correlated else (1,) * len(effects)),
        )
    return Columns(tuple(specs), predictors, tuple(extra), tuple(sources)), tuple(by_factor.values())
