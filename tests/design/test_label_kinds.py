"""Labels of groups are the same whatever holds the rows, and keep their kind as coordinates."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit

duckdb = pytest.importorskip("duckdb")
pl = pytest.importorskip("polars")

AT = np.arange(40) % 4
DAYS = [dt.date(2024, 2, 27) + dt.timedelta(days=int(k)) for k in AT]
HOURS = [dt.datetime(2024, 2, 27, 5, 30) + dt.timedelta(hours=int(k)) for k in AT]
KINDS = {
    "days": pl.Series(DAYS),
    "days of long ago": pl.Series(DAYS).dt.offset_by("-500y"),
    "times": pl.Series(HOURS),
    "times in milliseconds": pl.Series(HOURS).cast(pl.Datetime("ms")),
    "times in nanoseconds": pl.Series(HOURS).cast(pl.Datetime("ns")),
    "times with a zone": pl.Series(HOURS).dt.replace_time_zone("UTC"),
    "truth values": pl.Series(AT > 1),
    "integers": pl.Series(AT),
    "decimals": pl.Series([str(k) for k in AT]).cast(pl.Decimal(10, 2)),
    "text": pl.Series([f"g{k}" for k in AT]),
}
SOURCES = ["Polars", "pandas", "pandas on Arrow", "objects", "a dict", "PyArrow", "Polars, lazy", "Parquet", "DuckDB"]


def rows(labels):
    rng = np.random.default_rng(2)
    return pl.DataFrame({"y": rng.standard_normal(40) + AT, "x": rng.standard_normal(40), "g": labels})


def source(name, frame, folder):
    if name == "Parquet" or name == "DuckDB":
        frame.write_parquet(folder / "rows.parquet")
    return {
        "Polars": lambda: frame,
        "pandas": frame.to_pandas,
        "pandas on Arrow": lambda: frame.to_pandas(use_pyarrow_extension_array=True),
        "objects": lambda: frame.to_pandas().assign(g=pd.Series(frame["g"].to_list(), dtype=object)),
        "a dict": lambda: {column.name: column.to_list() for column in frame},
        "PyArrow": frame.to_arrow,
        "Polars, lazy": frame.lazy,
        "Parquet": lambda: folder / "rows.parquet",
        "DuckDB": lambda: duckdb.sql(f"SELECT * FROM '{folder / 'rows.parquet'}'"),
    }[name]()


@pytest.mark.versions
@pytest.mark.parametrize("where", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_the_same_everywhere(kind, where, tmp_path):
    frame = rows(KINDS[kind])
    first = sh.VaryingIntercept("y ~ x + (1 | g)", frame).design
    model = sh.VaryingIntercept("y ~ x + (1 | g)", source(where, frame, tmp_path))
    levels = model.design.group.levels
    assert [str(level) for level in levels] == [str(level) for level in first.group.levels]
    for other in SOURCES[:6]:
        new = source(other, frame, tmp_path)
        np.testing.assert_array_equal(model.design.encode(new).groups[0].codes, first.group.codes)
    fit = fake_fit(model)
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    pd.testing.assert_index_equal(loaded.model.design.group.levels, levels)
    pd.testing.assert_frame_equal(loaded.predict(frame), fit.predict(frame))
    assert loaded.posterior["g"].equals(fit.posterior["g"])


@pytest.mark.versions
@pytest.mark.parametrize("where", SOURCES[:6])
def test_a_new_day_is_added_to_a_fit(where, tmp_path):
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", rows(KINDS["days"])), draws=400)
    new = rows(KINDS["days"])[:3].with_columns(pl.lit(dt.date(2024, 3, 5)).alias("g"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.SamplingWarning)  # made-up draws are weighted badly
        more = fit.update_group(source(where, new, tmp_path))
    assert more.group_summary().index[-1] == pd.Timestamp("2024-03-05")
    more.save(tmp_path / "fit.nc")
    assert sh.load(tmp_path / "fit.nc").posterior["g"].to_numpy()[-1] == np.datetime64("2024-03-05")


@pytest.mark.versions
@pytest.mark.parametrize(
    ("labels", "kind", "first"),
    [
        (AT > 1, "b", False),
        (pd.Categorical(AT > 1), "b", False),
        (pd.Categorical(AT), "i", 0),
        (pd.Series(DAYS), "M", np.datetime64("2024-02-27")),
        (pd.Categorical(DAYS), "M", np.datetime64("2024-02-27")),
        (pd.Series(HOURS), "M", np.datetime64("2024-02-27T05:30")),
        (pd.Series(HOURS) + pd.Timedelta("1ns"), "M", np.datetime64("2024-02-27T05:30:00.000000001")),
        (pd.Series(HOURS).dt.tz_localize("Europe/Oslo"), "U", "2024-02-27 05:30:00+01:00"),
        (pd.to_timedelta(AT, unit="h"), "U", "0 days 00:00:00"),
        (pd.Series([day.replace(year=1500) for day in DAYS if day.day < 29] + [dt.date(1500, 2, 1)] * 10), "U", None),
        (pd.cut(AT, [-1, 1, 9]), "U", "(-1, 1]"),
        (pd.Series(AT).astype(str), "U", "0"),
    ],
)
def test_coordinates_keep_the_kind_of_the_labels(labels, kind, first, tmp_path):
    import arviz as az

    frame = rows(AT).to_pandas().assign(g=labels)
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", frame))
    assert fit.posterior["g"].dtype.kind == kind
    label = fit.posterior["g"].to_numpy()[0] if first is None else first
    one = fit.posterior["alpha"].sel(g=label)
    np.testing.assert_array_equal(one, fit.posterior["alpha"][:, :, 0])
    if kind != "U":
        fit.posterior["alpha"].sel(g=fit.group_summary().index[1])
    fit.save(tmp_path / "fit.nc")
    read = az.from_netcdf(tmp_path / "fit.nc").posterior["g"]
    np.testing.assert_array_equal(read, fit.posterior["g"])
    assert read.dtype.kind == kind or kind == "U"


def test_days_stand_in_tables_without_fractions_of_a_second():
    pytest.importorskip("pandas", minversion="3", reason="with pandas 2, xarray counts days in nanoseconds")
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", rows(KINDS["days"])))
    assert fit.summary().index[-1] == "alpha[2024-03-01T00:00:00]"


def test_days_and_times_together_are_refused():
    with pytest.raises(sh.DataError, match="holds date, datetime, which cannot be labels together"):
        sh.VaryingIntercept("y ~ x + (1 | g)", rows(AT).to_pandas().assign(g=[*DAYS[:20], *HOURS[20:]]))
