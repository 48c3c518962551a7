"""The part of Newton's step that is tried first."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.engines.rows.likelihood import GAUSSIAN, LOGIT, POISSON, STUDENT
from stanhier.engines.rows.steps import first_size


@pytest.mark.parametrize("code", [LOGIT, POISSON])
def test_linear_predictors_inside_links_move_by_twenty_at_most(code):
    assert first_size(code, np.array([0.5, -19.0])) == 1.0
    assert first_size(code, np.array([0.5, -4e9])) == pytest.approx(5e-9)
    assert first_size(code, np.zeros(0)) == 1.0


@pytest.mark.parametrize("code", [GAUSSIAN, STUDENT])
def test_responses_with_units_move_as_far_as_they_like(code):
    assert first_size(code, np.array([1e12])) == 1.0


@pytest.mark.parametrize("offset", [20.0, 50.0, 60.0])
def test_offsets_far_from_what_was_counted_have_a_mode(offset):
    rng = np.random.default_rng(1)
    offsets = np.where(np.arange(200) % 2, offset, -offset)
    frame = pd.DataFrame({"y": rng.poisson(2.0, 200), "x": rng.standard_normal(200), "g": np.arange(200) % 12})
    data = sh.Model("y ~ x + (1 | g)", frame, family="poisson", offset=offsets).engine.data()
    assert np.isfinite(data["u_hat"]).all()
    assert np.isfinite(data["phi_hat"]).all()
