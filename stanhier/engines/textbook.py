"""The model as a person would write it in Stan: row by row, with its priors in the text."""

from typing import Any

import jinja2

from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.families.noise import Noise
from stanhier.priors.distributions import Prior
from stanhier.stan.program_text import stan_models_dir

__all__ = ["render", "row_data"]


def render(name: str, design: Design, priors: ChosenPriors, noise: Noise) -> str:
    """Render a textbook program.

    Parameters
    ----------
    name : str
        Of the program: `linear_regression` or `varying_intercept`.
    design : Design
    priors : ChosenPriors
    noise : Noise

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
    intercept = priors.intercept
    return environment.get_template(f"{name}.stan.jinja").render(
        formula=_comment(design.formula.text),
        predictors=[_comment(p) for p in design.predictors],
        group=_comment(design.group.name) if design.group is not None else "",
        K=len(design.predictors),
        intercept=intercept is not None,
        centered=intercept is not None and intercept.centered,
        sigma_known=not noise.is_estimated,
        known_se=noise.kind == "known",
        noise="se" if noise.kind == "known" else "sigma",
        prior_lines=[line for parameter in _in_order(priors.parameters) for line in _prior_lines(parameter, priors)],
    )


def row_data(design: InMemoryDesign, noise: Noise) -> dict[str, Any]:
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
    elif noise.fixed is not None:
        data["sigma"] = noise.fixed
    return data


def _comment(text: str) -> str:
    """Keep a user's text on one comment line; Stan programs are ASCII outside comments, and stanc warns in them too."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


def _in_order(parameters: Inventory) -> list[Parameter]:
    return [*parameters.location, *parameters.scales]


def _prior_lines(parameter: Parameter, priors: ChosenPriors) -> list[str]:
    chosen = priors.by_name[parameter.name]
    if parameter.role is Role.INTERCEPT and priors.intercept is not None and priors.intercept.centered:
        return [
            "// the intercept's prior holds at the mean of the predictors",
            _statement(f"{parameter.name} + dot_product(x_mean, beta)", chosen[0]),
        ]
    if len(set(chosen)) == 1:
        return [_statement(parameter.name, chosen[0])]
    assert parameter.labels is not None
    return [
        f"{_statement(f'{parameter.name}[{k}]', prior)} // {_comment(label)}"
        for k, (label, prior) in enumerate(zip(parameter.labels, chosen, strict=True), start=1)
    ]


def _statement(quantity: str, prior: Prior) -> str:
    return f"{quantity} ~ {prior.stan};" if prior.is_proper else f"// {quantity}: flat"
