"""Effects of more groups than the posterior holds: who asks for them hears how they are had."""

import copy
import pickle

import pytest

import stanhier as sh
from stanhier.posterior import labelled
from tests.tools import synthetic, variants
from tests.tools.fake_fit import fake_fit

ALPHA = (
    r"'alpha' is not in the posterior: 1,000 draws of 3 groups are more than 2,999 values. "
    r"fit.group_draws\(levels=\[...\]\) gives those of some groups, fit.group_summary\(\) sums up all."
)


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(labelled, "MAX_VALUES", 2_999)
    return synthetic.grouped([5, 12, 40])


def test_intercepts_of_groups(large):
    with pytest.raises(KeyError, match=ALPHA):
        large.posterior["alpha"]
    with pytest.raises(AttributeError, match=ALPHA):
        _ = large.posterior.alpha
    assert "alpha" not in large.posterior
    assert not hasattr(large.posterior, "alpha")
    assert large.group_draws("clinic", levels=["g000"]).shape == (4, 250, 1)


def test_everything_else_is_as_it_was(large):
    posterior = large.posterior
    assert posterior["sigma"].shape == (4, 250)
    assert list(posterior[["sigma", "beta"]].data_vars) == ["sigma", "beta"]
    assert float(posterior.sel(chain=0).mean()["sigma"]) > 0
    with pytest.raises(KeyError, match="nothing"):
        posterior["nothing"]
    with pytest.raises(KeyError, match="alpha"):
        posterior.sel(chain=0)["alpha"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = posterior.nothing
    assert large.idata["posterior"]["sigma"].shape == (4, 250)
    assert "sigma" in str(posterior)


def test_copies_and_pickles(large):
    assert large.posterior.identical(copy.deepcopy(large.posterior))
    again = pickle.loads(pickle.dumps(large.posterior))
    assert again.identical(large.posterior)
    with pytest.raises(KeyError, match=ALPHA):
        again["alpha"]
    assert pickle.loads(pickle.dumps(large)).posterior.identical(large.posterior)


def test_effects_of_a_model(monkeypatch):
    monkeypatch.setattr(labelled, "MAX_VALUES", 600)
    fit = fake_fit(variants.SEVERAL["nested"](), chains=2, draws=50)
    with pytest.raises(
        KeyError,
        match=r"'effect_school:class' is .*: 100 draws of 24 groups, 2 effects .*group_draws\('school:class'",
    ):
        fit.posterior["effect_school:class"]
    with pytest.raises(KeyError, match=r"'effect_school' is not in the posterior: 100 draws of 6 groups, 2 effects"):
        fit.posterior["effect_school"]


def test_up_to_the_limit_they_are_there(monkeypatch):
    monkeypatch.setattr(labelled, "MAX_VALUES", 3_000)
    fit = synthetic.grouped([5, 12, 40])
    assert fit.posterior["alpha"].shape == (4, 250, 3)
    assert isinstance(fit, sh.Fit)
