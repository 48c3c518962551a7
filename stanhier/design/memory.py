"""What the rows of a design take in memory, seen before it is taken."""

from collections import Counter

from stanhier.basics.errors import DataError
from stanhier.basics.words import bytes_in_words, quoted
from stanhier.data.kinds import is_categorical
from stanhier.design.in_memory import InMemoryDesign
from stanhier.design.sizes import group_instead

__all__ = ["refuse_beyond_memory"]

_COPIES = 4
"""Of the matrix at once, measured: as encoded, sorted, in coordinates to sample in, and as text for the program."""

_SMALL = 1e8
"""Bytes that are not worth asking the system for."""


def refuse_beyond_memory(design: InMemoryDesign) -> None:
    """Refuse to make a matrix of all rows and columns that does not fit into memory, before it is made.

    Parameters
    ----------
    design : InMemoryDesign
        Of rows that its engine takes one by one.

    Raises
    ------
    DataError
        With what it would take, what there is, and what to write instead.
    """
    n_columns, formula = design.columns.n_columns, design.formula
    size = 8.0 * _COPIES * design.n_rows * n_columns
    if size < _SMALL:
        return
    import psutil

    free = float(psutil.virtual_memory().available)
    if size <= free:
        return
    column, often = Counter(name for names in design.columns.made_of(formula) for name in names).most_common(1)[0]
    remedy = "Take fewer rows, or fewer columns"
    if often > 1 and (column in formula.labels or is_categorical(design.frame[column])):
        remedy = f"{group_instead(column, int(design.frame[column].nunique()))}. Or take fewer rows"
    raise DataError(
        f"{quoted(formula.text)} makes {n_columns:,} columns of {design.n_rows:,} rows, which take about "
        f"{bytes_in_words(size)} of memory with what is made of them; {bytes_in_words(free)} are free. {remedy}."
    )
