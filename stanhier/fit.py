"""A fit: draws with labels, their summary, diagnostics, pictures and predictions."""

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.engines.draws import Draws
from stanhier.posterior import prediction
from stanhier.posterior.diagnostics import Diagnosis, SamplingWarning, diagnose

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import xarray as xr

    from stanhier.models import Model

__all__ = ["Fit"]


class Fit:
    """Draws from the posterior of a model, made by `model.sample()`.

    Parameters
    ----------
    model : Model
    draws : Draws
    diagnosis : Diagnosis, optional
        Of these draws, where it has been made already.
    """

    def __init__(self, model: "Model", draws: Draws, *, diagnosis: Diagnosis | None = None) -> None:
        self._model = model
        self._draws = draws
        self._known_diagnosis = diagnosis

    @property
    def model(self) -> "Model":
        """The model that was sampled."""
        return self._model

    @property
    def draws(self) -> Draws:
        """The draws as plain arrays."""
        return self._draws

    @property
    def failed_chains(self) -> dict[int, str]:
        """Why chains did not finish, by their numbers; empty unless `sample(keep_finished=True)` went on without.

        Stan numbers chains from 1; the draws of those that finished are numbered anew, from 0.
        """
        return dict(self._draws.failed_chains)

    @cached_property
    def posterior(self) -> "xr.Dataset":
        """The posterior with the user's labels as coordinates.

        `alpha[group]` is there up to 20 million values (draws times groups); beyond that there is no room for it.
        """
        from stanhier.posterior import labelled as datasets

        return datasets.posterior(self._model, self._draws)

    @cached_property
    def idata(self) -> "xr.DataTree":
        """Posterior, sample_stats, observed_data and constant_data, as ArviZ takes them."""
        from stanhier.posterior import labelled as datasets

        return datasets.tree(self._model, self._draws, self.posterior)

    @cached_property
    def _diagnosis(self) -> Diagnosis:
        from stanhier.posterior import labelled as datasets

        if self._known_diagnosis is not None:
            return self._known_diagnosis
        return diagnose(self._draws, list(datasets.location_names(self._model)))

    def diagnose(self) -> Diagnosis:
        """Check R-hat, effective sample sizes, divergences, tree depth, E-BFMI, and that all chains finished.

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
            warn("\n".join(self._diagnosis.problems), SamplingWarning)

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
        import xarray as xr

        # The posterior alone: the rows of the data are not needed, and may be many.
        table: pd.DataFrame = az.summary(xr.DataTree.from_dict({"posterior": self.posterior}), **kwargs)
        return table

    def group_summary(self, levels: Any = None, *, prob: float = 0.9) -> pd.DataFrame:
        """Summarise the intercepts `alpha` of the groups, exactly and for any number of groups.

        Parameters
        ----------
        levels : sequence, optional
            Labels of the groups; all of them by default.
        prob : float
            Probability of the central interval from `lower` to `upper`.

        Returns
        -------
        pandas.DataFrame
            One row per group: mean, sd, lower, median, upper, in units of the response. Mean and sd average the
            conditional distributions of the group over the draws of the other parameters; so do the ends of the
            interval, over an evenly spaced part of the draws beyond about 16,000 groups.

        Raises
        ------
        DataError
            If the model has no groups, or a label is none of them.
        StanhierError
            If `prob` is not between 0 and 1.

        References
        ----------
        Gelfand & Smith (1990), Sampling-based approaches to calculating marginal densities,
        doi:10.1080/01621459.1990.10476213.
        """
        from stanhier.engines.gaussian import group_summary
        from stanhier.posterior import labelled as datasets

        prediction.check_probability("group_summary", prob)
        groups, index = self._groups(levels)
        mu_alpha = datasets.intercept(self._model, self._draws).ravel()
        return group_summary.summarise(self._model.compressed, groups, self._draws, mu_alpha, prob).set_index(index)

    def group_draws(self, levels: Any) -> "xr.DataArray":
        """Give the draws of the intercepts `alpha` of the groups asked for.

        Parameters
        ----------
        levels : sequence
            Labels of the groups. A group has the same draws in any company.

        Returns
        -------
        xarray.DataArray
            Dimensions chain, draw and the grouping column.

        Raises
        ------
        DataError
            If the model has no groups, or a label is none of them.
        """
        import xarray as xr

        from stanhier.posterior import labelled as datasets

        groups, _ = self._groups(levels)
        mu_alpha = xr.DataArray(
            datasets.intercept(self._model, self._draws), dims=("chain", "draw"), coords=self._chain_draw_coords()
        )
        return datasets.effects_array(self._model, self._draws, mu_alpha, groups)

    def _chain_draw_coords(self) -> dict[str, np.ndarray]:
        chains, draws = self._draws.shape
        return {"chain": np.arange(chains), "draw": np.arange(draws)}

    def _groups(self, levels: Any) -> tuple[np.ndarray, pd.Index]:
        """Find the positions of groups by their labels."""
        grouping = self._model.design.group
        if grouping is None:
            raise DataError(f"{quoted(self._model.formula)} has no groups.")
        if levels is None:
            return np.arange(len(grouping.levels)), grouping.levels.rename(grouping.name)
        wanted = pd.Index([levels] if isinstance(levels, str) or np.isscalar(levels) else levels, name=grouping.name)
        groups = np.asarray(grouping.levels.get_indexer(wanted))
        if (groups < 0).any():
            unknown = ", ".join(repr(level) for level in wanted[groups < 0][:5])
            raise DataError(f"'{grouping.name}' has no group {unknown} in the data of the fit.")
        return groups, wanted

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
        prediction.check_seed(seed)
        rows = self._model.design.encode(new_data)
        return prediction.predict(
            self, rows, kind=kind, new_groups=new_groups, prob=prob, seed=self._draws.seed if seed is None else seed
        )

    def predict_draws(
        self,
        new_data: pd.DataFrame | Mapping[str, Any],
        *,
        kind: str = "mean",
        new_groups: str = "error",
        seed: int | None = None,
    ) -> "xr.DataArray":
        """Predict rows of new data, draw by draw.

        Parameters
        ----------
        new_data, kind, new_groups, seed
            As for `predict`, which summarises these draws.

        Returns
        -------
        xarray.DataArray
            Dimensions chain, draw, row; the coordinate `row` is the index of `new_data`.

        Raises
        ------
        DataError
            As `predict`.
        StanhierError
            If an argument has a value that it cannot have, or draws times rows exceed 20 million values.
        """
        prediction.check_arguments(kind, new_groups)
        prediction.check_seed(seed)
        rows = self._model.design.encode(new_data)
        return prediction.labelled_draws(
            self, rows, kind=kind, new_groups=new_groups, seed=self._draws.seed if seed is None else seed
        )

    def update_group(self, rows: pd.DataFrame | Mapping[str, Any], *, reweight: bool = True) -> "Fit":
        """Add a new group from a few of its own rows, without sampling again.

        Given the other parameters the effect of the new group has its closed form. `reweight` resamples the draws of
        those parameters by the closed-form density of the new rows, which makes the result one of the posterior given
        all rows, to the accuracy of the draws; without, they stay as they were, given the old rows alone.

        Parameters
        ----------
        rows : pandas.DataFrame or mapping of arrays
            All columns of the model, the response too; every row of a group, or groups, that the fit has not seen.
        reweight : bool
            Whether what is known of the other parameters takes the new rows into account.

        Returns
        -------
        Fit
            It knows the new group, in `predict` and everywhere else. Priors stay as they were, those at the mean of
            the predictors at the old rows' mean.

        Raises
        ------
        DataError
            If a column is missing or cannot be used, or a group is known already.
        StanhierError
            If the model has no groups.

        Warns
        -----
        SamplingWarning
            If the new rows change the draws too much for weights (Pareto k), so that sampling again is needed.

        References
        ----------
        Vehtari et al. (2024), Pareto smoothed importance sampling, JMLR 25(72).
        """
        from stanhier.posterior import new_groups as group_update

        model = group_update.extend(self._model, rows)
        n_new = model.compressed.n_groups - self._model.compressed.n_groups
        draws = group_update.reweight(self._draws, model, n_new) if reweight else self._draws
        return Fit(model, draws)

    def posterior_predictive(self, draws: int | None = None, *, seed: int | None = None) -> "xr.DataTree":
        """Draw replicated data for the rows of the fit, and add them to `idata`.

        Parameters
        ----------
        draws : int, optional
            Number of draws, spread evenly over the chains and along them (rounded up to the same number per chain);
            by default all of them, or as many as stay below 20 million values.
        seed : int, optional
            Of the noise; the fit's own by default.

        Returns
        -------
        xarray.DataTree
            `idata`, with the group posterior_predictive: `y` with dimensions chain, draw, row.

        Raises
        ------
        StanhierError
            If there are not that many draws, or draws times rows exceed 20 million values.
        """
        import xarray as xr

        from stanhier.posterior import predictive

        self.idata["posterior_predictive"] = xr.DataTree(predictive.posterior_predictive(self, draws, seed=seed))
        return self.idata

    def loo(self, *, by: Any = "row") -> Any:
        """Estimate how well the model predicts what it has not seen, leaving out one row or one group at a time.

        Group effects are integrated out in closed form: leaving out a row, its group's other rows inform its effect;
        leaving out a group, its effect comes from the population.

        Parameters
        ----------
        by : "row", "group" or array of shape (N,)
            What is left out; labels of the rows where the model itself has no groups.

        Returns
        -------
        arviz_stats.utils.ELPDDataLOO
            Prints as a table; `elpd`, `se`, `p`, pointwise `elpd_i` and `pareto_k`.

        Raises
        ------
        StanhierError
            If `by` is something else.

        Warns
        -----
        SamplingWarning
            If an estimate is unreliable (Pareto k), with what to do about it.

        References
        ----------
        Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4.
        Merkle, Furr & Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0.
        """
        from stanhier.evaluation import loo

        return loo.loo(self, by)

    def kfold(
        self,
        *,
        by: Any = "row",
        k: int = 10,
        seed: int | None = None,
        executor: "Executor | None" = None,
        **kwargs: Any,
    ) -> Any:
        """Cross-validate by sampling again without each of `k` folds, several at a time.

        Each refit has this fit's priors with their numbers, so that with as many folds as rows or groups this is what
        `loo` estimates; densities of what was held out are exact given the draws.

        Parameters
        ----------
        by : "row", "group" or array of shape (N,)
            What stays together in a fold, as for `loo`.
        k : int
            Number of folds.
        seed : int, optional
            Of the folds and of sampling; the fit's own by default.
        executor : concurrent.futures.Executor, optional
            Where the folds are sampled, as for `fit_many`; threads here by default, since Stan runs in processes of its
            own. The result is the same everywhere.
        **kwargs
            As for `Model.sample`; by default as many chains and draws as this fit has.

        Returns
        -------
        arviz_stats.utils.ELPDDataLOOKFold
            `elpd`, `se`, `p`, pointwise `elpd_i`; `compare` takes it in place of a fit.

        Raises
        ------
        StanhierError
            If `by` or `k` is something else, or a keyword is not one of `Model.sample`.

        Warns
        -----
        SamplingWarning
            If the draws of a fold cannot be trusted.
        """
        from stanhier.evaluation import kfold

        return kfold.kfold(self, by, k, seed=seed, executor=executor, keywords=kwargs)

    def plot_trace(self, **kwargs: Any) -> Any:
        """Plot the distribution and the trace of each parameter; see `stanhier.plots.trace`."""
        from stanhier import plots

        return plots.trace(self, **kwargs)

    def plot_posterior(self, **kwargs: Any) -> Any:
        """Plot the marginal posterior density of each parameter; see `stanhier.plots.posterior`."""
        from stanhier import plots

        return plots.posterior(self, **kwargs)

    def plot_pair(self, **kwargs: Any) -> Any:
        """Plot the draws of each two parameters against each other; see `stanhier.plots.pair`."""
        from stanhier import plots

        return plots.pair(self, **kwargs)

    def plot_forest(self, **kwargs: Any) -> Any:
        """Plot the estimates of the groups, sorted, with their intervals; see `stanhier.plots.forest`."""
        from stanhier import plots

        return plots.forest(self, **kwargs)

    def plot_shrinkage(self, **kwargs: Any) -> Any:
        """Plot how far partial pooling moved each group's mean; see `stanhier.plots.shrinkage`."""
        from stanhier import plots

        return plots.shrinkage(self, **kwargs)

    def plot_ppc(self, **kwargs: Any) -> Any:
        """Plot replicated data over the observed; see `stanhier.plots.ppc`."""
        from stanhier import plots

        return plots.ppc(self, **kwargs)

    def plot_prior_posterior(self, **kwargs: Any) -> Any:
        """Plot each parameter's posterior density over its prior's; see `stanhier.plots.prior_posterior`."""
        from stanhier import plots

        return plots.prior_posterior(self, **kwargs)

    def plot_prediction(self, x: str, **kwargs: Any) -> Any:
        """Plot data, mean line and intervals along a predictor; see `stanhier.plots.prediction`."""
        from stanhier import plots

        return plots.prediction(self, x, **kwargs)

    def report(self, path: str | PathLike[str], *, title: str | None = None) -> None:
        """Write a report as one HTML file that needs nothing else: to read, to print, to attach to a message.

        The model as an equation, priors, a summary of the data, estimates, diagnostics in words, pictures, versions and
        the seed. It holds no script and asks for nothing from the network.

        Parameters
        ----------
        path : path
            Written beside itself and renamed, so a file of that name is replaced whole or not at all.
        title : str, optional
            By default the kind of model and its formula.

        Raises
        ------
        StanhierError
            If the file cannot be written.
        """
        from stanhier.reports import report

        report.write(self, path, title=title)

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
        from stanhier.storage import netcdf as storage

        storage.save(self, path)

    def _repr_html_(self) -> str:
        from stanhier.reports import html

        return html.fit_html(self)

    def __repr__(self) -> str:
        chains, draws = self._draws.shape
        verdict = (
            "no problems found" if self._diagnosis.ok else f"{len(self._diagnosis.problems)} problems: see diagnose()"
        )
        kind = f"{chains} chains of {draws} draws"
        if self._draws.pareto_k is not None:
            kind = f"{draws} draws of an approximation ({self._draws.method})"
        return f"Fit of {type(self._model).__name__}({self._model.formula!r}): {kind}, {verdict}"
