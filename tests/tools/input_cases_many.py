"""The cases of stanhier/input.md on one model for each group of rows."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import stanhier as sh
from stanhier.many.grouped import models_by_group
from tests.tools.input_cases import FEW, N, Pair, base, case, frame, line, refused, rest

HEADING = "One model for each group of rows"
HALVES = [k % 2 for k in range(N)]


def many(formula: str = "y ~ x", by: Any = "h", data: Any = None, **columns: Any) -> dict[str, Any]:
    """The models by name."""
    rows = frame(h=HALVES, **columns) if data is None else data
    keywords: dict[str, Any] = dict.fromkeys(["priors", "sigma", "se", "context"])
    return {name: make() for name, make in models_by_group(formula, rows, by, **keywords)}


def half(k: int) -> pd.DataFrame:
    return base().iloc[k::2]


@case(HEADING, "one column, or a list of columns, of labels")
def _() -> Iterator[Pair]:
    for by in ("h", ["h"], ("h",)):
        for k, model in enumerate(many(by=by).values()):
            yield model, line(data=half(k))
    for model in many(by=["h", "same"], same="s").values():
        yield model, None


@case(HEADING, "labels of numbers, booleans, days and categories")
def _() -> Iterator[Pair]:
    labels = pd.Series(HALVES)
    days = pd.Timestamp("2020-01-31") + pd.to_timedelta(labels, unit="D")
    for values, names in (
        (labels.astype(float), ["0", "1"]),
        (labels == 1, ["False", "True"]),
        (days, ["2020-01-31", "2020-02-01"]),
        (labels.map({0: "b", 1: "a"}).astype(pd.CategoricalDtype(["c", "b", "a"])), ["b", "a"]),
    ):
        models = many(label=values, by="label")
        assert list(models) == names
        assert list(many(label=values, by=["label", "h"])) == [f"{name}, {k}" for k, name in enumerate(names)]
        for k, model in enumerate(models.values()):
            yield model, line(data=half(k))


@case(HEADING, "the rows in memory, or in Parquet files")
def _() -> Iterator[Pair]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        frame(h=HALVES).to_parquet(path)
        for data in (frame(h=HALVES), frame(h=HALVES).to_dict("list"), path):
            for k, model in enumerate(many(data=data).values()):
                yield model, line(data=half(k))


@case(HEADING, "a group of which no model can be made")
def _() -> Iterator[Pair]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.SamplingWarning)
        fits = sh.fit_many("y ~ x", frame(h=rest(HALVES, 2)), by="h", **FEW).collect()
    assert list(fits.failures) == ["2"]
    assert fits.names == ["0", "1"]
    yield fits[1].model, line(data=half(1))


refused(HEADING, "rows without a label", lambda: many(n=rest(HALVES, None), by="n"))
refused(HEADING, "fractions in `by`", lambda: many(n=rest(HALVES, 0.5), by="n"))
refused(HEADING, "a column of `by` in the formula", lambda: many(by="x"))


@case(HEADING, "a column of `by`, or of the formula, that is not there")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.DataError, match="There is no column 'w' in the data; its columns are:"):
        many(by="w")
    yield many("y ~ w"), None


refused(HEADING, "no `by`", lambda: sh.fit_many("y ~ x", base()))  # type: ignore[call-overload]
refused(HEADING, "`by` or `priors` with models", lambda: sh.fit_many({"a": line()}, by="g"))  # type: ignore[call-overload]
