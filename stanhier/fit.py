"""A fit: draws with labels, their summary, diagnostics, pictures and predictions."""

import warnings
from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import pandas as pd

from stanhier import prediction
from stanhier.diagnostics import Diagnosis, SamplingWarning, diagnose
from stanhier.draws import Draws

if TYPE_CHECKING:
    import xarray as xr

    from stanhier.models import Model

__all__ = ["Fit"]


class Fit:
    """Draws from the posterior of a model, made by `model.sample()`.

    Parameters
    ----------
    model : Model
    draws : Draws
    """

    def __init__(self, model: "Model", draws: Draws) -> None:
        self._model = model
        self._draws = draws

    @property
    def model(self) -> "Model":
        """The model that was sampled."""
        return self._model

    @property
    def draws(self) -> Draws:
        """The draws as plain arrays."""
        return self._draws

    @cached_property
    def posterior(self) -> "xr.Dataset":
        """The posterior with the user's labels as coordinates.

        `alpha[group]` is there up to 20 million values (draws times groups); beyond that there is no room for it.
        """
        from stanhier import datasets

        return datasets.posterior(self._model, self._draws)

    @cached_property
    def idata(self) -> "xr.DataTree":
        """Posterior, sample_stats, observed_data and constant_data, as ArviZ takes them."""
        from stanhier import datasets

        return datasets.tree(self._model, self._draws, self.posterior)

    @cached_property
    def _diagnosis(self) -> Diagnosis:
        design = self._model.design
        n_intercepts = self._draws.location.shape[-1] - len(design.predictors)
        names = ["mu_alpha" if self._model.grouped else "alpha"] * n_intercepts
        return diagnose(self._draws, [*names, *(f"beta[{p}]" for p in design.predictors)])

    def diagnose(self) -> Diagnosis:
        """Check R-hat, effective sample sizes, divergences, tree depth and E-BFMI.

        Returns
        -------
        Diagnosis
            Prints as a verdict; `.ok`, `.problems` and `.table` hold its parts.
        """
        return self._diagnosis

    def warn_if_unreliable(self) -> None:
        """Give one warning that says what is wrong with the draws, if anything is.

        Warns
        -----
        SamplingWarning
            With what to do about it.
        """
        if not self._diagnosis.ok:
            warnings.warn("\n".join(self._diagnosis.problems), SamplingWarning, stacklevel=3)

    def summary(self, **kwargs: Any) -> pd.DataFrame:
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

        table: pd.DataFrame = az.summary(self.idata, **kwargs)
        return table

    def predict(
        self,
        new_data: pd.DataFrame | Mapping[str, Any],
        *,
        kind: str = "mean",
        new_groups: str = "error",
        prob: float = 0.9,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """Predict rows of new data.

        Parameters
        ----------
        new_data : pandas.DataFrame or mapping of arrays
            With the predictors and the grouping column; the response is not needed.
        kind : {"mean", "response"}
            The expected response (the linear predictor), or a new observation with its noise.
        new_groups : {"error", "sample"}
            For groups that the fit has not seen: an error, or one effect per draw and group from
            normal(mu_alpha, sigma_alpha), shared by the rows of that group.
        prob : float
            Probability of the central interval from `lower` to `upper`.
        seed : int, optional
            Of the noise and the new groups; the fit's own by default, so that results repeat.

        Returns
        -------
        pandas.DataFrame
            One row per row of `new_data`, with its index: mean, sd, lower, median, upper, in units of the response.

        Raises
        ------
        DataError
            If a column is missing or cannot be used, or a group is new and `new_groups="error"`.
        StanhierError
            If an argument has a value that it cannot have.
        """
        prediction.check_arguments(kind, new_groups, prob)
        rows = self._model.design.encode(new_data)
        return prediction.predict(
            self, rows, kind=kind, new_groups=new_groups, prob=prob, seed=self._draws.seed if seed is None else seed
        )

    def plot_trace(self, **kwargs: Any) -> Any:
        """Plot the distribution and the trace of each parameter: `arviz.plot_trace_dist` with these keywords."""
        from stanhier import plots

        return plots.trace(self, **kwargs)

    def plot_forest(self, **kwargs: Any) -> Any:
        """Plot the estimates of the groups, sorted, with their intervals; see `stanhier.plots.forest`."""
        from stanhier import plots

        return plots.forest(self, **kwargs)

    def save(self, path: str | PathLike[str]) -> None:
        """Save the fit as one netCDF file, which `stanhier.load` reads and any netCDF tool can open.

        Parameters
        ----------
        path : path
            Written beside itself and renamed, so a file of that name is replaced whole or not at all.

        Raises
        ------
        StanhierError
            If the file cannot be written.
        """
        from stanhier import storage

        storage.save(self, path)

    def __repr__(self) -> str:
        chains, draws = self._draws.shape
        verdict = (
            "no problems found" if self._diagnosis.ok else f"{len(self._diagnosis.problems)} problems: see diagnose()"
        )
        return (
            f"Fit of {type(self._model).__name__}({self._model.formula!r}): {chains} chains of {draws} draws, {verdict}"
        )
