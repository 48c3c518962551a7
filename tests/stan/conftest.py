"""What the tests of this room share."""

from pathlib import Path

import cmdstanpy  # noqa: F401  the folder that it makes when it is imported belongs into none of a test
import pytest

from stanhier.stan import doctor, program, program_place, shipped
from stanhier.stan.calling_cmdstanpy import model_of
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs
from tests.tools import variants
from tests.tools.shipped_parts import put


@pytest.fixture(scope="module")
def model():
    return variants.VARYING["default"]()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of its own, so that what is left in it can be listed."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def chain_2(tmp_path, monkeypatch, model):
    """Run a few lines of shell in place of the second chain; `$real` is the program, `$csv` the file of its draws."""
    real = Program(model.engine.program).exe()

    def disturb(lines, *, everywhere=False):
        script = tmp_path / "bin" / real.name
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f'#!/bin/sh\nreal="{real}"\nfor word in "$@"; do case "$word" in file=*.csv) csv="${{word#file=}}";; esac; '
            f'done\ncase " $* " in *" info "*) ;; *" id={"" if everywhere else "2 "}"*)\n{lines}\n;; esac\n'
            'exec "$real" "$@"\n'
        )
        script.chmod(0o755)
        monkeypatch.setattr(Program, "model", lambda *_, **__: model_of(script))

    return disturb


@pytest.fixture
def came(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The executables in the package, one for each program; whoever compiles does so with a CmdStan of the tests."""
    folder = tmp_path / "site packages" / "compiled"
    for module in (shipped, program_place, program, doctor):
        monkeypatch.setattr(module, "shipped_dir", lambda: folder)
    for name in shipped_programs():
        put(folder / Program(name).shipped_folder / name)
    return folder
