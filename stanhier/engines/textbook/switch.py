"""The same model by the textbook engine."""

from stanhier.basics.errors import DataError
from stanhier.engines.regression import Regression
from stanhier.engines.textbook.engine import TextbookEngine

__all__ = ["textbook_regression"]


def textbook_regression[R: Regression](regression: R) -> R:
    """Give a model with the engine that samples its own textbook program.

    Parameters
    ----------
    regression : Regression
        Whose rows are in memory.

    Returns
    -------
    Regression
        Of the same class, with the same priors and the same parameters.

    Raises
    ------
    DataError
        If the rows are not in memory.
    """
    if isinstance(regression.engine, TextbookEngine):
        return regression
    if regression.in_memory is None:
        raise DataError(
            'engine="textbook" gives Stan the rows one by one, and they are not in memory: they were compressed as '
            "they came. Read as many rows as fit into memory into a data frame, and make the model of them."
        )
    centre = regression.engine.prior_centre if len(regression.stages) > 1 else None
    engine = TextbookEngine.of(regression.in_memory, regression.chosen, regression.noise, centre=centre)
    return regression.with_engine(engine)
