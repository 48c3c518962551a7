"""Regressions with explicit effects, by random numbers."""

import numpy as np
from scipy import special

from tests.tools.effects_families import AUXILIARIES
from tests.tools.effects_rows import Effects
from tests.tools.multilevel_rows import Prior, Term

__all__ = ["plain", "simulated"]


def simulated(family, sizes=(7,), *, q=(1,), blocks=None, P=2, seed=1, chain=0, rows=6, **changes):
    """Rows of terms with so many levels and effects; each of the first `chain` terms lies within the next one.

    Each level of the first term has `rows`.
    """
    rng = np.random.default_rng(seed)
    codes = [np.tile(np.arange(sizes[0]), rows)]
    n = len(codes[0])
    for t, size in enumerate(sizes[1:]):
        nested = codes[-1] * size // (codes[-1].max() + 1)
        codes.append(nested if t + 1 < chain else np.concatenate([np.arange(size), rng.integers(0, size, n - size)]))
    values = rng.choice([-1.0, 0.5, 1.2], (n, max(*q, 4)))
    Z = np.column_stack([np.ones(n), values[:, :-1]])
    blocks = blocks or [(k,) for k in q]
    terms = tuple(Term(c, Z[:, :k], b) for c, k, b in zip(codes, q, blocks, strict=True))
    X = np.column_stack([np.ones(n), values[:, -1], rng.choice([-0.5, 0.8], (n, 4))])[:, :P]
    eta = 0.3 * X.sum(axis=1)
    trials = rng.integers(1, 4, n).astype(float)
    offset = rng.choice([-0.3, 0.2], n)
    y = {
        0: eta + rng.standard_normal(n),
        1: rng.binomial(trials.astype(int), special.expit(eta)),
        2: rng.binomial(trials.astype(int), special.ndtr(eta)),
        3: rng.poisson(np.exp(eta)),
        4: rng.negative_binomial(2, 2 / (2 + np.exp(eta + 1))),
        5: eta + rng.standard_t(4, n),
    }[family].astype(float)
    n_auxiliaries = 0 if "sigma_known" in changes else len(AUXILIARIES[family])
    kinds = [(3, 0.0, 0.0, 0.8), (4, 2.0, 0.0, 1.5), (5, 0.0, 0.3, 1.2), (1, 0.0, 0.0, 1.5), (2, 3.0, 0.0, 1.2)]
    defaults = {
        "priors": tuple(Prior(mu=0.3 * k, sigma=1.5 + k) for k in range(P)),
        "scale_priors": tuple(kinds[k % 5] for k in range(sum(q) + n_auxiliaries)),
        "transform": np.eye(P) + np.tril(0.2 * rng.standard_normal((P, P)), -1),
        "above": tuple(t + 2 if t + 1 < chain else 0 for t in range(len(sizes))),
        "n": trials if family < 3 else np.ones(n),
        "y": y,
        "offset": offset,
    }
    return Effects(family=family, X=X, terms=terms, seed=seed, **{**defaults, **changes})


def plain(family, sizes=(30,), rows=60, **changes):
    """The same with rows that are all different, of which none has weights, trials but one, or an offset."""
    n = rows * sizes[0]
    y = {1: np.arange(n) % 2, 2: np.arange(n) // 3 % 2}.get(family)
    own = {} if y is None else {"y": y.astype(float)}
    made = simulated(family, sizes, rows=rows, n=np.ones(n), offset=np.zeros(n), **own, **changes)
    made.X[:, 1] = np.random.default_rng(2).standard_normal(n)
    return made
