"""Simulation-based calibration: whether the sampler is right, for this model and data of this shape.

Parameters are drawn from the prior and data from the model with them; the posterior of such data must then, on average,
hold the parameters: the rank of each true value among its posterior draws is uniform. Compression makes a simulation
cost about as much as starting a process, so a few hundred take seconds.

References
----------
Talts, Betancourt, Simpson, Vehtari & Gelman (2018), Validating Bayesian inference algorithms with simulation-based
calibration, arXiv:1804.06788.
Säilynoja, Bürkner & Vehtari (2022), Graphical test for discrete uniformity and its applications in goodness-of-fit
evaluation and multiple sample comparison, doi:10.1007/s11222-022-10090-6: the simultaneous bands.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.evaluation.uniformity import rank_test
from stanhier.plots.figures import Panels, Size, checked_size, grid_of_axes
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.predictive import sample_prior
from stanhier.posterior.sampling import SamplingTask, sample
from stanhier.stan.crews import OwnThreads, crew_of
from stanhier.stan.tasks import results_of

__all__ = ["Calibration", "sbc"]

THIN = 10
"""Draws between two that are ranked, so that these are nearly independent."""
GROUPS_SHOWN = 3
LEVEL = 0.01
"""Probability that a model that is right fails."""


@dataclass(frozen=True)
class Calibration:
    """Ranks of true values among posterior draws.

    Attributes
    ----------
    ranks : pandas.DataFrame
        One row per simulation, one column per quantity; 0 to `n_draws`.
    n_draws : int
        Draws that each value was ranked among.
    divergences : int
        In all simulations together.
    """

    ranks: pd.DataFrame
    n_draws: int
    divergences: int

    @in_our_words()
    def bands(self, quantity: str, *, prob: float = 0.95) -> pd.DataFrame:
        """Compare the distribution of the ranks with uniform.

        Parameters
        ----------
        quantity : str
            A column of `ranks`.
        prob : float
            Probability that uniform ranks stay within the band everywhere.

        Returns
        -------
        pandas.DataFrame
            Columns rank (scaled to between 0 and 1), difference (of the empirical distribution function from uniform),
            lower and upper (the simultaneous band).
        """
        test = rank_test(len(self.ranks), self.n_draws)
        below, (lower, upper) = test.below(self.ranks[quantity].to_numpy()), test.band(prob)
        return pd.DataFrame(
            {
                "rank": test.points,
                "difference": below / test.n - test.points,
                "lower": lower / test.n - test.points,
                "upper": upper / test.n - test.points,
            }
        )

    @property
    def p_values(self) -> pd.Series:
        """For each quantity the probability that uniform ranks leave the band that its ranks just touch."""
        test = rank_test(len(self.ranks), self.n_draws)
        return pd.Series({str(name): test.p_value(ranks.to_numpy()) for name, ranks in self.ranks.items()})

    @property
    def failures(self) -> list[str]:
        """Quantities whose ranks are not uniform, at a level of 1 % for all of them together (Bonferroni)."""
        p_values = self.p_values
        return list(p_values.index[p_values < LEVEL / len(p_values)])

    @property
    def ok(self) -> bool:
        """Whether no quantity fails."""
        return not self.failures

    @in_our_words()
    def plot(self, *, figsize: Size | None = None) -> Panels:
        """Draw the ranks' distribution minus uniform, with its 95 % band, for each quantity.

        Parameters
        ----------
        figsize : (float, float), optional
            Width and height of the new figure, in inches.

        Returns
        -------
        Panels
            An array of axes, one per quantity, with `.figure` and `.savefig(path)`.

        Raises
        ------
        StanhierError
            If `figsize` is no size.
        """
        size = checked_size(figsize, "Calibration.plot")
        names = list(self.ranks.columns)
        axes = grid_of_axes(len(names), each=(3.4, 2.4), figsize=size, sharex=True, sharey=True)
        for ax, name in zip(axes, names, strict=True):
            bands = self.bands(name)
            ax.fill_between(bands["rank"], bands["lower"], bands["upper"], color="C0", alpha=0.2, linewidth=0)
            ax.plot(bands["rank"], bands["difference"], color="C0")
            ax.axhline(0, color="0.5", linewidth=0.8)
            ax.set_title(name, fontsize=10)
        axes.figure.supxlabel(f"rank of the true value among {self.n_draws} draws (scaled)")
        axes.figure.supylabel(f"ECDF of {len(self.ranks)} ranks minus uniform, 95 % band")
        return axes

    def __repr__(self) -> str:
        verdict = "all ranks are uniform" if self.ok else f"not uniform: {', '.join(self.failures)}"
        return f"Calibration by {len(self.ranks)} simulations: {verdict}; {self.divergences} divergences"


@in_our_words()
def sbc(
    model: Regression,
    *,
    n: int = 200,
    seed: int | None = None,
    iter_warmup: int = 1000,
    executor: Executor | None = None,
) -> Calibration:
    """Calibrate a model by simulation.

    Parameters
    ----------
    model : Model, LinearRegression or VaryingIntercept
        Predictors, groups and priors are its own; its response is not used. All priors must be proper. Standard
        deviations, correlations and the effects of the first groups of each factor are ranked too.
    n : int
        Number of simulations, at least 20.
    seed : int, optional
        Repeats the same simulations.
    iter_warmup : int
        Iterations of warm-up of each fit; to see whether fewer than Stan's 1000 are enough.
    executor : concurrent.futures.Executor, optional
        Where the simulated data are fitted, as for `fit_many`; threads here by default, since processes take longer to
        start than a simulation takes. The ranks are the same everywhere.

    Returns
    -------
    Calibration

    Raises
    ------
    PriorError
        If a prior is flat.
    StanhierError
        If `model` is no model, or `n` is too small.
    """
    if not isinstance(model, Regression):
        remedy = (
            "give the model of the fit, fit.model." if isinstance(model, Fitted) else "make one of a formula and data."
        )
        raise StanhierError(f"sbc() takes a model, not {quoted(model)}; {remedy}")
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 20:
        raise StanhierError(f"sbc(n={quoted(n)}): 'n' must be an integer of at least 20.")
    tree = sample_prior(model, n, seed=seed)
    truths = _quantities(tree["prior"].to_dataset(), model.parameters)
    responses = tree["prior_predictive"].to_dataset()["y"].to_numpy().reshape(-1, model.design.n_rows)
    if len(responses) < n:
        raise StanhierError(f"sbc(n={n}) of {model.design.n_rows} rows is too large for memory; make a smaller model.")
    seeds = np.random.SeedSequence(seed).generate_state(n)
    keywords = {"chains": 1, "iter_warmup": iter_warmup}

    def tasks() -> Iterator[tuple[tuple[int, Regression], SamplingTask]]:
        for i in range(n):
            simulated = model.on_rows(model.rows.with_observed(responses[i]))
            yield (i, simulated), SamplingTask.of(simulated, {**keywords, "seed": int(seeds[i])})

    ranks: list[dict[str, int]] = [{}] * n
    n_draws = divergences = 0
    for (i, simulated), draws in results_of(sample, tasks(), crew_of(executor, own=OwnThreads)):
        posterior = {
            k: v[::THIN] for k, v in _quantities(labelled.posterior(simulated, draws), model.parameters).items()
        }
        ranks[i] = {k: int((posterior[k] < values[i]).sum()) for k, values in truths.items()}
        n_draws = len(next(iter(posterior.values())))
        divergences += int(draws.statistics["diverging"].sum())
    return Calibration(pd.DataFrame(ranks), n_draws, divergences)


def _quantities(dataset: Any, parameters: Inventory) -> dict[str, np.ndarray]:
    """Give the scalar quantities by name, each an array of all draws; of the groups of a factor only the first few."""
    quantities: dict[str, np.ndarray] = {}
    for name, array in dataset.data_vars.items():
        values = array.to_numpy()
        values = values.reshape(-1, *values.shape[2:])
        parameter = parameters[str(name)]
        if parameter.role is Role.EFFECTS:
            coords = [pd.Index(array[dim].to_numpy()) for dim in parameter.dims]
            few = (coords[0][:GROUPS_SHOWN], *coords[1:])
            parameter, values = Parameter(str(name), Role.EFFECTS, parameter.dims, few), values[:, :GROUPS_SHOWN]
        scalars = parameter.scalars(values)
        quantities |= {label: scalars[:, k] for k, label in enumerate(parameter.scalar_names)}
    return quantities
