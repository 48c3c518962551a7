"""Models by the engine of rows: against the textbook program, and against the engine that integrates effects out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from scipy import special, stats

import stanhier as sh
from stanhier.basics.errors import DataError
from stanhier.engines.rows.engine import RowsEngine
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.stan.nuts import RawDraws, run_nuts

FORMULA = "y ~ x + (1 + x | a) + (1 | b)"


def _frame(family="gaussian", n_rows=160, seed=2):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 10, n_rows), rng.integers(0, 5, n_rows)
    x = rng.integers(-1, 2, n_rows) + 2.0
    eta = 0.2 + 0.4 * (x - 2) + 0.7 * rng.standard_normal(10)[a] + 0.5 * rng.standard_normal(5)[b]
    draw = {
        "gaussian": lambda: eta + 0.8 * rng.standard_normal(n_rows),
        "bernoulli": lambda: rng.binomial(1, special.expit(eta)),
        "binomial": lambda: rng.binomial(6, special.expit(eta)),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "negative_binomial": lambda: rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, n_rows)),
        "student_t": lambda: eta + 0.8 * rng.standard_t(4, n_rows),
    }[family]
    names = np.array(list("abcdefghij"))
    return pd.DataFrame({"y": draw(), "x": x, "a": names[a], "b": names[b]})


def _model(family="gaussian", formula=FORMULA, frame=None, **kwargs):
    kwargs |= {"trials": 6} if family == "binomial" else {}
    model = sh.Model(formula, _frame(family) if frame is None else frame, family=family, **kwargs)
    return model.with_engine(RowsEngine.of(model.rows, model.chosen, model.noise))


def _draws(model, n=20, seed=1):
    engine = model.engine
    size = sum(np.prod(engine.data()[name], dtype=int) for name in ("P", "E")) + len(engine.data()["u_hat"])
    z = np.random.default_rng(seed).standard_normal((2, n, size))
    return engine.coordinates.draws(RawDraws(z, np.empty((2, n, 0)), {"lp": np.zeros((2, n))}, 1, 10, "2.39.0"))


FAMILIES = ("gaussian", "bernoulli", "binomial", "poisson", "negative_binomial", "student_t")


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_become_the_parameters_of_the_inventory(family):
    model = _model(family)
    draws = _draws(model)
    coordinates = model.engine.coordinates
    population = coordinates.population(draws)
    assert list(population) == model.parameters.population
    for name, values in population.items():
        assert values.shape == (2, 20, *model.parameters[name].shape)
    numbers = coordinates.sampled(draws)
    listed = [name for one in model.parameters.without_effects() for name in one.scalar_names]
    assert set(numbers) == set(listed)
    linear = model.engine.linear(draws, model.rows.X)
    slope, intercept = population["beta"].reshape(40, -1), population["alpha"].reshape(40, 1)
    assert linear == pytest.approx(intercept + slope @ model.rows.X.T)


@pytest.mark.parametrize("family", FAMILIES)
def test_values_of_priors_are_those_of_the_parameters(family):
    model = _model(family)
    draws = _draws(model)
    population = {k: v[0] for k, v in model.engine.coordinates.population(draws).items()}
    assert model.chosen.intercept.centered  # its prior is that of the mean of the predictors
    population["alpha"] = population["alpha"] + population["beta"] @ model.engine.prior_centre
    values = model.engine.values_of(population)
    assert set(values) == set(model.engine.coordinates.layout)
    for name in set(values) - {"effects", "lambda"}:
        assert values[name][0] == pytest.approx(draws.values[name][0], rel=1e-9, abs=1e-12)


def test_moments_of_rows_are_made_once():
    model = _model("poisson")
    assert model.engine.moments is model.rows.moments
    columns = model.rows.frame[["x", "y"]]
    np.testing.assert_allclose(model.engine.moments.mean, columns.mean(), rtol=1e-12)
    np.testing.assert_allclose(model.engine.moments.sd, columns.std(), rtol=1e-12)


def test_densities_of_gaussian_rows_are_those_of_the_textbook_engine():
    model = _model()
    draws = _draws(model)
    other = textbook_regression(model).engine
    location = draws.values["location"].copy()
    location[:, :, 0] += model.engine.origin[-1] - location[:, :, 1:] @ model.engine.origin[:-1]
    same = replace(draws, values=draws.values | {"location": location})
    codes = model.rows.groupings[0].codes
    found = np.concatenate([one for _, one, _ in model.engine.set_densities(model.rows, codes, 10, draws)], axis=1)
    theirs = np.concatenate([one for _, one, _ in other.set_densities(model.rows, codes, 10, same)], axis=1)
    assert found == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_densities_of_rows_are_those_of_the_family(family):
    model = _model(family)
    draws = _draws(model)
    rows, engine = model.rows, model.engine
    eta = engine.linear(draws, rows.X)
    for term, grouping in enumerate(rows.groupings):
        effects = engine.effects(draws, term, np.arange(len(grouping.levels)))[:, grouping.codes]
        eta += (effects * rows.effect_matrix(term)).sum(axis=2)
    found = np.concatenate([one for _, one, _ in engine.row_densities(rows, draws)], axis=1)
    density = stats.bernoulli(special.expit(eta)) if family == "bernoulli" else stats.poisson(np.exp(eta))
    assert found == pytest.approx(density.logpmf(rows.y), rel=1e-8)


def test_other_rows_keep_origin_and_groups():
    model = _model("poisson")
    fewer = model.rows.take(np.arange(100))
    engine = model.engine.on_rows(fewer)
    assert (engine.origin == model.engine.origin).all()
    assert engine.n_before == (10, 5)
    assert engine.problem.cells.n_rows == 100
    assert engine.data()["E"] == model.engine.data()["E"]


def test_coordinates_in_logarithms_belong_to_the_same_model():
    engine = _model("bernoulli").engine
    other = engine.in_logarithms()
    assert (other.data()["softness"] > 1e6 * engine.data()["softness"]).all()


def test_a_response_that_effects_reproduce_exactly_is_refused():
    frame = _frame()
    frame["y"] = frame["x"] + frame["a"].map(ord)
    model = sh.Model("y ~ x + (1 | a)", _frame())
    design = sh.Model("y ~ x + (1 | a)", frame.assign(y=_frame()["y"])).rows.with_observed(frame["y"].to_numpy(float))
    with pytest.raises(DataError, match="reproduced exactly"):
        RowsEngine.of(design, model.chosen, model.noise)


def _compared(ours, theirs):
    """Differences of means in standard errors, and ratios of standard deviations, number by number."""
    errors, ratios = [], []
    for name in ours:
        a, b = ours[name], theirs[name]
        ess = [array_stats.ess(np.ascontiguousarray(one), chain_axis=0, draw_axis=1) for one in (a, b)]
        error = np.sqrt(a.var() / ess[0] + b.var() / ess[1])
        errors.append(abs(a.mean() - b.mean()) / error)
        ratios.append(a.std() / b.std())
    return np.array(errors), np.array(ratios)


def _sampled(regression, seed=1, n=1500):
    engine = regression.engine
    keywords = {"chains": 4, "iter_warmup": 700, "iter_sampling": n, "seed": seed, "show_progress": False}
    keywords |= {"adapt_delta": 0.95} if not isinstance(engine, RowsEngine) else {}
    draws = engine.coordinates.draws(run_nuts(engine.program, engine.data(), keywords))
    population = {
        f"{name}{k}": one
        for name, values in engine.coordinates.population(draws).items()
        for k, one in enumerate(np.moveaxis(values.reshape(*draws.shape, -1), -1, 0))
        if one.std() > 1e-9
    }
    effects = [engine.effects(draws, t, np.arange(len(g.levels))) for t, g in enumerate(regression.rows.groupings)]
    flat = np.concatenate([one.reshape(*draws.shape, -1) for one in effects], axis=2)
    return population | {f"effect{k}": one for k, one in enumerate(np.moveaxis(flat, -1, 0))}


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gaussian", "bernoulli", "poisson"])
def test_posterior_is_that_of_the_textbook_program(family, cmdstan_home):
    model = _model(family)
    errors, ratios = _compared(_sampled(model), _sampled(textbook_regression(model), seed=2))
    assert errors.max() < 4.5
    assert np.abs(np.log(ratios)).max() < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("formula", [FORMULA, "y ~ x + (1 | a / b)"])
def test_posterior_is_that_of_effects_integrated_out(formula, cmdstan_home):
    exact = sh.Model(formula, _frame())
    errors, ratios = _compared(_sampled(_model(formula=formula)), _sampled(exact, seed=2))
    assert errors.max() < 4.5
    assert np.abs(np.log(ratios)).max() < 0.15
