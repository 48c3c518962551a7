"""Default priors, scaled by the data."""

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.columns import CONSTANT
from stanhier.design.design import Design
from stanhier.design.groupings import Grouping
from stanhier.engines.parameters import Parameter
from stanhier.priors.distributions import Exponential, LocationPrior, Normal, ScalePrior
from stanhier.priors.positive import Gamma

__all__ = [
    "default_auxiliary",
    "default_group_sd",
    "default_sigma",
    "default_slope",
    "sd_of_response",
]


def default_slope(parameter: Parameter, design: Design, moments: ColumnMoments, k: int) -> LocationPrior:
    """Give normal(0, 2.5 sd(y) / sd(x_k)) for the slope of predictor k.

    Raises
    ------
    DataError
        If the response or the predictor does not vary.
    """
    name = design.predictors[k]
    sd = float(moments.sd[k])
    if not sd > 0:
        raise DataError(
            f"Predictor '{name}' is constant (it is always {moments.mean[k]:g}), so its default prior has no scale; "
            f"leave it out of the formula, or give priors={{'{parameter.name}': {{'{name}': ...}}}}."
        )
    return Normal(0.0, 2.5 * sd_of_response(design, moments, f"{parameter.name}['{name}']") / sd)


def default_sigma(parameter: Parameter, design: Design, moments: ColumnMoments) -> Exponential:
    """Give exponential(1 / sd(y)) for the standard deviation of a row, sigma where rows have no weights.

    A row of weight w has the standard deviation sigma / sqrt(w); this is the prior of a row of the weights' geometric
    mean. So weights times c mean the same as sigma times sqrt(c). On sigma itself it would be a strong prior where all
    weights are large.

    Raises
    ------
    DataError
        If the response does not vary.
    """
    return Exponential(1.0 / (sd_of_response(design, moments, parameter.name) * float(np.sqrt(moments.weight))))


def default_group_sd(
    parameter: Parameter, factor: Grouping, k: int, design: Design, moments: ColumnMoments
) -> Exponential:
    """Give exponential(sd(z_k) / sd(y)) for the standard deviation of a factor's effect k, of the column z_k.

    Of an intercept it is exponential(1 / sd(y)). So a standard deviation of the effect is expected that moves the
    response by one of its own standard deviations where the column moves by one of its.

    Raises
    ------
    DataError
        If the response or the column does not vary.
    """
    effect = factor.effects[k]
    sd_response = sd_of_response(design, moments, f"{parameter.name}['{effect}']")
    column = factor.columns[k]
    if column == CONSTANT:
        return Exponential(1.0 / sd_response)
    sd = float(moments.sd[column])
    if not sd > 0:
        raise DataError(
            f"The column '{effect}' of the term of '{factor.name}' is constant (it is always "
            f"{moments.mean[column]:g}), so the default prior of its effects' standard deviation has no scale; "
            f"leave it out of the term, or give priors={{'sd': {{'{factor.name}': {{'{effect}': ...}}}}}}."
        )
    return Exponential(sd / sd_response)


def default_auxiliary(parameter: Parameter) -> ScalePrior:
    """Give gamma(2, 0.1) for nu, exponential(1) for shape.

    References
    ----------
    Juarez & Steel (2010), Model-based clustering of non-Gaussian panel data based on skew-t distributions,
    doi:10.1198/jbes.2009.07145 (nu).
    """
    return Gamma(2.0, 0.1) if parameter.name == "nu" else Exponential(1.0)


def sd_of_response(design: Design, moments: ColumnMoments, what: str) -> float:
    """Give the standard deviation of the response; 1 where a link takes the linear predictor out of its units.

    Parameters
    ----------
    design : Design
    moments : ColumnMoments
    what : str
        The parameter whose default prior asks for it, for the message.

    Raises
    ------
    DataError
        If the response does not vary.
    """
    if design.family.link != "identity":
        return 1.0
    sd = float(moments.sd[-1])
    if not sd > 0:
        why = "there is only one row" if design.n_rows == 1 else f"it is always {moments.mean[-1]:g}"
        raise DataError(
            f"The standard deviation of the response '{design.formula.response}' is 0 or undefined ({why}), so the "
            f"default prior of {what} has no scale; give that prior in `priors`."
        )
    return sd
