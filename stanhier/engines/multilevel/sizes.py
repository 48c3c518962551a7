"""How large a structure may be whose effects are all integrated out, and what to say of a larger one."""

from stanhier.design.design import Design
from stanhier.engines.multilevel.cross_products import MAX_VALUES, n_cross_products
from stanhier.engines.multilevel.layout import TermShape, dense_terms, eliminated_term
from stanhier.engines.multilevel.statistics import Statistics

__all__ = ["MOST_DENSE", "MOST_KEPT", "many_effects", "many_numbers"]

MOST_DENSE = 400
"""Effects of all factors but the largest, at most: each gradient costs their cube."""

MOST_KEPT = 100_000_000
"""Numbers that are kept of the groups of the largest factor, at most: 0.8 GB."""


_REMEDY = "fewer levels or effects will do, and of rows in memory, in a data frame, any number"


def many_effects(design: Design) -> str | None:
    """Say why the effects are too many to be integrated out, before the rows are reduced; None if they are not.

    Parameters
    ----------
    design : Design
    """
    shapes = [TermShape.of(one) for one in design.groupings]
    eliminated = eliminated_term(shapes)
    own, others = design.groupings[eliminated], dense_terms(shapes, eliminated)
    n_dense = sum(shapes[t].n_effects for t in others)
    sizes = {design.groupings[k].name: shapes[k] for k in others}
    counts = ", ".join(f"'{name}' has {shape.n_levels:,} times {shape.q}" for name, shape in sizes.items())
    said = f"'{design.formula.text}' has {n_dense:,} effects besides those of '{own.name}' ({counts})"
    if n_dense > MOST_DENSE:
        return f"{said}, and {MOST_DENSE} are the most that can be integrated out; {_REMEDY}."
    n_numbers = shapes[eliminated].n_effects * (n_dense + len(design.predictors) + 2)
    if others and n_numbers > MOST_KEPT:
        return (
            f"{said}; with {len(own.levels):,} groups of '{own.name}' that takes {n_numbers:,} numbers, and "
            f"{MOST_KEPT:,} are the most that are kept; {_REMEDY}."
        )
    return None


def many_numbers(design: Design, statistics: Statistics) -> str | None:
    """Say why the groups differ too much for what the program keeps of them; None if they do not.

    Parameters
    ----------
    design : Design
    statistics : Statistics
        Of its rows.
    """
    own = design.groupings[statistics.eliminated]
    width, n_strata = statistics.T.shape[1], len(statistics.strata.R)
    n_numbers = n_cross_products(n_strata, own.n_effects, width)
    if n_numbers <= MAX_VALUES:
        return None
    return (
        f"'{design.formula.text}': {n_strata:,} groups of '{own.name}' see their effects differently, which takes "
        f"{n_numbers:,} numbers of {width} columns, and {MAX_VALUES:,} are the most; round the columns of the effects, "
        f"so that groups are alike, or take fewer; {_REMEDY}."
    )
