"""The sampler is calibrated, and what is wrong on purpose is found out."""

import dataclasses

import numpy as np
import pytest
from cmdstanpy import CmdStanModel, set_cmdstan_path

import stanhier as sh
from stanhier import calibration, sampling, sampling_task
from stanhier.data import Grouping
from stanhier.program import Program
from tests import variants

N = 120


def model(n=60):
    return sh.VaryingIntercept(
        "y ~ x + (1 | g)",
        variants.frame(n, 5),
        priors={
            "mu_alpha": sh.Normal(0, 2),
            "beta": sh.Normal(0, 1),
            "sigma_alpha": sh.HalfNormal(1),
            "sigma": sh.HalfNormal(1),
        },
    )


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
class TestCalibration:
    def test_the_models_are_calibrated(self):
        for one in (model(), variants.LINEAR["at zero"]()):
            result = sh.sbc(one, n=N, seed=1)
            assert result.ok, result
            assert len(result.ranks) == N
            assert result.n_draws == 100

    def test_it_repeats_itself(self):
        one, other = (sh.sbc(model(), n=20, seed=5).ranks for _ in range(2))
        assert one.equals(other)

    def test_group_codes_off_by_one_are_found(self, monkeypatch):
        def shifted(design, **changes):
            group = design.group
            codes = (group.codes + 1) % len(group.levels)
            return dataclasses.replace(design, group=Grouping(group.name, group.levels, codes), **changes)

        monkeypatch.setattr(calibration, "replace", shifted)
        assert any("alpha[" in name for name in sh.sbc(model(), n=N, seed=1).failures)

    def test_a_wrong_prior_is_found(self, monkeypatch):
        def run_with_another_prior(program, data, keywords, **others):
            wrong = {**data, "scale_prior_sigma": 0.4 * data["scale_prior_sigma"]}
            return sampling.run_nuts(program, wrong, keywords, **others)

        monkeypatch.setattr(sampling_task, "run_nuts", run_with_another_prior)
        assert "sigma_alpha" in sh.sbc(model(), n=N, seed=1).failures

    def test_a_missing_jacobian_is_found(self, monkeypatch, cmdstan_home, tmp_path):
        path = Program("varying_intercept").path
        source = path.read_text()
        wrong = tmp_path / "wrong.stan"
        wrong.write_text(source.replace("unwhiten_log_jacobian(precision) + ", ""))
        assert wrong.read_text() != source
        set_cmdstan_path(str(cmdstan_home))
        compiled = CmdStanModel(stan_file=wrong, stanc_options={"include-paths": str(path.parent)})
        monkeypatch.setattr(sampling, "Program", lambda _: type("Wrong", (), {"model": lambda _: compiled})())
        # With few rows the factor that is missing weighs enough to be seen.
        assert "sigma" in sh.sbc(model(8), n=2 * N, seed=1).failures


def test_uniform_ranks_pass_and_others_do_not():
    import pandas as pd

    rng = np.random.default_rng(1)
    good, bad = rng.integers(0, 101, 200), rng.binomial(100, 0.5, 200)
    result = calibration.Calibration(pd.DataFrame({"good": good, "bad": bad}), n_draws=100, divergences=0)
    assert result.failures == ["bad"]
    assert "not uniform: bad" in repr(result)
    axes = [ax for ax in result.plot().axes if ax.get_visible()]
    assert [ax.get_title() for ax in axes] == ["good", "bad"]


def test_arguments_are_checked():
    with pytest.raises(sh.StanhierError, match=r"sbc\(n=5\)"):
        sh.sbc(model(), n=5)
    with pytest.raises(sh.PriorError, match="flat"):
        sh.sbc(variants.VARYING["flat"]())
