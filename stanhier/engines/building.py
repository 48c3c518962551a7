"""From a formula and data to a regression: the engine is chosen here, and nowhere else."""

from collections.abc import Mapping
from typing import Any

from stanhier.basics.errors import DataError, FormulaError
from stanhier.basics.magnitudes import in_double_precision
from stanhier.basics.threads import one_blas_thread
from stanhier.basics.words import quoted
from stanhier.design.blocks import Reducer
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.design.streamed import design_of
from stanhier.engines.default_priors import ColumnMoments
from stanhier.engines.gaussian.engine import GaussianEngine
from stanhier.engines.gaussian.reducer import GaussianReducer
from stanhier.engines.identified import refuse_unidentified
from stanhier.engines.multilevel.engine import MultilevelEngine
from stanhier.engines.multilevel.reducer import MultilevelReducer
from stanhier.engines.multilevel.sizes import many_effects, many_numbers
from stanhier.engines.prior_choice import choose_priors
from stanhier.engines.regression import Regression, parameters_of
from stanhier.engines.textbook.engine import TextbookEngine
from stanhier.families.noise import Noise
from stanhier.formula.parse import ParsedFormula

__all__ = ["build", "reducer_of"]


def reducer_of(formula: ParsedFormula) -> Reducer[Any, Any]:
    """Give what is made of rows while they are gone over: it belongs to the engine that the formula's structure has."""
    kind = GaussianReducer if _is_simple(formula) else MultilevelReducer
    return kind(formula.has_intercept)


def build(
    formula: ParsedFormula,
    data: Any,
    *,
    priors: Mapping[str, Any] | None,
    sigma: float | None,
    se: str | Any | None,
    own_intercepts: bool,
) -> Regression:
    """Build a regression.

    Parameters
    ----------
    formula : ParsedFormula
    data : object
        As `design_of` takes it.
    priors : mapping or None
        By parameter name.
    sigma, se
        As `Noise.of` takes them.
    own_intercepts : bool
        Whether the groups' intercepts are parameters themselves.

    Returns
    -------
    Regression

    Raises
    ------
    FormulaError
        If there is nothing to estimate, or the formula cannot be evaluated.
    DataError
        If a column is missing or cannot be used; if columns are collinear with flat priors; if the groups of a factor
        cannot tell its effects; if rows that are not in memory have a structure too large to be integrated out.
    PriorError
        If a prior does not fit its parameter.
    """
    noise, reducer = Noise.of(sigma, se), reducer_of(formula)
    with one_blas_thread():
        design = design_of(formula, data, reducer, se=se)
        with in_double_precision(formula.text):
            simple = _is_simple(formula)
            too_large = None if simple else many_effects(design)
            if too_large is None:
                reduced = design.reduce(reducer)
                moments = ColumnMoments(reduced.mean, reduced.sd)
                too_large = None if simple else many_numbers(design, reduced)
            else:
                rows = _in_memory(design, too_large)
                moments = ColumnMoments.of(rows.matrix, rows.y)
            refuse_unidentified(design, moments, own_intercepts=own_intercepts)
            parameters = parameters_of(design, noise, own_intercepts=own_intercepts)
            chosen = choose_priors(priors, design, parameters, moments)
            if not chosen.by_name:
                raise FormulaError(f"{quoted(formula.text)} with a known sigma leaves nothing to estimate.")
            engine: Any
            if too_large is not None:
                engine = TextbookEngine.of(_in_memory(design, too_large), chosen, noise, too_large=too_large)
            else:
                kind: Any = GaussianEngine if simple else MultilevelEngine
                engine = kind.of(design, reduced, chosen, noise)
    return Regression(design, noise, chosen, engine, own_intercepts, (design.n_rows,))


def _is_simple(formula: ParsedFormula) -> bool:
    """Tell whether nothing varies by group, or one intercept around that of the population."""
    return not formula.terms or (formula.group is not None and formula.has_intercept)


def _in_memory(design: Design, too_large: str) -> InMemoryDesign:
    """Refuse a structure that is too large for the fast engine of rows that no other engine takes."""
    if not isinstance(design, InMemoryDesign):
        raise DataError(too_large)
    return design
