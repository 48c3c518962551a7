"""Fits of textbook programs as files."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.fit import Fit
from stanhier.posterior.new_groups import extend
from stanhier.stan.rendered import RenderedProgram
from tests.tools.textbook_models import made_draws, sleep, textbook_model

FORMULAS = {
    "slopes": ("reaction ~ days + (1 + days | subject) + (1 | room)", False),
    "own intercepts": ("reaction ~ days + (1 | subject)", True),
    "linear": ("reaction ~ days", True),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_textbook_fit_is_loaded_as_it_was(name, tmp_path):
    formula, own_intercepts = FORMULAS[name]
    model = textbook_model(formula, sleep(), own_intercepts=own_intercepts)
    fit = Fit(model, made_draws(model, nuts=True)[1])
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert type(loaded.model) is type(model)
    assert isinstance(loaded.model.engine.program, RenderedProgram)
    assert loaded.model.stan_code == model.stan_code
    for key, values in fit.draws.values.items():
        np.testing.assert_array_equal(loaded.draws.values[key], values)
    assert loaded.posterior.equals(fit.posterior)


def test_a_textbook_fit_with_new_groups_is_loaded_with_them(tmp_path):
    frame, formula = sleep(), FORMULAS["slopes"][0]
    known = textbook_model(formula, frame[frame["subject"] != "s17"])
    model = extend(known, frame[frame["subject"] == "s17"])
    fit = Fit(model, model.engine.completed(made_draws(known, nuts=True)[1]))
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert loaded.posterior.equals(fit.posterior)
    assert loaded.model.stan_code == model.stan_code
