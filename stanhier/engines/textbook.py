"""The model as a person would write it in Stan: row by row, with its priors in the text."""

from typing import Any

import jinja2

from stanhier.design.in_memory import Design
from stanhier.engines.prior_choice import ChosenPriors
from stanhier.priors.distributions import Prior
from stanhier.stan.program import stan_models_dir

__all__ = ["render", "row_data"]


def render(name: str, design: Design, priors: ChosenPriors, *, sigma_known: bool) -> str:
    """Render a textbook program.

    Parameters
    ----------
    name : str
        Of the program: `linear_regression` or `varying_intercept`.
    design : Design
    priors : ChosenPriors
    sigma_known : bool
        Whether sigma is fixed or standard errors are known.

    Returns
    -------
    str
        A complete Stan program; `row_data` gives the data for it.
    """
    environment = jinja2.Environment(  # noqa: S701  the text is Stan, not HTML
        loader=jinja2.FileSystemLoader(stan_models_dir() / "textbook"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{name}.stan.jinja").render(
        formula=_comment(design.formula.text),
        predictors=[_comment(p) for p in design.predictors],
        group=_comment(design.group.name) if design.group is not None else "",
        K=len(design.predictors),
        intercept=priors.intercept is not None,
        centered=priors.intercept is not None and priors.intercept.centered,
        sigma_known=sigma_known,
        known_se=design.has_errors,
        noise="se" if design.has_errors else "sigma",
        prior_lines=_prior_lines(priors, design.predictors),
    )


def row_data(design: Design, sigma: float | None) -> dict[str, Any]:
    """Give the data of the textbook program: the rows themselves.

    Returns
    -------
    dict
        Keys are the names in the program's data block.
    """
    data: dict[str, Any] = {"N": design.n_rows, "y": design.y}
    if design.predictors:
        data |= {"K": len(design.predictors), "X": design.X}
    if design.group is not None:
        data |= {"J": len(design.group.levels), "jj": design.group.codes + 1}
    if design.se is not None:
        data["se"] = design.se
    elif sigma is not None:
        data["sigma"] = sigma
    return data


def _comment(text: str) -> str:
    """Keep a user's text on one comment line; Stan programs are ASCII outside comments, and stanc warns in them too."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


def _prior_lines(priors: ChosenPriors, predictors: tuple[str, ...]) -> list[str]:
    lines = []
    if priors.intercept is not None:
        name = priors.intercept_name
        if priors.intercept.centered:
            lines.append("// the intercept's prior holds at the mean of the predictors")
            lines.append(_statement(f"{name} + dot_product(x_mean, beta)", priors.intercept))
        else:
            lines.append(_statement(name, priors.intercept))
    if len(set(priors.beta)) == 1:
        lines.append(_statement("beta", priors.beta[0]))
    else:
        lines += [
            f"{_statement(f'beta[{k}]', prior)} // {_comment(name)}"
            for k, (name, prior) in enumerate(zip(predictors, priors.beta, strict=True), start=1)
        ]
    if priors.sigma_alpha is not None:
        lines.append(_statement("sigma_alpha", priors.sigma_alpha))
    if priors.sigma is not None:
        lines.append(_statement("sigma", priors.sigma))
    return lines


def _statement(quantity: str, prior: Prior) -> str:
    return f"{quantity} ~ {prior.stan};" if prior.is_proper else f"// {quantity}: flat"
