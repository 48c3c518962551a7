"""The model as a person would write it in Stan: row by row, with its priors in the text."""

from collections.abc import Sequence
from typing import Any

from stanhier.engines.multilevel.layout import blocks_of
from stanhier.engines.textbook.description import Description, Term
from stanhier.engines.textbook.names import ProgramNames, TermNames, comment, names_of
from stanhier.engines.textbook.responses import likelihood, response_for_template
from stanhier.priors.distributions import Prior
from stanhier.stan.program_text import stan_models_dir

__all__ = ["render"]


def render(description: Description) -> str:
    """Render a textbook program.

    Parameters
    ----------
    description : Description

    Returns
    -------
    str
        A complete Stan program; `program_data` gives the data for it.
    """
    import jinja2

    environment = jinja2.Environment(  # noqa: S701  the text is Stan, not HTML
        loader=jinja2.FileSystemLoader(stan_models_dir() / "textbook"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    noise, names = description.noise, names_of(description)
    terms = list(zip(description.terms, names.terms, strict=True))
    intercept = [] if description.intercept is None else [names.intercept]
    shift = ["shift"] if description.adds_offset else []
    a_row = (" + ".join(_products(*both, description, row="n")) for both in terms)
    sd, K = "se" if noise.kind == "known" else "sigma", len(description.predictors)
    of_a_row, of_rows = (f"{sd} / sqrt(weights[n])", f"{sd} ./ sqrt(weights)") if noise.weighted else (sd, sd)
    return environment.get_template(f"{description.template}.stan.jinja").render(
        formula=comment(description.formula),
        predictors=[comment(name) for name in description.predictors],
        extra_effects=[comment(name) for name in description.extra_effects],
        terms=[_for_template(*both) for both in terms],
        K=K,
        intercept=bool(intercept),
        centered=description.centered,
        centre=description.centre,
        sigma_known=not noise.is_estimated,
        known_se=noise.kind == "known",
        is_weighted=noise.weighted,
        noise=of_rows,
        noise_of_a_row=of_a_row,
        response=response_for_template(description),
        said=likelihood(description, _linear_predictor(description, intercept, shift), of_a_row),
        prior_lines=_prior_lines(description, names),
        summands=[*intercept, *shift, *(product for both in terms for product in _products(*both, description))],
        summands_of_a_row=[*intercept, *(f"{name}[n]" for name in shift), *a_row],
    )


def _linear_predictor(description: Description, intercept: list[str], shift: list[str]) -> str:
    """Write the linear predictor of a row as the first lines of a program have it."""
    slopes = ["X[n] * beta"] if description.predictors else []
    own = ["eta[n]"] if description.template == "multilevel" else [*intercept, *(f"{name}[n]" for name in shift)]
    return " + ".join([*own, *slopes]) or "0"


def _for_template(term: Term, names: TermNames) -> dict[str, Any]:
    correlated = iter(zip(names.factors, names.correlations, strict=True))
    blocks = []
    for block in blocks_of(term.shape.blocks):
        one: dict[str, Any] = {"first": block.start + 1, "last": block.stop, "size": block.stop - block.start}
        blocks.append(one | dict(zip(("factor", "cor"), next(correlated), strict=True)) if one["size"] > 1 else one)
    return {
        "label": comment(term.name),
        "effect_labels": [comment(name) for name in term.effects],
        "q": term.shape.q,
        "n_correlations": term.shape.n_correlations,
        "blocks": blocks,
        "size": names.size,
        "codes": names.codes,
        "sd": names.sd,
        "effect": names.effect,
        "standardised": names.standardised,
    }


def _products(term: Term, names: TermNames, description: Description, row: str = "") -> list[str]:
    """Write what a term adds to the mean, effect by effect: of one row, or of all rows."""
    at = f"{names.codes}[{row}]" if row else names.codes
    n_predictors = len(description.predictors)
    products = []
    for k, column in enumerate(term.shape.columns):
        effect = f"{names.effect}[{at}]" if term.shape.q == 1 else f"{names.effect}[{at}, {k + 1}]"
        if column >= 0:
            name, position = ("X", column) if column < n_predictors else ("Z", column - n_predictors)
            times, rows = ("*", row) if row else (".*", " : ")
            effect = f"{name}[{rows}, {position + 1}] {times} {effect}"
        products.append(effect)
    return products


def _prior_lines(description: Description, names: ProgramNames) -> list[str]:
    """Write the priors: of the intercept, of the terms' scales where there are one each, of slopes, of sigma."""
    lines = []
    if description.intercept is not None and description.centered:
        lines.append("// the intercept's prior holds at the mean of the predictors")
        lines.append(_statement(f"{names.intercept} + dot_product(x_mean, beta)", description.intercept))
    elif description.intercept is not None:
        lines.append(_statement(names.intercept, description.intercept))
    lines += _statements("beta", description.predictors, description.slopes)
    for term, own in zip(description.terms, names.terms, strict=True):
        lines += _statements(own.sd, term.effects, term.sd)
        lines += [_statement(factor, prior) for factor, prior in zip(own.factors, term.cor, strict=True)]
    if description.sigma is not None:
        lines.append(_statement("sigma", description.sigma))
    lines += [_statement(name, prior) for name, prior in description.auxiliary]
    return lines


def _statements(name: str, labels: Sequence[str], priors: Sequence[Prior]) -> list[str]:
    """Write one line for all numbers of a parameter if their priors are the same, else one for each."""
    if len(set(priors)) <= 1:
        return [_statement(name, prior) for prior in priors[:1]]
    return [
        f"{_statement(f'{name}[{k}]', prior)} // {comment(label)}"
        for k, (label, prior) in enumerate(zip(labels, priors, strict=True), start=1)
    ]


def _statement(quantity: str, prior: Prior) -> str:
    return f"{quantity} ~ {prior.stan};" if prior.is_proper else f"// {quantity}: flat"
