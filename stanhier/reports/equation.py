"""A model as an equation in HTML and Unicode, which browsers, notebooks, printers and e-mail show without a script."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from stanhier.priors.distributions import Prior

if TYPE_CHECKING:
    from stanhier.models import Model

__all__ = ["lines", "prior_rows", "symbol"]

_GREEK = {"alpha": "α", "mu_alpha": "μ<sub>α</sub>", "sigma_alpha": "σ<sub>α</sub>", "beta": "β", "sigma": "σ"}
_MOST_TERMS = 6


def symbol(name: str, label: Any = None) -> Markup:
    """Give a parameter as it stands in the equation: β with the predictor's name below it.

    Parameters
    ----------
    name : str
        `alpha`, `mu_alpha`, `sigma_alpha`, `beta` or `sigma`.
    label : optional
        Of the predictor.

    Returns
    -------
    markupsafe.Markup
        The user's names are escaped.
    """
    letter = Markup(f"<i>{_GREEK[name]}</i>")  # noqa: S704  our own text
    return letter if label is None else letter + Markup("<sub>{}</sub>").format(label)


def lines(model: "Model") -> list[Markup]:
    """Write the likelihood, and the population of the groups, one line each.

    Parameters
    ----------
    model : Model

    Returns
    -------
    list of markupsafe.Markup
    """
    design = model.design
    group = design.group
    terms: list[Markup] = []
    if group is not None:
        terms.append(symbol("alpha") + Markup("<sub>{}[<i>i</i>]</sub>").format(group.name))
    elif "alpha" in model.priors:
        terms.append(symbol("alpha"))
    if len(design.predictors) > _MOST_TERMS:
        terms.append(
            Markup("∑<sub><i>k</i>=1…{}</sub> <i>β<sub>k</sub></i> <i>x<sub>ik</sub></i>").format(
                len(design.predictors)
            )
        )
    else:
        terms += [symbol("beta", name) + Markup(" · ") + _row(name) for name in design.predictors]
    mean = Markup(" + ").join(terms) if terms else Markup("0")
    written = [Markup("{} ~ Normal({}, {})").format(_row(design.formula.response), mean, _noise(model))]
    if group is not None:
        written.append(
            Markup("{} ~ Normal({}, {})  for each of {:,} groups <i>j</i> of {}").format(
                symbol("alpha") + Markup("<sub><i>j</i></sub>"),
                symbol("mu_alpha"),
                symbol("sigma_alpha"),
                len(group.levels),
                group.name,
            )
        )
    return written


def prior_rows(model: "Model") -> list[tuple[Markup, str, str]]:
    """Give every prior: the parameter, the prior as it is typed, and what is to be said about it.

    Parameters
    ----------
    model : Model

    Returns
    -------
    list of (markupsafe.Markup, str, str)
    """
    rows = []
    for name, given in model.priors.items():
        for label, prior in given.items() if isinstance(given, dict) else [(None, given)]:
            rows.append((symbol(name, label), repr(prior).replace(", centered=True", ""), _remark(prior)))
    return rows


def _remark(prior: Prior) -> str:
    if not prior.is_proper:
        return "improper: every value alike"
    return "of the intercept at the mean of the predictors" if getattr(prior, "centered", False) else ""


def _row(name: str) -> Markup:
    return Markup("{}<sub><i>i</i></sub>").format(name)


def _noise(model: "Model") -> Markup:
    design = model.design
    if design.has_errors:
        return _row(design.se_name if design.se_name is not None else "se")
    return symbol("sigma") if model.sigma is None else Markup("{:g}").format(model.sigma)
