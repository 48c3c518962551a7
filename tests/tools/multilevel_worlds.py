"""Rows, terms and draws made up at random, and the multivariate normal distribution that they stand for."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.layout import TermShape
from stanhier.families.noise import RowNoise


@dataclass(frozen=True)
class Codes:
    codes: np.ndarray


@dataclass(frozen=True)
class Rows:
    y: np.ndarray
    X: np.ndarray
    row_noise: RowNoise | None
    groupings: tuple[Codes, ...]
    Z: tuple[np.ndarray, ...]

    def effect_matrix(self, term, positions=None):
        return self.Z[term] if positions is None else self.Z[term][positions]

    def take(self, chosen):
        noise = None if self.row_noise is None else self.row_noise.take(chosen)
        groupings = tuple(Codes(g.codes[chosen]) for g in self.groupings)
        return Rows(self.y[chosen], self.X[chosen], noise, groupings, tuple(Z[chosen] for Z in self.Z))


@dataclass(frozen=True)
class World:
    """Rows, draws of every parameter (effects not those of the rows' posterior), and their terms."""

    rows: Rows
    terms: tuple[TermShape, ...]
    given: Given
    all_effects: tuple[np.ndarray, ...]

    def mean(self, s, integrated=()):
        """Mean of the rows given a draw; effects of levels in `integrated`, (term, level), are 0."""
        given, rows = self.given, self.rows
        mean = given.origin[-1] + (rows.X - given.origin[:-1]) @ given.location[s, -rows.X.shape[1] :]
        if given.location.shape[1] > rows.X.shape[1]:
            mean = mean + given.location[s, 0]
        for t, grouping in enumerate(rows.groupings):
            effects = self.all_effects[t][s].copy()
            effects[[level for term, level in integrated if term == t]] = 0
            mean = mean + (rows.Z[t] * effects[grouping.codes]).sum(axis=1)
        return mean

    def noise(self, s):
        """Covariance of the noise."""
        noise = self.rows.row_noise
        if noise is None:
            w = np.ones(len(self.rows.y))
        else:
            w = noise.values if noise.argument == "weights" else noise.values**-2.0
        return np.diag(self.given.sigma[s] ** 2 / w)

    def shared(self, s, integrated):
        """Covariance of the rows by the effects of these levels."""
        total = np.zeros((len(self.rows.y),) * 2)
        for t, level in integrated:
            Z = np.where((self.rows.groupings[t].codes == level)[:, None], self.rows.Z[t], 0)
            factor = self.given.factors[t][s]
            total += Z @ factor @ factor.T @ Z.T
        return total


def world(sizes=((7, 2),), *, n=60, n_draws=3, noise=None, intercept=True, seed=0, sd=None, cor=None, nested=False):
    """Make one up; `sizes` are levels and effects of each term."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2)) + np.array([1.0, -2.0])
    columns = np.column_stack([X, rng.standard_normal((n, 3)), np.ones(n)])
    groupings, Z, factors, terms, effects = [], [], [], [], []
    for t, (n_levels, q) in enumerate(sizes):
        codes = np.concatenate([np.arange(n_levels), rng.integers(0, n_levels, n)])[:n]
        codes = rng.permutation(np.where(codes == n_levels - 1, 0, codes)) if n_levels > 3 else rng.permutation(codes)
        if n_levels > 3:
            codes[n // 2] = n_levels - 1  # one row alone
        if nested and t:
            codes = groupings[0].codes * n_levels + codes
            codes = np.unique(codes, return_inverse=True)[1]
            n_levels = int(codes.max()) + 1
        chosen = ([-1, 0, 2, 3, 4] if t % 2 == 0 else [-1, 3, 1, 0, 2])[:q]
        groupings.append(Codes(codes))
        Z.append(columns[:, chosen])
        if sd is None:
            factor = np.tril(rng.standard_normal((n_draws, q, q)))
        else:
            correlation = np.full((q, q), cor) + (1 - cor) * np.eye(q)
            factor = np.broadcast_to(np.diag(sd[:q]) @ linalg.cholesky(correlation, lower=True), (n_draws, q, q))
        factors.append(np.asarray(factor))
        terms.append(TermShape(n_levels, (q,), tuple(chosen)))
        effects.append(np.einsum("skl,sjl->sjk", factor, rng.standard_normal((n_draws, n_levels, q))))
    location = rng.standard_normal((n_draws, 2 + intercept))
    origin = np.append(X.mean(axis=0), 5.0) if intercept else np.zeros(3)
    sigma = np.ones(n_draws) if noise == "se" else rng.uniform(0.5, 2, n_draws)
    y = origin[-1] + 3 * rng.standard_normal(n)
    row_noise = None if noise is None else RowNoise(noise, None, rng.uniform(0.3, 2, n))
    rows = Rows(y, X, row_noise, tuple(groupings), tuple(Z))
    given = Given(location, origin, sigma, tuple(factors), lambda t, levels: effects[t][:, levels], {})
    return World(rows, tuple(terms), given, tuple(effects))


def log_density(y, mean, covariance):
    return stats.multivariate_normal(mean, covariance, allow_singular=False).logpdf(y)
