"""A model as an equation in HTML and Unicode, which browsers, notebooks, printers and e-mail show without a script."""

from typing import Any

from markupsafe import Markup

from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.priors.distributions import Prior

__all__ = ["lines", "prior_rows", "symbol"]

_GREEK = {"alpha": "α", "beta": "β", "mu": "μ", "sigma": "σ"}
_MOST_TERMS = 6


def symbol(name: str, label: Any = None) -> Markup:
    """Give a parameter as it stands in the equation: β with the predictor's name below it.

    Parameters
    ----------
    name : str
        As in the posterior: a Greek letter, perhaps with another one below it.
    label : optional
        Of the predictor.

    Returns
    -------
    markupsafe.Markup
        The user's names are escaped.
    """
    letter, *below = [_GREEK[part] for part in name.split("_")]
    written = Markup("<i>{}{}</i>").format(letter, Markup("").join(Markup("<sub>{}</sub>").format(b) for b in below))
    return written if label is None else written + Markup("<sub>{}</sub>").format(label)


def lines(model: Regression) -> list[Markup]:
    """Write the likelihood, and the population of the groups, one line each.

    Parameters
    ----------
    model : Regression

    Returns
    -------
    list of markupsafe.Markup
    """
    design, parameters = model.design, model.parameters
    own, intercept, slopes = parameters.effects, parameters.of(Role.INTERCEPT), parameters.of(Role.SLOPES)
    spread = parameters.of(Role.GROUP_SD)
    terms: list[Markup] = []
    if own is not None and design.group is not None:
        terms.append(symbol(own.name) + Markup("<sub>{}[<i>i</i>]</sub>").format(design.group.name))
    elif intercept is not None:
        terms.append(symbol(intercept.name))
    if slopes is not None and slopes.size > _MOST_TERMS:
        terms.append(Markup("∑<sub><i>k</i>=1…{}</sub> <i>β<sub>k</sub></i> <i>x<sub>ik</sub></i>").format(slopes.size))
    elif slopes is not None:
        terms += [symbol(slopes.name, name) + Markup(" · ") + _row(name) for name in design.predictors]
    mean = Markup(" + ").join(terms) if terms else Markup("0")
    written = [Markup("{} ~ Normal({}, {})").format(_row(design.formula.response), mean, _noise(model))]
    if own is not None and design.group is not None and intercept is not None and spread is not None:
        written.append(
            Markup("{} ~ Normal({}, {})  for each of {:,} groups <i>j</i> of {}").format(
                symbol(own.name) + Markup("<sub><i>j</i></sub>"),
                symbol(intercept.name),
                symbol(spread.name),
                own.size,
                design.group.name,
            )
        )
    return written


def prior_rows(model: Regression) -> list[tuple[Markup, str, str]]:
    """Give every prior: the parameter, the prior as it is typed, and what is to be said about it.

    Parameters
    ----------
    model : Regression

    Returns
    -------
    list of (markupsafe.Markup, str, str)
    """
    rows = []
    for parameter in model.chosen.parameters:
        labels = [None] if parameter.labels is None else list(parameter.labels)
        for label, prior in zip(labels, model.chosen.by_name[parameter.name], strict=True):
            rows.append((symbol(parameter.name, label), repr(prior).replace(", centered=True", ""), _remark(prior)))
    return rows


def _remark(prior: Prior) -> str:
    if not prior.is_proper:
        return "improper: every value alike"
    return "of the intercept at the mean of the predictors" if getattr(prior, "centered", False) else ""


def _row(name: str) -> Markup:
    return Markup("{}<sub><i>i</i></sub>").format(name)


def _noise(model: Regression) -> Markup:
    noise, own = model.noise, model.parameters.of(Role.NOISE)
    if noise.kind == "known":
        return _row(model.design.se_name if model.design.se_name is not None else "se")
    return Markup("{:g}").format(noise.fixed) if own is None else symbol(own.name)
