"""The priors as a model will use them: those that the user gives, and defaults for the rest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stanhier.basics.errors import PriorError
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.design import Design
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.default_priors import (
    default_auxiliary,
    default_sigma,
    default_slope,
    sd_of_response,
)
from stanhier.engines.group_priors import choose_group_priors
from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.engines.prior_kinds import location_prior, scale_prior
from stanhier.engines.prior_names import check_predictors, named_priors
from stanhier.priors.distributions import Exponential, Flat, LocationPrior, Normal, ScalePrior

__all__ = ["choose_priors"]


def choose_priors(
    given: Mapping[str, Any] | None, design: Design, parameters: Inventory, moments: ColumnMoments
) -> ChosenPriors:
    """Combine the user's priors with the defaults.

    The defaults are rstanarm's (Goodrich et al., rstanarm, vignette "Prior Distributions for rstanarm Models"):
    intercept normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k normal(0, 2.5 sd(y) / sd(x_k)),
    standard deviations exponential(1 / sd(y)), of a slope that varies exponential(sd(z_k) / sd(y)), where rows have
    weights that of a row of their geometric mean; and LKJ(1) for correlations, which takes all correlation matrices
    alike. Where the mean has a link, the linear predictor is in its own units, and 1 stands for sd(y) and 0 for
    mean(y); shape is exponential(1), and nu gamma(2, 0.1) (Juarez & Steel 2010, doi:10.1198/jbes.2009.07145).

    Parameters
    ----------
    given : mapping or None
        By parameter name; `beta` takes one prior for all or a mapping by predictor. Where effects vary over the levels
        of factors, `sd` takes one prior for all, a mapping by factor, or by factor and effect, and `cor` one for all
        or a mapping by factor.
    design : Design
    parameters : Inventory
    moments : ColumnMoments

    Returns
    -------
    ChosenPriors

    Raises
    ------
    PriorError
        If a name is not a parameter of the model, or a prior is of the wrong kind for it.
    DataError
        If a default cannot be scaled: the response, a predictor or the column of an effect is constant.
    """
    parameters = parameters.without_effects()
    group = None if design.group is None else design.group.name
    named = named_priors(given, parameters, predictors=design.predictors, group=group)
    chosen = choose_group_priors(named, parameters, design, moments)
    # The slopes last: that the response does not vary is said before anything about a predictor.
    for parameter in sorted(parameters, key=lambda one: one.role is Role.SLOPES):
        prior = named.get(parameter.name)
        if parameter.role is Role.SLOPES:
            chosen[parameter.name] = _slopes(prior, parameters, design, moments)
        elif parameter.role is Role.INTERCEPT:
            chosen[parameter.name] = (_intercept(prior, parameter, design, moments),)
        elif parameter.term is None:
            chosen[parameter.name] = (_scale(prior, parameter, design, moments),)
    result = ChosenPriors(parameters, {parameter.name: chosen[parameter.name] for parameter in parameters})
    _check_proper(result, design)
    return result


def _scale(given: Any, parameter: Parameter, design: Design, moments: ColumnMoments) -> ScalePrior:
    prior = scale_prior(given, parameter.name)
    if prior is not None:
        return prior
    if parameter.role is Role.AUXILIARY:
        return default_auxiliary(parameter)
    if parameter.role is Role.NOISE:
        return default_sigma(parameter, design, moments)
    return Exponential(1.0 / sd_of_response(design, moments, parameter.name))


def _intercept(given: Any, parameter: Parameter, design: Design, moments: ColumnMoments) -> LocationPrior:
    prior = location_prior(given, parameter.name)
    if prior is None:
        middle = float(moments.mean[-1]) if design.family.link == "identity" else 0.0
        prior = Normal(middle, 2.5 * sd_of_response(design, moments, parameter.name), centered=True)
    return prior if design.predictors else replace(prior, centered=False)


def _slopes(given: Any, parameters: Inventory, design: Design, moments: ColumnMoments) -> tuple[LocationPrior, ...]:
    parameter = parameters.of(Role.SLOPES)
    assert parameter is not None
    if given is not None and not isinstance(given, Mapping):
        prior = location_prior(given, parameter.name, centered_allowed=False)
        assert prior is not None
        return (prior,) * parameter.size
    by_label = dict(given) if given is not None else {}
    check_predictors(by_label, parameter.name, parameters, design)
    chosen = []
    for k, name in enumerate(design.predictors):
        prior = location_prior(by_label.get(name), f"{parameter.name}['{name}']", centered_allowed=False)
        chosen.append(prior if prior is not None else default_slope(parameter, design, moments, k))
    return tuple(chosen)


def _check_proper(chosen: ChosenPriors, design: Design) -> None:
    """Refuse flat priors on scales where the posterior would be improper.

    Gelman (2006), Prior distributions for variance parameters in hierarchical models, doi:10.1214/06-BA117A:
    a uniform prior on a group-level standard deviation needs at least three groups.
    """
    for parameter in chosen.parameters.all_of(Role.AUXILIARY):
        if not chosen.by_name[parameter.name][0].is_proper:
            raise PriorError(
                f"A flat prior on {parameter.name} gives an improper posterior: the likelihood has a limit above 0 as "
                f"{parameter.name} grows. Give a proper prior such as Gamma(2, 0.1)."
            )
    for parameter in chosen.parameters.scales:
        priors = zip(parameter.scalar_names, chosen.by_name[parameter.name], strict=True)
        flat = [name for name, prior in priors if isinstance(prior, Flat)]
        if not flat:
            continue
        if parameter.role is Role.GROUP_SD:
            group = design.groupings[parameter.term or 0]
            _check_groups(flat[0], group.name, len(group.levels))
        else:
            _check_rows(flat[0], design.n_rows, sum(not prior.is_proper for prior in chosen.location))


def _check_groups(name: str, group: str, n_groups: int) -> None:
    if n_groups < 3:
        raise PriorError(
            f"A flat prior on {name} needs at least 3 groups, and '{group}' has {n_groups}: the posterior would be "
            "improper. Give a proper prior such as HalfNormal."
        )


def _check_rows(name: str, n_rows: int, n_flat: int) -> None:
    if n_rows - n_flat < 2:
        raise PriorError(
            f"A flat prior on {name} with {n_rows} rows and {n_flat} flat location parameters gives an improper "
            "posterior: two rows more than flat parameters are needed. Give a proper prior."
        )
