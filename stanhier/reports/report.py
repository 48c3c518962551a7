"""The report of a fit: one HTML file that needs nothing else, to read, print and send."""

import base64
import io
import platform
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from html import escape
from importlib import metadata
from os import PathLike
from typing import Any

from stanhier import plots
from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.files import check_place, write_for_user
from stanhier.basics.paths import checked_path, refuse_other_formats
from stanhier.basics.version import VERSION
from stanhier.basics.words import quoted
from stanhier.design.columns import INTERCEPT
from stanhier.design.groupings import Grouping
from stanhier.engines.regression import Regression
from stanhier.evaluation.check import check
from stanhier.posterior.fitted import Fitted
from stanhier.reports import html
from stanhier.reports.captions import check_caption, prediction_caption, shrinkage_caption
from stanhier.reports.columns import columns
from stanhier.reports.group_tables import group_tables
from stanhier.reports.left_out import loo_sentences

__all__ = ["write"]

_FAILED = "The report cannot be written as"
_OTHER_FORMATS = frozenset(
    ".pdf .doc .docx .odt .rtf .pptx .md .qmd .rst .tex .ipynb .png .jpg .jpeg .svg .csv .xlsx .json .nc .pkl".split()
)
_DPI = 130
_MOST_TRACES = 40
_MOST_FACTORS = 6
_NO_ROWS = "The rows are not in memory: no picture shows them along predictors or beside replicated ones."
_INTERVALS = "Median (point), 50 % interval (thick) and 90 % interval (thin) of each."


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes
    ----------
    title, caption : str
        What it shows, and how to read it.
    data : str
        The PNG file in base64; empty if it cannot be drawn.
    width : int
        In CSS pixels, so that text has the same size in all pictures.
    refusal : str
        Why it cannot be drawn.
    """

    title: str
    caption: str
    data: str
    width: int
    refusal: str = ""


@in_our_words(name="report")
def write(
    fit: Fitted[Regression],
    path: str | PathLike[str],
    *,
    title: str | None = None,
    author: str | None = None,
    note: str | None = None,
) -> None:
    """Write a report as one HTML file that needs nothing else: to read, to print, to attach to a message.

    The model as an equation, priors, a summary of the data, estimates, what `diagnose` says of the sampler and `check`
    of the model, `loo` of up to 10,000 rows, pictures, the date, versions and the seed. It holds no script and asks for
    nothing from the network. It prints on A4, with what is folded on the screen. Of rows that are not in memory it says
    what it lacks.

    Parameters
    ----------
    path : path
        Written beside itself and renamed, so a file of that name is replaced whole or not at all. A link stays, and
        the file that it leads to is replaced.
    title : str, optional
        By default the kind of model and its formula.
    author : str, optional
        Stands below the title, beside the date.
    note : str, optional
        Text of your own, which stands first, line by line.

    Raises
    ------
    StanhierError
        If `path` is no path or ends as files of another format do, such as ".pdf"; if something else than a file is
        there, or the file cannot be written; if `title`, `author` or `note` is no text.
    """
    for name, value in {"title": title, "author": author, "note": note}.items():
        if value is not None and not isinstance(value, str):
            raise StanhierError(f"report({name}={quoted(value)}): '{name}' must be text.")
    target = checked_path(path, "report() needs the path of a file")
    refuse_other_formats(target, _OTHER_FORMATS, method="report", kind="HTML", suffix=".html")
    check_place(target, failed=_FAILED)  # drawing takes a second
    chains, draws = fit.draws.shape
    text = html.render(
        "report.html.jinja",
        title=title if title is not None else f"{type(fit.model).__name__}: {fit.model.formula}",
        author=author,
        note=note,
        date=date.today().isoformat(),
        **html.model_context(fit.model),
        loo=loo_sentences(fit),
        columns=list(columns(fit)),
        table=html.estimates(fit),
        group_tables=group_tables(fit),
        diagnosis=fit.diagnose()._repr_html_(),
        check=_checked(fit),
        no_pictures=_NO_ROWS if fit.model.in_memory is None else "",
        pictures=[_picture(*one) for one in _pictures(fit)],
        stan_code=fit.model.stan_code,
        made=[
            ("chains", f"{chains} of {draws:,} draws each after warmup"),
            ("seed", str(fit.draws.seed)),
            ("CmdStan", fit.draws.cmdstan),
            *_versions(),
        ],
    )
    write_for_user(target, text.encode(), failed=_FAILED)


def _checked(fit: Fitted[Regression]) -> str:
    """Check the model, as a piece of HTML, or say why it cannot be checked."""
    try:
        return check(fit)._repr_html_()
    except StanhierError as err:
        return f"<p>Model: not checked. {escape(str(err))}</p>"


def _pictures(fit: Fitted[Regression]) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Give title, caption and drawing function of each picture that this model has."""
    design = fit.model.design
    parameters = fit.model.parameters
    single = [parameter.name for parameter in parameters.without_effects() if not parameter.dims]
    several = [parameter for parameter in parameters.without_effects() if parameter.dims]
    names = [*single, *(one.name for one in several if one.size <= _MOST_TRACES - len(single))]
    grouped = bool(design.groupings)
    if not grouped and design.predictors:
        yield "Estimates", _INTERVALS, lambda: plots.forest(fit)
    for grouping in design.groupings[:_MOST_FACTORS]:
        yield from _pictures_of_groups(fit, grouping)
    in_memory = fit.model.in_memory is not None
    if design.formula.predictor_columns and in_memory:
        # The first as the formula has them.
        behind = [plots.made_from(design, predictor) for predictor in design.predictors]
        first = next((columns[0] for columns in behind if len(columns) == 1), design.formula.predictor_columns[0])
        yield (
            f"The regression along {first}",
            prediction_caption(fit.model.family, new=not fit.model.noise.differs),
            lambda: plots.prediction(fit, first),
        )
    if in_memory or (grouped and fit.model.family.is_gaussian):
        yield (
            "Does the model describe the data?",
            check_caption(fit.model.family, grouped=grouped),
            lambda: plots.ppc(fit, kind=None if in_memory else "groups"),
        )
    yield (
        "What the data added to the priors",
        "The posterior of each parameter (blue) over its prior (dashed).",
        lambda: plots.prior_posterior(fit, var_names=names),
    )
    yield (
        "Chains",
        "Left the posterior by chain, right the draws in their order: the chains should not be told apart.",
        lambda: plots.trace(fit, var_names=names),
    )


