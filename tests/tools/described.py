"""Multilevel models as descriptions and rows, of every structure that the textbook programs take."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

import stanhier as sh
from stanhier.engines.multilevel.layout import TermShape, cholesky_factors
from stanhier.engines.textbook.description import Description, Term
from stanhier.families.known import GAUSSIAN
from stanhier.families.noise import Noise, RowNoise

__all__ = ["STRUCTURES", "described"]

ODD = '}\n parameters { real bad; } // "ü" \x00 */ #include <x>'
"""A name that would end the program, were it written as it is."""

ESTIMATED, EXPONENTIAL = Noise("estimated"), (sh.Exponential(0.5),)


@dataclass(frozen=True)
class Rows:
    """Rows as a design in memory has them."""

    matrix: np.ndarray
    y: np.ndarray
    groupings: tuple
    row_noise: RowNoise | None
    trials: None = None
    offset: None = None


def described(
    terms,
    *,
    predictors=("days",),
    extra=(),
    noise=ESTIMATED,
    intercept=True,
    centered=False,
    sd_priors=EXPONENTIAL,
    slope_priors=None,
    n_rows=60,
    seed=3,
):
    """A description and rows for it.

    Terms are tuples of a name, the number of levels, the columns of its effects and the blocks of these; instead of a
    number of levels there may be an array of codes.
    """
    rng = np.random.default_rng(seed)
    columns = rng.standard_normal((n_rows, len(predictors) + len(extra)))
    names = [*predictors, *extra, "Intercept"]
    made, codes, y = [], [], 2 + columns[:, : len(predictors)].sum(axis=1)
    for k, (name, levels, positions, blocks) in enumerate(terms):
        own = np.asarray(levels) if np.ndim(levels) else np.arange(n_rows) * (k + 1) % (levels + k) % levels
        shape = TermShape(int(own.max()) + 1, tuple(blocks), tuple(positions))
        sd = tuple(sd_priors[i % len(sd_priors)] for i in range(shape.q))
        cor = tuple(sh.LKJ(2.0 + i) for i in range(sum(size > 1 for size in blocks)))
        made.append(Term(name, tuple(names[c] for c in positions), shape, sd, cor))
        codes.append(SimpleNamespace(codes=own))
        factor = cholesky_factors(np.full((1, shape.q), 0.8), np.full((1, shape.n_correlations), 0.3), blocks)[0]
        effects = rng.standard_normal((shape.n_levels, shape.q)) @ factor.T
        y = y + (np.column_stack([columns, np.ones(n_rows)])[:, list(positions)] * effects[own]).sum(axis=1)
    description = Description(
        formula=f"y ~ {' + '.join(predictors)} + ...",
        predictors=tuple(predictors),
        extra_effects=tuple(extra),
        terms=tuple(made),
        family=GAUSSIAN,
        has_offset=False,
        noise=noise,
        intercept=sh.StudentT(3, 1.0, 5.0, centered=centered) if intercept else None,
        centered=centered,
        centre=(),
        slopes=tuple(slope_priors or (sh.Normal(0, 3.0),) * len(predictors)),
        sigma=sh.HalfStudentT(3, 2.0) if noise.is_estimated else None,
        auxiliary=(),
        template="multilevel",
    )
    row_noise = None
    if noise.differs:
        row_noise = RowNoise("weights" if noise.weighted else "se", None, rng.uniform(0.3, 0.9, n_rows))
    return description, Rows(columns, y + 0.5 * rng.standard_normal(n_rows), tuple(codes), row_noise)


NESTED = np.arange(60) // 15
STRUCTURES = {
    "one intercept": lambda: described([("subject", 6, (-1,), (1,))]),
    "one slope": lambda: described([("subject", 6, (0,), (1,))]),
    "two correlated": lambda: described([("subject", 6, (-1, 0), (2,))]),
    "two uncorrelated": lambda: described(
        [("subject", 6, (-1, 0), (1, 1))], sd_priors=(sh.HalfNormal(2.0), sh.HalfCauchy(1.0))
    ),
    "three correlated": lambda: described([("subject", 8, (-1, 0, 1), (3,))], predictors=("days", "dose")),
    "blocks": lambda: described([("g", 7, (-1, 0, 1, 2, 3), (2, 1, 2))], predictors=("a", "b"), extra=("c", "d")),
    "crossed": lambda: described([("plate", 8, (-1,), (1,)), ("sample", 5, (-1,), (1,))], predictors=()),
    "nested": lambda: described(
        [("batch", NESTED, (-1, 0), (2,)), ("batch:cask", NESTED * 3 + np.arange(60) % 3, (-1,), (1,))]
    ),
    "three terms": lambda: described(
        [("a", 5, (-1, 0), (2,)), ("b", 4, (-1,), (1,)), ("c", 3, (0, -1), (1, 1))],
        slope_priors=(sh.Cauchy(0, 2.0),),
    ),
    "known se": lambda: described([("study", 9, (-1, 0), (2,))], noise=Noise("known")),
    "weights": lambda: described([("study", 9, (-1, 0), (2,))], noise=Noise("estimated", weighted=True)),
    "fixed sigma and weights": lambda: described(
        [("study", 9, (-1,), (1,))], noise=Noise("fixed", 0.7, weighted=True), predictors=()
    ),
    "fixed sigma": lambda: described([("study", 9, (-1,), (1,))], noise=Noise("fixed", 0.7)),
    "no intercept": lambda: described([("subject", 6, (-1, 0), (2,))], intercept=False),
    "no predictors": lambda: described([("subject", 6, (-1, 0), (2,))], predictors=(), extra=("days",)),
    "nothing common": lambda: described([("g", 6, (-1,), (1,))], predictors=(), intercept=False),
    "centred": lambda: described([("g", 6, (-1, 1), (2,))], predictors=("x", "z"), centered=True),
    "flat": lambda: described(
        [("g", 9, (-1, 0), (2,))], sd_priors=(sh.Flat(),), slope_priors=(sh.Flat(),), predictors=("x",)
    ),
    "odd names": lambda: described(
        [
            (ODD, 5, (-1, 1), (2,)),
            ("real", 4, (-1,), (1,)),
            ("größe:a b", 3, (0,), (1,)),
            ("grosse_a_b", 3, (-1,), (1,)),
        ],
        predictors=(ODD, "C(x)[T.}{]"),
    ),
    "names alike": lambda: described(
        [("a:b", 4, (-1,), (1,)), ("a_b", 3, (-1, 0), (2,)), ("數", 3, (-1,), (1,)), ("__", 3, (-1,), (1,))]
    ),
}
"""Each gives a description and rows."""
