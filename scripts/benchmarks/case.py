"""A data set and the model on it: what every peer fits."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["COUNTED", "INTERCEPT", "ROOT", "Case", "MissingDataError", "Term"]

ROOT = Path(__file__).resolve().parents[2]
INTERCEPT = "Intercept"
COUNTED = ("bernoulli", "poisson")
"""Families whose responses are whole numbers."""


class MissingDataError(Exception):
    """The data are not on this machine."""


@dataclass(frozen=True)
class Term:
    """What varies over the levels of a factor; several effects are correlated, with the prior LKJ(1).

    Attributes
    ----------
    factors : tuple of str
        The columns whose combinations are the levels.
    effects : tuple of str
        `Intercept`, and predictors whose slopes vary.
    sd : tuple of float
        Scales of the half-Cauchy priors of their standard deviations.
    """

    factors: tuple[str, ...]
    effects: tuple[str, ...]
    sd: tuple[float, ...]

    @property
    def name(self) -> str:
        """As lme4 and stanhier call the factor."""
        return ":".join(self.factors)

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the correlations in their matrix: below the diagonal, row by row."""
        return np.tril_indices(len(self.effects), -1)

    def __str__(self) -> str:
        return f"({' + '.join('1' if effect == INTERCEPT else effect for effect in self.effects)} | {self.name})"


@dataclass(frozen=True)
class Case:
    """Data, and the model that is fitted to them.

    Attributes
    ----------
    title : str
    table : pandas.DataFrame
    response : str
    predictors : tuple of str
    group : str or None
        The factor over whose levels the intercept alone varies, as an own parameter of each group.
    intercept, beta : tuple of float
        Mean and standard deviation of their normal priors; `beta` for every slope.
    sigma_alpha, sigma : float or None
        Scale of their half-Cauchy priors; `sigma` is None where the residual standard deviation is known.
    se : str or None
        Column of the known standard error of each row.
    known_sigma : float or None
    terms : tuple of Term
        What varies otherwise; then there is no `group`.
    family : str
        `gaussian`, `bernoulli` (of the logit), `poisson` (of the log) or `student_t`; all but the first with `terms`.
    nu : tuple of float or None
        Shape and rate of the gamma prior of the degrees of freedom of a Student t response.
    limit : float or None
        Seconds that a call may take where the command line does not say; None for its default.
    alone : tuple of int or None
        Iterations of warm-up and draws of data so large that stanhier alone is measured; None where all peers are.
    """

    title: str
    table: pd.DataFrame
    response: str
    predictors: tuple[str, ...] = ()
    group: str | None = None
    intercept: tuple[float, float] = (0.0, 10.0)
    beta: tuple[float, float] = (0.0, 10.0)
    sigma_alpha: float | None = None
    sigma: float | None = None
    se: str | None = None
    known_sigma: float | None = None
    terms: tuple[Term, ...] = ()
    family: str = "gaussian"
    nu: tuple[float, float] | None = None
    limit: float | None = None
    alone: tuple[int, int] | None = None

    @property
    def formula(self) -> str:
        """The model in lme4's notation."""
        grouping = [f"(1 | {self.group})"] if self.group else [str(term) for term in self.terms]
        return f"{self.response} ~ {' + '.join([*(self.predictors or ['1']), *grouping])}"

    @cached_property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors, shape (N, K), no intercept column."""
        return np.ascontiguousarray(self.table[list(self.predictors)].to_numpy(dtype=float))

    @cached_property
    def y(self) -> np.ndarray:
        """Response, shape (N,): whole numbers of a family that counts."""
        return self.table[self.response].to_numpy(dtype=int if self.family in COUNTED else float)

    @cached_property
    def _factorised(self) -> tuple[np.ndarray, np.ndarray]:
        levels, codes = np.unique(self.table[self.group].to_numpy(), return_inverse=True)
        return levels, codes

    @property
    def levels(self) -> np.ndarray:
        """The groups' labels, sorted."""
        return self._factorised[0]

    @property
    def codes(self) -> np.ndarray:
        """The group of each row, 0 to J - 1."""
        return self._factorised[1]

    @cached_property
    def factors(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each term the levels, sorted, and the level of each row."""
        return [np.unique(self._labels(term), return_inverse=True) for term in self.terms]

    def _labels(self, term: Term) -> np.ndarray:
        columns = [self.table[factor].astype(str) for factor in term.factors]
        return columns[0].str.cat(columns[1:], sep=":").to_numpy(dtype=str)

    def effect_columns(self, term: Term) -> np.ndarray:
        """What the effects of a term are multiplied by, shape (N, q)."""
        ones = np.ones(len(self.table))
        return np.column_stack([ones if e == INTERCEPT else self.table[e].to_numpy(float) for e in term.effects])

    @property
    def known_se(self) -> np.ndarray | None:
        """Known standard deviation of each row; None where sigma is estimated."""
        if self.se is not None:
            return self.table[self.se].to_numpy(dtype=float)
        return None if self.known_sigma is None else np.full(len(self.table), self.known_sigma)
