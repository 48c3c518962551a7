"""The part of the benchmark with other families of responses: cases, programs by hand, peers, and the page."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.benchmarks import comparison, families, run, worker  # noqa: E402
from scripts.benchmarks.case import Case  # noqa: E402
from scripts.benchmarks.cases import CASES  # noqa: E402
from scripts.benchmarks.options import FAMILY_CASES, parser, words_of  # noqa: E402
from scripts.benchmarks.page import INTRODUCTION, render  # noqa: E402
from scripts.benchmarks.peers import NotApplicableError, load, stan_terms  # noqa: E402
from scripts.benchmarks.records import Measurement  # noqa: E402
from scripts.benchmarks.watching import Watching  # noqa: E402

PROGRAMS = ROOT / "scripts" / "benchmarks" / "stan"
SMALL: dict[str, Callable[[], Case]] = {
    "bernoulli": lambda: families.bernoulli(400, 20),
    "poisson": lambda: families.poisson(300, 20),
    "counted": lambda: families.counted(2_000, 10),
    "student_t": lambda: families.student_t(400, 20),
    "crossed": lambda: families.crossed(20, 12),
    "nested": lambda: families.nested(60, 25, 12),
}


@pytest.fixture(params=SMALL)
def case(request: pytest.FixtureRequest) -> Case:
    return SMALL[request.param]()


def declared(program: str, block: str) -> dict[str, str]:
    """Give the names that a block of a program declares, with their types."""
    text = (PROGRAMS / f"{program}.stan").read_text()
    body = re.search(rf"^{block} {{\n(.*?)^}}", text, re.DOTALL | re.MULTILINE)
    assert body is not None
    lines = (line.split(";")[0].strip().rpartition(" ") for line in body[1].splitlines())
    return {name: kind for kind, _, name in lines}


def shape_of(kind: str, data: dict[str, Any]) -> tuple[int, ...]:
    """Give the shape of a declaration such as `array[N] int<lower=0>`."""
    sizes = re.search(r"\[([^\]=]*)\]", re.sub(r"<[^>]*>", "", kind))
    return () if sizes is None else tuple(data[s] if s in data else int(s) for s in sizes[1].split(", "))


@pytest.mark.parametrize("kind", ["centred", "noncentred"])
def test_programs_by_hand_get_what_they_declare(case: Case, kind: str) -> None:
    program = stan_terms.program_of(case, kind)
    assert program.startswith(case.family)
    data = stan_terms.data_of(case)
    for name, declaration in declared(program, "data").items():
        assert np.shape(data[name]) == shape_of(declaration, data), name
        if "int" in declaration:
            assert np.asarray(data[name]).dtype.kind == "i", name
            upper = re.search(r"upper=(\w+)", declaration)
            if upper is not None:
                largest = data.get(upper[1]) or int(upper[1])
                assert np.max(data[name]) == largest, name
    assert set(declared(program, "parameters")) == set(stan_terms.variables_of(case, kind))


def test_effects_of_three_centred_factors_are_around_those_before_them() -> None:
    case = families.nested(60, 25, 12)
    rng = np.random.default_rng(1)
    shape = (2, 5)
    alpha, sd = rng.normal(size=shape), rng.uniform(1, 2, size=(*shape, 3))
    effects = [rng.normal(size=(*shape, len(levels))) for levels, _ in case.factors]
    inner, middle, outer = (case.factors[place][0] for place in (2, 1, 0))
    own = {label: alpha + effects[0][..., j] for j, label in enumerate(outer)}
    own |= {label: own[label.rpartition(":")[0]] + effects[1][..., j] for j, label in enumerate(middle)}
    own |= {label: own[label.rpartition(":")[0]] + effects[2][..., j] for j, label in enumerate(inner)}
    draws = {f"own_{t}": np.stack([own[x] for x in case.factors[t - 1][0]], axis=-1) for t in (1, 2, 3)}
    found = stan_terms.common_draws({"alpha": alpha, "sd": sd, "beta": rng.normal(size=(*shape, 3)), **draws}, case)
    for place, name in enumerate(["location", "location:brood", "location:brood:chick"]):
        np.testing.assert_allclose(found[f"effect_{name}"], effects[place], atol=1e-12)
        np.testing.assert_array_equal(found[f"sd_{name}"], sd[..., place])


def test_programs_by_hand_are_written_for_these_structures_alone() -> None:
    with pytest.raises(NotApplicableError, match="no program by hand"):
        stan_terms.program_of(replace(families.crossed(5, 6), family="poisson"), "centred")
    with pytest.raises(NotApplicableError, match="gaussian"):
        stan_terms.program_of(replace(families.poisson(40, 5), family="gaussian"), "centred")


def test_the_package_itself_gives_draws_under_the_common_names(case: Case) -> None:
    peer = load("stanhier")
    small = replace(case, alone=(1000, 500))
    draws, divergences = peer.draws(peer.run(peer.prepare(small), 1), small)
    own = {
        f"effect_{place}": np.zeros((4, 500, len(levels))) for place, (levels, _) in enumerate(case.factors, start=1)
    }
    scalars = {name: np.zeros((4, 500)) for name in ("alpha", "sigma", "nu") if getattr(case, name, 0.0) is not None}
    by_hand = {**scalars, "beta": np.zeros((4, 500, case.X.shape[1])), "sd": np.zeros((4, 500, len(case.terms))), **own}
    expected = stan_terms.common_draws(by_hand, case)
    assert set(draws) == set(expected)
    for name, values in draws.items():
        assert values.size == expected[name].size, name
    assert divergences is not None


def test_cases_have_the_sizes_that_they_are_named_for() -> None:
    assert set(FAMILY_CASES) == set(families.FAMILIES)
    assert set(FAMILY_CASES) <= set(CASES)
    sizes = {}
    for name in set(FAMILY_CASES) - {"bernoulli_counted", "bernoulli_1m"}:
        built = CASES[name]()
        sizes[name] = (len(built.table), *(len(levels) for levels, _ in built.factors))
        assert built.alone is None
    assert sizes == {
        "bernoulli": (10_000, 200),
        "poisson": (2_000, 300),
        "bernoulli_counted_10k": (10_000, 50),
        "student_t": (5_000, 200),
        "verbagg_shape": (7_584, 316, 24),
        "grouseticks_shape": (403, 63, 118, 403),
    }
    assert CASES["verbagg_shape"]().formula.endswith("+ (1 | person) + (1 | item)")
    assert "(1 | location) + (1 | location:brood) + (1 | location:brood:chick)" in CASES["grouseticks_shape"]().formula
    counted = families.counted(20_000, 50).table
    assert len(counted.drop_duplicates()) <= 50 * 2 * 4 * 2


def test_responses_are_of_their_family_and_follow_the_predictors(case: Case) -> None:
    if case.family == "bernoulli":
        assert set(case.y) == {0, 1}
    elif case.family == "poisson":
        assert case.y.dtype.kind == "i"
        assert case.y.min() == 0
        assert case.y.var() > 1.5 * case.y.mean()  # effects spread counts further than their mean
    else:
        np.testing.assert_array_less(5 * np.median(np.abs(case.y - np.median(case.y))), np.max(np.abs(case.y)))
    slopes = np.linalg.lstsq(np.column_stack([np.ones(len(case.y)), case.X]), case.y)[0][1:]
    assert np.max(np.abs(slopes)) > 0.1


def test_a_case_that_is_alone_has_no_other_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def measured(case: str, peer: str, *_: Any, **__: Any) -> tuple[list[Measurement], None]:
        asked.append(peer)
        return [Measurement("comparison", case, peer, "status", note="failed: not run")], None

    monkeypatch.setattr(comparison, "_measure", measured)
    keywords: dict[str, Any] = {"limit": None, "budget": 1.0, "repeats": 1, "given_up": set()}
    monkeypatch.setitem(CASES, "bernoulli_1m", lambda: families.bernoulli(40, 5, alone=(500, 500)))
    comparison.compare("bernoulli_1m", ["stan_centred"], **keywords)
    assert asked == ["stanhier"]
    monkeypatch.setitem(CASES, "poisson", SMALL["poisson"])
    comparison.compare("poisson", ["stan_centred"], **keywords)
    assert asked == ["stanhier", "stanhier", "stan_centred"]


def test_a_case_that_is_alone_is_called_once_and_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(CASES, "bernoulli_1m", lambda: families.bernoulli(200, 10, alone=(1000, 500)))
    worker.main("stanhier", "bernoulli_1m", str(tmp_path / "report"), time.time(), budget=100.0, repeats=5)
    report = json.loads((tmp_path / "report").read_text())
    assert report["note"] == ""
    assert report["warm"] == [report["first"]]
    assert len(report["ess"]) == 1
    assert 400 < report["ess"][0] < 4_000
    found, rows = comparison.judge("bernoulli_1m", "stanhier", report, None)
    assert found is not None
    assert len(found.names) == 1 + 3 + 1 + 10
    rate = next(m for m in rows if m.quantity == "ESS per second")
    assert rate.median == pytest.approx(report["ess"][0] / report["first"])


def test_families_are_compared_with_stan_by_hand_unless_others_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(run, "compare", lambda name, peers, **_: compared.append((name, peers)) or [])
    for arguments in (["--only", "families"], ["--only", "poisson", "--peers", "stanhier,nutpie"]):
        options = parser().parse_args(arguments)
        peers = run.chosen(options.peers)
        list(run._measure(words_of(options.only), peers, options, Path()))
    assert [name for name, _ in compared] == [*FAMILY_CASES, "poisson"]
    assert compared[0][1] == ["stanhier", "stan_centred", "stan_noncentred"]
    assert compared[-1][1] == ["stanhier", "nutpie"]


def test_memory_of_started_processes_is_seen() -> None:
    hold = "import time; held = bytearray(b'1' * 80_000_000); time.sleep(1)"
    with Watching() as memory:
        both = [subprocess.Popen([sys.executable, "-S", "-c", hold]) for _ in range(2)]
        assert [child.wait() for child in both] == [0, 0]
    assert 75 < memory.seen["largest"] < 250
    assert memory.seen["together"] > 1.5 * 75
    assert memory.seen["own"] > 20


def test_memory_is_told_on_the_page() -> None:
    rows = [
        Measurement("comparison", "bernoulli_1m", "stanhier", "status", note="ok"),
        Measurement("comparison", "bernoulli_1m", "stanhier", "warm", "s", (200.0,)),
    ]
    assert "Peak memory" not in render(rows, [], folder="results")
    rows += [
        Measurement("comparison", "bernoulli_1m", "stanhier", f"memory in first call, {what}", "MB", (size,))
        for what, size in (("own", 1310.0), ("largest", 190.0), ("together", 620.0))
    ]
    page = render(rows, [], folder="results")
    assert "first call: 1,310 MB with" in page
    assert "process up to 190 MB, all of them together 620 MB." in page


def test_the_kept_page_begins_as_a_new_one_would() -> None:
    assert (ROOT / "scripts" / "benchmarks" / "README.md").read_text().startswith(INTRODUCTION)
