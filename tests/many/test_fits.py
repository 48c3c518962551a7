"""Fits of many models: looked up, summed up, and what is said of those that fail."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools.many_fits import NAMES, SHORT, collected, model, some_models, without_stan


class TestCollection:
    def test_one_failure_is_reported_by_name(self, monkeypatch, threads):
        without_stan(monkeypatch, failing=(1,))
        fits = sh.fit_many(some_models(), executor=threads, **SHORT)
        with pytest.warns(
            SamplingWarning, match=r"1 of 6 models could not be fitted: .*Chain 2: it had enough"
        ) as said:
            fits.collect()
        assert len(said) == 1
        (name,) = fits.failures
        assert len(fits) == 5
        assert name not in fits
        with pytest.raises(sh.StanhierError, match=r"no fit of .*it had enough"):
            fits[name]
        with pytest.raises(sh.StanhierError, match="no fit of 'Berlin'"):
            fits["Berlin"]
        assert "1 failed: " in repr(fits)

    def test_warnings_are_gathered(self, monkeypatch, threads):
        without_stan(monkeypatch)
        with pytest.warns(SamplingWarning, match=r"draws of 6 of 6 fits cannot be trusted: .* and 1 more") as said:
            fits = sh.fit_many(some_models(), executor=threads, **SHORT).collect()
        assert len(said) == 1
        assert set(fits.problems) == set(NAMES)
        assert fits.problems["Ulm"] == fits["Ulm"].diagnose().problems

    def test_the_table_is_what_each_fit_says(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected({"a": model(), "b": model()}, executor=threads)
        table = fits.summary()
        assert table.index.names == ["fit", "parameter"]
        wanted = fits["b"].summary(var_names=["mu_alpha", "beta", "sigma_alpha", "sigma"], round_to="none")
        found = table.loc["b"]
        assert set(found.index) == set(wanted.index)
        for column in ("mean", "sd", "r_hat", "ess_bulk"):
            np.testing.assert_allclose(found[column], wanted[column][found.index].astype(float), rtol=1e-9)
        sigma = fits["b"].posterior["sigma"].to_numpy()
        np.testing.assert_allclose(
            found.loc["sigma", ["lower", "median", "upper"]], np.quantile(sigma, (0.05, 0.5, 0.95))
        )

    def test_iterating_again_gives_the_same(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected(some_models(), executor=threads)
        first = dict(fits)
        assert [name for name, _ in fits] == fits.names
        assert all(fit is first[name] for name, fit in fits)

    def test_work_goes_on_while_somebody_iterates(self, monkeypatch, threads):
        sampled = without_stan(monkeypatch)
        fits = sh.fit_many(((k, model()) for k in range(30)), executor=threads, **SHORT)
        assert sampled == []
        assert "not started" in repr(fits)
        next(iter(fits))
        assert 1 <= len(sampled) < 10
        assert "under way" in repr(fits)
        with pytest.warns(SamplingWarning):
            assert len(fits) == 30

    def test_nothing_asked_is_said(self, threads):
        with pytest.warns(SamplingWarning, match="fitted nothing"):
            sh.fit_many({"a": model()}, executor=threads)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"models": model()}, "models by name, or pairs"),
            ({"models": {"a": 3}}, "'a' must be a model, not int"),
            ({"models": [model()]}, "pairs of name and model"),
            ({"chans": 2}, r"fit_many\(\) has no keyword 'chans'.*'chains'"),
            ({"chains": 0}, r"fit_many\(chains=0\)"),
            ({"output_dir": "here"}, "does not take 'output_dir'"),
            ({"data": {}}, "takes `data` with a formula alone"),
            ({"seed": [1, 2, 3, 4]}, "give one number"),
            ({"folder": "/dev/null/x"}, "folder /dev/null/x cannot be used"),
            ({"folder": f"/tmp/{'x' * 300}"}, "cannot be used: File name too long"),
        ],
    )
    def test_arguments_are_checked(self, arguments, words, threads):
        with pytest.raises(sh.StanhierError, match=words):
            sh.fit_many(**{"models": {"a": model()}, "executor": threads, **arguments}).collect()


def test_progress_is_shown_when_asked_for(monkeypatch, threads, capsys):
    without_stan(monkeypatch)
    collected(some_models(), executor=threads, progress=True)
    assert "6/6" in capsys.readouterr().err
    collected(some_models(), executor=threads)
    assert capsys.readouterr().err == ""
