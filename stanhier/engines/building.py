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
from stanhier.design.memory import refuse_beyond_memory
from stanhier.design.streamed import design_of
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.engine import Engine
from stanhier.engines.gaussian.engine import GaussianEngine
from stanhier.engines.gaussian.reducer import GaussianReducer
from stanhier.engines.identified import refuse_unidentified
from stanhier.engines.multilevel.engine import MultilevelEngine
from stanhier.engines.multilevel.reducer import MultilevelReducer
from stanhier.engines.multilevel.sizes import many_effects, many_numbers
from stanhier.engines.prior_choice import choose_priors
from stanhier.engines.propriety import refuse_untold_sds
from stanhier.engines.regression import Regression, parameters_of
from stanhier.engines.rows.engine import RowsEngine
from stanhier.engines.rows.reducer import CellsReducer, SummedRows
from stanhier.engines.separation import refuse_separated
from stanhier.engines.told_apart import factors_of_rows, refuse_same_effects
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN, family_of
from stanhier.families.noise import Noise
from stanhier.formula.parse import ParsedFormula
from stanhier.priors.numbers import GAMMA, LOG_NORMAL

__all__ = ["build", "reducer_of"]


def reducer_of(formula: ParsedFormula, family: Family = GAUSSIAN) -> Reducer[Any, Any]:
    """Give what is made of rows while they are gone over: it belongs to the engine that structure and family have."""
    if not family.is_gaussian:
        return CellsReducer(family)
    kind = GaussianReducer if _is_simple(formula) else MultilevelReducer
    return kind(formula.has_intercept)


def build(
    formula: ParsedFormula,
    data: Any,
    *,
    priors: Mapping[str, Any] | None,
    sigma: float | None,
    own_intercepts: bool,
    se: str | Any | None = None,
    weights: str | Any | None = None,
    family: str | Family = "gaussian",
    trials: str | int | Any | None = None,
    offset: str | Any | None = None,
    missing: str = "error",
) -> Regression:
    """Build a regression.

    Parameters
    ----------
    formula : ParsedFormula
    data : object
        As `design_of` takes it.
    priors : mapping or None
        By parameter name.
    sigma, se, weights
        As `Noise.of` takes them.
    own_intercepts : bool
        Whether the groups' intercepts are parameters themselves.
    family : str or Family
        As `family_of` takes it.
    trials, offset, missing
        As `build_design` takes them.

    Returns
    -------
    Regression

    Raises
    ------
    FormulaError
        If there is nothing to estimate, or the formula cannot be evaluated; if there is no such family.
    DataError
        If a column is missing or cannot be used; if columns are collinear with flat priors; if the groups of a factor
        cannot tell its effects; if the response does not suit the family; if rows that are not in memory have a
        structure, family or prior that takes the rows one by one.
    PriorError
        If a prior does not fit its parameter, or flat ones give an improper posterior.
    """
    kind_of_response = family_of(family)
    noise, reducer = Noise.of(sigma, se, weights, kind_of_response), reducer_of(formula, kind_of_response)
    _check_family(kind_of_response, trials, own_intercepts=own_intercepts)
    with one_blas_thread():
        by_row = {"se": se, "weights": weights, "trials": trials, "offset": offset}
        design = design_of(formula, data, reducer, **by_row, family=kind_of_response, missing=missing)
        with in_double_precision(formula.text):
            reduced, lack = _reduced(design, reducer)
            moments = _rows(design, lack).moments if reduced is None else reduced.moments
            refuse_unidentified(design, moments, own_intercepts=own_intercepts)
            parameters = parameters_of(design, noise, own_intercepts=own_intercepts)
            chosen = choose_priors(priors, design, parameters, moments)
            if not chosen.by_name:
                raise FormulaError(f"{quoted(formula.text)} with a known sigma leaves nothing to estimate.")
            refuse_untold_sds(design, chosen, reduced)
            engine: Engine
            if reduced is None or isinstance(reduced, SummedRows) or _has_unusual_scales(chosen):
                rows = design if isinstance(reduced, SummedRows) else _rows(design, lack or _UNUSUAL)
                refuse_same_effects(rows, factors_of_rows(rows))
                refuse_separated(rows, chosen)
                engine = RowsEngine.of(rows, chosen, noise)
            else:
                kind: Any = GaussianEngine if _is_simple(formula) else MultilevelEngine
                engine = kind.of(design, reduced, chosen, noise)
    return Regression(design, noise, chosen, engine, own_intercepts, (design.n_rows,))


def _is_simple(formula: ParsedFormula) -> bool:
    """Tell whether nothing varies by group, or one intercept around that of the population."""
    return not formula.terms or (formula.group is not None and formula.has_intercept)


_UNUSUAL = (
    "Gamma and LogNormal priors of standard deviations need the rows in memory, and they were compressed as they came; "
    "give HalfNormal, HalfStudentT, HalfCauchy or Exponential."
)


def _reduced(design: Design, reducer: Reducer[Any, Any]) -> tuple[Any, str]:
    """Give what a likelihood sees of rows; where that does not do, None, and why it takes the rows.

    Rows in memory of other families than the Gaussian are not reduced.
    """
    if not design.family.is_gaussian:
        return (None if isinstance(design, InMemoryDesign) else design.reduce(reducer)), ""
    simple = _is_simple(design.formula)
    too_large = None if simple else many_effects(design)
    if too_large is not None:
        return None, too_large
    reduced = design.reduce(reducer)
    too_large = None if simple else many_numbers(design, reduced)
    return (reduced, "") if too_large is None else (None, too_large)


def _rows(design: Design, lack: str) -> InMemoryDesign:
    """Refuse rows that are not in memory, or whose columns do not fit, for an engine that takes them one by one."""
    if not isinstance(design, InMemoryDesign):
        raise DataError(lack)
    refuse_beyond_memory(design)
    return design


def _check_family(family: Family, trials: Any, *, own_intercepts: bool) -> None:
    if own_intercepts and not family.is_gaussian:
        raise FormulaError("LinearRegression and VaryingIntercept are Gaussian; use Model(..., family=...).")
    if trials is not None and not family.takes_trials:
        raise DataError(f'`trials` is for family="binomial" alone; this family is "{family.name}".')


def _has_unusual_scales(chosen: ChosenPriors) -> bool:
    """Tell whether a standard deviation has a prior that the programs of compressed rows do not know."""
    return any(prior.family in (GAMMA, LOG_NORMAL) for prior in chosen.scale)
