"""The compiled textbook programs against the models written out in scipy, one row and one level at a time."""

import numpy as np
import pytest
from scipy import stats

import stanhier as sh
from stanhier.engines.textbook.names import names_of
from stanhier.engines.textbook.rendering import render
from stanhier.engines.textbook.rows import program_data
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.stan.rendered import RenderedProgram
from tests.tools.described import STRUCTURES
from tests.tools.reference import prior_log_density
from tests.tools.textbook_models import SAMPLED, sleep

pytestmark = pytest.mark.slow


def random_point(description, rng):
    """Parameters of the model, by name; effects and factors of correlation matrices for each term."""
    point = {"alpha": rng.normal(), "beta": rng.normal(size=len(description.predictors)), "sigma": rng.uniform(0.3, 2)}
    terms = []
    for term in description.terms:
        factors = []
        for block in term.correlated:
            size = block.stop - block.start
            lower = np.tril(rng.normal(size=(size, size)), -1) + np.diag(rng.uniform(0.5, 2, size))
            factors.append(lower / np.linalg.norm(lower, axis=1, keepdims=True))
        sd, z = rng.uniform(0.2, 2, term.shape.q), rng.normal(size=(term.shape.q, term.shape.n_levels))
        terms.append((sd, factors, z))
    return point, terms


def effects_of(term, sd, factors, z):
    """Effects, shape (J, q)."""
    root = np.diag(sd)
    for block, factor in zip(term.correlated, factors, strict=True):
        root[block, block] = np.diag(sd[block]) @ factor
    return (root @ z).T


def log_density(description, rows, point, terms):
    """Of rows and parameters, without Jacobians: effects as the program has them, standardised or not."""
    n_predictors = len(description.predictors)
    X = rows.matrix[:, :n_predictors]
    mean = X @ point["beta"] + (point["alpha"] if description.intercept is not None else 0.0)
    total = 0.0
    for term, grouping, (sd, factors, z) in zip(description.terms, rows.groupings, terms, strict=True):
        effects = effects_of(term, sd, factors, z)
        for n, level in enumerate(grouping.codes):
            row = [1.0 if column < 0 else rows.matrix[n, column] for column in term.shape.columns]
            mean[n] += np.dot(row, effects[level])
        total += stats.norm.logpdf(z).sum() - (z.size * np.log(sd[0]) if term.shape.q == 1 else 0.0)
        total += sum(prior_log_density(prior, value) for prior, value in zip(term.sd, sd, strict=True))
        for factor, prior in zip(factors, term.cor, strict=True):
            size = len(factor)  # Lewandowski, Kurowicka & Joe (2009): det^(eta - 1), and the change to the factor
            powers = size - np.arange(2, size + 1) + 2 * (prior.eta - 1)
            total += powers @ np.log(np.diag(factor)[1:])
    values = None if rows.row_noise is None else rows.row_noise.values
    noise = {"known": values, "fixed": description.noise.fixed}.get(description.noise.kind, point["sigma"])
    noise = noise / np.sqrt(values) if description.noise.weighted else noise
    total += stats.norm.logpdf(rows.y, mean, noise).sum()
    if description.intercept is not None:
        at = point["alpha"] + (X.mean(axis=0) @ point["beta"] if description.centered else 0.0)
        total += prior_log_density(description.intercept, at)
    if description.sigma is not None:
        total += prior_log_density(description.sigma, point["sigma"])
    return total + sum(prior_log_density(p, b) for p, b in zip(description.slopes, point["beta"], strict=True))


def named(description, point, terms):
    """The point by the names in the program."""
    values = {"beta": point["beta"].tolist()} if description.predictors else {}
    values |= {"alpha": point["alpha"]} if description.intercept is not None else {}
    values |= {"sigma": point["sigma"]} if description.sigma is not None else {}
    for own, (sd, factors, z) in zip(names_of(description).terms, terms, strict=True):
        if len(sd) == 1:
            values |= {own.sd: sd[0], own.effect: (sd[0] * z[0]).tolist()}
            continue
        values |= {own.sd: sd.tolist(), own.standardised: z.tolist()}
        values |= {name: factor.tolist() for name, factor in zip(own.factors, factors, strict=True)}
    return values


def structure(name):
    """A description and rows: one made up, or that of a model that is sampled, whose program there is anyway."""
    if name in STRUCTURES:
        return STRUCTURES[name]()
    model = textbook_regression(sh.Model(data=sleep(), **SAMPLED[name]))
    return model.engine.description, model.rows


@pytest.mark.parametrize("name", ["blocks", "three correlated", *SAMPLED])
def test_the_program_has_the_density_of_the_model_written_out(name, cmdstan_home):
    description, rows = structure(name)
    program = RenderedProgram("textbook_multilevel", render(description)).model()
    data = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in program_data(description, rows).items()}
    ours, reference = [], []
    for seed in range(4):
        point, terms = random_point(description, np.random.default_rng(seed))
        found = program.log_prob(named(description, point, terms), data=data, jacobian=False, sig_figs=17)
        ours.append(float(found["lp__"].iloc[0]))
        reference.append(log_density(description, rows, point, terms))
    assert np.ptp(reference) > 10
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-9, atol=1e-9)
