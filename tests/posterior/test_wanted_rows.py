"""Which rows are predicted: those of the fit, new ones in memory, and new ones from any source, block by block."""

import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

import stanhier as sh
from stanhier.basics import progress
from stanhier.data.sources import source
from stanhier.posterior import new_rows, prediction, prediction_files
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.family_fits import ARGUMENTS, fit, frame, model

FORMULA = "y ~ x + z + (1 + x | school) + (1 | rater)"
SUMMARY = ["mean", "sd", "lower", "median", "upper"]


@pytest.fixture(scope="module")
def crossed():
    return fake_fit(sh.Model(FORMULA, variants.several()), chains=2, draws=30)


@pytest.fixture(scope="module")
def rows():
    """New rows with groups that are known, unknown and missing, in blocks as they come."""
    data = variants.several(n=90, seed=11).drop(columns=["y", "se"])
    data["school"] = data["school"].where(data.index % 7 != 0, "Mond").where(data.index % 11 != 0, None)
    data["rater"] = data["rater"].astype(float).where(data.index % 13 != 5)
    return data


@pytest.fixture(scope="module")
def path(rows, tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "new.parquet"
    rows.to_parquet(file, index=False)
    return file


@pytest.fixture(params=[(7, 1), (7, 30), (1 << 18, 1)], ids=["sevens", "fives of sevens", "one block"])
def block_rows(request, monkeypatch):
    """Blocks of 7 rows, predicted one by one or five together, and one of all."""
    sizes, least = request.param
    monkeypatch.setattr(source, "BATCH_ROWS", sizes)
    monkeypatch.setattr(new_rows, "LEAST_ROWS", least)


SOURCES = {
    "path": lambda path: path,
    "text": str,
    "pattern": lambda path: str(path.parent / "*.parquet"),
    "Polars": pl.scan_parquet,
    "DuckDB": lambda path: duckdb.sql(f"SELECT * FROM '{path}'"),
    "Dask": lambda path: dd.from_pandas(pd.read_parquet(path), npartitions=4, sort=False),
}


@pytest.mark.versions
@pytest.mark.parametrize("kind", ["mean", "response"])
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.usefixtures("block_rows")
def test_rows_of_any_source_are_predicted_as_in_memory(crossed, rows, path, name, kind):
    how = {"kind": kind, "new_groups": "sample", "seed": 4}
    expected = crossed.predict(rows, **how)
    found = crossed.predict(SOURCES[name](path), **how)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


@pytest.mark.usefixtures("block_rows")
def test_they_are_written_as_they_come(crossed, rows, path, tmp_path):
    how = {"kind": "response", "new_groups": "sample", "prob": 0.5}
    expected = crossed.predict(rows, **how)
    for new, file in ((path, "a.parquet"), (rows, "b.parquet"), (pl.scan_parquet(path), "c.parquet")):
        target = tmp_path / file
        assert crossed.predict(new, to=target, **how) == target
        written = pq.read_table(target)
        assert written.schema.names == ["row", *SUMMARY]
        assert [str(kind) for kind in written.schema.types] == ["int64", *["double"] * 5]
        table = written.to_pandas()
        assert table["row"].tolist() == list(range(90))
        np.testing.assert_allclose(table[SUMMARY], expected, rtol=1e-9)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.parquet", "b.parquet", "c.parquet"]


@pytest.mark.usefixtures("block_rows")
def test_draws_of_a_source_are_those_of_its_rows(crossed, rows, path, monkeypatch):
    how = {"kind": "response", "new_groups": "sample"}
    found = crossed.predict_draws(path, **how)
    np.testing.assert_allclose(found, crossed.predict_draws(rows, **how), rtol=1e-9)
    assert found["row"].to_numpy().tolist() == list(range(90))
    monkeypatch.setattr(prediction, "MAX_VALUES", 60 * 20)
    with pytest.raises(sh.StanhierError, match=r"60 draws of more than 20 rows.*at most 20 rows at a time, or use"):
        crossed.predict_draws(path, **how)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_columns_beside_the_formula_are_read_too(name, tmp_path):
    one, data = fit(model(name)), frame()
    data.to_parquet(tmp_path / "new.parquet")
    for how in ({"kind": "response"}, {"group_effects": False}):
        pd.testing.assert_frame_equal(one.predict(tmp_path / "new.parquet", **how), one.predict(data, **how), rtol=1e-9)


def test_the_population_is_predicted_of_a_source_without_groups(crossed, rows, tmp_path):
    rows[["z", "x"]].to_parquet(tmp_path / "new.parquet")
    found = crossed.predict(tmp_path / "new.parquet", group_effects=False)
    pd.testing.assert_frame_equal(found, crossed.predict(rows, group_effects=False))


def test_a_source_without_rows_and_a_model_without_predictors(crossed, rows, tmp_path):
    rows.iloc[:0].to_parquet(tmp_path / "none.parquet")
    assert crossed.predict(tmp_path / "none.parquet").shape == (0, 5)
    assert crossed.predict_draws(tmp_path / "none.parquet").shape == (2, 30, 0)
    crossed.predict(tmp_path / "none.parquet", to=tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").shape == (0, 6)
    plain = fake_fit(variants.LINEAR["no predictors"](), chains=1, draws=20)
    rows.to_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(plain.predict(tmp_path / "rows.parquet"), plain.predict(rows))


def test_what_is_wrong_with_a_source_is_told_as_of_a_frame(crossed, rows, path, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "BATCH_ROWS", 20)
    monkeypatch.setattr(new_rows, "LEAST_ROWS", 1)
    rows[["x", "school", "rater"]].to_parquet(tmp_path / "less.parquet")
    with pytest.raises(sh.DataError, match=r"no column 'z' in Parquet, .*its columns are: 'x', 'school', 'rater'"):
        crossed.predict(tmp_path / "less.parquet")
    with pytest.raises(sh.DataError, match=r"Columns have missing values.*duckdb.*new_groups=\"sample\""):
        crossed.predict(path)
    bad = rows.assign(x=rows["x"].where(rows.index != 47, np.inf))
    bad.to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(sh.DataError, match=r"first is row 7 \(value inf\).* Rows are counted from row 40 of Parquet"):
        crossed.predict(tmp_path / "bad.parquet", new_groups="sample", to=tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(sh.DataError, match=r"`new` is '.*nowhere.parquet', and there is no such Parquet file"):
        crossed.predict(tmp_path / "nowhere.parquet")
    with pytest.raises(sh.DataError, match="has groups that the model has not seen: 'Mond'"):
        crossed.predict(pl.from_pandas(rows).lazy().drop_nulls())


def test_averages_take_dask_frames(crossed, rows):
    known = rows[rows["school"].ne("Mond")].dropna().reset_index(drop=True)
    found = crossed.predictions(new=dd.from_pandas(known, npartitions=3, sort=False))
    pd.testing.assert_frame_equal(found, crossed.predictions(new=known))


def test_a_file_that_is_called_as_a_kind_is_read(crossed, path, tmp_path, monkeypatch):
    (tmp_path / "mean").write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    how = {"new_groups": "sample"}
    pd.testing.assert_frame_equal(crossed.predict("mean", **how), crossed.predict(path, **how))


class TestTheFile:
    def test_it_is_replaced_whole_or_not_at_all(self, crossed, path, tmp_path, monkeypatch):
        target = tmp_path / "out.parquet"
        crossed.predict(path, new_groups="sample", to=target)
        before, done = target.read_bytes(), []
        monkeypatch.setattr(source, "BATCH_ROWS", 20)
        monkeypatch.setattr(new_rows, "LEAST_ROWS", 1)
        summarise = prediction.summarise

        def interrupted(*arguments, **keywords):
            if len(done) == 3:
                raise KeyboardInterrupt
            done.append(summarise(*arguments, **keywords))
            return done[-1]

        monkeypatch.setattr(prediction, "summarise", interrupted)
        with pytest.raises(KeyboardInterrupt):
            crossed.predict(path, new_groups="sample", to=target)
        assert sum(map(len, done)) == 60
        assert target.read_bytes() == before
        assert [one.name for one in tmp_path.iterdir()] == ["out.parquet"]

    def test_what_is_in_the_way_is_refused_before_any_work(self, crossed, path, tmp_path, monkeypatch):
        monkeypatch.setattr(prediction, "summarise", None)
        (tmp_path / "folder.parquet").mkdir()
        for to, words in (
            (tmp_path / "folder.parquet", "cannot be written to .*: a folder is there; give the path of a file"),
            (tmp_path / "nowhere" / "out.parquet", "cannot be written to .*: No such file or directory"),
            (tmp_path / "out.csv", "writes Parquet; give a path that ends in .parquet"),
            (3, r"predict\(to=\) needs the path of a Parquet file, not int"),
            ("", "not an empty text"),
            (path, "would write over rows that it reads"),
        ):
            with pytest.raises(sh.StanhierError, match=words):
                crossed.predict(path, new_groups="sample", to=to)
        with pytest.raises(sh.StanhierError, match="would write over rows"):
            crossed.predict(str(path.parent / "*.parquet"), to=path)

    @pytest.mark.usefixtures("block_rows")
    def test_a_bar_is_shown_where_somebody_looks(self, crossed, path, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(progress, "PATIENCE", 0)
        for looks in (False, True):
            monkeypatch.setattr(prediction_files, "somebody_is_looking", lambda looks=looks: looks)
            crossed.predict(path, new_groups="sample", to=tmp_path / "out.parquet")
            assert ("stanhier: 90row" in capsys.readouterr().err) == looks

    def test_a_link_stays(self, crossed, tmp_path):
        (tmp_path / "far").mkdir()
        link = tmp_path / "near.parquet"
        link.symlink_to(tmp_path / "far" / "out.parquet")
        crossed.predict(to=link)
        assert link.is_symlink()
        assert pq.read_table(tmp_path / "far" / "out.parquet").num_rows == 160


class TestTheRowsOfTheFit:
    def test_they_are_predicted_without_data(self):
        data = variants.several().set_index(np.arange(160) * 3 + 7)
        one = fake_fit(sh.Model(FORMULA, data), chains=2, draws=30)
        for how in ({}, {"kind": "response", "seed": 3}, {"group_effects": False, "prob": 0.5}):
            pd.testing.assert_frame_equal(one.predict(**how), one.predict(data, **how))
        draws = one.predict_draws()
        np.testing.assert_array_equal(draws, one.predict_draws(data))
        assert draws["row"].to_numpy().tolist() == data.index.tolist()

    @pytest.mark.parametrize("name", ARGUMENTS)
    def test_of_every_family(self, name):
        one = fit(model(name))
        for how in ({}, {"kind": "response"}, {"kind": "linear", "group_effects": False}):
            pd.testing.assert_frame_equal(one.predict(**how), one.predict(frame(), **how))

    def test_offsets_and_errors_that_were_given_as_values_are_known(self):
        data = variants.frame()
        one = fake_fit(sh.LinearRegression("y ~ x", data, se=data["se"].to_numpy()), chains=2, draws=30)
        assert one.predict(kind="response").shape == (80, 5)
        with pytest.raises(sh.DataError, match='make it with se="column"'):
            one.predict(data, kind="response")

    def test_where_they_are_not_in_memory_that_is_said(self, tmp_path):
        variants.frame().to_parquet(tmp_path / "rows.parquet")
        one = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", tmp_path / "rows.parquet"), chains=2, draws=30)
        for predict in (one.predict, one.predict_draws):
            with pytest.raises(
                sh.DataError, match=r"without new data predicts the rows of the fit.*not in memory.*\(new\)"
            ):
                predict()
        pd.testing.assert_frame_equal(one.predict(tmp_path / "rows.parquet"), one.predict(variants.frame()))


def test_names_of_the_argument_elsewhere_are_told(crossed, rows):
    for name in ("new_data", "newdata", "data"):
        for predict in (crossed.predict, crossed.predict_draws):
            with pytest.raises(sh.StanhierError, match=rf"has no keyword '{name}'. Did you mean 'new'\?"):
                predict(**{name: rows})
    with pytest.raises(sh.StanhierError, match=r"has no keyword 're_formula'. group_effects=False predicts"):
        crossed.predict(rows, re_formula=None)
    with pytest.raises(sh.StanhierError, match=r"predict_draws\(\) has no keyword 'to'.*predict\(\) writes summaries"):
        crossed.predict_draws(rows, to="draws.parquet")
    with pytest.raises(sh.DataError, match=r"`new` is 'new.csv', .*: new=pd.read_csv\('new.csv'\)"):
        crossed.predict("new.csv")
    with pytest.raises(sh.DataError, match="`new` must be a data frame or a dict of arrays, not int"):
        crossed.predict(3)
