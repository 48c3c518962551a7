"""Programs that were written for one model: compiled once, found again by their text."""

import pickle
from pathlib import Path

import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.stan.program import Program
from stanhier.stan.rendered import RenderedProgram, program_of

TEXT = "parameters {\n  real x;\n}\nmodel {\n  x ~ std_normal();\n}\n"


def test_is_compiled_once_for_a_text(
    parts: Path, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("FAKE_LOG", str(log))
    program = RenderedProgram("textbook", TEXT)
    assert not program.is_compiled
    exe = program.exe()
    assert exe.is_relative_to(own_cache / "programs")
    assert "compiling textbook: once" in capsys.readouterr().err
    assert RenderedProgram("textbook", TEXT).exe() == exe
    assert log.read_text() == "compiled\n"
    other = RenderedProgram("textbook", TEXT.replace("std_normal()", "normal(0, 2)")).exe()
    assert other != exe
    assert log.read_text() == "compiled\ncompiled\n"


def test_the_text_is_what_is_compiled(parts: Path) -> None:
    exe = RenderedProgram("textbook", TEXT).exe()
    assert (exe.parent / "textbook.stan").read_text() == TEXT


def test_nothing_is_included_whatever_the_text_says(parts: Path) -> None:
    program = RenderedProgram("textbook", f"#include /etc/passwd\n{TEXT}")
    assert program.included == {}
    assert program.header is None


@pytest.mark.parametrize("name", ["", "a b", "../up", "1st", "größe", "a-b"])
def test_a_name_that_no_executable_can_have_is_refused(name: str) -> None:
    with pytest.raises(CmdStanError, match="cannot be called"):
        RenderedProgram(name, TEXT)


@pytest.mark.slow
def test_a_text_that_is_no_program_is_an_error_with_the_words_of_stanc(cmdstan_home: Path) -> None:
    with pytest.raises(CmdStanError, match=r"(?s)textbook\.stan did not compile.*x ~ std_norml"):
        RenderedProgram("textbook", TEXT.replace("std_normal", "std_norml")).exe()


def test_programs_go_by_name_or_by_themselves() -> None:
    program = RenderedProgram("textbook", TEXT)
    assert program_of(program) is program
    assert program_of("linear_regression") == Program("linear_regression")
    with pytest.raises(CmdStanError, match="no Stan program 'textbook'"):
        program_of("textbook")


def test_a_program_travels_to_other_processes() -> None:
    program = RenderedProgram("textbook", TEXT)
    assert pickle.loads(pickle.dumps(program)) == program
    assert TEXT not in repr(program)
