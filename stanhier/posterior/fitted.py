"""Draws from the posterior of a regression, with their labels and a verdict: what every later step takes."""

from functools import cached_property
from typing import TYPE_CHECKING, Self, cast

from stanhier.basics.warned import warn
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.diagnostics import Diagnosis, SamplingWarning, diagnose

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

__all__ = ["Fitted"]


class Fitted[R: Regression]:
    """Draws from the posterior of a model.

    Parameters
    ----------
    model : Regression
    draws : Draws
    diagnosis : Diagnosis, optional
        Of these draws, where it has been made already.
    """

    def __init__(self, model: R, draws: Draws, *, diagnosis: Diagnosis | None = None) -> None:
        self._model = model
        self._draws = draws
        self._known_diagnosis = diagnosis
        self._idata: xr.DataTree | None = None

    @property
    def model(self) -> R:
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
        return labelled.posterior(self._model, self._draws)

    @property
    def idata(self) -> "xr.DataTree":
        """Posterior, sample_stats, observed_data and constant_data, as ArviZ takes them; and groups added since."""
        if self._idata is None:
            self._idata = labelled.tree(self._model, self._draws, self.posterior)
        return self._idata

    def add_groups(self, groups: "Mapping[str, xr.Dataset]") -> "xr.DataTree":
        """Give `idata` more groups; a tree that somebody holds already stays as it is.

        Parameters
        ----------
        groups : mapping of xarray.Dataset
            By name; they take the place of groups of the same name.

        Returns
        -------
        xarray.DataTree
            What `idata` is from now on.
        """
        import xarray as xr

        tree = self.idata.copy()
        for name, group in groups.items():
            tree[name] = xr.DataTree(group)
        self._idata = tree
        return tree

    @cached_property
    def _diagnosis(self) -> Diagnosis:
        if self._known_diagnosis is not None:
            return self._known_diagnosis
        return diagnose(self._draws, self._model.engine.coordinates.sampled(self._draws))

    def diagnose(self) -> Diagnosis:
        """Check R-hat, effective sample sizes, divergences, tree depth, E-BFMI, and that all chains finished.

        R-hat and effective sample sizes are those of what the sampler moved: the scales, the slopes and the intercept
        at the means of the predictors. What follows from these, as group effects and the intercept at predictors of 0
        do, has its own in `Fit.summary`. Of a single chain R-hat is unknown.

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

    def again(self, model: Regression, draws: Draws) -> Self:
        """Give a fit of the same class: of the same kind of model with more rows, or with other draws."""
        return type(self)(cast("R", model), draws)
