"""Stan programs: their texts, the hash of all that they are made of, and the executables in the cache."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import ensure_cmdstan, executable, install
from stanhier.stan import program_place, program_text
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs, stan_models_dir
from tests.tools.fake_cmdstan import PROGRAM
from tests.tools.opened import opened_files


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Stan programs that a test may change, instead of the shipped ones."""
    folder = tmp_path / "stan models"
    (folder / "functions").mkdir(parents=True)
    (folder / f"{PROGRAM}.stan").write_text(
        "functions {\n  #include functions/one.stanfunctions\n}\n"
        "parameters { real x; }\nmodel { x ~ normal(0, one()); }\n"
    )
    (folder / "functions" / "one.stanfunctions").write_text("real one() {\n  return 1;\n}\n")
    monkeypatch.setattr(program_text, "stan_models_dir", lambda: folder)
    return folder


def test_shipped_programs_are_found_with_what_they_include() -> None:
    assert {"linear_regression", "varying_intercept"} <= set(shipped_programs())
    for name in shipped_programs():
        shipped = Program(name)
        assert shipped.path == stan_models_dir() / f"{name}.stan"
        assert "model {" in shipped.source
        assert set(re.findall(r"#include (\S+)", shipped.source)) <= set(shipped.included)


def test_a_header_beside_declared_functions_belongs_to_the_program(models: Path) -> None:
    assert Program(PROGRAM).header is None
    digest = Program(PROGRAM).digest
    (models / "functions" / "one.hpp").write_text("// one\n")
    assert Program(PROGRAM).header == "functions/one.hpp"
    assert Program(PROGRAM).included["functions/one.hpp"] == "// one\n"
    assert Program(PROGRAM).digest != digest


def test_headers_that_a_header_includes_belong_to_the_program(models: Path) -> None:
    (models / "functions" / "one.hpp").write_text('#include <cmath>\n#include "another.hpp"\n')
    (models / "functions" / "another.hpp").write_text("// another\n")
    (models / "functions" / "unused.hpp").write_text("// unused\n")
    assert set(Program(PROGRAM).included) == {f"functions/{n}" for n in ("one.stanfunctions", "one.hpp", "another.hpp")}
    assert Program(PROGRAM).header == "functions/one.hpp"


def test_an_unknown_program_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(
        CmdStanError, match=r"no Stan program 'probit'.*linear_regression, multilevel, varying_intercept"
    ):
        Program("probit")


def test_a_missing_include_is_named(models: Path) -> None:
    (models / "functions" / "one.stanfunctions").unlink()
    with pytest.raises(CmdStanError, match=r"linear_regression\.stan includes functions/one\.stanfunctions"):
        _ = Program(PROGRAM).included


