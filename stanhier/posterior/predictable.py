"""What can be predicted: arguments that make sense, and rows that have what is needed."""

from typing import Any

import numpy as np

from stanhier.basics.arguments import checked_probability
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.likely import nearly_same
from stanhier.basics.words import quoted, some_of
from stanhier.design.new_rows import NewRows
from stanhier.engines.regression import Regression

__all__ = ["KINDS", "check_arguments", "check_rows"]

KINDS = ("mean", "response", "linear")
"""What can be predicted of a row."""


def check_arguments(kind: str, new_groups: str, group_effects: Any, prob: Any = 0.9) -> None:
    """Refuse arguments that `Fit.predict` cannot take.

    Raises
    ------
    StanhierError
        Naming the argument and what it can be.
    """
    if kind not in KINDS:
        raise StanhierError(f'predict(kind={quoted(kind)}): \'kind\' must be "mean", "response" or "linear".')
    if new_groups not in ("error", "sample"):
        raise StanhierError(f'predict(new_groups={quoted(new_groups)}): \'new_groups\' must be "error" or "sample".')
    if not isinstance(group_effects, bool | np.bool_):
        raise StanhierError(
            f"predict(group_effects={quoted(group_effects)}): 'group_effects' must be True, or False, which predicts "
            "the population."
        )
    checked_probability(prob, "predict")


def check_rows(model: Regression, rows: NewRows, *, kind: str, new_groups: str) -> None:
    """Refuse rows of new data that lack what a prediction needs.

    Raises
    ------
    DataError
        If there are new groups and they are errors, or standard errors, weights, offsets or numbers of trials are
        needed and missing.
    """
    design = model.design
    for grouping, groups in zip(design.groupings, rows.groups, strict=False):
        if len(groups.new_levels) and new_groups == "error":
            what = (
                f"Column '{grouping.name}' has groups"
                if len(grouping.factors) == 1
                else (f"'{grouping.name}' has combinations")
            )
            raise DataError(
                f"{what} that the model has not seen: {some_of([repr(level) for level in groups.new_levels])}"
                f"{nearly_same(groups.new_levels, grouping.levels)}; "
                'predict(..., new_groups="sample") draws their effects from the population of groups.'
            )
    response = 'predict(kind="response")'
    if design.has_offset and rows.offset is None:
        raise _lack("predict()", "offsets", "offset", design.offset_name)
    if kind == "response" and design.family.takes_trials and rows.trials is None:
        raise _lack(response, "numbers of trials", "trials", design.trials_name)
    noise = design.row_noise
    if kind == "response" and noise is not None and rows.row_noise is None:
        raise _lack(response, noise.words, noise.argument, noise.column)


def _lack(asked: str, what: str, argument: str, column: str | None) -> DataError:
    """Say what new rows lack: a column, or, where the model was given values, its name."""
    remedy = f'the model was given values; make it with {argument}="column", and give new data that column'
    if column is not None:
        remedy = f"the column '{column}' is missing"
    return DataError(f"{asked} needs the {what} of the new rows: {remedy}.")
