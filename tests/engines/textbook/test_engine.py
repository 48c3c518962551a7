"""What follows from draws of a textbook program, against formulas written out row by row."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from stanhier.basics.errors import DataError
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.posterior.new_groups import extend
from tests.tools import variants
from tests.tools.textbook_models import made_draws, sleep, textbook_model

SLOPES = "reaction ~ days + (1 + days | subject) + (1 | room)"


@pytest.fixture(scope="module")
def model():
    return textbook_model(SLOPES, sleep())


def covariance(model, draws, s, term=0):
    """Of the effects of a term in one draw, from sds and correlations."""
    population = {k: v.reshape(-1, *v.shape[2:]) for k, v in model.engine.coordinates.population(draws).items()}
    name = model.design.groupings[term].name
    sd = population[f"sd_{name}"][s]
    return np.diag(sd) @ population.get(f"cor_{name}", np.ones((s + 1, 1, 1)))[s] @ np.diag(sd)


def test_new_effects_have_the_covariance_of_the_population(model):
    _, draws = made_draws(model, draws=3)
    factors = np.stack([model.engine.new_effects(draws, 0, np.tile(unit, (6, 1))) for unit in np.eye(2)], axis=-1)
    for s in range(6):
        np.testing.assert_allclose(factors[s] @ factors[s].T, covariance(model, draws, s), rtol=1e-10)


def test_the_density_of_a_group_is_that_of_its_rows_together(model):
    variables, draws = made_draws(model, draws=3)
    rows, engine = model.rows, model.engine
    codes = rows.groupings[0].codes
    density = np.concatenate([block for _, block, _ in engine.set_densities(rows, codes, 18, draws)], axis=1)
    rooms = engine.effects(draws, 1, np.arange(4))[:, :, 0]
    for s, j in ((0, 0), (4, 7), (5, 17)):
        own = codes == j
        Z, X = rows.effect_matrix(0)[own], rows.X[own]
        alpha, beta, sigma = (variables[name].reshape(6, -1)[s] for name in ("alpha", "beta", "sigma"))
        mean = alpha + X @ beta + rooms[s][rows.groupings[1].codes[own]]
        V = Z @ covariance(model, draws, s) @ Z.T + sigma**2 * np.eye(own.sum())
        assert density[s, j] == pytest.approx(stats.multivariate_normal.logpdf(rows.y[own], mean, V), rel=1e-10)


def test_densities_of_rows_come_with_the_effects_of_their_group_integrated_out(model):
    _, draws = made_draws(model, draws=3)
    found = np.empty((6, model.rows.n_rows))
    for positions, left_out, _ in model.engine.row_densities(model.rows, draws):
        found[:, positions] = left_out
    rows, s, i = model.rows, 2, 25
    own = np.flatnonzero(rows.groupings[0].codes == rows.groupings[0].codes[i])
    rest = own[own != i]
    rooms = model.engine.effects(draws, 1, np.arange(4))[s, :, 0]
    mean = model.engine.linear(draws, rows.X)[s] + rooms[rows.groupings[1].codes]
    sigma2 = model.engine.noise_scale(draws)[s] ** 2

    def log_density(members):
        Z = rows.effect_matrix(0)[members]
        V = Z @ covariance(model, draws, s) @ Z.T + sigma2 * np.eye(len(members))
        return stats.multivariate_normal.logpdf(rows.y[members], mean[members], V)

    assert found[s, i] == pytest.approx(log_density(own) - log_density(rest), rel=1e-9)


def test_held_out_rows_of_new_groups_have_wider_densities(model):
    _, draws = made_draws(model, draws=3)
    rows = model.rows.take(np.array([0]))
    density = model.engine.held_out_densities(rows, [np.array([-1]), np.array([-1])], draws)
    z = rows.effect_matrix(0)[0]
    each = [
        stats.norm.pdf(
            rows.y[0],
            model.engine.linear(draws, rows.X)[s, 0],
            np.sqrt(
                z @ covariance(model, draws, s) @ z
                + covariance(model, draws, s, term=1)[0, 0]
                + model.engine.noise_scale(draws)[s] ** 2
            ),
        )
        for s in range(6)
    ]
    assert density[0] == pytest.approx(np.log(np.mean(each)), rel=1e-10)


def test_groups_are_summarised_by_their_draws(model):
    _, draws = made_draws(model)
    groups, weights, offset = np.array([2, 5]), np.array([1.0, 3.0]), np.linspace(0, 9, 100)
    (table,) = model.engine.summarise_groups(draws, 0, groups, [0.1, 0.9], weights[None], offset[None])
    values = model.engine.effects(draws, 0, groups) @ weights + offset[:, None]
    np.testing.assert_allclose(table[0], values.mean(axis=0))
    np.testing.assert_allclose(table[1], values.std(axis=0))
    np.testing.assert_allclose(table[2:], np.quantile(values, [0.1, 0.9], axis=0))


@pytest.mark.parametrize("se", [None, "se"])
def test_own_effects_are_least_squares_within_groups(se):
    frame = pd.concat([sleep(), sleep().iloc[:1].assign(subject="lonely")])
    model = textbook_model(SLOPES, frame, se=se)
    _, draws = made_draws(model)
    own = model.engine.own_effects(draws, 0)
    assert np.isnan(own[0]).all()  # "lonely", whose one row tells no slope
    rows = model.rows
    rooms = model.engine.effects(draws, 1, np.arange(4)).mean(axis=0)[:, 0]
    residual = rows.y - model.engine.linear(draws, rows.X).mean(axis=0) - rooms[rows.groupings[1].codes]
    root = np.ones(len(residual)) if se is None else 1 / rows.row_noise.values
    for j in (1, 9, 18):
        members = rows.groupings[0].codes == j
        Z = rows.effect_matrix(0)[members] * root[members, None]
        expected = np.linalg.lstsq(Z, residual[members] * root[members], rcond=None)[0]
        np.testing.assert_allclose(own[j], expected, rtol=1e-8)


@pytest.mark.parametrize("se", [None, "se"])
def test_means_of_new_groups_are_normal_around_those_of_the_rows(se):
    model = textbook_model(SLOPES, sleep(), se=se)
    _, draws = made_draws(model, draws=1, chains=1)
    keep = np.zeros(4000, dtype=int)
    replicated, observed = model.engine.replicated_means(draws, 1, keep, seed=3)
    rows, engine = model.rows, model.engine
    effects = engine.effects(draws, 0, np.arange(18))[0]
    expected = engine.linear(draws, rows.X)[0] + (rows.effect_matrix(0) * effects[rows.groupings[0].codes]).sum(axis=1)
    spread = engine.new_effects(draws, 1, np.ones((1, 1)))[0, 0]
    w = np.ones(rows.n_rows) if se is None else rows.row_noise.values**-2
    for j in range(4):
        own = rows.groupings[1].codes == j
        sd = np.hypot(spread, engine.noise_scale(draws)[0] / np.sqrt(w[own].sum()))
        assert observed[j] == pytest.approx(np.average(rows.y[own], weights=w[own]))
        mean = np.average(expected[own], weights=w[own])
        assert abs(replicated[:, j].mean() - mean) < 5 * sd / np.sqrt(4000)
        assert replicated[:, j].std() == pytest.approx(sd, rel=0.06)
        assert engine.group_weights(1)[j] == pytest.approx(w[own].sum())


def test_new_groups_are_drawn_given_their_rows():
    frame = sleep()
    known = textbook_model(SLOPES, frame[frame["subject"] != "s17"])
    model = extend(known, frame[frame["subject"] == "s17"])
    _, draws = made_draws(known, chains=1, draws=1)
    many = draws.take(np.zeros(20_000, dtype=int))
    before = known.engine.effects(many, 0, np.arange(17))
    completed = model.engine.completed(many)
    np.testing.assert_array_equal(model.engine.effects(completed, 0, np.arange(17)), before)
    rooms = known.engine.effects(many, 1, np.arange(4))
    np.testing.assert_array_equal(model.engine.effects(completed, 1, np.arange(4)), rooms)
    rows = model.rows
    own = rows.groupings[0].codes == 17
    Z, sigma = rows.effect_matrix(0)[own], known.engine.noise_scale(draws)[0]
    residual = rows.y[own] - known.engine.linear(draws, rows.X[own])[0] - rooms[0, rows.groupings[1].codes[own], 0]
    V = np.linalg.inv(Z.T @ Z / sigma**2 + np.linalg.inv(covariance(known, draws, 0)))
    found = model.engine.effects(completed, 0, np.array([17]))[:, 0]
    np.testing.assert_allclose(
        (found.mean(axis=0) - V @ Z.T @ residual / sigma**2) / np.sqrt(np.diag(V)), 0, atol=5 / np.sqrt(20_000)
    )
    np.testing.assert_allclose(np.cov(found.T), V, rtol=0.06)
    density = model.engine.log_density_of_new(known.engine, rows.take(own), draws)
    W = Z @ covariance(known, draws, 0) @ Z.T + sigma**2 * np.eye(own.sum())
    assert density[0] == pytest.approx(
        stats.multivariate_normal.logpdf(residual, np.zeros(len(residual)), W), rel=1e-10
    )


def test_a_new_group_of_two_factors_at_once_is_drawn_jointly():
    frame = sleep()
    known = textbook_model("reaction ~ days + (1 | subject) + (1 | room)", frame[~frame["room"].isin(["D"])])
    new = frame.iloc[:6].assign(room="E", subject="t")
    model = extend(known, new)
    _, draws = made_draws(known, chains=1, draws=1)
    completed = model.engine.completed(draws.take(np.zeros(20_000, dtype=int)))
    pair = np.column_stack(
        [
            model.engine.effects(completed, t, np.array([len(model.rows.groupings[t].levels) - 1]))[:, 0, 0]
            for t in (0, 1)
        ]
    )
    sd, sigma = draws.values["sd"][0, 0], known.engine.noise_scale(draws)[0]
    V = np.linalg.inv(np.full((2, 2), 6 / sigma**2) + np.diag(1 / sd**2))
    np.testing.assert_allclose(np.cov(pair.T), V, rtol=0.06)


def test_a_prior_at_the_mean_stays_where_it_was_on_other_rows(model):
    part = model.on_rows(model.rows.take(model.rows.X[:, 0] < 5))
    assert part.engine.prior_centre.tolist() == [4.5]
    assert "vector[K] x_mean = [4.5]'; // of the rows that the prior was chosen for" in part.engine.program.text
    assert "mean(X" not in part.stan_code
    assert part.stan_code == part.engine.program.text
    assert len(part.engine.data()["y"]) == 90
    assert "mean(X[ : , k])" in model.engine.program.text


def test_moments_are_those_of_the_rows(model):
    frame = sleep()
    np.testing.assert_allclose(model.engine.moments.mean, frame[["days", "reaction"]].mean())
    np.testing.assert_allclose(model.engine.moments.sd, frame[["days", "reaction"]].std())
    other = textbook_model(SLOPES, frame.assign(reaction=frame["reaction"] + 1))
    prints = [np.concatenate([np.ravel(part) for part in one.engine.fingerprint()]) for one in (model, other)]
    assert not np.array_equal(*prints)


@pytest.mark.parametrize("name", ["default", "known se of rows", "fixed sigma"])
def test_a_model_of_another_engine_keeps_its_program_and_its_parameters(name):
    own = variants.VARYING[name]()
    model = textbook_regression(own)
    assert type(model) is type(own)
    assert model.engine.program.text == own.stan_code
    assert model.parameters.population == own.parameters.population
    assert set(model.engine.data()) == set(own.row_data)
    assert model.stan_code == own.stan_code


def test_rows_that_are_not_in_memory_are_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    sleep().to_parquet(path)
    model = sh.LinearRegression("reaction ~ days", str(path))
    with pytest.raises(DataError, match=r'engine="textbook" gives Stan the rows.*not in memory.*data frame'):
        textbook_regression(model)
