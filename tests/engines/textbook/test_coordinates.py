"""From the variables of a textbook program to draws and parameters."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.basics.errors import StanhierError
from stanhier.engines.parameters import Role
from stanhier.engines.textbook.coordinates import MOST_EFFECTS
from stanhier.stan.nuts import RawDraws
from tests.tools.textbook_models import made_draws, sleep, textbook_model

MODELS = {
    "slopes": lambda: textbook_model("reaction ~ days + (1 + days | subject)", sleep()),
    "crossed": lambda: textbook_model("reaction ~ days + (1 + days | subject) + (1 | room)", sleep()),
    "uncorrelated": lambda: textbook_model("reaction ~ days + (days || subject)", sleep()),
    "no intercept": lambda: textbook_model("reaction ~ 0 + days + (0 + days | subject)", sleep()),
    "known se": lambda: textbook_model("reaction ~ 1 + (1 | room) + (1 | subject)", sleep(), se="se"),
    "own intercepts": lambda: textbook_model("reaction ~ days + (1 | subject)", sleep(), own_intercepts=True),
    "linear": lambda: textbook_model("reaction ~ days", sleep(), sigma=20.0),
}


@pytest.mark.parametrize("name", MODELS)
def test_arrays_have_the_shapes_of_the_layout(name):
    model = MODELS[name]()
    _, draws = made_draws(model)
    layout = model.engine.coordinates.layout
    assert {key: values.shape for key, values in draws.values.items()} == {
        key: (2, 50, *shape) for key, shape in layout.items()
    }
    assert model.engine.coordinates.positive == {"sigma", "sd"} & set(layout)


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_the_variables_of_the_program(name):
    model = MODELS[name]()
    variables, draws = made_draws(model)
    population = model.engine.coordinates.population(draws)
    assert list(population) == model.parameters.population
    for parameter in model.parameters.without_effects():
        values = population[parameter.name]
        assert values.shape == (2, 50, *parameter.shape)
        if parameter.role is Role.GROUP_SD and values.ndim > 2:
            own = variables[f"sd_{parameter.factor}"]
            np.testing.assert_array_equal(values, own.reshape(values.shape))
        else:
            np.testing.assert_allclose(values, variables[parameter.name], rtol=1e-15)


def test_effects_are_deviations_level_by_level():
    model = MODELS["crossed"]()
    variables, draws = made_draws(model)
    subjects, rooms = (variables[f"effect_{name}"].reshape(100, -1, q) for name, q in (("subject", 2), ("room", 1)))
    np.testing.assert_array_equal(model.engine.effects(draws, 0, np.array([3, 0])), subjects[:, [3, 0]])
    np.testing.assert_array_equal(model.engine.effects(draws, 1, np.arange(4)), rooms)


def test_intercepts_of_groups_become_deviations():
    model = MODELS["own intercepts"]()
    variables, draws = made_draws(model)
    expected = (variables["alpha"] - variables["mu_alpha"][..., None]).reshape(100, -1, 1)
    np.testing.assert_array_equal(model.engine.effects(draws, 0, np.arange(18)), expected)


def test_correlations_of_several_blocks_stay_in_their_blocks():
    frame = sleep().assign(x=lambda d: np.sin(d["days"]), z=lambda d: np.cos(d["days"]))
    model = textbook_model("reaction ~ days + (1 + days | subject) + (0 + x + z | subject)", frame)
    variables, draws = made_draws(model)
    cor = model.engine.coordinates.population(draws)["cor_subject"]
    np.testing.assert_allclose(cor[..., :2, :2], variables["cor1_subject"])
    np.testing.assert_allclose(cor[..., 2:, 2:], variables["cor2_subject"])
    assert (cor[..., :2, 2:] == 0).all()
    sampled = model.engine.coordinates.sampled(draws)
    np.testing.assert_array_equal(sampled["cor2_subject[2,1]"], variables["cor2_subject"][..., 1, 0])


def test_everything_that_was_sampled_is_checked_by_the_names_of_the_program():
    model = MODELS["crossed"]()
    variables, draws = made_draws(model)
    sampled = model.engine.coordinates.sampled(draws)
    assert len(sampled) == 2 + 3 + 1 + 1 + 2 * 18 + 4  # location, sds, correlation, sigma, effects
    np.testing.assert_array_equal(sampled["effect_subject[3,2]"], variables["effect_subject"][..., 2, 1])
    np.testing.assert_array_equal(sampled["effect_room[4]"], variables["effect_room"][..., 3])
    np.testing.assert_array_equal(sampled["sd_subject[2]"], variables["sd_subject"][..., 1])
    np.testing.assert_array_equal(sampled["sd_room"], variables["sd_room"])
    assert all(values.shape == (2, 50) for values in sampled.values())


def test_of_very_many_effects_some_are_checked():
    n = 2 * MOST_EFFECTS
    frame = {"y": np.random.default_rng(1).normal(size=2 * n), "g": np.arange(2 * n) % n}
    model = textbook_model("y ~ 1 + (1 | g)", frame)
    _, draws = made_draws(model, draws=2)
    names = [name for name in model.engine.coordinates.sampled(draws) if name.startswith("effect_")]
    assert len(names) == MOST_EFFECTS
    assert (names[0], names[-1]) == ("effect_g[1]", f"effect_g[{n}]")


def test_draws_of_an_approximation_are_refused():
    model = MODELS["slopes"]()
    raw = RawDraws(np.zeros((1, 5, 0)), np.zeros((1, 5, 0)), {"lp": np.zeros((1, 5))}, 1, 10, "")
    with pytest.raises(StanhierError, match=r"draws with sample\(\) alone"):
        model.engine.coordinates.draws(raw)
    with pytest.raises(StanhierError, match=r"draws with sample\(\) alone"):
        model.in_logarithms()


def test_a_prior_given_at_the_mean_is_drawn_there():
    model = textbook_model(
        "reaction ~ days + (1 + days | subject)",
        sleep(),
        priors={"alpha": sh.Normal(100, 1e-3, centered=True), "beta": sh.Normal(10, 2)},
    )
    values = model.engine.values_of(model.chosen.draws(np.random.default_rng(1), 200))
    location = values["location"][0]
    np.testing.assert_allclose(location[:, 0] + 4.5 * location[:, 1], 100, atol=0.01)
    assert location[:, 1].std() > 1
    assert values["sd"].shape == (1, 200, 2)
    assert values["cor"].shape == (1, 200, 1)
    assert values["sigma"].shape == (1, 200)
