"""The priors as a model will use them: those that the user gives, and defaults for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from stanhier.basics.errors import DataError, PriorError
from stanhier.basics.words import quoted
from stanhier.design.in_memory import Design
from stanhier.engines.gaussian.compression import Compressed
from stanhier.priors.distributions import Exponential, Flat, LocationPrior, Normal, Prior, ScalePrior

__all__ = ["ChosenPriors", "choose_priors"]


@dataclass(frozen=True)
class ChosenPriors:
    """Every prior of a model.

    Attributes
    ----------
    intercept_name : str
        `alpha` or `mu_alpha`.
    intercept : Prior or None
        None where the model has no intercept.
    beta : tuple of Prior, length K
        One per predictor.
    sigma_alpha : Prior or None
        None without groups.
    sigma : Prior or None
        None where sigma is known.
    """

    intercept_name: str
    intercept: LocationPrior | None
    beta: tuple[LocationPrior, ...]
    sigma_alpha: ScalePrior | None
    sigma: ScalePrior | None

    @property
    def location(self) -> list[Prior]:
        """Priors of the location parameters, the intercept first."""
        return [*([self.intercept] if self.intercept is not None else []), *self.beta]

    @property
    def scale(self) -> list[Prior]:
        """Priors of the estimated scales: sigma_alpha, then sigma."""
        return [p for p in (self.sigma_alpha, self.sigma) if p is not None]

    def as_dict(self, predictors: tuple[str, ...]) -> dict[str, Any]:
        """Give the priors by the names that users type; `beta` by predictor."""
        named: dict[str, Any] = {}
        if self.intercept is not None:
            named[self.intercept_name] = self.intercept
        if self.sigma_alpha is not None:
            named["sigma_alpha"] = self.sigma_alpha
        if self.beta:
            named["beta"] = dict(zip(predictors, self.beta, strict=True))
        if self.sigma is not None:
            named["sigma"] = self.sigma
        return named


def choose_priors(
    given: Mapping[str, Any] | None,
    design: Design,
    compressed: Compressed,
    *,
    has_intercept: bool,
    sigma_known: bool,
) -> ChosenPriors:
    """Combine the user's priors with the defaults.

    The defaults are rstanarm's (Goodrich et al., rstanarm, vignette "Prior Distributions for rstanarm Models"):
    intercept normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k normal(0, 2.5 sd(y) / sd(x_k)),
    sigma and sigma_alpha exponential(1 / sd(y)).

    Parameters
    ----------
    given : mapping or None
        By parameter name; `beta` takes one prior for all or a mapping by predictor.
    design : Design
    compressed : Compressed
        For the means and standard deviations of the columns.
    has_intercept : bool
    sigma_known : bool
        Whether sigma is fixed or standard errors are known.

    Returns
    -------
    ChosenPriors

    Raises
    ------
    PriorError
        If a name is not a parameter of the model, or a prior is of the wrong kind for it.
    DataError
        If a default cannot be scaled: the response or a predictor is constant.
    """
    grouped = design.group is not None
    intercept_name = "mu_alpha" if grouped else "alpha"
    named = dict(given) if isinstance(given, Mapping) else {}
    if given is not None and not isinstance(given, Mapping):
        raise PriorError(f"`priors` must be a dict by parameter name, not {type(given).__name__}.")
    _check_names(named, design, grouped=grouped, has_intercept=has_intercept, sigma_known=sigma_known)

    def sd_response(parameter: str) -> float:
        return _sd_response(design, compressed, parameter)

    intercept = None
    if has_intercept:
        intercept = _location(named.get(intercept_name), intercept_name)
        if intercept is None:
            intercept = Normal(float(compressed.mean[-1]), 2.5 * sd_response(intercept_name), centered=True)
        if not design.predictors:
            intercept = replace(intercept, centered=False)
    sigma_alpha = None
    if grouped:
        sigma_alpha = _scale(named.get("sigma_alpha"), "sigma_alpha")
        if sigma_alpha is None:
            sigma_alpha = Exponential(1.0 / sd_response("sigma_alpha"))
    sigma = None
    if not sigma_known:
        sigma = _scale(named.get("sigma"), "sigma")
        if sigma is None:
            sigma = Exponential(1.0 / sd_response("sigma"))
    chosen = ChosenPriors(intercept_name, intercept, _beta(named.get("beta"), design, compressed), sigma_alpha, sigma)
    _check_proper(chosen, design)
    return chosen


def _check_names(
    named: Mapping[str, Any], design: Design, *, grouped: bool, has_intercept: bool, sigma_known: bool
) -> None:
    allowed = [
        *(["mu_alpha", "sigma_alpha"] if grouped else ["alpha"] if has_intercept else []),
        *(["beta"] if design.predictors else []),
        *([] if sigma_known else ["sigma"]),
    ]
    reasons = {
        "alpha": "the model has a varying intercept: give 'mu_alpha' and 'sigma_alpha'"
        if grouped
        else "the formula has no intercept",
        "beta": "the formula has no predictors",
        "sigma": "sigma is known here",
        "mu_alpha": "the model has no groups: give 'alpha'",
        "sigma_alpha": "the model has no groups",
    }
    for name in named:
        if name not in allowed:
            reason = reasons.get(name, "there is no such parameter")
            listed = ", ".join(f"'{a}'" for a in allowed)
            raise PriorError(f"`priors` has '{name}', but {reason}. This model takes: {listed or 'none'}.")


def _beta(given: Any, design: Design, compressed: Compressed) -> tuple[LocationPrior, ...]:
    if given is None or isinstance(given, Mapping):
        by_name = dict(given) if given is not None else {}
        for name in by_name:
            if name not in design.predictors:
                listed = ", ".join(f"'{p}'" for p in design.predictors)
                raise PriorError(f"`priors['beta']` names '{name}', which is no predictor; they are: {listed}.")
        chosen = []
        for k, name in enumerate(design.predictors):
            prior = _location(by_name.get(name), f"beta['{name}']", centered_allowed=False)
            chosen.append(prior if prior is not None else _default_beta(design, compressed, k))
        return tuple(chosen)
    prior = _location(given, "beta", centered_allowed=False)
    assert prior is not None
    return (prior,) * len(design.predictors)


def _default_beta(design: Design, compressed: Compressed, k: int) -> LocationPrior:
    name = design.predictors[k]
    sd = float(compressed.sd[k])
    if not sd > 0:
        raise DataError(
            f"Predictor '{name}' is constant (it is always {compressed.mean[k]:g}), so its default prior has no scale; "
            f"leave it out of the formula, or give priors={{'beta': {{'{name}': ...}}}}."
        )
    return Normal(0.0, 2.5 * _sd_response(design, compressed, f"beta['{name}']") / sd)


def _sd_response(design: Design, compressed: Compressed, what: str) -> float:
    sd = float(compressed.sd[-1])
    if not sd > 0:
        why = "there is only one row" if design.n_rows == 1 else f"it is always {compressed.mean[-1]:g}"
        raise DataError(
            f"The standard deviation of the response '{design.formula.response}' is 0 or undefined ({why}), so the "
            f"default prior of {what} has no scale; give that prior in `priors`."
        )
    return sd


def _location(prior: Any, name: str, *, centered_allowed: bool = True) -> LocationPrior | None:
    if prior is None:
        return None
    if not isinstance(prior, LocationPrior):
        raise PriorError(
            f"The prior of {name} must be one on the real line, Normal, StudentT, Cauchy or Flat; got {_shown(prior)}."
        )
    if prior.centered and not centered_allowed:
        raise PriorError(f"The prior of {name} cannot have centered=True: that is for the intercept.")
    return prior


def _scale(prior: Any, name: str) -> ScalePrior | None:
    if prior is None:
        return None
    if not isinstance(prior, ScalePrior):
        raise PriorError(
            f"The prior of {name} must be one on (0, inf), HalfNormal, HalfStudentT, HalfCauchy, Exponential or Flat; "
            f"got {_shown(prior)}."
        )
    return prior


def _shown(prior: Any) -> str:
    if isinstance(prior, type) and issubclass(prior, Prior):
        return f"the class {prior.__name__}; give it numbers, as in {prior.__name__}(...)"
    return f"{quoted(prior)}" if isinstance(prior, Prior) else f"{type(prior).__name__} ({quoted(prior)})"


def _check_proper(chosen: ChosenPriors, design: Design) -> None:
    """Refuse flat priors on scales where the posterior would be improper.

    Gelman (2006), Prior distributions for variance parameters in hierarchical models, doi:10.1214/06-BA117A:
    a uniform prior on a group-level standard deviation needs at least three groups.
    """
    n_groups = 3 if design.group is None else len(design.group.levels)
    if isinstance(chosen.sigma_alpha, Flat) and n_groups < 3:
        raise PriorError(
            f"A flat prior on sigma_alpha needs at least 3 groups, and '{design.formula.group}' has {n_groups}: "
            "the posterior would be improper. Give a proper prior such as HalfNormal."
        )
    if isinstance(chosen.sigma, Flat):
        flat = sum(not p.is_proper for p in chosen.location)
        if design.n_rows - flat < 2:
            raise PriorError(
                f"A flat prior on sigma with {design.n_rows} rows and {flat} flat location parameters gives an "
                "improper posterior: two rows more than flat parameters are needed. Give a proper prior."
            )
