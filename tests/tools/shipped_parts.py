"""Executables as they come with the package, made of a few lines of shell."""

from pathlib import Path

from stanhier.cmdstan.executable import write_record
from tests.tools.fake_cmdstan import PROGRAM

RUNS = "#!/bin/sh\necho stan_version_major = 2\necho stan_version_minor = 39\n"


def put(exe: Path, script: str = RUNS) -> None:
    exe.parent.mkdir(parents=True, exist_ok=True)
    exe.write_text(script)
    exe.chmod(0o755)
    library = exe.with_name("libtbb.so.2")
    library.write_text("library")
    write_record(exe, [library], "g++ somewhere else")


def exe_in(folder: Path) -> Path:
    return next(folder.glob(f"{PROGRAM}-*/{PROGRAM}"))
