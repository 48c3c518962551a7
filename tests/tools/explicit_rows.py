"""Problems for the engine of rows: simulated rows of any family, with priors, and their density by plain sums."""

import numpy as np
from scipy import special, stats

from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.multilevel.layout import TermShape, eliminated_term
from stanhier.engines.rows.cells import merged
from stanhier.engines.rows.likelihood import GAUSSIAN, LOGIT, NEGATIVE_BINOMIAL, POISSON, PROBIT, STUDENT
from stanhier.engines.rows.reference import Problem
from stanhier.priors.numbers import EXPONENTIAL, NORMAL, PriorNumbers

__all__ = ["log_likelihood", "prior_numbers", "problem_of", "responses", "simulated"]

AUXILIARY = {GAUSSIAN: [0.7], NEGATIVE_BINOMIAL: [3.0], STUDENT: [0.7, 5.0]}


def prior_numbers(*rows):
    """Priors from (family, nu, mu, sigma)."""
    family, nu, mu, sigma = np.array(rows, dtype=float).reshape(-1, 4).T
    return PriorNumbers(family.astype(int), nu, mu, sigma)


def responses(family, eta, n, rng):
    """Draw responses; those of merged Gaussian rows have weights n."""
    sigma = 0.7
    return {
        GAUSSIAN: lambda: eta + sigma * rng.standard_normal(len(eta)) / np.sqrt(n),
        LOGIT: lambda: rng.binomial(n.astype(int), special.expit(eta)),
        PROBIT: lambda: rng.binomial(n.astype(int), special.ndtr(eta)),
        POISSON: lambda: rng.poisson(n * np.exp(eta)),
        NEGATIVE_BINOMIAL: lambda: rng.poisson(np.exp(eta) * rng.gamma(3.0, 1 / 3.0, len(eta))),
        STUDENT: lambda: eta + sigma * rng.standard_t(5.0, len(eta)),
    }[family]().astype(float)


def log_likelihood(family, y, eta, n, aux):
    """Log densities of rows, by scipy.stats."""
    return {
        GAUSSIAN: lambda: stats.norm.logpdf(y, eta, aux[0] / np.sqrt(n)),
        LOGIT: lambda: stats.binom.logpmf(y, n, special.expit(eta)),
        PROBIT: lambda: stats.binom.logpmf(y, n, special.ndtr(eta)),
        POISSON: lambda: stats.poisson.logpmf(y, n * np.exp(eta)),
        NEGATIVE_BINOMIAL: lambda: stats.nbinom.logpmf(y, aux[0], aux[0] / (aux[0] + np.exp(eta))),
        STUDENT: lambda: stats.t.logpdf(y, aux[1], eta, aux[0]),
    }[family]()


def simulated(family, structure, *, n_rows=120, seed=1, discrete=False):
    """Rows: X (N, P), the factors' columns (N, q), codes and blocks, y, n and offset.

    Structures: "none", "one", "slopes", "crossed", "nested" and "mixed": slopes, a chain and a crossed factor.
    """
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, n_rows).astype(float) if discrete else rng.standard_normal(n_rows)
    X, ones = np.column_stack([np.ones(n_rows), x]), np.ones((n_rows, 1))
    fine = rng.integers(0, 12, n_rows)
    fine[:12] = np.arange(12)
    terms = {
        "none": [],
        "one": [(ones, fine, (1,))],
        "slopes": [(X, fine, (2,))],
        "crossed": [(ones, rng.permutation(fine), (1,)), (ones, rng.integers(0, 4, n_rows), (1,))],
        "nested": [(ones, fine // 3, (1,)), (ones, fine, (1,))],
        "mixed": [
            (ones, fine // 3, (1,)),
            (X, rng.integers(0, 5, n_rows), (1, 1)),
            (ones, fine, (1,)),
            (X, rng.integers(0, 4, n_rows), (2,)),
        ],
    }[structure]
    eta = X @ np.array([0.3, 0.5])
    for Z, codes, _ in terms:
        eta += (Z * 0.6 * rng.standard_normal((codes.max() + 1, Z.shape[1]))[codes]).sum(axis=1)
    n = rng.integers(1, 4, n_rows).astype(float) if family in (GAUSSIAN, LOGIT, PROBIT) else np.ones(n_rows)
    offset = np.zeros(n_rows) if discrete else 0.2 * rng.standard_normal(n_rows)
    return X, terms, responses(family, eta + offset, n, rng), n, offset


def problem_of(family, rows, *, location=None, sigma=None, prior_sd=1.0):
    """The problem of rows with exponential priors of scales and, where no others are given, normal ones of location."""
    X, terms, y, n, offset = rows
    shapes = tuple(
        TermShape(int(codes.max()) + 1, blocks, tuple(-1 if (z == 1).all() else k for k, z in enumerate(Z.T)))
        for Z, codes, blocks in terms
    )
    largest = eliminated_term(shapes) if shapes else -1
    columns, codes = [Z for Z, _, _ in terms], [codes for _, codes, _ in terms]
    cells = merged(family, X, columns, codes, y, largest=largest, n=n, offset=offset)
    P = X.shape[1]
    location = location or prior_numbers(*[(NORMAL, 1, 0, 2.5)] * P)
    auxiliary = [] if sigma is not None else AUXILIARY.get(family, [])
    scales = [(EXPONENTIAL, 1, 0, prior_sd)] * sum(shape.q for shape in shapes)
    scales += [(EXPONENTIAL, 1, 0, 10.0 if k else 1.0) for k in range(len(auxiliary))]
    priors = LocationPriors(location, np.zeros(P), np.eye(P))
    return Problem(cells, shapes, priors, prior_numbers(*scales), sigma)
