"""Names and seeds of many models, and what travels to where they are sampled."""

import pickle

import pytest

import stanhier as sh
from stanhier.many.folder import FitFolder
from stanhier.posterior import sampling as sampling_task
from tests.tools import variants
from tests.tools.many_fits import NAMES, SHORT, collected, model, without_stan


class TestNames:
    def test_seeds_depend_on_the_name_alone(self, monkeypatch, threads):
        by_order = {}
        for names in (NAMES, NAMES[::-1], NAMES[2:3]):
            without_stan(monkeypatch)
            fits = collected({name: model() for name in names}, executor=threads)
            by_order[tuple(names)] = {name: fit.draws.seed for name, fit in fits}
        first, *others = by_order.values()
        assert len(set(first.values())) == len(NAMES)
        assert all(first[name] == seed for other in others for name, seed in other.items())
        assert collected({"Ulm": model()}, executor=threads, seed=6)["Ulm"].draws.seed != first["Ulm"]

    @pytest.mark.parametrize("name", [*NAMES, "C:\\con", "\0", "\ud800", "é"])
    def test_a_file_stays_in_its_folder(self, name, tmp_path):
        file = FitFolder(tmp_path).file(name)
        assert file.parent == tmp_path
        assert len(file.name) < 100
        file.write_bytes(b"")

    def test_names_that_look_alike_have_files_of_their_own(self, tmp_path):
        folder = FitFolder(tmp_path)
        names = ["a/b", "a b", "a_b", "A_b", "a_b ", "x" * 300, "x" * 301]
        assert len({folder.file(name).name.lower() for name in names}) == len(names)

    def test_names_need_not_be_text(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected({3: model(), ("shop", 1): model()}, executor=threads)
        assert 3 in fits
        assert fits[3] is fits["3"]
        assert fits["shop", 1] is dict(fits)["('shop', 1)"]

    def test_two_models_of_one_name_are_refused(self, monkeypatch, threads):
        without_stan(monkeypatch)
        with pytest.raises(sh.StanhierError, match="two models are called '1'"):
            collected([(1, model()), ("1", model())], executor=threads)


def test_a_task_travels_without_the_rows():
    sizes = [
        len(
            pickle.dumps(
                sampling_task.SamplingTask.of(sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame(n, 5, 1)), SHORT)
            )
        )
        for n in (100, 10_000)
    ]
    assert sizes[1] < 1.2 * sizes[0]
    assert sizes[1] < 20_000
