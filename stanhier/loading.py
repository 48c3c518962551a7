"""Saved fits, loaded: from the parts of a file to a model and its draws."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.paths import checked_path, what_is_there
from stanhier.basics.words import quoted, shortened
from stanhier.data.missing import LeftOut
from stanhier.design.block_encoding import Beside
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.families.known import FAMILIES
from stanhier.families.noise import RowNoise
from stanhier.families.student_t import StudentTResponse
from stanhier.fit import Fit
from stanhier.formula.elementary import ELEMENTARY
from stanhier.formula.expressions import checked_context
from stanhier.formula.parse import parse
from stanhier.model import Model
from stanhier.posterior.new_groups import extend
from stanhier.regressions import LinearRegression, VaryingIntercept
from stanhier.stan.nuts import with_depth_reached
from stanhier.storage import streamed
from stanhier.storage.contents import check_draws
from stanhier.storage.netcdf import TEXTBOOK
from stanhier.storage.reading import StoredFit, read

__all__ = ["load"]

_BY_ROW = ("se", "weights", "offset", "trials")
"""What a model may have for each row, beside the formula."""

_MODELS: dict[str, type[Model]] = {kind.__name__: kind for kind in (Model, LinearRegression, VaryingIntercept)}


@in_our_words()
def load(path: str | PathLike[str], *, context: Mapping[str, Callable[..., Any]] | None = None) -> Fit[Model]:
    """Load a fit that `Fit.save` wrote. Nothing in the file is executed.

    Parameters
    ----------
    path : path
    context : mapping of functions by name, optional
        The functions that the model was made with, if it was made with any: a file holds their names alone.

    Returns
    -------
    Fit
        It predicts, summarises and plots as the saved one did.

    Raises
    ------
    StanhierError
        If the file is missing, damaged, of another program or of a newer version of stanhier; if the model needs
        functions that `context` does not have, or these give other values than when the fit was saved.
    """
    source = checked_path(path, "load() needs the path of a file that Fit.save wrote")
    try:
        found = what_is_there(source)
    except PermissionError as err:
        raise StanhierError(f"{shortened(str(source))} cannot be read: {err.strerror}.") from err
    except OSError:  # what is named so is nowhere: also if the name is too long for any file
        raise StanhierError(f"There is no file {shortened(str(source))}.") from None
    if found != "a file":
        raise StanhierError(f"{shortened(str(source))} is {found} instead of a file that Fit.save wrote.")
    stored = read(source)
    description = stored.description
    _check_context(description, context, source)
    try:
        fit = _rebuild(stored, context)
    except Exception as err:  # what was saved can be rebuilt, so the file or a function has been changed since
        what = "cannot be rebuilt with the functions in `context`" if description["functions"] else "is damaged"
        raise StanhierError(f"{source} {what}: {type(err).__name__}: {str(err)[:300]}.") from err
    means, moments = description["means"], fit.model.engine.moments
    if means is not None and means.shape != moments.mean.shape:
        raise StanhierError(f"{source} is damaged: {means.shape} means.")
    if means is not None and (np.abs(moments.mean - means) > 1e-9 * (np.abs(means) + moments.sd)).any():
        raise StanhierError(
            f"{source}: the functions in `context` give other values than those that the fit was made with; "
            "load it with the same ones."
        )
    return fit


def _check_context(description: dict[str, Any], context: Any, source: Path) -> None:
    # What was a function of the user's own in an older file may be built in by now; other values are found out below.
    missing = sorted(set(description["functions"]) - set(checked_context(context)) - set(ELEMENTARY))
    if missing:
        listed = ", ".join(f'"{name}": {name}' for name in missing)
        raise StanhierError(
            f"{source} holds a fit of {quoted(description.get('formula'))}, which calls functions that a file cannot "
            f"hold; define them and give them to load(..., context={{{listed}}})."
        )


def _rebuild(stored: StoredFit, context: Mapping[str, Callable[..., Any]] | None) -> Fit[Model]:
    description = stored.description
    frame, beside = stored.frame()
    first, *later = stages = description["stages"]
    for name in _BY_ROW:
        if (name in beside) != (description[name] is True):
            raise ValueError(f"{name} of rows")
    data: Any = frame.iloc[:first]
    compressed = stored.compressed()
    if stages[-1] != (len(frame) if compressed is None else compressed.attrs["n_rows"]):
        raise ValueError(f"stages {stages} of {len(frame)} rows")
    name_of_family, link = description["family"]
    nu = description["nu"]
    family = type(FAMILIES[name_of_family])(link=link) if nu is None else StudentTResponse(link, nu)
    if family.name != name_of_family:
        raise ValueError(f"nu of {name_of_family}")
    if compressed is not None:
        if beside:
            raise ValueError(f"{sorted(beside)} of rows that are not there")
        se, weights, offset, trials = (description[name] or None for name in _BY_ROW)
        columns = Beside(RowNoise.in_column(se, weights), offset, trials)
        data = streamed.from_dataset(parse(description["formula"]), compressed, frame, columns, family)
    model = _MODELS[description["model"]].made_before(
        description["formula"],
        data,
        context,
        priors=stored.priors(),
        sigma=description["sigma"],
        family=family,
        **{name: description[name] or None for name in _BY_ROW if name not in beside},
        **{name: values[:first] for name, values in beside.items()},
    )
    if description["left_out"] is not None:
        model = model.which_left_out(LeftOut(**description["left_out"]))
    if description["engine"] == TEXTBOOK:
        model = textbook_regression(model)
    for start, end in pairwise([first, *later]):
        model = extend(model, frame.iloc[start:end])
    draws = stored.draws()
    check_draws(draws, model.engine.coordinates)
    # Files of earlier versions lack a statistic that follows from the others.
    draws = replace(draws, statistics=with_depth_reached(draws.statistics, draws.max_treedepth))
    fit = Fit(model, draws)
    if stored.added:
        fit.add_groups(stored.added)
    return fit
