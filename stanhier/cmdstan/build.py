"""Build a home: run its makefile, and show how far it is."""

import logging
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan.progress import Progress
from stanhier.cmdstan.toolchain import Compiler

__all__ = ["run_make", "write_local_options"]

_log = logging.getLogger(__name__)

_STEP = re.compile(r"^--- \[(\d+)/(\d+)\] (.*)$")
_SHOWN = 30


def write_local_options(home: Path, compiler: Compiler, *, native: bool) -> None:
    """Write ``make/local``, which the makefile includes: the compiler, and options for this home.

    Parameters
    ----------
    home : Path
        The home that is being built.
    compiler : Compiler
        The compiler that everything is compiled with, unless ``CXX`` is set to another one.
    native : bool
        Whether to compile for the processor of this machine alone.
    """
    lines = ["ifeq ($(origin CXX),default)", f"CXX := {compiler.command}", "endif"]
    if native:
        lines += ["override CXXFLAGS += -march=native"]
    local = home / "make" / "local"
    local.parent.mkdir(exist_ok=True)
    local.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_make(home: Path, make: Path, *, jobs: int, progress: Progress) -> None:
    """Build everything in a home that does not depend on a Stan program.

    Parameters
    ----------
    home : Path
        The home, with its makefile, headers and libraries.
    make : Path
        The program.
    jobs : int
        How many compilers run at once.
    progress : Progress
        Where the steps are shown.

    Raises
    ------
    CmdStanError
        When the build fails: with the compiler's own words.
    """
    command = [str(make), "build", f"-j{jobs}"]
    _log.info("Running %s in %s", shlex.join(command), home)
    # a MAKEFLAGS or CXXFLAGS of another project around us is not meant for this build
    environment = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}
    }
    said: list[str] = []
    try:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that all of it, compilers included, can be stopped at once
        )
    except OSError as err:
        raise CmdStanError(f"{make} does not run: {err}.") from err
    with process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line.rstrip("\n"))
                step = _STEP.match(line)
                if step:
                    progress.step(int(step[1]) - 1, int(step[2]), step[3].strip())
                _log.debug("%s", said[-1])
            code = process.wait()
        except BaseException:  # above all an interrupt
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if code != 0:
        raise CmdStanError(_failure(said, command, home))


def _failure(said: list[str], command: list[str], home: Path) -> str:
    words = "\n".join(f"    {line}" for line in said[-_SHOWN:])
    full = any("No space left on device" in line or "Disk quota exceeded" in line for line in said)
    killed = any("Killed" in line or ("cc1plus" in line and "signal" in line) for line in said)
    if full:
        remedy = "The disk is full: make room, or set STANHIER_CACHE (and TMPDIR) to folders on a larger disk."
    elif killed:
        remedy = "The compiler was killed, most likely for want of memory: try `stanhier install --jobs 1`."
    else:
        remedy = "Another compiler may do: set CXX, for example to clang++, and try again."
    return (
        f"CmdStan could not be built: `{shlex.join(command)}` failed in {home}. Its last lines were:\n{words}\n{remedy}"
    )
