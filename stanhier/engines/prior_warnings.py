"""What is said of a model's priors when it is made."""

from stanhier.basics.warned import PriorWarning, warn
from stanhier.engines.prior_distance import distances_of
from stanhier.engines.regression import Regression
from stanhier.engines.single_rows import said_of_single_rows

__all__ = ["said_of_priors", "warn_of_priors"]


def warn_of_priors(model: Regression) -> None:
    """Warn of priors that say something else than was meant, and of those that decide alone.

    Parameters
    ----------
    model : Regression

    Warns
    -----
    PriorWarning
        Of priors on intercepts at x = 0, with the predictor and the remedy; of groups that are single rows.
    """
    for said in said_of_priors(model):
        warn(said, PriorWarning)


def said_of_priors(model: Regression) -> list[str]:
    """Give the words of `warn_of_priors`, of each warning."""
    return [*distances_of(model.chosen, model.design, model.engine.moments), *said_of_single_rows(model)]
