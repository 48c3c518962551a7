"""Fits of models with any grouping terms, without Stan: effects drawn jointly, given scales around chosen values.

What follows from draws is computed row by row here, by dense linear algebra, so that pictures are tested with numbers
that no engine made.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

import stanhier as sh
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.streamed import design_of
from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.layout import (
    TermShape,
    block_pairs,
    cholesky_factors,
    correlation_matrices,
    n_correlations,
)
from stanhier.engines.multilevel.reducer import MultilevelReducer
from stanhier.engines.parameters import Role
from stanhier.engines.prior_choice import choose_priors
from stanhier.engines.regression import Regression, parameters_of
from stanhier.families.noise import Noise
from stanhier.fit import Fit
from stanhier.formula.parse import parse


@dataclass(frozen=True)
class Explicit:
    """Draws are the parameters themselves: `location`, `sigma`, and `sd_t`, `cor_t`, `effects_t` of each term."""

    design: object
    parameters: object
    chosen: object
    moments: ColumnMoments

    @property
    def coordinates(self):
        return self

    @property
    def layout(self):
        return {one.name: one.shape for one in self.parameters}

    @property
    def prior_centre(self):
        return self.moments.mean[: len(self.design.predictors)]

    def population(self, draws):
        found, location = {}, draws.values["location"]
        for one in self.parameters.without_effects():
            match one.role:
                case Role.INTERCEPT:
                    found[one.name] = location[..., 0]
                case Role.SLOPES:
                    found[one.name] = location[..., -one.size :]
                case Role.NOISE:
                    found[one.name] = draws.values["sigma"]
                case Role.GROUP_SD:
                    found[one.name] = draws.values[f"sd_{one.term}"]
                case Role.GROUP_COR:
                    matrices = correlation_matrices(draws.flat(f"cor_{one.term}"), one.blocks)
                    found[one.name] = matrices.reshape(*draws.shape, *matrices.shape[1:])
        return found

    def values_of(self, drawn):
        location = [drawn[one.name] for one in self.parameters.location]
        values = {"location": np.column_stack(location)[None], "sigma": drawn["sigma"][None]}
        for t, grouping in enumerate(self.design.groupings):
            values[f"cor_{t}"] = np.empty((1, len(drawn["sigma"]), 0))
            for one in self.parameters:
                if one.term == t and one.role is Role.GROUP_SD:
                    values[f"sd_{t}"] = drawn[one.name][None]
                if one.term == t and one.role is Role.GROUP_COR:
                    i, j = np.array(block_pairs(grouping.blocks)).T
                    values[f"cor_{t}"] = drawn[one.name][None][..., i, j]
        return values

    def sampled(self, draws):
        return {"sigma": draws.values["sigma"]}

    def linear(self, draws, X, keep=None):
        location = draws.flat("location")
        location = location if keep is None else location[keep]
        ones = np.ones((len(X), location.shape[1] - X.shape[1]))
        return location @ np.hstack([ones, X]).T

    def noise_scale(self, draws, keep=None):
        sigma = draws.flat("sigma")
        return sigma if keep is None else sigma[keep]

    def group_weights(self, term):
        return self.design.groupings[term].sizes.astype(float)

    def effects(self, draws, term, groups):
        return draws.flat(f"effects_{term}")[:, groups]

    def effect_means(self, draws, term, groups):
        return self.effects(draws, term, groups)

    def summarise_groups(self, draws, term, groups, probabilities, weights, offsets, above=()):
        values = np.einsum("sgq,cq->csg", self.effects(draws, term, groups), weights) + offsets[:, :, None]
        for one in above:
            values += np.einsum("sgq,cq->csg", self.effects(draws, one.term, one.levels), one.weights)
        moments = [values.mean(axis=1), values.std(axis=1)]
        return np.stack([*moments, *np.quantile(values, probabilities, axis=1)], axis=1)

    def new_effects(self, draws, term, noise):
        factors = cholesky_factors(
            draws.flat(f"sd_{term}"), draws.flat(f"cor_{term}"), self.design.groupings[term].blocks
        )
        return np.einsum("skl,sl->sk", factors, noise)

    def own_effects(self, draws, term):
        rest = self.design.y - self._expected(draws, without=term)
        grouping = self.design.groupings[term]
        matrix = grouping.effect_matrix(self.design.as_new.columns)
        own = np.full((len(grouping.levels), grouping.n_effects), np.nan)
        for j in range(len(own)):
            Z = matrix[grouping.codes == j]
            if np.linalg.matrix_rank(Z) == grouping.n_effects:
                own[j] = np.linalg.lstsq(Z, rest[grouping.codes == j])[0]
        return own

    def set_densities(self, _design, _codes, n_sets, draws):
        nothing = np.zeros((draws.n_draws, n_sets))  # draws count alike, whatever is left out
        yield slice(0, n_sets), nothing, nothing

    def replicated_means(self, draws, term, keep, seed):
        rng = np.random.default_rng(seed)
        rows = self.design.as_new
        expected = self.linear(draws, rows.X, keep)
        for t, grouping in enumerate(self.design.groupings):
            effects = draws.flat(f"effects_{t}")[keep][:, grouping.codes]
            expected += np.einsum("snk,nk->sn", effects, grouping.effect_matrix(rows.columns))
        replicated = expected + self.noise_scale(draws, keep)[:, None] * rng.standard_normal(expected.shape)
        codes = self.design.groupings[term].codes
        sizes = np.bincount(codes)
        means = np.stack([np.bincount(codes, values) / sizes for values in replicated])
        return means, np.bincount(codes, self.design.y) / sizes

    def _expected(self, draws, without):
        rows = self.design.as_new
        expected = self.linear(draws, rows.X).mean(axis=0)
        for t, grouping in enumerate(self.design.groupings):
            if t != without:
                effects = draws.flat(f"effects_{t}").mean(axis=0)[grouping.codes]
                expected = expected + (effects * grouping.effect_matrix(rows.columns)).sum(axis=1)
        return expected


def explicit_fit(formula, data, *, sd, cor=0.3, sigma=1.0, chains=4, draws=250, seed=1, priors=None):
    """A fit of independent draws.

    Parameters
    ----------
    sd : dict
        For each factor the standard deviations of its effects, around which they are drawn.
    cor : float
        All correlations, likewise.
    sigma : float
        Likewise.
    """
    model = explicit_model(formula, data, priors=priors)
    design, rng, size = model.design, np.random.default_rng(seed), chains * draws
    rows = design.as_new
    P = len(design.predictors) + design.formula.has_intercept
    columns = [np.ones((design.n_rows, P - rows.X.shape[1])), rows.X]
    precisions, values = [np.zeros((P, P))], {}
    for t, grouping in enumerate(design.groupings):
        shape = TermShape(len(grouping.levels), grouping.blocks, grouping.columns)
        centre, pairs = np.asarray(sd[grouping.name], dtype=float), n_correlations(grouping.blocks)
        values[f"sd_{t}"] = centre * np.exp(0.2 * rng.standard_normal((size, shape.q)))
        values[f"cor_{t}"] = np.tanh(np.arctanh(cor) + 0.2 * rng.standard_normal((size, pairs)))
        factor = cholesky_factors(centre[None], np.full((1, pairs), cor), grouping.blocks)[0]
        Z = np.zeros((design.n_rows, len(grouping.levels), shape.q))
        Z[np.arange(design.n_rows), grouping.codes] = grouping.effect_matrix(rows.columns)
        columns.append(Z.reshape(design.n_rows, -1))
        precisions.append(np.kron(np.eye(len(grouping.levels)), np.linalg.inv(factor @ factor.T)))
    W = np.hstack(columns)
    precision = W.T @ W / sigma**2
    start = 0
    for block in precisions:
        part = slice(start, start + len(block))
        precision[part, part] += block
        start += len(block)
    L = np.linalg.cholesky(precision)
    mean = np.linalg.solve(precision, W.T @ design.y / sigma**2)
    drawn = mean + np.linalg.solve(L.T, rng.standard_normal((len(mean), size))).T
    values["location"], start = drawn[:, :P], P
    for t, grouping in enumerate(design.groupings):
        shape = (len(grouping.levels), grouping.n_effects)
        values[f"effects_{t}"] = drawn[:, start : start + shape[0] * shape[1]].reshape(size, *shape)
        start += shape[0] * shape[1]
    values["sigma"] = sigma * np.exp(0.05 * rng.standard_normal(size))
    shaped = {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in values.items()}
    statistics = {"diverging": np.zeros((chains, draws), dtype=bool), "lp": rng.standard_normal((chains, draws))}
    return Fit(model, Draws(shaped, statistics, seed=seed, max_treedepth=10, cmdstan="2.39.0"))


def explicit_model(formula, data, *, priors=None):
    """A model with the engine of this file."""
    noise, parsed = Noise.of(None, None), parse(formula, None)
    design = design_of(parsed, data, MultilevelReducer(parsed.has_intercept), se=None)
    block = np.column_stack([design.as_new.columns, design.y])
    moments = ColumnMoments(block.mean(axis=0), block.std(axis=0, ddof=1))
    parameters = parameters_of(design, noise, own_intercepts=False)
    chosen = choose_priors(priors, design, parameters, moments)
    engine = Explicit(design, parameters, chosen, moments)
    model = sh.Model.__new__(sh.Model)
    Regression.__init__(model, design, noise, chosen, engine, False, (design.n_rows,))
    return model


def sleepy(n_groups=18, n_rows=10, *, names=None, seed=3):
    """Rows like those of the study of sleep: reaction times over days, whose slopes vary by subject."""
    rng = np.random.default_rng(seed)
    g, days = np.repeat(np.arange(n_groups), n_rows), np.tile(np.arange(n_rows, dtype=float), n_groups)
    names = [str(308 + k) for k in range(n_groups)] if names is None else names
    y = 251 + rng.normal(0, 25, n_groups)[g] + (10.5 + rng.normal(0, 6, n_groups)[g]) * days
    y += rng.normal(0, 25, len(g))
    return pd.DataFrame({"reaction": y, "days": days, "subject": [names[k] for k in g]})


def sleep_study(**kwargs):
    """A fit of `sleepy` rows, intercepts and slopes by subject."""
    formula, data = "reaction ~ days + (1 + days | subject)", sleepy(**kwargs)
    return explicit_fit(formula, data, sd={"subject": [25.0, 6.0]}, cor=0.1, sigma=25.0)


def crossed():
    """A fit of subjects, whose intercepts and slopes vary, crossed with items, whose intercepts vary."""
    rng, data = np.random.default_rng(1), sleepy()
    item = rng.integers(0, 6, len(data))
    data = data.assign(item=[f"item {k}" for k in item], reaction=data["reaction"] + rng.normal(0, 30, 6)[item])
    formula, sd = "reaction ~ days + (1 + days | subject) + (1 | item)", {"subject": [25.0, 6.0], "item": [30.0]}
    return explicit_fit(formula, data, sd=sd, cor=0.1, sigma=25.0)


def nested():
    """A fit of casks within batches, whose intercepts vary, along a predictor."""
    rng = np.random.default_rng(6)
    batch, cask = np.repeat(np.arange(10), 6), np.repeat(np.arange(30), 2)
    data = pd.DataFrame({"batch": [f"B{k}" for k in batch], "cask": [f"c{k % 3}" for k in cask]})
    data["x"] = rng.normal(size=60)
    data["strength"] = (
        60 + rng.normal(0, 1.3, 10)[batch] + rng.normal(0, 2.9, 30)[cask] + rng.normal(0, 0.8, 60) + data.x
    )
    sd = {"batch": [1.3], "batch:cask": [2.9]}
    return explicit_fit("strength ~ x + (1 | batch / cask)", data, sd=sd, sigma=0.8)


def wide_effects(n_groups=20):
    """A fit of which an intercept and four slopes vary by school, those of a category among them."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(n_groups), 20)
    n = len(g)
    data = pd.DataFrame(
        {"x": rng.normal(size=n), "z": rng.normal(40, 5, n), "dose": rng.choice(["high", "low", "medium"], n)}
    )
    data["y"] = rng.normal(0, 1, n_groups)[g] + data.x * rng.normal(1, 0.5, n_groups)[g] + rng.normal(size=n)
    data["school"] = [f"s{k:02d}" for k in g]
    formula, sd = "y ~ x + z + dose + (1 + x + z + dose | school)", {"school": [1.0, 0.5, 0.05, 0.6, 0.6]}
    return explicit_fit(formula, data, sd=sd, cor=0.1)
