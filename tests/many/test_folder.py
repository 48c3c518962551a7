"""A folder of fits: what is there is not sampled again, and nothing half-written stays."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.many import outcomes
from stanhier.many.folder import FitFolder, identity_of
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools import variants
from tests.tools.many_fits import SHORT, collected, model, some_models, without_stan


class TestFolder:
    def test_what_is_there_is_not_sampled_again(self, monkeypatch, threads, tmp_path):
        sampled = without_stan(monkeypatch, failing=(0,))
        first = collected(some_models(), executor=threads, folder=tmp_path)
        assert len(first) == 5
        sampled = without_stan(monkeypatch)
        second = collected(some_models(), executor=threads, folder=tmp_path)
        assert len(sampled) == 1, "what has failed is tried again"
        assert len(second) == 6
        assert (
            second.summary()
            .drop(index=list(first.failures), level="fit")
            .sort_index()
            .equals(first.summary().sort_index())
        )
        for name, fit in first:
            assert np.array_equal(second[name].draws.values["location"], fit.draws.values["location"])
        assert first["a/b"] is not first["a/b"], "fits are on the disk, not in memory"
        assert not list(tmp_path.glob(".*.part"))

    @pytest.mark.parametrize(
        "change",
        [
            {"data": lambda d: d.assign(y=d["y"] + 1e-6)},
            {"priors": {"sigma": sh.HalfNormal(3)}},
            {"formula": "y ~ (1 | g)"},
            {"keywords": {"iter_sampling": 151}},
            {"keywords": {"seed": 6}},
        ],
    )
    def test_another_model_takes_its_place(self, change, monkeypatch, threads, tmp_path):
        sampled = without_stan(monkeypatch)
        collected({"a": model()}, executor=threads, folder=tmp_path)
        data = change.get("data", lambda d: d)(variants.frame(40, 5, 0))
        other = sh.VaryingIntercept(change.get("formula", "y ~ x + (1 | g)"), data, priors=change.get("priors"))
        monkeypatch.setattr(outcomes, "file_of", lambda *_: b"new")  # made-up draws fit one formula alone
        monkeypatch.setattr(
            outcomes.ParameterTable, "of", lambda *_, **__: outcomes.ParameterTable((), np.empty((0, 8)))
        )
        collected({"a": other}, executor=threads, folder=tmp_path, **change.get("keywords", {}))
        assert len(sampled) == 2
        assert FitFolder(tmp_path).file("a").read_bytes() == b"new"

    def test_damaged_files_are_made_anew(self, monkeypatch, threads, tmp_path):
        sampled = without_stan(monkeypatch)
        collected({"a": model()}, executor=threads, folder=tmp_path)
        file = FitFolder(tmp_path).file("a")
        file.write_bytes(file.read_bytes()[:1000])
        fits = collected({"a": model()}, executor=threads, folder=tmp_path)
        assert len(sampled) == 2
        assert fits["a"].draws.shape == (2, 40)

    def test_two_at_the_same_time_are_refused(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        one = sh.fit_many(some_models(), executor=threads, folder=tmp_path, **SHORT)
        next(iter(one))
        with pytest.raises(sh.StanhierError, match=r"Another fit_many\(\) is fitting into"):
            collected(some_models(), executor=threads, folder=tmp_path)
        with pytest.warns(SamplingWarning):
            assert len(one) == 6
        assert len(collected(some_models(), executor=threads, folder=tmp_path)) == 6

    def test_a_model_that_cannot_travel_is_written_here(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        monkeypatch.setattr(outcomes, "MAX_ROWS", 10)
        fits = collected({"a": model()}, executor=threads, folder=tmp_path)
        assert fits["a"].draws.shape == (2, 40)

    def test_a_folder_without_room_for_names_is_refused(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        deep = tmp_path
        while len(str(deep)) < 4050:
            deep = deep / ("d" * min(200, 4070 - len(str(deep))))
        with pytest.raises(sh.StanhierError, match="cannot be used: File name too long"):
            collected({"a": model()}, executor=threads, folder=deep)

    def test_functions_of_the_users_own_are_there_when_a_fit_is_loaded(self, monkeypatch, threads, tmp_path):
        own = sh.VaryingIntercept("y ~ f(x) + (1 | g)", variants.frame(40, 5, 0), context={"f": lambda x: x**2})
        without_stan(monkeypatch, like=own)
        for _ in range(2):
            fits = collected({"a": own}, executor=threads, folder=tmp_path)
            assert fits["a"].model.design.predictors == ("f(x)",)

    def test_the_same_model_has_the_same_identity(self):
        one, other = (sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame(40, 5, 0)) for _ in range(2))
        assert identity_of(one, SHORT) == identity_of(other, SHORT)
