"""The table of a fit: ArviZ's summary of the labelled posterior."""

from typing import Any

import pandas as pd

from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted

__all__ = ["summary"]


def summary(fit: Fitted[Regression], **kwargs: Any) -> pd.DataFrame:
    """Summarise the posterior with ArviZ.

    Parameters
    ----------
    **kwargs
        The keywords of `arviz.summary`: `var_names`, `ci_prob`, `kind` and so on.

    Returns
    -------
    pandas.DataFrame
        One row per parameter: mean, sd, interval, effective sample sizes, R-hat.
    """
    import arviz as az
    import xarray as xr

    # The posterior alone: the rows of the data are not needed, and may be many.
    table: pd.DataFrame = az.summary(xr.DataTree.from_dict({"posterior": fit.posterior}), **kwargs)
    return table
