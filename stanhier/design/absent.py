"""Columns that a formula names and the data do not have, with what was likely meant; and names that no file takes."""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import listed, quoted, shortened
from stanhier.formula.group_terms import without_backticked
from stanhier.formula.habits import advice_for_name
from stanhier.formula.parse import ParsedFormula

__all__ = ["refuse_absent", "refuse_nul"]

_LOOKED_AT = 2000
_SEPARATORS = (";", "\t", ",", "|")
"""Of columns, in files that are read as if they had another."""


def refuse_absent(
    wanted: Sequence[str], known: Sequence[Any] | None, formula: ParsedFormula, where: str, *, of_labels: str = ""
) -> None:
    """Refuse columns that are not there, or there twice.

    Parameters
    ----------
    wanted : sequence of str
        Columns that a model needs.
    known : sequence or None
        Names of the columns that there are; None if they are not known.
    formula : ParsedFormula
    where : str
        What the data are, for the message.
    of_labels : str
        What else is said of a column of groups alone, with the place of its name; after a blank.

    Raises
    ------
    DataError
    """
    if known is None:
        return
    times = Counter(known)
    for name in wanted:
        if name not in times:
            raise DataError(
                f"There is no column '{shortened(name)}' in {where}; its columns are: {listed(known)}."
                f"{_meant(name, known, formula)}"
                f"{'' if name in formula.predictor_columns else of_labels.format(name=shortened(name))}"
            )
        if times[name] > 1:
            raise DataError(f"The column name {quoted(name)} occurs more than once in `data`; rename one.")
        if "\0" in name:
            raise DataError(f"The column name {quoted(name)} holds the character NUL, which no file takes; rename it.")


def refuse_nul(labels: pd.Index, name: str) -> None:
    """Refuse labels that no file takes, when a model is made and not when its fit is saved.

    Parameters
    ----------
    labels : pandas.Index
        Categories, or levels of groups.
    name : str
        Their column.

    Raises
    ------
    DataError
    """
    if labels.dtype.kind in "biufcmM":
        return
    for label in labels:
        if isinstance(label, str) and "\0" in label:
            raise DataError(
                f"Column '{shortened(name)}' holds {quoted(label)} with the character NUL, which no file takes; "
                f"replace it in the data."
            )


def _meant(name: str, known: Sequence[Any], formula: ParsedFormula) -> str:
    """Say what was likely meant, as a sentence after a blank; empty if nothing comes to mind."""
    some = [str(column) for column in known[:_LOOKED_AT]]
    separators = [sign for sign in _SEPARATORS if len(some) == 1 and sign in some[0]]
    if separators:
        return f" It was read as a single column: give the separator, as in pd.read_csv(path, sep={separators[0]!r})."
    bare = without_backticked(formula.text)
    for column in sorted(some, key=len, reverse=True):
        if not column.replace(".", "_").isidentifier() and column.strip() and column in bare:
            return f" Write `{shortened(column)}` in backticks for the column of that name."
    advice = advice_for_name(name)
    if advice is not None:
        return f" For '{shortened(name)}', {advice}."
    folded = {column.casefold(): column for column in reversed(some)}
    close = get_close_matches(name[:100].casefold(), folded, n=1)
    return f" Did you mean '{shortened(folded[close[0]])}'?" if close else ""
