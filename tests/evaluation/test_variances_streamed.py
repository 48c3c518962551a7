"""R-squared and shares of variance of rows that are not in memory: as of the same rows in memory, or refused."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.fit import Fit
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.family_fits import fit, frame


def streamed(tmp_path, formula, **keywords):
    """The same model of rows in memory and elsewhere, and fits of both with the same draws."""
    data = variants.frame().assign(n=np.arange(80) % 5, se=0.7)
    data.to_parquet(tmp_path / "rows.parquet", row_group_size=13)
    here, there = (sh.Model(formula, rows, **keywords) for rows in (data, str(tmp_path / "rows.parquet")))
    drawn = fake_fit(here)
    return drawn, Fit(there, drawn.draws)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + z",
        "y ~ 0 + x + z",
        "y ~ x + z + (1 | g)",
        "y ~ x + z + (1 + x | g)",
        "y ~ x + z + (1 + x + z | g)",
        "y ~ x + (x + z || g)",
        "y ~ 0 + x + z + (1 | n) + (1 + z | g)",
        "y ~ 1 + (1 | g) + (1 | n)",
    ],
)
def test_what_is_known_without_the_rows(tmp_path, formula):
    here, there = streamed(tmp_path, formula)
    np.testing.assert_allclose(here.r2(kind="linear").to_numpy(), there.r2(kind="linear").to_numpy(), rtol=1e-6)
    if "|" in formula:
        np.testing.assert_allclose(here.icc().to_numpy(), there.icc().to_numpy(), rtol=1e-6)
    special = sh.VaryingIntercept if formula == "y ~ x + z + (1 | g)" else sh.LinearRegression
    if formula in ("y ~ x + z + (1 | g)", "y ~ x + z", "y ~ 0 + x + z"):
        found = special(formula, str(tmp_path / "rows.parquet")).engine.predictor_covariance()
        np.testing.assert_allclose(found, np.cov(here.model.rows.X, rowvar=False), rtol=1e-10)


def test_distinct_rows_with_counts_tell_it_too(tmp_path):
    frame().assign(x=lambda rows: rows["x"].round()).to_parquet(tmp_path / "rows.parquet")
    rows = pd.read_parquet(tmp_path / "rows.parquet")
    formula = "hit ~ x + C(h) + (1 + x | g)"
    here, there = (sh.Model(formula, data, family="bernoulli") for data in (rows, str(tmp_path / "rows.parquet")))
    np.testing.assert_allclose(there.engine.predictor_covariance(), here.engine.predictor_covariance(), rtol=1e-10)
    drawn = fit(here)
    elsewhere = Fit(there, drawn.draws)
    for call in (lambda one: one.icc(), lambda one: one.r2(kind="linear")):
        np.testing.assert_allclose(call(drawn).to_numpy(), call(elsewhere).to_numpy(), rtol=1e-9)


def test_what_takes_the_rows_says_so(tmp_path):
    _, there = streamed(tmp_path, "y ~ x + (1 + x + z | g)")
    with pytest.raises(sh.DataError, match=r"Several slopes vary together by 'g'.*not in memory"):
        there.icc()
    _, there = streamed(tmp_path, "y ~ x + (1 | g)", se="se")
    with pytest.raises(sh.DataError, match=r"standard errors or weights is averaged over them.*not in memory"):
        there.icc()
    with pytest.raises(sh.DataError, match=r"linear predictors with rows that differ in their noise takes the rows"):
        there.r2(kind="linear")
    _, there = streamed(tmp_path, "y ~ x", offset="n")
    with pytest.raises(sh.DataError, match=r"linear predictors with offsets takes the rows"):
        there.r2(kind="linear")
    with pytest.raises(sh.DataError, match=r"r2\(kind=\"mean\"\) goes over the rows.*r2\(kind=\"linear\"\) takes"):
        there.r2()


def test_counts_without_rows_are_shared_where_all_rows_are_alike(tmp_path):
    frame().to_parquet(tmp_path / "rows.parquet")
    for formula in ("visits ~ 1 + (1 | g)", "visits ~ x + (1 | g)"):
        here, there = (sh.Model(formula, data, family="poisson") for data in (frame(), str(tmp_path / "rows.parquet")))
        drawn = fit(here)
        elsewhere = Fit(there, drawn.draws)
        if "x" in formula:
            with pytest.raises(sh.DataError, match="not in memory"):
                elsewhere.icc()
        else:
            np.testing.assert_allclose(drawn.icc().to_numpy(), elsewhere.icc().to_numpy(), rtol=1e-9)
