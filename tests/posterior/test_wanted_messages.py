"""What is said of new rows that cannot be predicted: in their own name, and with what to do."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import stanhier as sh
from stanhier.data.libraries import SPARK
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def crossed():
    model = sh.Model("y ~ x + z + (1 + x | school) + (1 | rater)", variants.several())
    return fake_fit(model, chains=2, draws=30)


@pytest.fixture(scope="module")
def rows():
    return variants.several(n=20, seed=11).drop(columns=["y", "se"])


@pytest.mark.parametrize("method", ["predict", "predict_draws", "predictions"])
def test_rows_without_an_order_are_refused_with_what_to_do(crossed, monkeypatch, method):
    class Unordered:
        name, library, columns = "a PySpark data frame", SPARK, ("x", "z", "school", "rater")

        def empty(self, columns): ...

        def reduce(self, columns, task): ...

    for place in ("posterior.new_rows", "marginal.rows"):
        monkeypatch.setattr(f"stanhier.{place}.open_source", lambda _: Unordered())
    said = (
        r"\(new\): .*those of a PySpark data frame have none\. .*new=new\.toPandas\(\).*write\.parquet.*new=\"folder\""
    )
    with pytest.raises(sh.DataError, match=method + said):
        getattr(crossed, method)(new="rows")


@pytest.mark.parametrize("method", ["predict", "predict_draws"])
@pytest.mark.parametrize("kind", ["mean", "response", "linear"])
def test_a_kind_in_the_place_of_rows_is_told_where_it_goes(crossed, method, kind):
    said = rf'{method}\("{kind}"\): the first argument is `new`.*{method}\(kind="{kind}"\) for the rows of the fit'
    with pytest.raises(sh.DataError, match=said):
        getattr(crossed, method)(kind)


FRAMES = {
    "new.dropna(subset=['z'])": lambda rows, _: rows,
    "pd.DataFrame(new).dropna(subset=['z'])": lambda rows, _: {name: rows[name].to_numpy() for name in rows},
    "new.drop_nulls(['z']).drop_nans(['z'])": lambda rows, _: pl.from_pandas(rows).with_columns(
        pl.col("z").fill_null(np.nan)
    ),
    "new.filter(~pc.field('z').is_null(nan_is_null=True))": lambda rows, _: pa.Table.from_pandas(rows),
    "new=duckdb.sql(": lambda _, file: file,
}


@pytest.mark.parametrize("remedy", FRAMES)
def test_the_remedy_of_missing_values_is_for_the_new_rows(crossed, rows, tmp_path, remedy):
    gaps = rows.assign(z=rows["z"].where(rows.index > 5))
    gaps.to_parquet(tmp_path / "data.parquet")
    new = FRAMES[remedy](gaps, tmp_path / "data.parquet")
    for method in ("predict", "predict_draws"):
        with pytest.raises(sh.DataError) as caught:
            getattr(crossed, method)(new)
        said = str(caught.value)
        assert f"drop those rows with {remedy}" in said
        assert said.endswith(f'With {method}(missing="nan") these rows are NaN.')
    for ask in (lambda: crossed.predictions(new=new), lambda: crossed.comparisons("x", new=new)):
        with pytest.raises(sh.DataError) as caught:
            ask()
        assert f"drop those rows with {remedy}" in str(caught.value)
        assert "missing=" not in str(caught.value)


def test_text_in_new_rows_is_converted_in_their_name(crossed, rows):
    with pytest.raises(sh.DataError, match=r"pd\.to_numeric\(new\['z'\]"):
        crossed.predict(rows.assign(z=rows["z"].map("{:.2f}".format)))
