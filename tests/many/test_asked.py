"""Models that cannot be made, and generators that raise: named, and nothing that is finished is lost."""

import gc
import warnings
import weakref
from functools import partial

import pytest

import stanhier as sh
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools import variants
from tests.tools.many_fits import SHORT, collected, model, without_stan

FORMULA = "y ~ x + (1 | g)"


def frames():
    """Six groups of rows; of three no model can be made."""
    every = {name: variants.frame(40, 5, k) for k, name in enumerate("abcdef")}
    every["b"] = every["b"].iloc[:1]
    every["d"] = every["d"].assign(x=1.0)
    every["f"].loc[3, "y"] = None
    return every


BAD = {"b": "there is only one row", "d": "'x' is constant", "f": "'y' has 1 missing value"}


def makers():
    return {name: partial(sh.VaryingIntercept, FORMULA, rows) for name, rows in frames().items()}


def asked(*names, then):
    """Models, and then something goes wrong where the next would be made."""
    for k, name in enumerate(names):
        yield name, model(k)
    then()
    yield "never", model()


def one_row():
    model().design.frame.iloc[:1].pipe(lambda rows: sh.VaryingIntercept(FORMULA, rows))


def bug():
    return {}["product"]


class TestFunctions:
    @pytest.mark.parametrize("as_pairs", [False, True])
    def test_models_that_cannot_be_made_are_failures_by_name(self, as_pairs, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected(iter(makers().items()) if as_pairs else makers(), executor=threads)
        assert fits.names == ["a", "c", "e"]
        assert list(fits.failures) == list(BAD)
        for name, words in BAD.items():
            assert isinstance(fits.failures[name], sh.DataError)
            assert words in str(fits.failures[name])
            with pytest.raises(sh.StanhierError, match=f"no fit of '{name}': .*{words}"):
                fits[name]
        assert "complete" in repr(fits)
        assert "3 failed: 'b', 'd', 'f'" in repr(fits)

    def test_they_are_told_with_those_that_cannot_be_sampled(self, monkeypatch, threads):
        without_stan(monkeypatch, failing=(0, 1, 2))
        with pytest.warns(SamplingWarning, match="6 of 6 models could not be fitted: 'a', 'b', .* and 1 more") as said:
            fits = sh.fit_many(makers(), executor=threads, **SHORT).collect()
        assert len(said) == 1
        assert list(fits.failures) == list("abcdef")

    def test_models_and_functions_go_together_and_draw_alike(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected([("one", model(1)), ("two", lambda: model(1))], executor=threads)
        again = collected({"two": model(1), "one": lambda: model(1)}, executor=threads)
        assert {name: fit.draws.seed for name, fit in fits} == {name: fit.draws.seed for name, fit in again}
        assert again.names == ["two", "one"]

    def test_whatever_a_function_raises_is_kept_under_its_name(self, monkeypatch, threads):
        without_stan(monkeypatch)
        given = {"a": model, "bug": bug, "none": lambda: None, "asks": frames().__getitem__, "z": model}
        fits = collected(given, executor=threads)
        assert fits.names == ["a", "z"]
        assert isinstance(fits.failures["bug"], KeyError)
        assert "Raised by bug() in " in fits.failures["bug"].__notes__[0]
        assert str(fits.failures["none"]) == "The function of 'none' must give a model, not NoneType."
        assert isinstance(fits.failures["asks"], TypeError)
        with pytest.raises(sh.StanhierError, match="no fit of 'bug': KeyError: 'product'"):
            fits["bug"]

    def test_what_fails_keeps_no_rows(self, monkeypatch, threads):
        without_stan(monkeypatch)
        rows = variants.frame(40, 5, 1).assign(x=1.0)
        alive = weakref.ref(rows)
        given = iter([("a", partial(sh.VaryingIntercept, FORMULA, rows))])
        del rows
        fits = collected(given, executor=threads)
        gc.collect()
        assert list(fits.failures) == ["a"]
        assert alive() is None

    def test_what_could_not_be_made_is_tried_again(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        assert list(collected(makers(), executor=threads, folder=tmp_path).failures) == list(BAD)
        sampled = without_stan(monkeypatch)
        mended = makers() | {"d": partial(model, 3)}
        fits = collected(mended, executor=threads, folder=tmp_path)
        assert len(sampled) == 1
        assert fits.names == ["a", "c", "d", "e"]

    def test_functions_of_the_users_own_are_known_for_models_made_late(self, monkeypatch, threads, tmp_path):
        make = partial(
            sh.VaryingIntercept, "y ~ f(x) + (1 | g)", variants.frame(40, 5, 0), context={"f": lambda x: x**2}
        )
        without_stan(monkeypatch, like=make())
        fits = collected({"a": make}, executor=threads, folder=tmp_path)
        assert fits["a"].model.design.predictors == ("f(x)",)


class TestOrder:
    def test_names_and_tables_are_in_the_order_of_the_models(self, monkeypatch, threads):
        for failing in ((), (1, 4)):
            without_stan(monkeypatch, failing=failing)
            names = [f"model {k}" for k in (3, 1, 2, 9, 0, 7, 8)]
            fits = collected({name: model() for name in names}, executor=threads)
            there = [name for name in names if name not in fits.failures]
            assert fits.names == there
            assert list(fits.problems) == there
            assert list(fits.summary().index.get_level_values("fit").unique()) == there
            assert [name for name, _ in fits] == there
            assert list(fits.failures) == [name for name in names if name not in there]

    def test_what_is_found_in_the_folder_keeps_its_place(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        collected({"b": model(), "d": model()}, executor=threads, folder=tmp_path)
        fits = collected({name: model() for name in "dcba"}, executor=threads, folder=tmp_path)
        assert fits.names == ["d", "c", "b", "a"]


class TestStoppedEarly:
    @pytest.mark.parametrize("folder", [False, True])
    @pytest.mark.parametrize(
        ("then", "kind", "words"),
        [(one_row, sh.DataError, "only one row"), (bug, sh.StanhierError, "KeyError: 'product'")],
    )
    def test_a_generator_that_raises(self, then, kind, words, folder, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        where = {"folder": tmp_path} if folder else {}
        fits = sh.fit_many(asked("a", "b", "c", then=then), executor=threads, **SHORT, **where)
        given = []
        with pytest.raises(kind, match=f"stopped early, after 'c': .*{words}") as caught:
            given.extend(name for name, _ in fits)
        assert type(caught.value) is kind
        assert caught.value.__cause__ is not None
        assert sorted(given) == ["a", "b", "c"], "what was under way is finished"
        assert "stopped early: 3 fitted" in repr(fits)
        for ask in (fits.summary, lambda: fits.failures, lambda: fits.names, fits.collect):
            with pytest.warns(SamplingWarning, match="stopped early, after 'c'"):
                ask()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            assert fits.failures == {"stopped early": caught.value}
            assert fits.names == ["a", "b", "c"]
            assert len(fits.summary().loc["b"]) == 4
            assert [name for name, _ in fits] == ["a", "b", "c"]
        assert fits["b"].draws.shape == (2, 40)
        with pytest.raises(sh.StanhierError, match=r"no fit of 'd'; there are 'a', 'b', 'c'\. .*stopped early"):
            fits["d"]

    def test_before_the_first_model(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = sh.fit_many(asked(then=one_row), executor=threads, **SHORT)
        with pytest.raises(sh.DataError, match="stopped early, before the first model: "):
            fits.collect()
        with pytest.warns(SamplingWarning, match="stopped early"):
            assert len(fits.summary()) == 0
        with pytest.warns(SamplingWarning, match="stopped early"):
            assert list(fits.failures) == ["stopped early"]

    def test_it_goes_on_from_the_folder(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        with pytest.raises(sh.DataError):
            sh.fit_many(asked("a", "b", then=one_row), executor=threads, folder=tmp_path, **SHORT).collect()
        sampled = without_stan(monkeypatch)
        assert collected({"a": model(0), "b": model(1), "c": model(2)}, executor=threads, folder=tmp_path).names == [
            *"abc"
        ]
        assert len(sampled) == 1

    @pytest.mark.parametrize(
        ("third", "words"),
        [
            (("a", model()), "two models are called 'a'"),
            (("c", 3), "'c' must be a model, not int"),
            (model(), "pairs of name and model, not VaryingIntercept"),
            (None, "pairs of name and model, not NoneType"),
        ],
    )
    def test_something_that_is_no_pair_loses_nothing(self, third, words, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = sh.fit_many([("a", model()), ("b", model()), third], executor=threads, **SHORT)
        with pytest.raises(sh.StanhierError, match=words):
            fits.collect()
        with pytest.warns(SamplingWarning, match=f"stopped early.*{words}"):
            assert fits.names == ["a", "b"]

    def test_an_interruption_is_told(self, monkeypatch, threads):
        def interrupt():
            raise KeyboardInterrupt

        without_stan(monkeypatch)
        fits = sh.fit_many(asked("a", then=interrupt), executor=threads, **SHORT)
        with pytest.raises(KeyboardInterrupt):
            fits.collect()
        with pytest.warns(SamplingWarning, match=r"stopped early: KeyboardInterrupt\. What was finished is kept"):
            fits.summary()
        assert "stopped early" in repr(fits)

    @pytest.mark.parametrize("begun", [False, True])
    def test_stop_is_told(self, begun, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = sh.fit_many(((k, model()) for k in range(30)), executor=threads, **SHORT)
        if begun:
            next(iter(fits))
        fits.stop()
        with pytest.warns(SamplingWarning, match=r"stopped early: stop\(\) was called"):
            assert len(fits) == begun

    def test_a_folder_that_fails_on_the_way_is_told(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        fits = sh.fit_many({name: model() for name in "abcdef"}, executor=threads, folder=tmp_path / "fits", **SHORT)
        steps = iter(fits)
        name, _ = next(steps)
        monkeypatch.setattr("stanhier.many.folder.write_whole", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            next(steps)
        with pytest.warns(SamplingWarning, match="stopped early: ZeroDivisionError"):
            assert fits.names == [name]

    def test_a_model_of_that_name_keeps_its_place(self, monkeypatch, threads):
        without_stan(monkeypatch, failing=(0,))
        fits = sh.fit_many(asked("stopped early", then=bug), executor=threads, **SHORT)
        with pytest.raises(sh.StanhierError):
            fits.collect()
        with pytest.warns(SamplingWarning):
            assert list(fits.failures) == ["stopped early", "(stopped early)"]
