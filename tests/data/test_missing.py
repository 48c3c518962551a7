"""Missing values: all of them in one message, with a remedy that works where the rows are."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.data.missing import LeftOut
from stanhier.many.grouped import models_by_group
from tests.tools.fake_fit import fake_fit

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

N = 60
FORMULA = "y ~ x + n + kind + (1 | `the group`)"
COUNTS = {"kind": 3, "n": 2, "x": 4, "y": 1, "the group": 5}


def rows(*, nan=False):
    """Nulls in every column, in rows of their own; in `x` also NaN, where it is asked for."""
    rng = np.random.default_rng(0)
    columns = {
        "y": rng.standard_normal(N).tolist(),
        "x": rng.standard_normal(N).tolist(),
        "n": (np.arange(N) % 7).tolist(),
        "kind": [f"kind {k % 3}" for k in range(N)],
        "the group": [f"g{k % 5}" for k in range(N)],
        "unused": [None] * N,
    }
    row = 0
    for name, count in COUNTS.items():
        columns[name][row : row + count] = [None] * count
        row += count
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.col("x").fill_null(float("nan"))) if nan else frame


def ways(frame, folder):
    frame.write_parquet(folder / "rows.parquet")
    yield "Polars", frame
    yield "Polars, lazy", frame.lazy()
    yield "pandas", frame.to_pandas()
    yield "a dict", frame.to_dict(as_series=False)
    yield "PyArrow", frame.to_arrow()
    yield "Parquet", folder / "rows.parquet"
    yield "DuckDB", duckdb.sql(f"SELECT * FROM '{folder / 'rows.parquet'}'")


def advised(words, data, folder):
    """Do what the message says."""
    code = re.search(r"drop those rows with (.*?)(, where pc is pyarrow.compute,)? or fill them in", words)[1]
    if code.startswith("WHERE"):
        condition = code.removesuffix(" in the query")
        return duckdb.sql(f"SELECT * FROM '{folder / 'rows.parquet'}' {condition}")
    import pyarrow.compute as pc

    given = dict.fromkeys(("data", "new"), data)
    return eval(
        code.removeprefix("data=").removeprefix("new="), {**given, "pd": pd, "pl": pl, "pc": pc, "duckdb": duckdb}
    )


@pytest.mark.versions
@pytest.mark.parametrize("nan", [False, True], ids=["nulls", "NaN"])
def test_all_columns_are_named_and_the_remedy_works(nan, tmp_path):
    frame = rows(nan=nan)
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError) as refusal:
            sh.VaryingIntercept(FORMULA, data)
        words = str(refusal.value)
        listed = re.search(r"Columns have missing values in 60 rows: (.*?);", words)
        assert listed is not None, (name, words)
        assert dict(re.findall(r"'(.*?)' (\d+)", listed[1])) == {k: str(v) for k, v in COUNTS.items()}, name
        model = sh.VaryingIntercept(FORMULA, advised(words, data, tmp_path))
        assert model.design.n_rows == N - sum(COUNTS.values()), name


@pytest.mark.parametrize("column", ["x", "kind", "the group", "y"])
def test_a_single_column_is_named_with_its_count(column, tmp_path):
    frame = rows()
    others = [name for name in COUNTS if name != column]
    frame = frame.drop_nulls(others)
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError) as refusal:
            sh.VaryingIntercept(FORMULA, data)
        words = str(refusal.value)
        count = COUNTS[column]
        values = "value" if count == 1 else "values"
        assert f"Column '{column}' has {count} missing {values} in {len(frame)} rows; drop" in words, name
        model = sh.VaryingIntercept(FORMULA, advised(words, data, tmp_path))
        assert model.design.n_rows == len(frame) - count


def test_standard_errors_count_too(tmp_path):
    frame = rows().with_columns(pl.when(pl.col("n") == 3).then(None).otherwise(1.0).alias("se"))
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError, match=r"'the group' 5, 'se' \d"):
            sh.VaryingIntercept(FORMULA, data, se="se")
        assert name


def test_columns_without_any_value_are_named(tmp_path):
    frame = rows().with_columns(pl.lit(None, pl.Float64).alias("x"), pl.lit(None, pl.String).alias("kind"))
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError, match="'kind' 60, 'n' 2, 'x' 60"):
            sh.VaryingIntercept(FORMULA, data)
        assert name


def test_new_rows_with_missing_values(tmp_path):
    model = sh.VaryingIntercept(FORMULA, rows().drop_nulls(list(COUNTS)))
    fit = fake_fit(model)
    for name, data in ways(rows(), tmp_path):
        if name in ("Polars", "pandas", "PyArrow", "a dict"):
            with pytest.raises(sh.DataError, match="'kind' 3, 'n' 2, 'x' 4, 'the group' 5") as refusal:
                fit.predict(data)
            assert len(fit.predict(advised(str(refusal.value), data, tmp_path))) == N - sum(COUNTS.values()) + 1, name
            with pytest.raises(sh.DataError, match="'kind' 3, 'n' 2, 'x' 4, 'y' 1, 'the group' 5"):
                fit.update_group(data)


def test_an_absent_column_comes_before_missing_values():
    with pytest.raises(sh.DataError, match="no column 'absent'"):
        sh.LinearRegression("y ~ x + absent", rows())


def complete(frame):
    return frame.drop_nulls(list(COUNTS)).drop_nans(["x"])


def same_model(model, expected):
    assert [list(one.levels) for one in model.design.groupings] == [
        list(one.levels) for one in expected.design.groupings
    ]
    assert model.design.predictors == expected.design.predictors
    assert model.stan_data.keys() == expected.stan_data.keys()
    for name, values in expected.stan_data.items():
        np.testing.assert_allclose(model.stan_data[name], values, rtol=1e-9, atol=1e-9, err_msg=name)


LEFT_OUT = "15 of 60 rows are left out for missing values: "


@pytest.mark.versions
@pytest.mark.parametrize("nan", [False, True], ids=["nulls", "NaN"])
def test_rows_are_left_out_wherever_they_are(nan, tmp_path):
    frame = rows(nan=nan)
    # A category and a group that only rows with missing values have.
    frame = frame.with_columns(
        pl.when(pl.col("y").is_null()).then(pl.lit("rare")).otherwise(pl.col("kind")).alias("kind"),
        pl.when(pl.col("n").is_null()).then(pl.lit("rare")).otherwise(pl.col("the group")).alias("the group"),
    )
    expected = sh.VaryingIntercept(FORMULA, complete(frame))
    for name, data in ways(frame, tmp_path):
        with pytest.warns(sh.MissingWarning, match=f"^{LEFT_OUT}") as warned:
            model = sh.VaryingIntercept(FORMULA, data, missing="drop")
        assert warned[0].filename == __file__, name
        assert len(warned) == 1
        assert dict(model.design.left_out.counts) == COUNTS, name
        assert LEFT_OUT in repr(model)
        same_model(model, expected)


def test_nothing_is_said_where_nothing_is_missing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, data in ways(complete(rows()), tmp_path):
            model = sh.VaryingIntercept(FORMULA, data, missing="drop")
            assert model.design.left_out is None, name
            assert "left out" not in repr(model)


def test_a_row_without_any_gap_is_needed(tmp_path):
    frame = rows().with_columns(pl.lit(None, pl.Float64).alias("x"))
    for name, data in ways(frame, tmp_path):
        with pytest.raises(
            sh.DataError, match=r"No row is without missing values: 60 of 60 rows are left out .*'x' 60"
        ):
            sh.VaryingIntercept(FORMULA, data, missing="drop")
        assert name


def test_infinite_values_are_not_missing():
    frame = complete(rows()).to_pandas()
    frame.loc[3, "x"] = np.inf
    with pytest.raises(sh.DataError, match="'x' is not finite in 1 row"):
        sh.LinearRegression("y ~ x", frame, missing="drop")


@pytest.mark.filterwarnings("ignore::stanhier.MissingWarning")
@pytest.mark.parametrize("argument", ["se", "weights", "offset"])
def test_values_beside_the_formula_stay_with_their_rows(argument, tmp_path):
    frame = rows().to_pandas().set_axis([f"row {k}" for k in range(N)])
    frame["own"] = np.where(np.arange(N) % 10 == 9, np.nan, 1.0 + np.arange(N))
    kept = frame.dropna(subset=[*COUNTS, "own"])
    expected = sh.VaryingIntercept(FORMULA, kept, **{argument: "own"})
    frame.to_parquet(tmp_path / "own.parquet")
    ways = [(frame, "own"), (frame, frame["own"].to_numpy()), (frame, frame["own"].tolist())]
    for data, given in [*ways, (tmp_path / "own.parquet", "own")]:
        model = sh.VaryingIntercept(FORMULA, data, **{argument: given}, missing="drop")
        same_model(model, expected)
        own = "own" if isinstance(given, str) else f"`{argument}`"
        assert model.design.left_out.counts[own] == 6
        if data is frame:
            assert model.design.frame.index.equals(kept.index)
            np.testing.assert_array_equal(model.rows.as_new.index, kept.index)


@pytest.mark.filterwarnings("ignore::stanhier.MissingWarning")
def test_numbers_of_trials_may_be_missing():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"x": rng.standard_normal(20), "n": np.r_[np.nan, np.full(19, 9.0)], "y": rng.integers(0, 9, 20)}
    )
    expected = sh.Model("y ~ x", data.iloc[1:], family="binomial", trials="n")
    for trials in ("n", data["n"].to_numpy()):
        same_model(sh.Model("y ~ x", data, family="binomial", trials=trials, missing="drop"), expected)


@pytest.mark.filterwarnings("ignore::stanhier.MissingWarning")
def test_what_was_left_out_is_said_of_fits_too(tmp_path):
    frame = rows().to_pandas()
    frame.to_parquet(tmp_path / "rows.parquet")
    for data in (frame, tmp_path / "rows.parquet"):
        fit = fake_fit(sh.VaryingIntercept(FORMULA, data, missing="drop"))
        fit.save(tmp_path / "fit.nc")
        loaded = sh.load(tmp_path / "fit.nc")
        assert repr(loaded.model) == repr(fit.model)
        assert loaded.model.design.left_out == fit.model.design.left_out
        assert LEFT_OUT in fit.model._repr_html_()


def test_models_by_group_leave_out_their_rows(tmp_path):
    frame = rows().to_pandas().assign(half=np.arange(N) >= 2)
    frame.to_parquet(tmp_path / "rows.parquet")
    arguments = {"priors": None, "sigma": None, "se": None, "context": None, "missing": "drop"}
    for data in (frame, tmp_path / "rows.parquet"):
        models = {name: make() for name, make in models_by_group("y ~ x", data, "half", **arguments)}
        assert str(models["True"].design.left_out) == "5 of 58 rows are left out for missing values: 'x' 4, 'y' 1"
        assert models["False"].design.left_out is None
    empty = frame.assign(x=np.where(frame["half"], frame["x"], np.nan))
    makers = dict(models_by_group("y ~ x", empty, "half", **arguments))
    assert makers["True"]().design.n_rows == 53
    with pytest.raises(sh.DataError, match="No row is without missing values: 2 of 2 rows"):
        makers["False"]()
    with pytest.raises(sh.StanhierError, match='`missing` must be "error" or "drop"'):
        sh.fit_many("y ~ x", frame, by="half", missing="omit")


def test_counts_of_blocks_are_added_up():
    parts = [LeftOut(10, 3, {"x": 2, "y": 1}), LeftOut(20, 5, {"x": 5}), LeftOut(7, 1, {"z": 1})]
    assert parts[0].merge(parts[1:]) == LeftOut(37, 9, {"x": 7, "y": 1, "z": 1})
    assert str(parts[1]) == "5 of 20 rows are left out for missing values: 'x' 5"


@pytest.mark.parametrize(("each", "is_most"), [(6, False), (7, True)])
def test_that_most_rows_are_left_out_is_said_with_the_column_to_begin_with(each, is_most):
    """Of 24 rows two columns miss as many different ones, and one of them one more."""
    data = pd.DataFrame({name: np.sin(np.arange(24.0) * k) for k, name in enumerate("yxzw", 1)})
    data.loc[: each - 1, "x"] = np.nan
    data.loc[20 - each : 19, "z"] = np.nan
    data.loc[20, "z"] = np.nan if is_most else data.loc[20, "z"]
    with pytest.warns(sh.MissingWarning) as warned:
        sh.LinearRegression("y ~ x + z + w", data, missing="drop")
    said = str(warned[0].message)
    assert said.startswith(
        f"{2 * each + is_most} of 24 rows are left out for missing values: 'x' {each}, 'z' {each + is_most}."
    )
    ending = "That is most of them: leave columns out of the model, 'z' first, or fill them in."
    assert said.endswith(ending) == is_most


def test_a_single_column_with_most_rows_missing_is_not_advised_about():
    data = pd.DataFrame({"y": np.sin(np.arange(24.0)), "x": [1.0, 2.0, 4.0, 5.0, *[np.nan] * 20]})
    with pytest.warns(sh.MissingWarning, match=r"^20 of 24 rows are left out for missing values: 'x' 20\.$"):
        sh.LinearRegression("y ~ x", data, missing="drop")
