"""A model as an equation in HTML and Unicode, which browsers, notebooks, printers and e-mail show without a script."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from stanhier.basics.words import some_of
from stanhier.design.columns import CONSTANT
from stanhier.engines.parameters import Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.priors.distributions import Prior

__all__ = ["lines", "prior_rows", "symbol"]

_GREEK = {"alpha": "α", "beta": "β", "mu": "μ", "nu": "ν", "sigma": "σ"}
_INVERSE_LINKS = {
    "log": Markup("exp({})"),
    "logit": Markup("logit<sup>−1</sup>({})"),
    "probit": Markup("Φ({})"),
}
_MOST_TERMS = 6
_INDENT = Markup("&emsp;")


def symbol(name: str, label: Any = None) -> Markup:
    """Give a parameter as it stands in the equation: β with the predictor's name below it.

    Parameters
    ----------
    name : str
        As in the posterior: a Greek letter, perhaps with another one below it, or a word.
    label : optional
        Of the predictor.

    Returns
    -------
    markupsafe.Markup
        The user's names are escaped.
    """
    letter, *below = [_GREEK.get(part, part) for part in name.split("_")]
    written = Markup("<i>{}{}</i>").format(letter, Markup("").join(Markup("<sub>{}</sub>").format(b) for b in below))
    return written if label is None else written + Markup("<sub>{}</sub>").format(label)


def lines(model: Regression) -> list[Markup]:
    """Write the likelihood, the mean where it is long, and the population of the groups, one line each.

    Parameters
    ----------
    model : Regression

    Returns
    -------
    list of markupsafe.Markup
    """
    varying = model.parameters.all_of(Role.EFFECTS)
    common = Markup(" + ").join(_common(model)) or Markup("0")
    is_identity = model.family.link == "identity"
    if is_identity and not any(own.term is not None for own in varying):
        return [_likelihood(model, common), *_own_intercepts(model)]
    of_row = _row(Markup("<i>{}</i>").format("μ" if is_identity else "η"))
    written = [
        _likelihood(model, of_row),
        Markup("{} = {}").format(of_row, common),
        *(Markup("{}+ {}").format(_INDENT, Markup(" + ").join(_deviations(model, own))) for own in varying),
    ]
    return [*written, *(line for own in varying for line in _population(model, own))]


def _likelihood(model: Regression, predictor: Markup) -> Markup:
    """Write the distribution of a response, given its linear predictor."""
    design, family = model.design, model.family
    response = _row(design.formula.response)
    mean = _INVERSE_LINKS.get(family.link, Markup("{}")).format(predictor)
    match family.name:
        case "bernoulli":
            written = Markup("{} ~ Bernoulli({})").format(response, mean)
            if design.categories is None:
                return written
            none, event = design.categories
            return Markup("{}  where 1 is {} and 0 is {}").format(written, event, none)
        case "binomial":
            return Markup("{} ~ Binomial({}, {})").format(response, _trials(model), mean)
        case "poisson":
            return Markup("{} ~ Poisson({})").format(response, mean)
        case "negative_binomial":
            return Markup("{} ~ NegativeBinomial(mean {}, {})").format(response, mean, symbol("shape"))
        case "student_t":
            nu = Markup("{:g}").format(family.fixed["nu"]) if "nu" in family.fixed else symbol("nu")
            return Markup("{} ~ StudentT({}, {}, {})").format(response, nu, mean, _noise(model))
        case _:
            return Markup("{} ~ Normal({}, {})").format(response, mean, _noise(model))


def _trials(model: Regression) -> Markup:
    design = model.design
    if design.trials_constant is not None:
        return Markup("{:,}").format(design.trials_constant)
    return _row(design.trials_name if design.trials_name is not None else "trials")


def _common(model: Regression) -> list[Markup]:
    """Write what all groups share of a row's predictor, or their own intercept in the place of the common one."""
    design, parameters = model.design, model.parameters
    intercept, slopes = parameters.of(Role.INTERCEPT), parameters.of(Role.SLOPES)
    terms: list[Markup] = []
    if design.has_offset:
        terms.append(_row(design.offset_name if design.offset_name is not None else "offset"))
    if model.own_intercepts and design.group is not None:
        terms.append(symbol("alpha") + Markup("<sub>{}[<i>i</i>]</sub>").format(design.group.name))
    elif intercept is not None:
        terms.append(symbol(intercept.name))
    if slopes is not None and slopes.size > _MOST_TERMS:
        terms.append(Markup("∑<sub><i>k</i>=1…{}</sub> <i>β<sub>k</sub></i> <i>x<sub>ik</sub></i>").format(slopes.size))
    elif slopes is not None:
        terms += [symbol(slopes.name, name) + Markup(" · ") + _row(name) for name in design.predictors]
    return terms


def _own_intercepts(model: Regression) -> list[Markup]:
    """Write the population of the groups where their intercepts are parameters themselves."""
    own, intercept, spread = (model.parameters.of(role) for role in (Role.EFFECTS, Role.INTERCEPT, Role.GROUP_SD))
    if own is None or intercept is None or spread is None or model.design.group is None:
        return []
    mean, sd = symbol(intercept.name), symbol(spread.name)
    who = symbol(own.name) + Markup("<sub><i>j</i></sub>")
    return [Markup("{} ~ Normal({}, {}){}").format(who, mean, sd, _for_each(own.size, model.design.group.name))]


