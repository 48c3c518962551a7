"""Run the makefile of a CmdStan: to build a home, and to compile programs; and say why that failed."""

import logging
import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from stanhier.basics.ending import run_to_the_end
from stanhier.basics.errors import CmdStanError
from stanhier.basics.limits import time_is_limited
from stanhier.cmdstan.cache import clear_errors
from stanhier.cmdstan.progress import Progress
from stanhier.cmdstan.toolchain import Compiler

__all__ = ["in_a_plain_path", "is_plain", "make_program", "run_make", "what_to_do", "write_local_options"]

_log = logging.getLogger(__name__)

_STEP = re.compile(r"^--- \[(\d+)/(\d+)\] (.*)$")
_SHOWN = 30
# No character that means something to make, to a shell or to stanc, which separates folders by commas.
_PLAIN = re.compile(r"(?:[A-Za-z]:)?[A-Za-z0-9._/+-]+")
_TIME = "The compiler was stopped: it used more time than this process may. Raise the limit (ulimit -t)."
_KILLED = (
    "The compiler was killed, most likely for want of memory: make memory free, or let fewer compilers run at once: "
    "`stanhier install --jobs 1`, `stanhier compile --jobs 1`."
)
# What compilers, linkers and make say when they are ended from outside, and what to do then.
_REMEDIES = (
    (
        r"No space left on device|Disk quota exceeded",
        "The disk is full: make room, or set STANHIER_CACHE (and TMPDIR) to folders on a larger disk.",
    ),
    (
        r"File size limit exceeded|File too large|signal 25\b",
        "The compiler was stopped: a file became larger than this process may write. Raise the limit (ulimit -f).",
    ),
    (r"CPU time limit exceeded|signal 24\b", _TIME),
    (
        r"virtual memory exhausted|out of memory|Cannot allocate memory|instance of 'std::bad_alloc'"
        r"|failed to map segment",
        "The compiler ran out of memory: raise the limit of this process if there is one (ulimit -v), make memory "
        "free, or let fewer compilers run at once: `stanhier install --jobs 1`, `stanhier compile --jobs 1`.",
    ),
    (
        r"Resource temporarily unavailable",
        "No more processes could be started: end some, or raise the limit (ulimit -u).",
    ),
    (r"\bKilled\b|signal 9\b", _KILLED),
    (
        r"(?:terminated|failed) (?:by|with|due to) signal|signal terminated program|[Ss]egmentation fault"
        r"|\b(?:Terminated|Hangup|Aborted|Bus error)\b",
        "The compiler was ended by a signal: by another program, or by a fault of its own. Try again, or set CXX to "
        "another compiler, for example to clang++.",
    ),
)


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

    def show(line: str) -> None:
        step = _STEP.match(line)
        if step:
            progress.step(int(step[1]) - 1, int(step[2]), step[3].strip())

    command = [str(make), "build", f"-j{jobs}"]
    code, said = _run(command, home, show)
    if code != 0:
        words = "\n".join(f"    {line}" for line in said[-_SHOWN:])
        remedy = what_to_do("\n".join(said)) or "Another compiler may do: set CXX, say to clang++, and try again."
        raise CmdStanError(
            f"CmdStan could not be built: `{shlex.join(command)}` failed in {home}. Its last lines were:\n{words}\n"
            f"{remedy}"
        )


def make_program(home: Path, make: Path, program: Path, options: Sequence[str]) -> str | None:
    """Compile a program.

    Parameters
    ----------
    home : Path
        The CmdStan.
    make : Path
        The program make.
    program : Path
        The file of the Stan program without ``.stan``, in a plain path.
    options : sequence of str
        Makefile variables, as make takes them.

    Returns
    -------
    str or None
        What was said, when it failed.

    Raises
    ------
    CmdStanError
        When make does not run.
    """
    code, said = _run([str(make), *options, program.as_posix()], home, lambda _line: None)
    if code == 0:
        return None
    if len(said) > 2 * _SHOWN:  # the first error is the one that counts, the end says how it ended
        said = [*said[:_SHOWN], f"[{len(said) - 2 * _SHOWN} more lines]", *said[-_SHOWN:]]
    return "\n".join(said)


@contextmanager
def in_a_plain_path(folder: Path) -> Iterator[Path]:
    """Give a path to a folder that make and shells take as it is: the folder's own, else that of a link to it.

    A makefile cannot quote what it is asked to make: a blank in a path ends it, and what follows a semicolon or an
    ampersand is a command to the shell.

    Parameters
    ----------
    folder : Path
        The folder, which exists.

    Raises
    ------
    CmdStanError
        When there is no place for a link.
    """
    folder = folder.absolute()
    if is_plain(folder):
        yield folder
        return
    places = [place for place in map(Path, (gettempdir(), "/tmp", "/var/tmp")) if is_plain(place) and place.is_dir()]  # noqa: S108
    if not places:
        raise CmdStanError(
            f"Programs cannot be compiled in {folder}: make does not take every character of this path, and there is "
            f"no temporary folder with a plainer one ({gettempdir()}). Set TMPDIR or STANHIER_CACHE to a folder whose "
            "path has letters, digits, and . _ + - alone."
        )
    with clear_errors(places[0]):
        made = TemporaryDirectory(prefix="stanhier-", dir=places[0])  # for this user alone
    with made as place:
        link = Path(place) / "folder"
        with clear_errors(link):
            link.symlink_to(folder, target_is_directory=True)
        yield link


def is_plain(path: Path) -> bool:
    """Tell whether a path has only characters that are nothing but letters to make, shells and stanc."""
    return _PLAIN.fullmatch(path.as_posix()) is not None


def what_to_do(said: str) -> str:
    """Say what to do when a build was ended from outside: by a full disk, a limit of the process, or a signal.

    Parameters
    ----------
    said : str
        What compilers, linkers and make have said.

    Returns
    -------
    str
        Empty when it was not.
    """
    remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, said)), "")
    return _TIME if remedy == _KILLED and time_is_limited() else remedy


def _run(command: list[str], home: Path, show: Callable[[str], None]) -> tuple[int, list[str]]:
    """Run make: its exit code, and what was said."""
    _log.info("Running %s in %s", shlex.join(command), home)
    # a MAKEFLAGS or CXXFLAGS of another project around us is not meant for this build
    other = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LANGUAGE"}
    # words in English, so that what ended a compiler is understood
    environment = {**{name: value for name, value in os.environ.items() if name not in other}, "LC_ALL": "C"}
    said: list[str] = []

    def heard(line: str) -> None:
        said.append(line)
        show(line)
        _log.debug("%s", line)

    try:
        code = run_to_the_end(command, folder=home, environment=environment, heard=heard)
    except OSError as err:
        raise CmdStanError(f"{err.filename or command[0]} does not run: {err.strerror}.") from err
    if code > 128:
        said.append(f"{command[0]} was terminated by signal {code - 128}")
    return code, said
