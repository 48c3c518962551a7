"""What to say of columns that neither rows nor priors determine."""

from collections.abc import Iterable

from stanhier.design.design import Design

__all__ = ["said_of_collinear"]


def said_of_collinear(design: Design, columns: Iterable[int]) -> str:
    """Name the location parameters, by position, that take part in a direction which nothing determines."""
    names = [*(["the intercept"] if design.formula.has_intercept else []), *(f"'{p}'" for p in design.predictors)]
    return (
        f"The data do not determine {', '.join(names[k] for k in columns)} (collinear columns, or more columns than "
        "rows), and their priors are flat; leave one out, or give `beta` a proper prior such as Normal(0, 10)."
    )
