"""One model for each group of rows: the same models from every source, and what cannot be made told by name."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.basics.warned import PriorWarning
from stanhier.data.libraries import PANDAS
from stanhier.data.sources import parts, source
from stanhier.design.streamed import StreamedDesign
from stanhier.many import elsewhere, grouped
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools.designs import assert_same_design
from tests.tools.many_fits import SHORT, collected, without_stan
from tests.tools.product_rows import ELSEWHERE, HERE, rows, write

FORMULA = "y ~ x + (1 | g)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("parquet"))


def models_of(data, by, formula=FORMULA, **changes):
    keywords = {"priors": None, "sigma": None, "se": None, "context": None} | changes
    found = {}
    models = grouped.models_by_group(formula, data, by, **keywords)
    for name, make in models:
        found[name] = make()
    assert len(models) == len(found)
    return found


class TestModels:
    @pytest.mark.parametrize(
        ("kind", "fetched"), [*((k, 0) for k in HERE), *((k, n) for k in ELSEWHERE for n in (1 << 24, 700))]
    )
    @pytest.mark.parametrize("by", ["product", ["day", "open"]])
    def test_each_is_that_of_its_rows(self, kind, by, fetched, folder, monkeypatch):
        monkeypatch.setattr(source, "BATCH_ROWS", 64)
        monkeypatch.setattr(elsewhere, "FETCHED_VALUES", fetched)
        found = models_of((HERE | ELSEWHERE)[kind](folder, "part-*.parquet"), by, "y ~ x + kind + (1 | g)", se="se")
        wanted = dict(iter(rows().groupby(by, sort=True)))
        assert len(found) == len(wanted)
        for (name, model), (label, part) in zip(found.items(), wanted.items(), strict=True):
            texts = [str(one).removesuffix(" 00:00:00") for one in (label if isinstance(label, tuple) else [label])]
            assert all(text in name for text in texts)
            assert isinstance(model.design, StreamedDesign) == (kind in ELSEWHERE)
            wanted_model = sh.VaryingIntercept("y ~ x + kind + (1 | g)", part, se="se")
            assert model.design.n_rows == len(part)
            assert_same_design(model.design, wanted_model.design)

    def test_the_class_follows_the_formula(self):
        assert {type(one) for one in models_of(rows(), "product").values()} == {sh.VaryingIntercept}
        assert {type(one) for one in models_of(rows(), "product", "y ~ x + z").values()} == {sh.LinearRegression}

    def test_each_has_its_priors_sigma_errors_and_functions(self):
        data = rows()
        one = models_of(data, "shop", "y ~ f(x)", priors={"alpha": sh.Normal(0, 3)}, context={"f": lambda x: 2 * x})
        assert all(model.priors["alpha"] == sh.Normal(0, 3) for model in one.values())
        assert {model.sigma for model in models_of(data, "shop", sigma=2).values()} == {2.0}
        for errors in ("se", data["se"].to_numpy(), data["se"].tolist(), data["se"]):
            for name, model in models_of(data, "shop", se=errors).items():
                assert np.array_equal(model.design.row_noise.values, data["se"][data["shop"] == int(name)])

    def test_errors_with_other_row_labels_are_refused(self):
        data = rows()
        with pytest.raises(sh.DataError, match="`se` and `data` have different row labels"):
            models_of(data, "shop", se=data["se"].set_axis(data.index + 7))

    def test_scales_are_those_of_each_group(self, folder):
        for data in (rows(), str(folder / "part-*.parquet")):
            for name, model in models_of(data, "shop").items():
                y = rows()["y"][rows()["shop"] == int(name)]
                assert model.priors["sigma"].rate == pytest.approx(1 / y.std())

    def test_the_data_are_left_as_they_are(self):
        data = rows()
        before = data.copy(deep=True)
        models_of(data, ["product", "day"])
        pd.testing.assert_frame_equal(data, before)

    def test_rows_of_any_index_and_labels_of_any_kind(self):
        data = rows().set_index(pd.Index([0] * 600))
        data["interval"] = pd.cut(data["x"], [-9, 0, 9])
        data["whole"] = data["shop"].astype(float)
        data["zoned"] = data["day"].dt.tz_localize("Europe/Berlin")
        data["days"] = data["day"].dt.date
        data["category"] = pd.Categorical(data["kind"], categories=["none", "b", "a"])
        data["text"] = data["shop"].astype(str).astype("string[pyarrow]")
        names = {by: list(models_of(data, by, "y ~ z")) for by in data.columns[-6:]}
        assert names == {
            "interval": ["(-9, 0]", "(0, 9]"],
            "whole": ["0", "1", "2"],
            "zoned": [f"2024-0{day} 00:00:00+0{zone}:00" for day, zone in [("3-30", 1), ("3-31", 1), ("4-01", 2)]],
            "days": ["2024-03-30", "2024-03-31", "2024-04-01"],
            "category": ["b", "a"],
            "text": ["0", "1", "2"],
        }

    def test_what_is_done_with_groups_travels(self):
        task = pickle.loads(
            pickle.dumps(parts._OfGroup(elsewhere._Count(("shop",), PANDAS), ("product",), "Axt", ("shop",)))
        )
        counts, tally = task(iter([rows()[:300], rows()[300:]]))
        assert tally.n_rows == sum(count for _, count in counts.values()) == (rows()["product"] == "Axt").sum()


class TestFits:
    @pytest.mark.parametrize("kind", ["pandas", "dict", "polars", "parquet", "polars lazy"])
    def test_bad_groups_stop_no_others(self, kind, folder, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected(
            FORMULA,
            executor=threads,
            data=(HERE | ELSEWHERE)[kind](folder, "bad.parquet"),
            by="product",
        )
        assert fits.names == ["Zange"]
        assert {name: type(error) for name, error in fits.failures.items()} == dict.fromkeys(
            ["'s", "Axt", "Säge, klein"], sh.DataError
        )
        assert "only one row" in str(fits.failures["Axt"])
        assert "'x' is constant" in str(fits.failures["'s"])
        assert "'y' has 1 missing value in" in str(fits.failures["Säge, klein"])
        with pytest.raises(sh.StanhierError, match=r"no fit of 'Axt': .*only one row"):
            fits["Axt"]

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("pandas", "data.dropna(subset=['y'])"),
            ("dict", "pd.DataFrame(data).dropna(subset=['y'])"),
            ("polars", "data.drop_nulls(['y'])"),
            ("pyarrow", "pc.field('y')"),
            ("duckdb", "IS NOT NULL"),
        ],
    )
    def test_remedies_are_those_of_the_users_library(self, kind, words, folder):
        data = (HERE | ELSEWHERE)[kind](folder, "bad.parquet")
        makers = dict(grouped.models_by_group(FORMULA, data, "product", priors=None, sigma=None, se=None, context=None))
        with pytest.raises(sh.DataError, match=re.escape(words)):
            makers["Säge, klein"]()

    def test_a_prior_far_from_the_data_is_told_once(self):
        data = rows().assign(x=rows()["x"] + 1000)
        with pytest.warns(PriorWarning, match=r"In the model of '0', the first of which this is so: The prior") as said:
            models_of(data, "shop", priors={"mu_alpha": sh.Normal(0, 5)})
        assert len(said) == 1

    def test_groups_are_found_by_their_labels(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected(FORMULA, executor=threads, data=rows(), by=["product", "shop"])
        assert fits["Axt", 1] is fits["Axt, 1"]
        assert fits["Säge, klein", 2] is fits["'Säge, klein', 2"]
        assert ("Axt", np.int64(0)) in fits
        assert ("Axt", 7) not in fits
        assert list(fits.summary().index.get_level_values("fit").unique()) == fits.names
        by_day = collected(FORMULA, executor=threads, data=rows(), by="day")
        for day in ("2024-03-31", pd.Timestamp("2024-03-31"), pd.Timestamp("2024-03-31").date()):
            assert by_day[day] is by_day["2024-03-31"]
        assert collected(FORMULA, executor=threads, data=rows(), by=["shop"])[1].model.design.n_rows > 100

    def test_seeds_are_those_of_models_of_the_same_names(self, monkeypatch, threads):
        without_stan(monkeypatch)
        by = collected(FORMULA, executor=threads, data=rows(), by="product")
        given = collected(
            {name: sh.VaryingIntercept(FORMULA, part) for name, part in rows().groupby("product")}, executor=threads
        )
        assert {name: fit.draws.seed for name, fit in by} == {name: fit.draws.seed for name, fit in given}

    @pytest.mark.parametrize("kind", ["pandas", "parquet"])
    def test_what_is_in_the_folder_is_not_sampled_again(self, kind, folder, monkeypatch, threads, tmp_path):
        sampled = without_stan(monkeypatch)
        data = (HERE | ELSEWHERE)[kind](folder, "part-*.parquet")
        first = collected(FORMULA, executor=threads, folder=tmp_path, data=data, by="product")
        again = collected(FORMULA, executor=threads, folder=tmp_path, data=data, by="product")
        assert len(sampled) == 4
        assert again.summary().equals(first.summary())
        collected(FORMULA, executor=threads, folder=tmp_path, data=data, by="product", priors={"beta": sh.Normal(0, 9)})
        assert len(sampled) == 8

    def test_progress_knows_the_number_of_groups(self, monkeypatch, threads, capsys):
        without_stan(monkeypatch)
        collected(FORMULA, executor=threads, data=rows(), by="product", progress=True)
        assert "4/4" in capsys.readouterr().err

    def test_rows_that_cannot_be_read_to_their_end_lose_nothing(self, folder, monkeypatch, threads, tmp_path):
        path = tmp_path / "rows.parquet"
        path.write_bytes((folder / "part-0.parquet").read_bytes())
        monkeypatch.setattr(elsewhere, "FETCHED_VALUES", 300)
        without_stan(monkeypatch)
        fits = sh.fit_many(FORMULA, str(path), by=["product", "shop"], executor=threads, **SHORT)
        steps = iter(fits)
        names = [next(steps)[0]]
        path.write_bytes(b"PAR1")
        with pytest.raises(sh.DataError, match=r"stopped early, after '.*cannot be read"):
            names.extend(name for name, _ in steps)
        with pytest.warns(SamplingWarning, match="stopped early"):
            assert set(names) == set(fits.names)
