"""What checks look at: some rows, some draws, and what the model makes of the rows draw by draw."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stanhier.basics.spacing import evenly
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression
from stanhier.evaluation.variances import row_auxiliary
from stanhier.families.family import Family
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.row_draws import row_draws

__all__ = ["Evidence", "evidence_of", "some_draws"]

MOST_ROWS = 2_500
N_DRAWS = 1_000
"""Replicated data sets, and draws at most; with fewer draws these serve several times."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Rows and draws.

    Attributes
    ----------
    model : Regression
    draws : Draws
        At most 1,000, as one chain.
    positions : numpy.ndarray of int, shape (n,)
        The rows looked at: all, or of more than 2,500 a random part.
    eta : numpy.ndarray, shape (S, n)
        Linear predictors with effects of groups and offsets.
    auxiliary : dict of numpy.ndarray, shape (S, 1) or (S, n)
        What else the distribution of responses has.
    rng : numpy.random.Generator
    """

    model: Regression
    draws: Draws
    positions: np.ndarray
    eta: np.ndarray
    auxiliary: dict[str, np.ndarray]
    rng: np.random.Generator

    @property
    def family(self) -> Family:
        """How responses vary."""
        return self.model.family

    @cached_property
    def rows(self) -> InMemoryDesign:
        """The design of these rows."""
        design = self.model.rows
        return design if len(self.positions) == design.n_rows else design.take(self.positions)

    @cached_property
    def y(self) -> np.ndarray:
        """The observed response, shape (n,)."""
        return np.asarray(self.rows.observed, dtype=float)

    @property
    def trials(self) -> np.ndarray | None:
        """Numbers of trials, shape (n,)."""
        return self.rows.trials

    @property
    def has_scale(self) -> bool:
        """Whether the scale of the response is estimated, so that tests are of t and F."""
        return self.family.has_sigma and self.model.noise.is_estimated

    @property
    def scale(self) -> np.ndarray:
        """Sigma, that of a row of weight 1, shape (S, 1)."""
        return self.model.engine.noise_scale(self.draws)[:, None]

    @cached_property
    def chosen(self) -> np.ndarray:
        """Which draw each of the replicated data sets is from, shape (R,)."""
        return np.linspace(0, len(self.eta) - 1, N_DRAWS).round().astype(int)

    @property
    def of_chosen(self) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
        """Linear predictors, auxiliary values and trials of the replicated data sets, as families take them."""
        return self.eta[self.chosen], {name: one[self.chosen] for name, one in self.auxiliary.items()}, self.trials

    @cached_property
    def replicated(self) -> np.ndarray:
        """Replicated responses, shape (R, n)."""
        return self.family.draw(self.rng, *self.of_chosen)

    @cached_property
    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Slopes of the log density by the linear predictor and weights, averages over the draws, shape (n,).

        In units of the scale of the response, where it has one: then they do not depend on it.
        """
        slopes, weights = self.family.slopes(self.y, self.eta, self.auxiliary, self.trials)
        sigma = self.scale if self.has_scale else 1.0
        return (slopes * sigma).mean(axis=0), (weights * np.square(sigma)).mean(axis=0)

    @cached_property
    def population(self) -> np.ndarray:
        """What predictors alone let expect of the linear predictor, mean over the draws, shape (n,)."""
        mean = self.model.engine.linear(self.draws, self.rows.X).mean(axis=0)
        offset = self.rows.whole_offset
        return np.asarray(mean if offset is None else mean + offset)


def some_draws(draws: Draws) -> Draws:
    """Give at most 1,000 draws, evenly spaced, as one chain."""
    total = draws.n_draws
    return draws.only(evenly(total, N_DRAWS))


def evidence_of(fit: Fitted[Regression], seed: int) -> Evidence:
    """Take rows and draws, and calculate the linear predictors."""
    model, rng = fit.model, np.random.default_rng([seed, 0x63])
    design = model.rows
    positions = np.arange(design.n_rows)
    if len(positions) > MOST_ROWS:
        positions = np.sort(rng.choice(positions, MOST_ROWS, replace=False))
    draws = some_draws(fit.draws)
    rows = design.as_new.take(positions)
    eta = row_draws(model, draws, rows, kind="linear", new_groups="error", seed=seed).collected()
    return Evidence(model, draws, positions, eta, row_auxiliary(model, draws, rows, np.arange(rows.n_rows)), rng)
