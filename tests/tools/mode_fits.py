"""Fits of models of any family, without Stan: normal draws around the mode of location and effects, given scales."""

import numpy as np
import pandas as pd

import stanhier as sh
from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.layout import cholesky_factors, n_correlations
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.fit import Fit

__all__ = ["FAMILIES", "family_fit", "family_rows", "made_fit"]

FAMILIES = ("bernoulli", "binomial", "poisson", "negative_binomial", "student_t")
_AUXILIARY = {"sigma": 1.0, "nu": 4.0, "shape": 3.0}


def family_rows(family, n_groups=8, n_rows=25, seed=3):
    """Rows whose intercept and slope along `x` vary by `g`; `dose` is a category. With trials and an exposure."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), n_rows)
    n = len(g)
    data = pd.DataFrame({"x": rng.normal(2, 1, n), "dose": rng.choice(["high", "low"], n)})
    data["exposure"], data["trials"] = rng.uniform(0.5, 4, n), rng.integers(3, 20, n)
    data["g"] = [f"g{k:02d}" for k in g]
    eta = rng.normal(0, 0.7, n_groups)[g] + rng.normal(0.8, 0.3, n_groups)[g] * (data["x"] - 2).to_numpy()
    eta += 0.5 * (data["dose"] == "high").to_numpy()
    data["log_exposure"] = np.log(data["exposure"])
    p = 1 / (1 + np.exp(-eta))
    drawn = {
        "bernoulli": lambda: rng.binomial(1, p),
        "binomial": lambda: rng.binomial(data["trials"], p),
        "poisson": lambda: rng.poisson(np.exp(eta + 0.5)),
        "negative_binomial": lambda: rng.poisson(np.exp(eta + 0.5) * rng.gamma(3, 1 / 3, n)),
        "student_t": lambda: eta + rng.standard_t(4, n),
        "gaussian": lambda: eta + rng.normal(size=n),
    }
    return data.assign(y=drawn[family]())


def family_fit(family, formula="y ~ x + dose + (1 + x | g)", *, rows=None, **arguments):
    """A fit of such rows."""
    data = family_rows(family) if rows is None else rows
    if family == "binomial":
        arguments = {"trials": "trials", **arguments}
    return made_fit(formula, data, family=family, **arguments)


def made_fit(formula, data, *, sd=0.6, cor=0.2, chains=4, draws=250, seed=1, **arguments):
    """A fit: scales are drawn around `sd`, correlations around `cor`, all else given these values.

    The rest is normal around its mode under vague normal priors, of which Newton's steps take derivatives of the
    family's density by differences.
    """
    model = textbook_regression(sh.Model(formula, data, **arguments))
    design, rng, size = model.rows, np.random.default_rng(seed), chains * draws
    shapes, has_intercept = model.engine.description.shapes, design.formula.has_intercept
    columns = [np.ones((design.n_rows, int(has_intercept))), design.X]
    precisions, values = [0.01 * np.eye(len(design.predictors) + has_intercept)], {}
    sds, cors = [], []
    for term, (shape, grouping) in enumerate(zip(shapes, design.groupings, strict=True)):
        pairs = n_correlations(shape.blocks)
        sds.append(sd * np.exp(0.2 * rng.standard_normal((size, shape.q))))
        cors.append(np.tanh(np.arctanh(cor) + 0.2 * rng.standard_normal((size, pairs))))
        factor = cholesky_factors(np.full((1, shape.q), sd), np.full((1, pairs), cor), shape.blocks)[0]
        Z = np.zeros((design.n_rows, shape.n_levels, shape.q))
        Z[np.arange(design.n_rows), grouping.codes] = design.effect_matrix(term)
        columns.append(Z.reshape(design.n_rows, -1))
        precisions.append(np.kron(np.eye(shape.n_levels), np.linalg.inv(factor @ factor.T)))
    W = np.hstack(columns)
    precision, start = np.zeros((W.shape[1], W.shape[1])), 0
    for block in precisions:
        precision[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    mode, curvature = _mode(model, W, precision)
    L = np.linalg.cholesky(curvature)
    drawn = mode + np.linalg.solve(L.T, rng.standard_normal((len(mode), size))).T
    P = len(precisions[0])
    values["location"] = drawn[:, :P]
    for name in model.family.auxiliary:
        values[name] = _AUXILIARY[name] * np.exp(0.1 * rng.standard_normal(size))
    if shapes:
        values |= {"sd": np.hstack(sds), "effects": drawn[:, P:]}
        if sum(c.shape[1] for c in cors):
            values["cor"] = np.hstack(cors)
    shaped = {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in values.items()}
    statistics = {name: rng.standard_normal((chains, draws)) for name in ("lp", "energy", "acceptance_rate")}
    statistics |= {name: np.zeros((chains, draws), bool) for name in ("diverging", "reached_max_treedepth")}
    statistics |= {name: np.full((chains, draws), 3) for name in ("tree_depth", "n_steps", "step_size")}
    return Fit(model, Draws(shaped, statistics, seed=seed, max_treedepth=10, cmdstan="2.39.0"))


def _mode(model, W, precision):
    """Newton's method, halved where it overshoots."""
    design, aux = model.rows, {name: _AUXILIARY[name] for name in model.family.auxiliary}
    offset = 0.0 if design.offset is None else design.offset

    def density(eta):
        return model.family.log_density(design.y, eta + offset, aux, design.trials)

    def objective(b):
        return density(W @ b).sum() - 0.5 * b @ precision @ b

    b, h = np.zeros(W.shape[1]), 1e-3
    for _ in range(50):
        eta = W @ b
        below, here, above = density(eta - h), density(eta), density(eta + h)
        slope, weight = (above - below) / (2 * h), np.maximum((2 * here - above - below) / h**2, 1e-6)
        curvature = W.T @ (weight[:, None] * W) + precision
        step = np.linalg.solve(curvature, W.T @ slope - precision @ b)
        share = 1.0
        while objective(b + share * step) < objective(b) and share > 1e-6:
            share /= 2
        b = b + share * step
        if np.abs(share * step).max() < 1e-5:
            break
    return b, curvature
