"""From a formula and data to a regression: the engine is chosen here, and nowhere else."""

from collections.abc import Mapping
from typing import Any

from stanhier.basics.errors import FormulaError
from stanhier.basics.magnitudes import in_double_precision
from stanhier.basics.threads import one_blas_thread
from stanhier.basics.words import quoted
from stanhier.design.streamed import design_of
from stanhier.engines.default_priors import ColumnMoments
from stanhier.engines.gaussian.engine import GaussianEngine
from stanhier.engines.gaussian.reducer import GaussianReducer
from stanhier.engines.prior_choice import choose_priors
from stanhier.engines.regression import Regression, parameters_of
from stanhier.families.noise import Noise
from stanhier.formula.parse import ParsedFormula

__all__ = ["REDUCER", "build"]

REDUCER = GaussianReducer()
"""What is made of rows while they are gone over; every model so far has the Gaussian engine."""


def build(
    formula: ParsedFormula, data: Any, *, priors: Mapping[str, Any] | None, sigma: float | None, se: str | Any | None
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

    Returns
    -------
    Regression

    Raises
    ------
    FormulaError
        If there is nothing to estimate, or the formula cannot be evaluated.
    DataError
        If a column is missing or cannot be used; if columns are collinear with flat priors.
    PriorError
        If a prior does not fit its parameter.
    """
    noise = Noise.of(sigma, se)
    with one_blas_thread():
        design = design_of(formula, data, REDUCER, se=se)
        with in_double_precision(formula.text):
            reduced = design.reduce(REDUCER)
            moments = ColumnMoments(reduced.mean, reduced.sd)
            chosen = choose_priors(priors, design, parameters_of(design, noise), moments)
            if not chosen.by_name:
                raise FormulaError(f"{quoted(formula.text)} with a known sigma leaves nothing to estimate.")
            engine = GaussianEngine.of(design, reduced, chosen, noise)
    return Regression(design, noise, chosen, engine, (design.n_rows,))
