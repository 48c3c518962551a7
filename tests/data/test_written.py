"""Columns of text that were numbers, dates or measures are refused; labels that have digits are taken."""

import string
import warnings

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.data.written import reading_of

N = 120
RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=N)
DAYS = pd.date_range("2024-01-01", periods=N)


def one_odd(odd, form="{:.3f}"):
    return [odd if k == 7 else form.format(value) for k, value in enumerate(VALUES)]


def dated(form):
    return list(DAYS.strftime(form))


def cycled(*labels):
    return [labels[k % len(labels)] for k in range(N)]


REFUSED = {
    "numbers": one_odd("0.1"),
    "two different numbers": cycled("0", "1"),
    "a trace": one_odd("T"),
    "below the limit of detection": one_odd("<0.5"),
    "a choice": one_odd("2.3 or 2.4"),
    "a remark": one_odd("0.47 (S)"),
    "a footnote": one_odd("1.25*"),
    "a total": one_odd("total"),
    "a unit in one cell": one_odd("3 kg"),
    "a question mark beside blanks": cycled("1.5", "2.5", "3.5", "", "NA", "?", "n/a"),
    "many odd cells": [f"{v:.2f}" if k % 3 else f"no. {k}" for k, v in enumerate(VALUES)],
    "a scale from 0 to 10": cycled(*map(str, range(11)), "don't know"),
    "decimal commas": [f"{v:.3f}".replace(".", ",") for v in VALUES],
    "a few decimal commas": cycled("0,5", "1,0", "1,5"),
    "decimal commas and a trace": [x.replace(".", ",") for x in one_odd("T")],
    "thousands with commas": [f"{1000 + 10000 * abs(v):,.0f}" for v in VALUES],
    "thousands with commas and cents": [f"{1000 + 10000 * abs(v):,.2f}" for v in VALUES],
    "thousands with dots": [f"{1000000 + 10000 * abs(v):,.0f}".replace(",", ".") for v in VALUES],
    "thousands with blanks": [f"{1000 + 10000 * abs(v):,.0f}".replace(",", " ") for v in VALUES],
    "thousands with hard blanks": [f"{1000 + 10000 * abs(v):,.0f}".replace(",", "\u00a0") for v in VALUES],
    "thousands with apostrophes": [f"{1000 + 10000 * abs(v):,.0f}".replace(",", "’") for v in VALUES],
    "per cent": [f"{50 + 10 * v:.1f}%" for v in VALUES],
    "per cent, with a blank": [f"{50 + 10 * v:.1f} %" for v in VALUES],
    "dollars": [f"${abs(v) * 100:,.2f}" for v in VALUES],
    "euros behind": [f"{abs(v) * 100:.2f} €".replace(".", ",") for v in VALUES],
    "a code of a currency": [f"USD {abs(v) * 100:.2f}" for v in VALUES],
    "units": [f"{70 + 10 * v:.1f} kg" for v in VALUES],
    "units without a blank": [f"{170 + 10 * v:.0f}.5cm" for v in VALUES],
    "three units": [f"{abs(v):.3f} {'kg' if v > 1 else 'g' if v > 0 else 'mg'}" for v in VALUES],
    "magnitudes": [f"{abs(v):.3f}{'M' if v > 0.2 else 'k'}" for v in VALUES],
    "at least": [f"{k:,}+" for k in range(1000, 1000 + N)],
    "limits": [f"<{abs(v):.3f}" for v in VALUES],
    "plus and minus": [f"{v:.2f} ± {abs(v) / 10:.2f}" for v in VALUES],
    "estimates with intervals": [f"{v:.2f} ({v - 1:.2f}; {v + 1:.2f})" for v in VALUES],
    "pressures": [f"{100 + k}/{60 + k % 40}" for k in range(N)],
    "a true minus sign": [f"{v:.2f}".replace("-", "\N{MINUS SIGN}") for v in VALUES],
    "exponents": [f"{v:.2e}" for v in VALUES],
    "blanks around": [f"  {v:.2f} " for v in VALUES],
    "days": dated("%Y-%m-%d"),
    "days with slashes": dated("%d/%m/%Y"),
    "days as in America": dated("%m/%d/%y"),
    "days with dots": dated("%d.%m.%Y"),
    "days with names of months": dated("%d %b %Y"),
    "days with names in front": dated("%B %d, %Y"),
    "days with dashes and names": dated("%d-%b-%y"),
    "days of the week before": dated("%a, %d %b %Y"),
    "days with times": dated("%Y-%m-%d %H:%M:%S"),
    "days with times and zones": dated("%Y-%m-%dT%H:%M:%SZ"),
    "months of ten years": [f"{2010 + k // 12}-{1 + k % 12:02}" for k in range(N)],
    "months by name": [f"{pd.Timestamp(2010 + k // 12, 1 + k % 12, 1):%b %Y}" for k in range(N)],
    "days and a word": [day if k % 9 else "unknown" for k, day in enumerate(dated("%Y-%m-%d"))],
    "times of day": [f"{k % 24}:{k % 60:02}" for k in range(N)],
    "durations": [f"1:{k % 60:02}:{k % 50:02}" for k in range(N)],
}
TAKEN = {
    "letters": cycled("M", "F"),
    "scores of a game": cycled("15-0", "0-30", "40-15", "Deuce", "Ad-in"),
    "codes": cycled("T1", "T2", "T3", "T4"),
    "codes that begin with digits": cycled("13T", "21R", "10NN", "3.NL"),
    "doses": cycled("10 mg", "20 mg", "placebo"),
    "doses alone": cycled("10 mg", "20 mg", "50 mg"),
    "doses per cent": cycled("5%", "10%", "20%"),
    "bands of age": cycled("18-24", "25-34", ">64"),
    "all bands of age": cycled(*(f"{k}-{k + 4}" for k in range(0, 85, 5)), "85+"),
    "bands with a word": cycled("under 5", "5 to 9", "10 to 14", "15 and over"),
    "bands of income": cycled("<10k", "10k-20k", "20k-50k", ">50k"),
    "two halves": cycled(">6m", "<6m"),
    "grades": cycled("A+", "A", "B-", "C"),
    "numbers of children": cycled("0", "1", "2", "3+"),
    "a number or other": cycled("1", "2", "3", "other"),
    "months of a quarter": cycled("2020-01", "2020-02", "2020-03"),
    "names of months": cycled("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "names of days": cycled("Monday", "Tuesday", "Wednesday"),
    "two visits": cycled("2020-01-15", "2020-06-15"),
    "quarters": cycled(*(f"Q{q} {year}" for year in range(2010, 2015) for q in range(1, 5))),
    "quarters behind": cycled(*(f"{year}Q{q}" for year in range(2010, 2015) for q in range(1, 5))),
    "seasons": cycled(*(f"{year}-{(year + 1) % 100:02}" for year in range(1995, 2015))),
    "seasons with slashes": cycled(*(f"{year}/{(year + 1) % 100:02}" for year in range(1995, 2015))),
    "decades": cycled("1990s", "2000s", "2010s"),
    "answers": cycled("1 - strongly agree", "2 - agree", "3 - neither", "4 - disagree", "5 - strongly disagree"),
    "answers with dots": cycled("1. yes", "2. no", "3. don't know"),
    "ordinals": cycled(*(f"{k}th" for k in range(4, 20))),
    "floors": cycled("1st floor", "2nd floor", "3rd floor"),
    "classes of a school": cycled(*(f"{k}{letter}" for k in range(1, 11) for letter in "abc")),
    "seats": cycled(*(f"{k}{letter}" for k in range(1, 6) for letter in "ABCDEF")),
    "post codes of Britain": cycled(*(f"SW{k}A 1A{letter}" for k in range(1, 5) for letter in "ABCDE")),
    "post codes of the Netherlands": cycled(
        *(f"{1000 + 37 * k} {string.ascii_uppercase[k % 26]}{string.ascii_uppercase[(7 * k) % 26]}" for k in range(30))
    ),
    "codes of articles": cycled(*(f"A{k}" for k in range(30))),
    "names with numbers": cycled(*(f"site {k}" for k in range(30))),
    "addresses": cycled(
        *(f"{k} {name} Street" for k, name in enumerate("Oak Elm Ash Fir Yew Fig Bay Box Ivy Gum".split() * 2))
    ),
    "versions": cycled(*(f"1.{k}.0" for k in range(20))),
    "addresses of machines": cycled(*(f"10.0.0.{k}" for k in range(20))),
    "sizes": cycled("S", "M", "L", "XL", "2XL"),
    "screens": cycled("640x480", "800x600", "1024x768"),
    "lists of answers": cycled("1, 2", "1, 3", "2, 3", "1, 2, 3"),
    "codes of diseases": cycled(*(f"{letter}{k}.{k % 10}" for letter in "EJ" for k in range(10, 25))),
    "codes of diseases, older": cycled(*(f"{'V' if k % 2 else '2'}{k + 10}.{k % 10}" for k in range(30))),
    "wells of a plate": cycled(*(f"{row}{k}" for row in "ABC" for k in range(1, 13))),
    "codes with dashes": cycled(*(f"AB-{k}00" for k in range(30))),
    "marks of a school": cycled(*(f"{k}{sign}" for k in range(1, 5) for sign in ("+", "", "-"))),
    "steps": cycled(*(f"{k}-{k + 1}" for k in range(30))),
    "truth": cycled("yes", "no"),
    "words": cycled("may", "march", "second", "inflow", "nano", "infinite"),
}


def data_of(column):
    return pd.DataFrame({"y": RNG.normal(size=N), "v": column})


@pytest.mark.parametrize("kind", REFUSED)
def test_numbers_dates_and_measures_are_refused(kind):
    with pytest.raises(sh.DataError, match=r"Column 'v' holds text that reads as .* or write C\(v\)"):
        sh.LinearRegression("y ~ v", data_of(REFUSED[kind]))
    assert sh.LinearRegression("y ~ C(v)", data_of(REFUSED[kind])).design.predictors


@pytest.mark.parametrize("kind", TAKEN)
def test_labels_are_taken_without_a_word(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = sh.LinearRegression("y ~ v", data_of(TAKEN[kind]))
    assert len(model.design.predictors) == len(set(TAKEN[kind])) - 1


def sources(frame, folder):
    pl, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    polars = pl.from_pandas(frame)
    polars.write_parquet(folder / "rows.parquet")
    yield "a dict", frame.to_dict("list")
    yield "objects", frame.astype({"v": object})
    yield "categories", frame.astype({"v": "category"})
    yield "Polars", polars
    yield "Polars, categories", polars.with_columns(pl.col("v").cast(pl.Categorical))
    yield "PyArrow", polars.to_arrow()
    yield "Polars, lazy", polars.lazy()
    yield "Polars, lazy, categories", polars.with_columns(pl.col("v").cast(pl.Categorical)).lazy()
    yield "Parquet", folder / "rows.parquet"
    yield "DuckDB", duckdb.sql(f"SELECT * FROM '{folder / 'rows.parquet'}'")


@pytest.mark.parametrize(
    "kind", ["a trace", "decimal commas", "thousands with commas", "units", "days", "times of day"]
)
def test_they_are_refused_wherever_they_are(kind, tmp_path):
    for name, data in sources(data_of(REFUSED[kind]), tmp_path):
        with pytest.raises(sh.DataError, match="Column 'v' holds text that reads as"):
            sh.LinearRegression("y ~ v", data)
        assert sh.LinearRegression("y ~ C(v)", data).design.predictors, name


@pytest.mark.parametrize("kind", ["doses", "numbers of children", "all bands of age", "classes of a school"])
def test_labels_are_taken_wherever_they_are(kind, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, data in sources(data_of(TAKEN[kind]), tmp_path):
            model = sh.LinearRegression("y ~ v", data)
            assert len(model.design.predictors) == len(set(TAKEN[kind])) - 1, name


def test_a_few_numbers_that_were_made_categories_are_labels():
    frame = data_of(cycled("1", "2", "3"))
    assert sh.LinearRegression("y ~ v", frame.astype({"v": "category"})).design.predictors == ("v[T.2]", "v[T.3]")
    many = pd.Categorical(REFUSED["numbers"], ordered=True)  # an order is given by hand
    assert len(sh.LinearRegression("y ~ v", data_of(many)).design.predictors) > 100


def test_the_odd_values_are_named():
    column = REFUSED["numbers"].copy()
    column[3:8] = ["T", "<0.5", "2.3 or 2.4", "trace", "a" * 200]
    with pytest.raises(sh.DataError) as refusal:
        sh.LinearRegression("y ~ v", data_of(column))
    words = str(refusal.value)
    assert "but for '2.3 or 2.4', '<0.5', 'T' and 2 more, most likely" in words
    assert len(words) < 500


def test_new_data_are_told_how_to_become_numbers():
    model = sh.LinearRegression("y ~ v", data_of(VALUES))
    with pytest.raises(sh.DataError, match=r"is categorical here, but was numeric .*'1,5'.*replace\(',', '.'\)"):
        model.design.encode(pd.DataFrame({"v": ["1,5", "2,5"]}))
    labels = sh.LinearRegression("y ~ v", data_of(cycled("1 kg", "2 kg")))
    assert labels.design.encode({"v": ["1 kg"]}).X.tolist() == [[0.0]]


@pytest.mark.parametrize("n", [3, 5, 6, 12])
def test_little_data_may_have_labels_with_digits(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sh.LinearRegression("y ~ v", data_of(cycled("10 mg", "20 mg", "placebo"))[:n])


def test_many_values_are_read_quickly():
    values = [f"{k},{k}" for k in range(200_000)]
    reading = reading_of(values, len(values))
    assert reading is not None
    assert reading.replacements == ((",", "."),)


IDENTIFIERS = [f"id{k}" for k in range(N)]


@pytest.mark.parametrize("column", [IDENTIFIERS, [f"id{k // 3 * 2 + k % 2}" for k in range(N)]], ids=["all", "most"])
def test_identifiers_are_warned_of(column, tmp_path):
    for name, data in sources(data_of(column), tmp_path):
        with pytest.warns(UserWarning, match=r"Predictor 'v' has \d+ levels in 120 rows.*\(1 \| v\); C\(v\)") as caught:
            sh.LinearRegression("y ~ v", data)
        assert len(caught) == 1, name
        assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("formula", "column"),
    [
        ("y ~ C(v)", IDENTIFIERS),
        ("y ~ 1 + (1 | v)", IDENTIFIERS),
        ("y ~ v", [f"id{k // 2}" for k in range(N)]),
        ("y ~ v", pd.Categorical(IDENTIFIERS, ordered=True)),
    ],
)
def test_labels_that_are_meant_are_not_warned_of(formula, column):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", sh.PriorWarning)  # of groups of one
        (sh.VaryingIntercept if "|" in formula else sh.LinearRegression)(formula, data_of(column))


def test_little_data_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sh.LinearRegression("y ~ v", data_of(IDENTIFIERS)[:10])


def test_pooling_takes_labels_that_read_as_numbers_or_dates():
    frame = data_of(cycled(*dated("%Y-%m-%d")[:40])).assign(x=VALUES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.SamplingWarning)
        pooled = sh.pooling("y ~ x", frame, group="v", chains=1, iter_warmup=100, iter_sampling=100, seed=1)
    assert len(pooled.estimates) >= 40


@pytest.mark.parametrize(
    "form", [lambda frame: frame, lambda frame: pytest.importorskip("polars").from_pandas(frame).lazy()]
)
def test_labels_are_not_advised_where_numbers_alone_will_do(form):
    frame = data_of(VALUES).assign(y=REFUSED["a trace"])
    with pytest.raises(sh.DataError, match=r"Column 'y' holds text that reads as numbers .*, but for 'T'") as refusal:
        sh.LinearRegression("y ~ v", form(frame))
    assert "C(y)" not in str(refusal.value)


def test_text_among_numbers_is_named():
    column = pd.Series([*VALUES[:-3], "T", "<0.5", "T"], dtype=object)
    with pytest.raises(
        sh.DataError, match=r"holds float64, str; .* The text is 'T', '<0.5': pd.to_numeric\(data\['v'\]"
    ):
        sh.LinearRegression("y ~ v", data_of(column))