def _pictures_of_groups(fit: Fitted[Regression], grouping: Grouping) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Give the pictures of the groups of a factor, which is named where there are several."""
    design, name = fit.model.design, grouping.name
    of_factor = "" if len(design.groupings) == 1 else f": groups of {name}"
    behind = [plots.made_from(design, effect) for effect in grouping.effects]
    slopes = [columns[0] for columns in behind if len(columns) == 1]
    yield f"Estimates{of_factor}", _INTERVALS, lambda: plots.forest(fit, name)
    pooled = shrinkage_caption(fit.model.family, one_effect=grouping.effects == (INTERCEPT,))
    yield f"What pooling did{of_factor}", pooled, lambda: plots.shrinkage(fit, name)
    if slopes and fit.model.in_memory is not None:
        yield (
            f"The regression along {slopes[0]}, group by group{of_factor}",
            prediction_caption(fit.model.family, by_group=True, new=not fit.model.noise.differs),
            lambda: plots.prediction(fit, slopes[0], by=name),
        )


def _picture(title: str, caption: str, draw: Callable[[], Any]) -> Picture:
    import matplotlib.pyplot as plt

    with plt.ioff():
        try:
            figure = draw().figure
        except StanhierError as err:
            return Picture(title, caption, "", 0, str(err))
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a box stands for the sign
            figure.savefig(buffer, format="png", dpi=_DPI)
        width = round(96 * float(figure.get_size_inches()[0]))
        plt.close(figure)
    return Picture(title, caption, base64.b64encode(buffer.getvalue()).decode(), width)


def _versions() -> list[tuple[str, str]]:
    others = [(name, metadata.version(name)) for name in ("cmdstanpy", "arviz", "numpy", "pandas", "matplotlib")]
    return [("stanhier", VERSION), *others, ("Python", platform.python_version())]
