"""Several factors and effects from rows that are not in memory: the same levels, statistics and summaries."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh

FORMULAS = {
    "slopes": "y ~ x + (1 + x | g)",
    "crossed": "y ~ x + (1 | g) + (1 | h)",
    "nested": "y ~ x + (1 + x | g / h)",
    "categories": "y ~ x + k + (1 + k | g)",
    "learnt transforms": "y ~ x + (center(x) | g) + (scale(z) || h)",
    "no intercept": "y ~ 0 + x + (0 + x:k | g)",
}


def rows():
    rng = np.random.default_rng(5)
    n = 1500
    g, h, x = rng.integers(0, 20, n), rng.integers(0, 6, n), rng.normal(3, 1, n)
    y = (
        1
        + x * (0.5 + 0.5 * rng.normal(size=20)[g])
        + rng.normal(size=20)[g]
        + rng.normal(size=6)[h]
        + rng.normal(size=n)
    )
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": rng.normal(size=n),
            "k": rng.choice(list("pqr"), n),
            "g": [f"g{i}" for i in g],
            "h": h,
            "s": rng.uniform(0.5, 2, n),
        }
    )


@pytest.fixture(params=["parquet", "polars", "duckdb", "dask"])
def source(request, tmp_path):
    path = str(tmp_path / "rows.parquet")
    pytest.importorskip("pyarrow")
    rows().to_parquet(path, row_group_size=400)
    if request.param == "parquet":
        return path
    if request.param == "polars":
        return pytest.importorskip("polars").scan_parquet(path)
    if request.param == "duckdb":
        return pytest.importorskip("duckdb").read_parquet(path)
    return pytest.importorskip("dask.dataframe").read_parquet(path)


def gram(statistics):
    return statistics.T.T @ statistics.T


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
@pytest.mark.parametrize(("name", "se"), [*((name, None) for name in FORMULAS), ("slopes", "s"), ("nested", "s")])
def test_statistics_and_what_follows_from_the_same_draws(name, se, source, cmdstan_home):
    model, streamed = (sh.Model(FORMULAS[name], data, se=se) for data in (rows(), source))
    for ours, theirs in zip(model.design.groupings, streamed.design.groupings, strict=True):
        assert ours.levels.equals(theirs.levels)
        assert ours.effects == theirs.effects
    one, two = model.engine.statistics, streamed.engine.statistics
    for get in (lambda s: s.R, lambda s: s.B, gram, lambda s: s.mean, lambda s: s.sd):
        np.testing.assert_allclose(get(one), get(two), rtol=1e-10, atol=1e-10 * np.abs(get(one)).max())
    fit = model.sample(seed=2, chains=1, iter_warmup=100, iter_sampling=50, show_progress=False)
    other = sh.Fit(streamed, fit.draws)
    for grouping in model.design.groupings:
        ours, theirs = fit.group_summary(grouping.name), other.group_summary(grouping.name)
        assert ours.index.equals(theirs.index)
        np.testing.assert_allclose(ours[["mean", "sd"]], theirs[["mean", "sd"]], rtol=1e-8, atol=1e-9)
        assert (np.abs(ours - theirs).max(axis=1) < 1e-7 * ours["sd"]).all()
    np.testing.assert_allclose(fit.predict(rows()[:20]), other.predict(rows()[:20]), rtol=1e-10)
