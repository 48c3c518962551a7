"""Draws from the posterior of a regression, with their labels and a verdict: what every later step takes."""

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.diagnostics import Diagnosis, SamplingWarning, diagnose, watched
from stanhier.posterior.lazy_tree import LazyGroups, Recipe, lazy_tree

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

    _recipes: "ClassVar[Mapping[str, Recipe]]" = MappingProxyType({})
    """Of groups that `idata` makes when they are asked for."""

    @in_our_words()
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

        Effects of groups, `alpha[g]` or `effect_g`, are there up to 20 million values (draws times groups and effects);
        beyond that `group_summary` and `group_draws` give them, as the error says.
        """
        return labelled.posterior(self._model, self._draws)

    @property
    def idata(self) -> "xr.DataTree":
        """The tree that ArviZ's functions take.

        It lists posterior, sample_stats, observed_data, constant_data, and groups added since. More groups are made
        when they are first asked for by name, as ArviZ does (`fit.idata.log_likelihood`, `fit.idata["prior"]`), and
        kept with the fit. Neither `save` nor `sel` nor printing sees them; `idata_with` puts them into a tree for good:

        * log_likelihood: log densities of the rows, with dimensions chain, draw, row. In a Gaussian model with groups
          they are given the other rows of the group, whose effect is integrated out: those by which `loo` weights the
          draws. Of other families they are given all effects.
          Their sum over rows is not the log likelihood of a Gaussian model with groups, and `az.loo`, with the elpd of
          `loo`, takes its `p` from them alone. `az.psense` and what belongs to it scale, given this tree, what they
          should: the likelihood of all rows together, all effects integrated out. (Of results of `sel` and trees read
          from files they scale the sum.)
        * log_prior: log densities of the priors at the draws, by parameter, as the posterior has these; a prior with
          `centered=True` at the intercept where it holds, correlations of a factor as one number, priors that are flat
          left out. Group effects have none: their density given the standard deviations is part of the likelihood that
          they are integrated out of. Of other families than the Gaussian it belongs to neither: the likelihood that
          `az.psense` scales is that of the rows given the effects.
        * posterior_predictive: as `posterior_predictive()` draws it.
        * prior, prior_predictive: 1000 draws, as `model.sample_prior` makes them with the seed of the fit; not where
          a prior is flat.

        Where draws times rows exceed 20 million values there are no log_likelihood and posterior_predictive; where rows
        are not in memory, no prior_predictive, observed_data and constant_data either. Responses of discrete families
        are integers, by which ArviZ knows them. Its pictures of power scaling call the powers alpha, and take no
        parameter of that name: put a posterior with `.rename(alpha="intercept")` into a copy.
        """
        if self._idata is None:
            self._idata = self._lazily(labelled.groups(self._model, self._draws, self.posterior))
        return self._idata

    def _lazily(self, tree: "xr.DataTree | Mapping[str, xr.Dataset]") -> "xr.DataTree":
        return lazy_tree(tree, LazyGroups(self._model, self._draws, self._recipes))

    def __setstate__(self, state: "dict[str, Any]") -> None:
        self.__dict__.update(state)
        if self._idata is not None:  # pickled without what is made when asked for
            self._idata = self._lazily(self._idata)

    @in_our_words()
    def idata_with(self, *names: str) -> "xr.DataTree":
        """Give a copy of `idata` with groups that are made when asked for put into it, to be selected from or written.

        Parameters
        ----------
        *names : str
            Any of log_likelihood, log_prior, posterior_predictive, prior, prior_predictive.

        Returns
        -------
        xarray.DataTree
            A copy: `idata` and files of the fit stay as they are. A group that is in `idata` already is kept.

        Raises
        ------
        StanhierError
            If there is no such group, or it cannot be made: its rows are not in memory, it is larger than 20 million
            values, or a prior is flat.

        Examples
        --------
        >>> az.loo(fit.idata_with("log_likelihood").sel(chain=[0, 1]))  # doctest: +SKIP
        """
        tree = self.idata.copy()
        listed = list(tree.children)
        for name in names:
            if name in listed:
                continue
            if not isinstance(name, str) or name not in self._recipes:
                known = ", ".join(self._recipes)
                raise StanhierError(f"idata_with({quoted(name)}): there is no such group; it takes any of {known}.")
            lack = self._recipes[name].lack(self._model, self._draws)
            if lack is not None:
                raise StanhierError(f"idata_with({quoted(name)}): {lack}")
            tree[name] = tree.children[name].copy()
        return tree

    @in_our_words()
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
        return diagnose(self._draws, watched(self._draws, self._model.engine.coordinates))

    @in_our_words()
    def diagnose(self) -> Diagnosis:
        """Check the sampler: R-hat, effective sample sizes, divergences, tree depth, E-BFMI, and that chains finished.

        R-hat and effective sample sizes are those of the parameters that all groups share, as `Fit.summary` has them;
        of the intercept at the means of the predictors too. Group effects have their own in `Fit.summary`. Of a single
        chain R-hat is unknown. Whether the model describes the data is what `Fit.check` says.

        Returns
        -------
        Diagnosis
            Prints as a verdict; `.ok`, `.problems` and `.table` hold its parts.
        """
        return self._diagnosis

    @in_our_words()
    def warn_if_unreliable(self) -> None:
        """Give one warning that says what is wrong with the draws, if anything is.

        Warns
        -----
        SamplingWarning
            With what to do about it.
        """
        if not self._diagnosis.ok:
            warn("\n".join(self._diagnosis.problems), SamplingWarning)

    @in_our_words()
    def again(self, model: Regression, draws: Draws) -> Self:
        """Give a fit of the same class: of the same kind of model with more rows, or with other draws."""
        return type(self)(cast("R", model), draws)
