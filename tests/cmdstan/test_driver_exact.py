"""Draws equal CmdStan's, digit for digit.

The numbers are those that CmdStanR's reference page "CmdStanR: the R interface to CmdStan" prints for CmdStan's example
``bernoulli`` with seed 123: two chains, an optimisation, a variational fit and four optimisation paths.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.tools.driver_tools import make_programs, read_csv, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def programs(cmdstan_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_programs(cmdstan_home, tmp_path_factory)


@pytest.fixture
def words(programs: Path) -> list[str]:
    return ["data", f"file={programs / 'coin.json'}", "random", "seed=123"]


def summary(x: np.ndarray) -> list[float]:
    """Mean, median, sd, mad, 5 % and 95 % quantiles, as the page has them."""
    mad = 1.4826 * np.median(np.abs(x - np.median(x)))
    return [float(v) for v in (x.mean(), np.median(x), x.std(ddof=1), mad, *np.quantile(x, [0.05, 0.95]))]


def test_sample(programs: Path, words: list[str], tmp_path: Path) -> None:
    rows = []
    for chain in ("1", "2"):
        run(programs / "bernoulli", f"id={chain}", *words, "output", f"file={chain}.csv", folder=tmp_path)
        names, chain_rows = read_csv(tmp_path / f"{chain}.csv")
        rows.append(chain_rows)
    theta, lp = names.index("theta"), names.index("lp__")
    np.testing.assert_array_equal(
        rows[0][:10, theta].round(2), [0.17, 0.46, 0.41, 0.25, 0.18, 0.33, 0.15, 0.29, 0.24, 0.24]
    )
    np.testing.assert_array_equal(rows[1][:5, theta].round(2), [0.28, 0.19, 0.19, 0.28, 0.23])
    both = np.concatenate(rows)
    np.testing.assert_allclose(summary(both[:, lp]), [-7.32, -7.02, 0.799, 0.355, -8.89, -6.75], rtol=1e-3)
    np.testing.assert_allclose(summary(both[:, theta]), [0.255, 0.240, 0.127, 0.130, 0.0773, 0.491], rtol=3e-3)


def test_optimize(programs: Path, words: list[str], tmp_path: Path) -> None:
    console = run(programs / "bernoulli", "optimize", *words, folder=tmp_path)
    assert "Initial log joint probability = -16.144\n" in console
    line = next(line for line in console.splitlines() if line.startswith("       6 "))
    assert line.split() == ["6", "-5.00402", "0.000246518", "8.73164e-07", "1", "1", "9"]
    (tmp_path / "init.json").write_text('{"theta": 0.75}')
    console = run(programs / "bernoulli", "optimize", *words, "init=init.json", folder=tmp_path)
    assert "-5.00402   0.000237915   9.55309e-07" in console


def test_variational(programs: Path, words: list[str], tmp_path: Path) -> None:
    console = run(programs / "bernoulli", "variational", *words, folder=tmp_path)
    for line in (
        "100           -6.164             1.000",
        "200           -6.225             0.505",
        "300           -6.186",
    ):
        assert line in console
    names, rows = read_csv(tmp_path / "output.csv")
    draws = rows[1:]  # the first row is the mean of the approximation
    expected = [0.251, 0.236, 0.107, 0.108, 0.100, 0.446]
    np.testing.assert_allclose(summary(draws[:, names.index("theta")]), expected, rtol=5e-3)
    expected = [-0.520, -0.244, 0.740, 0.326, -1.90, -0.00227]
    np.testing.assert_allclose(summary(draws[:, names.index("log_g__")]), expected, rtol=3e-3)


def test_pathfinder(programs: Path, words: list[str], tmp_path: Path) -> None:
    console = run(programs / "bernoulli", "pathfinder", *words, folder=tmp_path)
    starts = ["-18.273334", "-19.192715", "-6.774820", "-7.949193"]
    bests = ["[5] ELBO (-6.145070)", "[2] ELBO (-6.170358)", "[4] ELBO (-6.177909)", "[5] ELBO (-6.197118)"]
    for path, (start, best) in enumerate(zip(starts, bests, strict=True), start=1):
        assert f"Path [{path}] :Initial log joint density = {start}" in console
        assert f"Path [{path}] :Best Iter: {best}" in console
