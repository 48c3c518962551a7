"""Factors each of whose groups is one row, so that what varies between groups and within them is not told apart."""

from collections.abc import Iterator

from stanhier.design.columns import INTERCEPT
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression

__all__ = ["said_of_single_rows", "undecided_factors"]


def undecided_factors(model: Regression) -> list[int]:
    """Find the factors of which one intercept a row varies, beside noise that is estimated and alike in all rows.

    The sum of the two variances is all that normal responses tell. Of Student t ones the shape tells a little more, of
    single answers, yes or no, nothing does: whatever the effects, they are yes with a probability.

    Parameters
    ----------
    model : Regression

    Returns
    -------
    list of int
        Their positions.
    """
    design, noise = model.design, model.noise
    if design.family.name != "bernoulli" and (noise.differs or not noise.is_estimated):
        return []
    return [
        term
        for term, one in enumerate(design.groupings)
        if len(one.levels) == design.n_rows > 1 and tuple(one.effects) == (INTERCEPT,)
    ]


def said_of_single_rows(model: Regression) -> Iterator[str]:
    """Say of which factors only priors tell the standard deviation, and what to do.

    Parameters
    ----------
    model : Regression
    """
    design = model.design
    for term in undecided_factors(model):
        sd = next(one.name for one in model.parameters.all_of(Role.GROUP_SD) if one.term in (term, None))
        if design.family.name == "bernoulli":
            why = f"the data tell nothing of {sd}, and its prior decides. Leave the term out"
        else:
            why = (
                f"the data do not tell {sd} from sigma, and the priors share out between the two what varies. Leave "
                "the term out"
            )
        if design.family.is_gaussian:
            why += ', or say what is known of the noise, with se="column" or sigma=2.5'
        yield f"Each of the {design.n_rows:,} groups of '{design.groupings[term].name}' is a single row: {why}."
