"""Categories that are none: numbers, dates and measures by a slip in reading, and identifiers of rows."""

from typing import Any

from stanhier.basics.errors import DataError
from stanhier.basics.warned import warn
from stanhier.basics.words import in_formula
from stanhier.data.libraries import Library
from stanhier.data.written import reading_of

__all__ = ["refuse_numbers_as_text", "warn_of_identifiers"]

_FEW_LEVELS = 10
"""So many levels are no sign of identifiers."""


def refuse_numbers_as_text(
    dtype: Any, name: str, n_rows: int, library: Library, *, chosen: bool = False, numeric: bool = False
) -> None:
    """Refuse categories that are numbers, dates or measures by a slip in reading.

    Parameters
    ----------
    dtype : pandas.CategoricalDtype
        The categories that occur. Those with an order are meant as they are.
    name : str
    n_rows : int
    library : Library
    chosen : bool
        Whether the user's own column is one of categories, and not of text.
    numeric : bool
        Whether numbers alone will do.

    Raises
    ------
    DataError
        Naming values that read so and those that do not, and what converts them.
    """
    values = list(dtype.categories)
    if dtype.ordered or not all(isinstance(value, str) for value in values):
        return
    reading = reading_of(values, n_rows, chosen=chosen)
    if reading is None:
        return
    odd = ""
    if reading.odd:
        listed = ", ".join(f"{value!r:.40}" for value in reading.odd[:3])
        odd = f", but for {listed}" + (f" and {len(reading.odd) - 3} more" if len(reading.odd) > 3 else "")
    examples = ", ".join(f"{value!r:.40}" for value in reading.examples)
    labels = "" if numeric else f", or write C({in_formula(name)}) if labels are meant"
    why = "" if numeric else f": each of its {len(values):,} different values would be a category"
    raise DataError(
        f"Column '{name}' holds text that reads as {reading.what} (such as {examples}){odd}, most likely by a slip in "
        f"reading{why}. Convert it {library.remedy(name, reading)}{labels}."
    )


def warn_of_identifiers(dtype: Any, name: str, n_rows: int) -> None:
    """Warn of categories that most rows have for themselves, so that they are identifiers or free text.

    With fewer than two rows for a level, the coefficients are known from their prior and from hardly anything else. A
    few levels are none too many, however few the rows; those with an order are meant.
    """
    n_levels = len(dtype.categories)
    if dtype.ordered or n_levels <= _FEW_LEVELS or n_rows >= 2 * n_levels:
        return
    as_written = in_formula(name)
    warn(
        f"Predictor '{name}' has {n_levels:,} levels in {n_rows:,} rows, so most coefficients rest on one row each and "
        f"on their prior. If it identifies rows or their units, leave it out, or let it be the groups, "
        f"(1 | {as_written}); C({as_written}) says that coefficients are meant.",
        UserWarning,
    )
