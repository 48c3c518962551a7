"""The sampler is calibrated, and what is wrong on purpose is found out."""

import dataclasses
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from cmdstanpy import CmdStanModel, set_cmdstan_path

import stanhier as sh
from stanhier.design.in_memory import InMemoryDesign
from stanhier.evaluation import calibration
from stanhier.evaluation.uniformity import rank_test
from stanhier.posterior import sampling as sampling_task
from stanhier.stan import nuts as sampling
from stanhier.stan.program import Program
from tests.tools import variants

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.benchmarks import calibration as long  # noqa: E402
from scripts.benchmarks.variants import VARIANTS  # noqa: E402

N = 120
FEW = 20


@pytest.fixture(scope="module")
def every_kind(cmdstan_home):
    """A short calibration of all that the long one in the benchmarks has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.PriorWarning)  # of groups of one, whose truth is drawn from these priors
        return {name: sh.sbc(make(), n=FEW, seed=100 * k) for k, (name, make) in enumerate(VARIANTS.items())}


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
    def test_every_kind_of_model_is_calibrated(self, every_kind):
        n_quantities = sum(len(result.ranks.columns) for result in every_kind.values())
        for name, result in every_kind.items():
            assert len(result.ranks) == FEW
            assert result.n_draws == 100
            assert result.p_values.min() > 0.01 / n_quantities, name

    @pytest.mark.parametrize(
        "kind", ["sigma", "sigma_alpha", "alpha", "mu_alpha", "beta[", "alpha[", "sd_", "cor_", "effect_"]
    )
    def test_all_of_them_together_are_calibrated(self, every_kind, kind):
        """Few ranks of each model are many together; of several slopes or groups the first, as they are dependent."""
        pooled = []
        for result in every_kind.values():
            names = [name for name in result.ranks if name == kind or (kind[-1] in "[_" and name.startswith(kind))]
            pooled += [result.ranks[names[0]]] if names else []
        assert len(pooled) >= 5
        assert rank_test(FEW * len(pooled), 100).p_value(np.concatenate(pooled)) > 0.001

    def test_a_shorter_warm_up_is_passed_on(self, monkeypatch):
        seen = []

        def run_and_note(program, data, keywords, **others):
            seen.append(dict(keywords))
            return sampling.run_nuts(program, data, keywords, **others)

        monkeypatch.setattr(sampling_task, "run_nuts", run_and_note)
        sh.sbc(variants.LINEAR["at zero"](), n=20, seed=1, iter_warmup=200)
        assert {one["iter_warmup"] for one in seen} == {200}
        assert len({one["seed"] for one in seen}) == 20

    def test_it_repeats_itself(self):
        one, other = (sh.sbc(model(), n=20, seed=5).ranks for _ in range(2))
        assert one.equals(other)

    def test_group_codes_off_by_one_are_found(self, monkeypatch):
        def shifted(design, response):
            (group,) = design.groupings
            moved = dataclasses.replace(group, codes=(group.codes + 1) % len(group.levels))
            return dataclasses.replace(design, groupings=(moved,), y=response)

        monkeypatch.setattr(InMemoryDesign, "with_observed", shifted)
        assert any("alpha[" in name for name in sh.sbc(model(), n=N, seed=1).failures)

    def test_a_wrong_prior_is_found(self, monkeypatch):
        def run_with_another_prior(program, data, keywords, **others):
            wrong = {**data, "scale_prior_sigma": 0.4 * data["scale_prior_sigma"]}
            return sampling.run_nuts(program, wrong, keywords, **others)

        monkeypatch.setattr(sampling_task, "run_nuts", run_with_another_prior)
        assert "sigma_alpha" in sh.sbc(model(), n=N, seed=1).failures

    def test_a_missing_jacobian_is_found(self, monkeypatch, cmdstan_home, tmp_path):
        path = Program("varying_intercept").path
        header = (path.parent / "functions" / "rows.hpp").read_text()
        for part, nothing in (
            ("return -0.5 * precision.array().log().sum();", "return 0;"),
            (" + 0.5 * adj / precision.array();", ";"),
        ):
            assert header.count(part) == 1
            header = header.replace(part, nothing)
        wrong = tmp_path / "wrong.stan"
        wrong.write_text(path.read_text())
        wrong.with_name("rows.hpp").write_text(header)
        set_cmdstan_path(str(cmdstan_home))
        compiled = CmdStanModel(
            stan_file=wrong,
            stanc_options={"include-paths": str(path.parent), "allow-undefined": True},
            user_header=str(wrong.with_name("rows.hpp")),
        )
        monkeypatch.setattr(sampling, "program_of", lambda _: type("Wrong", (), {"model": lambda _: compiled})())
        # With few rows the factor that is missing weighs enough to be seen.
        assert "sigma" in sh.sbc(model(8), n=2 * N, seed=1).failures


PROPER = {
    "alpha": sh.Normal(0, 2),
    "beta": sh.Normal(0, 1),
    "sd": sh.HalfNormal(1),
    "cor": sh.LKJ(2),
    "sigma": sh.HalfNormal(1),
}


def of_factors(formula, n=90):
    """A model of few rows in schools, classes and raters."""
    given = {name: prior for name, prior in PROPER.items() if name != "cor" or "(1 + x" in formula}
    return sh.Model(formula, variants.several(n), priors=given)


def test_quantities_of_several_factors_are_scalars_by_name():
    few = of_factors("y ~ x + (1 + x | school) + (1 | rater)")
    tree = few.sample_prior(7, seed=1)
    prior = tree["prior"].to_dataset()
    found = calibration._quantities(prior, few.parameters)
    schools, raters = (grouping.levels[:3] for grouping in few.design.groupings)
    assert sorted(found) == sorted(
        [
            "alpha",
            "sd_school[Intercept]",
            "sd_school[x]",
            "cor_school[Intercept, x]",
            "sd_rater[Intercept]",
            "beta[x]",
            "sigma",
            *(f"effect_school[{school}, {effect}]" for school in schools for effect in ("Intercept", "x")),
            *(f"effect_rater[{rater}, Intercept]" for rater in raters),
        ]
    )
    assert {values.shape for values in found.values()} == {(7,)}
    dim = prior["sd_school"].dims[-1]
    np.testing.assert_array_equal(found["sd_school[x]"], prior["sd_school"].sel({dim: "x"}).to_numpy().ravel())
    effects = prior["effect_school"].sel({"school": schools[1], dim: "x"})
    np.testing.assert_array_equal(found[f"effect_school[{schools[1]}, x]"], effects.to_numpy().ravel())
    np.testing.assert_array_equal(found["cor_school[Intercept, x]"], prior["cor_school"].to_numpy()[0, :, 1, 0])


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
class TestFactors:
    def test_a_wrong_prior_of_correlations_is_found(self, monkeypatch):
        def run_with_another_prior(program, data, keywords, **others):
            return sampling.run_nuts(program, {**data, "eta": np.full_like(data["eta"], 50.0)}, keywords, **others)

        monkeypatch.setattr(sampling_task, "run_nuts", run_with_another_prior)
        assert "cor_school[Intercept, x]" in sh.sbc(of_factors("y ~ x + (1 + x | school)", 40), n=N, seed=1).failures


def test_uniform_ranks_pass_and_others_do_not():
    import pandas as pd

    rng = np.random.default_rng(1)
    good, bad = rng.integers(0, 101, 200), rng.binomial(100, 0.5, 200)
    result = calibration.Calibration(pd.DataFrame({"good": good, "bad": bad}), n_draws=100, divergences=0)
    assert result.failures == ["bad"]
    assert "not uniform: bad" in repr(result)
    axes = result.plot()
    assert [ax.get_title() for ax in axes] == ["good", "bad"]


def test_arguments_are_checked():
    with pytest.raises(sh.StanhierError, match=r"sbc\(n=5\)"):
        sh.sbc(model(), n=5)
    with pytest.raises(sh.PriorError, match="flat"):
        sh.sbc(variants.VARYING["flat"]())


def ranks_of(variant, seed, *, wrong=False, n=300):
    """A run of the long calibration, without Stan."""
    rng = np.random.default_rng(seed)
    found = {name: rng.integers(0, 101, n).tolist() for name in ("mu_alpha", "sigma", "alpha[0]")}
    if wrong:
        found["sigma"] = rng.binomial(100, 0.5, n).tolist()
    mixing = long.Mixing([900.0, 1500.0, 2000.0], [1.001, 1.004, 1.002], 2)
    return long.Calibrated(variant, n, seed, 1000, 12.5, 0.4, 3, 100, found, mixing)


@pytest.mark.slow
def test_mixing_of_correlated_effects_is_a_number(cmdstan_home):
    """A correlation matrix has 1 on its diagonal, of which R-hat is none."""
    mixing = long._mixing("slopes", 1, 1, 200)
    assert 0.99 < mixing.r_hat[0] < 1.1
    assert mixing.ess[0] > 100


def test_long_calibration_survives_its_file(tmp_path):
    runs = [ranks_of("linear", 1), dataclasses.replace(ranks_of("linear", 2), mixing=None)]
    long.write(runs, tmp_path / "new" / "calibration.json")
    assert long.read(tmp_path / "new" / "calibration.json") == runs
    assert long.read(tmp_path / "none.json") == []


def test_long_calibration_flags_and_decides():
    right, wrong = ranks_of("20 groups", 1), ranks_of("eight schools", 2, wrong=True)
    assert long.flagged([right, wrong]) == [("eight schools", "sigma")]
    passes = dataclasses.replace(ranks_of("eight schools", 3), mixing=None)
    page = long.calibration_section([right, wrong, passes], "calibration.png")
    assert "eight schools, sigma: flagged" in page
    assert page.endswith("uniform.")
    assert "| 20 groups | 12.5 | 3 |" in page
    assert "| 1,500 | 900 | 1.004 | 2 |" in page
    fails = dataclasses.replace(ranks_of("eight schools", 3, wrong=True), mixing=None)
    assert long.calibration_section([right, wrong, fails], "calibration.png").endswith("**fails again**.")


def test_many_right_variants_are_seldom_flagged():
    flagged = [bool(long.flagged([ranks_of(f"{k}", [seed, k]) for k in range(10)])) for seed in range(30)]
    assert sum(flagged) <= 2


def test_long_calibration_is_drawn(tmp_path):
    runs = [ranks_of("linear", 1), ranks_of("20 groups", 2)]
    assert long.draw_calibration(runs, tmp_path / "calibration.png").stat().st_size > 10_000