def _deviations(model: Regression, own: Parameter) -> list[Markup]:
    """Write what the effects of a factor add to the mean of a row."""
    grouping = model.design.groupings[own.term or 0]
    if grouping.n_effects > _MOST_TERMS:
        effects = Markup("<i>effect</i><sub>{}[<i>i</i>],<i>k</i></sub>").format(grouping.name)
        return [Markup("∑<sub><i>k</i>=1…{}</sub> {} <i>z<sub>ik</sub></i>").format(grouping.n_effects, effects)]
    terms = []
    for name, column in zip(grouping.effects, grouping.columns, strict=True):
        effect = _effect(grouping.name, "i", name)
        terms.append(effect if column == CONSTANT else effect + Markup(" · ") + _row(name))
    return terms


def _population(model: Regression, own: Parameter) -> Iterator[Markup]:
    """Write the distribution of the effects of a factor, one line for each block that is correlated within itself."""
    grouping = model.design.groupings[own.term or 0]
    several = sum(size > 1 for size in grouping.blocks) > 1
    start = 0
    for number, size in enumerate(grouping.blocks, start=1):
        names = grouping.effects[start : start + size]
        start += size
        effects = [_effect(grouping.name, "j", name) for name in names]
        sds = [_sd(grouping.name, name) for name in names]
        each = _for_each(len(grouping.levels), grouping.name)
        if size == 1:
            yield Markup("{} ~ Normal(0, {}){}").format(effects[0], sds[0], each)
            continue
        below = Markup("{}, {}").format(grouping.name, number) if several else Markup("{}").format(grouping.name)
        covariance, scales, correlations = (
            Markup("{}<sub>{}</sub>").format(letter, below) for letter in ("Σ", "D", Markup("<i>cor</i>"))
        )
        yield Markup("({}) ~ MultiNormal(0, {}){}").format(_listed(effects), covariance, each)
        yield Markup("{} = {} {} {} with {} = diag({})").format(
            covariance, scales, correlations, scales, scales, _listed(sds)
        )


def _effect(factor: str, of: str, name: str) -> Markup:
    return Markup("<i>effect</i><sub>{}[<i>{}</i>], {}</sub>").format(factor, of, name)


def _sd(factor: str, name: str) -> Markup:
    return Markup("<i>sd</i><sub>{}, {}</sub>").format(factor, name)


def _listed(written: list[Markup]) -> Markup:
    """List some, with dots for those between where they are many."""
    if len(written) > _MOST_TERMS:
        written = [*written[:2], Markup("…"), written[-1]]
    return Markup(", ").join(written)


def _for_each(size: int, factor: str) -> Markup:
    return Markup("  for each of {:,} groups <i>j</i> of {}").format(size, factor)


def prior_rows(model: Regression) -> list[tuple[Markup, str, str]]:
    """Give every prior: the parameter, the prior as it is typed, and what is to be said about it.

    Parameters
    ----------
    model : Regression

    Returns
    -------
    list of (markupsafe.Markup, str, str)
    """
    return [
        (written, repr(prior).replace(", centered=True", ""), remark or _remark(prior))
        for parameter in model.chosen.parameters
        for prior, (written, remark) in zip(model.chosen.by_name[parameter.name], _quantities(parameter), strict=True)
    ]


def _quantities(parameter: Parameter) -> list[tuple[Markup, str]]:
    """Write what each prior of a parameter is of, and what the symbol alone does not say."""
    factor = parameter.factor
    if factor is None:
        return [(symbol(parameter.name, label), "") for label in parameter.scalar_labels]
    if parameter.role is Role.GROUP_SD:
        return [(_sd(factor, label), "") for label in parameter.scalar_labels]
    ends = np.cumsum([0, *parameter.blocks]).tolist()
    blocks = [(first, last) for first, last in pairwise(ends) if last - first > 1]
    if len(blocks) == 1:
        return [(Markup("<i>cor</i><sub>{}</sub>").format(factor), "")]
    labels = list(map(str, parameter.coords[0]))
    numbered = [k for k, size in enumerate(parameter.blocks, start=1) if size > 1]
    return [
        (Markup("<i>cor</i><sub>{}, {}</sub>").format(factor, k), f"among {some_of(labels[first:last], _MOST_TERMS)}")
        for k, (first, last) in zip(numbered, blocks, strict=True)
    ]


def _remark(prior: Prior) -> str:
    if not prior.is_proper:
        return "improper: every value alike"
    return "of the intercept at the mean of the predictors" if getattr(prior, "centered", False) else ""


def _row(name: str | Markup) -> Markup:
    return Markup("{}<sub><i>i</i></sub>").format(name)


def _noise(model: Regression) -> Markup:
    noise, own = model.noise, model.parameters.of(Role.NOISE)
    by_row = model.design.row_noise
    if by_row is not None and by_row.argument == "se":
        return _row(by_row.name)
    sigma = Markup("{:g}").format(noise.fixed) if own is None else symbol(own.name)
    return sigma if by_row is None else Markup("{} / √{}").format(sigma, _row(by_row.name))