def test_is_compiled_once(parts: Path, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("FAKE_LOG", str(log))
    shipped = Program(PROGRAM)
    assert not shipped.is_compiled
    exe = shipped.exe()
    assert exe.is_relative_to(own_cache / "programs")
    assert shipped.digest in str(exe)
    assert shipped.exe() == exe
    assert shipped.is_compiled
    assert log.read_text() == "compiled\n"


def test_threads_make_another_executable(parts: Path) -> None:
    plain, threaded = Program(PROGRAM).exe(), Program(PROGRAM).exe(threads=True)
    assert plain != threaded
    assert "STAN_THREADS=TRUE" in subprocess.check_output([threaded, "info"], text=True)
    assert "STAN_THREADS=TRUE" not in subprocess.check_output([plain, "info"], text=True)


def test_everything_it_is_made_of_is_in_the_hash(parts: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(progress=False)
    seen = [Program(PROGRAM).digest]
    (models / "functions" / "one.stanfunctions").write_text("real one() {\n  return 1.0;\n}\n")
    seen.append(Program(PROGRAM).digest)
    with (models / f"{PROGRAM}.stan").open("a") as file:
        file.write("// a comment\n")
    seen.append(Program(PROGRAM).digest)
    monkeypatch.setattr(program_place, "STANC_OPTIONS", {"warn-pedantic": True})
    seen.append(Program(PROGRAM).digest)
    monkeypatch.setenv("CXX", "g++ -pipe")
    seen.append(Program(PROGRAM).digest)
    assert len(set(seen)) == len(seen)


def test_the_users_cmdstan_is_in_the_hash(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [Program(PROGRAM).digest]
    own = tmp_path / "own"
    (own / "bin").mkdir(parents=True)
    (own / "bin" / "stanc").write_text("#!/bin/sh\n")
    (own / "bin" / "stanc").chmod(0o755)
    (own / "makefile").write_text("CMDSTAN_VERSION := 2.36.0\n")
    monkeypatch.setenv("CMDSTAN", str(own))
    seen.append(Program(PROGRAM).digest)
    (own / "make").mkdir()
    (own / "make" / "local").write_text("CXXFLAGS += -O2\n")
    seen.append(Program(PROGRAM).digest)
    monkeypatch.setenv("CXX", "g++ -pipe")
    seen.append(Program(PROGRAM).digest)
    assert len(set(seen)) == len(seen)


def test_a_process_that_inherits_cmdstan_finds_the_same_executable(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = Program(PROGRAM).digest
    monkeypatch.setenv("CMDSTAN", str(install(progress=False)))
    assert Program(PROGRAM).digest == digest


def test_making_a_model_runs_nothing(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exe = Program(PROGRAM).exe()
    Program(PROGRAM).model()
    monkeypatch.setattr(subprocess, "Popen", None)  # calling it would fail
    with opened_files() as read:
        model = Program(PROGRAM).model()
    assert len(read) < 20, "the program's text, what it includes and a few records"
    assert str(exe) not in read, "the executable has been compared before"
    assert model.exe_file == str(exe)
    assert model.name == PROGRAM


@pytest.mark.parametrize("damage", ["one byte", "truncated", "not executable", "no record"])
def test_a_damaged_executable_is_compiled_anew(
    parts: Path, damage: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exe = Program(PROGRAM).exe()
    intact = exe.read_bytes()
    match damage:
        case "one byte":
            exe.write_bytes(intact[:-2] + b"?" + intact[-1:])
        case "truncated":
            exe.write_bytes(intact[:20])
        case "not executable":
            exe.chmod(0o644)
        case "no record":
            (exe.parent / "stanhier.json").unlink()
    monkeypatch.setattr(executable, "_compared", set())  # as in a new process
    assert not Program(PROGRAM).is_compiled
    assert Program(PROGRAM).exe() == exe
    assert exe.read_bytes() == intact
    assert "damaged" in caplog.text


def test_a_damaged_executable_without_a_compiler_is_an_error(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exe = Program(PROGRAM).exe()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert Program(PROGRAM).exe() == exe, "an executable needs no compiler any more"
    assert Program(PROGRAM).is_compiled
    exe.write_bytes(b"#!/bin/sh\n")
    with pytest.raises(CmdStanError, match=r"no C\+\+ compiler is there"):
        Program(PROGRAM).exe()


def test_rebuild_compiles_anew(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("FAKE_LOG", str(log))
    exe = Program(PROGRAM).exe()
    assert Program(PROGRAM).rebuild() == exe
    assert log.read_text() == "compiled\ncompiled\n"


def test_a_failed_compilation_shows_the_compilers_words_and_leaves_nothing(
    parts: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(progress=False)
    monkeypatch.setenv("FAKE_FAILURE", "error: 'foo' was not declared in this scope")
    with pytest.raises(CmdStanError, match=r"(?s)linear_regression\.stan did not compile.*'foo' was not declared"):
        Program(PROGRAM).exe()
    assert not Program(PROGRAM).is_compiled
    assert not list((own_cache / "staging").iterdir())


def test_an_executable_that_does_not_run_is_not_kept(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    makefile = parts / "home" / "makefile"
    makefile.write_text(makefile.read_text().replace("#!/bin/sh\\n", "#!/bin/sh\\nexit 3\\n"))
    with pytest.raises(CmdStanError, match=r"was compiled with .*, but does not run"):
        Program(PROGRAM).exe()
    assert not Program(PROGRAM).is_compiled


def test_cmdstan_is_as_before_after_a_compilation(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Program(PROGRAM).exe()
    assert "CMDSTAN" not in os.environ
    monkeypatch.setenv("CMDSTAN", str(install(progress=False)))
    Program(PROGRAM).rebuild()
    assert os.environ["CMDSTAN"] == str(install(progress=False))


def test_stancs_words_reach_the_user(
    cmdstan_home: Path, models: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMDSTAN", str(cmdstan_home))
    (models / f"{PROGRAM}.stan").write_text("parameters { real x; }\nmodel { x ~ nirmal(0, 1); }\n")
    with pytest.raises(CmdStanError, match=r"(?s)did not compile.*Semantic error in 'linear_regression\.stan', line 2"):
        Program(PROGRAM).exe()


@pytest.mark.slow
def test_a_program_compiles_where_the_path_has_blanks(cmdstan_home: Path, models: Path, own_cache: Path) -> None:
    home = own_cache / "homes" / cmdstan_home.name  # a home may be moved, also to where the path has blanks
    shutil.copytree(cmdstan_home, home, symlinks=True, copy_function=os.link)
    assert ensure_cmdstan() == home
    exe = Program(PROGRAM).exe()
    assert " " in str(exe)
    said = subprocess.check_output([exe, "info"], text=True)
    assert "stan_version_major = 2" in said
    fit = Program(PROGRAM).model().sample(chains=1, iter_warmup=200, iter_sampling=200, seed=1, show_progress=False)
    assert fit.metadata.cmdstan_config["model"] == f"{PROGRAM}_model"
    assert abs(fit.draws_pd()["x"].mean()) < 1
