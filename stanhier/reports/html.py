"""Models and fits as pieces of HTML: what notebooks show, and what the report is made of."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from stanhier.basics.tables import Table
from stanhier.engines.parameters import Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.summary import summary
from stanhier.reports import equation
from stanhier.reports.text import said_of_response

if TYPE_CHECKING:
    import jinja2


__all__ = ["estimates", "fit_html", "model_context", "model_html", "render"]

_TITLES = {
    "mean": "mean",
    "sd": "sd",
    "ess_bulk": "ESS (bulk)",
    "ess_tail": "ESS (tail)",
    "r_hat": "R-hat",
    "mcse_mean": "MCSE (mean)",
    "mcse_sd": "MCSE (sd)",
}
_MOST_ROWS = 100


@cache
def _environment() -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    return environment


def _breakable(name: str) -> Markup:
    """Let a name go on in the next line at brackets and between the parts of an interaction, before anywhere else."""
    parts = [part for part in re.split(r"(?=\[)|(?<=:)", name) if part]
    return Markup("<wbr>").join(parts)


def render(template: str, **context: Any) -> str:
    """Fill one of the templates; every value is escaped.

    Parameters
    ----------
    template : str
        File name in `stanhier/templates`.
    **context
        What the template asks for.

    Returns
    -------
    str
    """
    return _environment().get_template(template).render(**context)


def model_html(model: Regression) -> str:
    """Show a model: equation, priors and size of the data.

    Parameters
    ----------
    model : Regression

    Returns
    -------
    str
        A piece of HTML.
    """
    return render("model.html.jinja", **model_context(model))


def fit_html(fit: Fitted[Regression]) -> str:
    """Show a fit: the verdict of its diagnostics, and the estimates but for the group effects.

    Parameters
    ----------
    fit : Fitted

    Returns
    -------
    str
        A piece of HTML.
    """
    chains, draws = fit.draws.shape
    return render(
        "fit.html.jinja",
        kind=type(fit.model).__name__,
        formula=fit.model.formula,
        chains=chains,
        draws=draws,
        diagnosis=fit.diagnose()._repr_html_(),
        table=estimates(fit),
        effects=[(own.name, len(own.coords[0]), _factor(own)) for own in fit.model.parameters.all_of(Role.EFFECTS)],
    )


def model_context(model: Regression) -> dict[str, Any]:
    """Give what the templates say of a model."""
    return {
        "kind": type(model).__name__,
        "formula": model.formula,
        "equation": equation.lines(model),
        "priors": equation.prior_rows(model),
        "rows": model.design.n_rows,
        "groups": [(grouping.name, len(grouping.levels)) for grouping in model.design.groupings],
        "around_zero": model.around_zero,
        "said_of_response": said_of_response(model.design),
    }


def _factor(own: Parameter) -> str:
    """Name the factor of effects where there may be several."""
    return "" if own.factor is None else own.factor


def estimates(fit: Fitted[Regression], *, prob: float = 0.9) -> dict[str, Any]:
    """Give ArviZ's summary of everything but the group effects as titles and rows of text.

    Returns
    -------
    dict
        `titles`: list of str; `rows`: list of (parameter, values); `left_out`: how many parameters the 100 rows lack.
    """
    table = summary(fit, var_names=fit.model.parameters.population, prob=prob)
    first = table.iloc[:_MOST_ROWS]
    assert isinstance(first, Table)
    shown = first.texts(thousands=True)
    titles = [_title(str(column), prob) for column in table.columns]
    rows = [(str(name), list(map(str, row))) for name, row in shown.iterrows()]
    return {"titles": titles, "rows": rows, "left_out": len(table) - len(shown)}


def _title(column: str, prob: float) -> str:
    if column.endswith("_lb"):
        return f"{100 * prob:g} % from"
    if column.endswith("_ub"):
        return "to"
    return _TITLES.get(column, column)
