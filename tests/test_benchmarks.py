"""The pieces of the benchmark, without the peers and without timing anything."""

import json
import os
import subprocess
import sys
import time
from math import inf, isnan
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.benchmarks import cases, comparison, parts  # noqa: E402
from scripts.benchmarks.many import small  # noqa: E402
from scripts.benchmarks.options import parser  # noqa: E402
from scripts.benchmarks.page import render  # noqa: E402
from scripts.benchmarks.peers import PEERS, chosen  # noqa: E402
from scripts.benchmarks.plots import draw  # noqa: E402
from scripts.benchmarks.process import run_reporting  # noqa: E402
from scripts.benchmarks.quality import Moments, agreement, moments, point_distance, smallest_ess  # noqa: E402
from scripts.benchmarks.records import Measurement, merge, read_csv, write_csv, write_json  # noqa: E402
from scripts.benchmarks.scaling import Size, sizes  # noqa: E402
from scripts.benchmarks.tables import comparison_table, number, spread, summary_table  # noqa: E402


def posterior(seed: int, *, shift: float = 0.0, scale: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    alpha = rng.standard_normal((4, 500, 3))
    alpha[:, :, 1] = shift + scale * alpha[:, :, 1]
    return {"mu_alpha": rng.standard_normal((4, 500)), "alpha": alpha}


def comparison_rows(peer: str, seconds: float, ess: float) -> list[Measurement]:
    report = {"ess": [ess], "ess_of": "mu_alpha", "divergences": [0], "warm": [seconds]}
    report["moments"] = moments(posterior(1 if peer == "stanhier" else 2)).as_dict()
    reference = None if peer == "stanhier" else moments(posterior(1))
    _, rows = comparison.judge("linear", peer, report, reference)
    status = Measurement("comparison", "linear", peer, "status", note="ok")
    return [status, Measurement("comparison", "linear", peer, "warm", "s", (seconds,)), *rows]


def test_smallest_ess_finds_the_group_that_mixes_worst() -> None:
    draws = posterior(1)
    size, whose = smallest_ess(draws)
    assert 1500 < size < 2500
    draws["alpha"][:, :, 2] = np.cumsum(draws["alpha"][:, :, 2], axis=1)
    size, whose = smallest_ess(draws)
    assert whose == "alpha[2]"
    assert size < 100


def test_posteriors_that_are_the_same_agree_and_others_do_not() -> None:
    reference = moments(posterior(1))
    assert reference.names == ["alpha[0]", "alpha[1]", "alpha[2]", "mu_alpha"]
    assert all(agreement(reference, moments(posterior(seed))).agrees for seed in range(2, 30))
    moved = agreement(reference, moments(posterior(2, shift=0.3)))
    assert not moved.agrees
    assert moved.where == "mean of alpha[1]"
    assert moved.worst > moved.limit
    wider = agreement(reference, moments(posterior(2, scale=1.3)))
    assert not wider.agrees
    assert wider.where == "sd of alpha[1]"
    fewer = moments({"mu_alpha": posterior(2)["mu_alpha"]})
    assert not agreement(reference, fewer).agrees
    assert agreement(reference, fewer).worst == inf


def test_moments_survive_json() -> None:
    found = moments(posterior(1))
    again = Moments.from_dict(json.loads(json.dumps(found.as_dict())))
    assert again.names == found.names
    np.testing.assert_array_equal(again.sd_error, found.sd_error)


def test_distance_of_a_point_estimate() -> None:
    reference = moments(posterior(1))
    shift = np.array([0, 0.5, 0]) * reference.sd[1]
    estimate = {"mu_alpha": np.array(reference.mean[3]), "alpha": reference.mean[:3] + shift}
    distance, where = point_distance(estimate, reference)
    assert where == "alpha[1]"
    assert distance == pytest.approx(0.5)


def test_measurements_survive_files_and_replace_a_whole_comparison(tmp_path: Path) -> None:
    old = [
        Measurement("comparison", "linear", "stanhier", "warm", "s", (3.0, 1.0, 2.0), load=0.5),
        Measurement("comparison", "linear", "pymc", "warm", "s", (9.0,)),
        Measurement("comparison", "grouped", "pymc", "status", note="time-out, 1 s"),
    ]
    write_json(old, tmp_path / "new" / "results.json")
    assert json.loads((tmp_path / "new" / "results.json").read_text())[1]["load"] is None
    write_csv(old, tmp_path / "results.csv")
    read = read_csv(tmp_path / "results.csv")
    assert read[0] == old[0]
    assert read[0].median == 2.0
    assert isnan(read[1].load)
    new = Measurement("comparison", "linear", "stanhier", "warm", "s", (1.0,))
    assert merge(old, [new]) == [old[2], new]
    lines = (tmp_path / "results.csv").read_text().splitlines()
    assert lines[1] == "comparison,linear,stanhier,warm,s,3 1 2,,0.5"
    assert lines[3].endswith('"time-out, 1 s",nan')
    assert read_csv(tmp_path / "none.csv") == []


def test_tables_show_every_peer_and_why_one_has_no_numbers() -> None:
    rows = comparison_rows("stanhier", 0.1, 2000.0) + comparison_rows("stan_centred", 0.5, 1000.0)
    rows += comparison_rows("nutpie", 0.2, 2000.0)
    rows.append(Measurement("comparison", "linear", "pymc", "status", note="time-out: no draws within 1 s"))
    table = comparison_table(rows, "linear")
    lines = {line.split(" | ")[0].strip("| "): line for line in table.splitlines()}
    assert "| 20,000 |" in lines["stanhier"]
    assert "| 2,000 | 10 |" in lines["Stan by hand, centred"]
    assert "agrees" in lines["Stan by hand, centred"]
    assert "time-out: no draws within 1 s" in lines["PyMC, own sampler"]
    assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "| linear | 0.1 | 20,000 | 2,000 | 10 | PyMC, nutpie: 10,000 | 2 |" in summary_table(rows)


def test_a_peer_whose_chains_have_not_mixed_is_not_held_to_differ() -> None:
    rows = comparison_rows("pymc", 1.0, 100.0)
    rows = [m for m in rows if m.quantity != "agreement"]
    rows.append(
        Measurement("comparison", "linear", "pymc", "agreement", "", (6.2,), "differs; worst of 8: sd of alpha")
    )
    assert "**differs**: sd of alpha, 6.2 Monte Carlo errors; its chains have not" in comparison_table(rows, "linear")
    rows = [m for m in rows if m.quantity != "ESS"]
    rows.append(Measurement("comparison", "linear", "pymc", "ESS", "", (900.0,)))
    assert "**differs**: sd of alpha, 6.2 Monte Carlo errors |" in comparison_table(rows, "linear")


@pytest.mark.parametrize(
    ("value", "text"), [(0.012345, "0.0123"), (1.5, "1.5"), (123.4, "123"), (15678.0, "15,700"), (float("nan"), "")]
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_spread_is_median_and_range() -> None:
    assert spread(Measurement("", "", "", "", "s", (3.0, 1.0, 2.0))) == "2 (1 to 3)"
    assert spread(Measurement("", "", "", "", "s", (3.0,))) == "3"
    assert spread(None) == ""


def test_page_and_plots(tmp_path: Path) -> None:
    rows = comparison_rows("stanhier", 0.1, 2000.0) + comparison_rows("pymc", 5.0, 1000.0)
    for place, size in enumerate(sizes(quick=True)[:3]):
        rows.append(Measurement("scaling", size.case, "build", "time", "s", (0.5,)))
        rows.append(Measurement("scaling", size.case, "build", "processor time", "s", (0.25,)))
        rows.append(Measurement("scaling", size.case, "sample", "time", "s", (1.0 + place,)))
        rows.append(Measurement("scaling", size.case, "build", "extra memory", "MB", (12.0,)))
    rows.append(Measurement("footprint", "a new process", "import stanhier", "time", "s", (0.02, 0.03)))
    rows.append(Measurement("parts", parts.CASE, "a chain, alone", "time", "s", (0.012,)))
    rows.append(Measurement("after", "4,000 draws", "fit.predict(new)", "time", "s", (1.5,)))
    pictures = draw(rows, tmp_path)
    assert [path.name for path in pictures] == ["comparison.png", "scaling.png"]
    assert all(path.stat().st_size > 5000 for path in pictures)
    page = render(rows, pictures, folder="results")
    assert "![Effective draws per second by data set and peer](results/comparison.png)" in page
    assert "| 1,000 | 0.5 / 12 |" in page
    assert "Building at 1,000,000 rows: 2,000,000 rows per second, 4,000,000 per second of processor time." in page
    assert "Sampling: slowest over fastest from 10,000 on 1.50." in page
    assert "| a new process | import stanhier | 0.025 (0.02 to 0.03) s |" in page
    assert f"| {parts.CASE} | a chain, alone | 0.012 s |" in page
    assert "| 4,000 draws | fit.predict(new) | 1.5 s |" in page


def test_many_models_are_held_against_their_chains_alone(tmp_path: Path) -> None:
    rows = [
        Measurement("many", "50 models", "alone", "rate", "fits/s", (5.0,), "5 fits"),
        Measurement("many", "50 models", "alone", "cost", "s", (0.2,), "5 fits"),
        Measurement("many", "50 models", "processes", "rate", "fits/s", (8.0,), "50 fits"),
        Measurement("many", "50 models", "processes", "cost", "s", (0.25,), "50 fits"),
        Measurement("many", "50 models", "pymc", "status", note="time-out"),
    ]
    page = render(rows, [], folder="results")
    assert "| fit_many, its own processes | 50 fits | 8 | 0.25 | 0.05 |" in page
    assert "| loop over PyMC, own sampler | time-out |" in page


def test_models_of_many_differ_and_repeat() -> None:
    one, other = small(1), small(2)
    assert one.table.equals(small(1).table)
    assert not one.table.equals(other.table)
    assert len(one.levels) == 10


def test_sizes_have_labels_that_can_be_read_back() -> None:
    for size in sizes(quick=False):
        assert Size.parse(size.case) == size
    assert max(size.rows for size in sizes(quick=False)) == 10**8
    assert max(size.groups for size in sizes(quick=False)) == 10**6
    assert max(size.predictors for size in sizes(quick=False)) == 500


def test_grouped_data_are_those_of_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import grouped_data

    table, _ = grouped_data.simulate()
    case = cases.build("grouped")
    assert case.table.equals(table)
    assert case.formula == "y ~ 1 + (1 | group)"
    np.testing.assert_array_equal(case.levels[case.codes], table["group"])
    np.testing.assert_array_equal(case.known_se, 1.0)


def test_data_that_are_not_there_are_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cases, "SHARED", tmp_path)
    found = comparison.compare("radon_mn", ["stanhier"], limit=1, budget=1, repeats=1, given_up=set())
    assert [m.note for m in found] == ["left out: radon_mn.csv is not on this machine"]
    assert "left out" in summary_table(found)


def test_every_group_of_simulated_data_has_a_row() -> None:
    case = cases.simulated(50, 40, 2)
    assert len(case.levels) == 40
    assert case.X.shape == (50, 2)


def test_peers_by_name() -> None:
    assert chosen(None) == list(PEERS)
    assert chosen("stanhier,stan") == ["stanhier", "stan_centred", "stan_noncentred"]
    assert chosen("stanli_centred,stanli") == ["stanli_centred", "stanli_noncentred"]
    with pytest.raises(ValueError, match="no peer is called 'jags'"):
        chosen("jags")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout


def test_a_process_is_stopped_at_its_limit_with_what_it_started(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    code = """sleep 100 & printf '{"first": %d}' $! > "$0"; wait"""
    found, trouble = run_reporting(
        ["bash", "-c", code, str(report)], report, limit=2, log=tmp_path / "logs" / "log.txt"
    )
    assert trouble == "time-out"
    for _ in range(50):
        if not alive(found["first"]):
            break
        time.sleep(0.1)
    assert not alive(found["first"])


def test_a_process_that_fails_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    report, log = tmp_path / "report.json", tmp_path / "log.txt"
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('{}'); print('said'); sys.exit({})"
    command = [sys.executable, "-c", code.replace("{})", "0)"), str(report)]
    assert run_reporting(command, report, limit=30, log=log) == ({}, "")
    assert "said" in log.read_text()
    command[2] = "raise SystemExit(3)"
    assert run_reporting(command, report, limit=30, log=log) == ({}, "failed: the process ended with 3")


def test_command_line_and_script() -> None:
    script = ROOT / "scripts" / "benchmark"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    said = subprocess.check_output([script, "--help"], text=True)
    assert "--quick" in said
    assert all(name in said for name in cases.CASES)
    assert parser().parse_args(["--quick", "--only", "linear"]).only == "linear"
    needs = [sys.executable, ROOT / "scripts" / "benchmarks" / "options.py", "--needs-peers"]
    assert subprocess.run([*needs, "--quick"]).returncode == 1
    assert subprocess.run([*needs, "--only", "scaling"]).returncode == 1
    assert subprocess.run([*needs, "--peers", "stanhier,stan"]).returncode == 1
    assert subprocess.run([*needs, "--peers", "stanli"]).returncode == 0
    assert subprocess.run(needs).returncode == 0
