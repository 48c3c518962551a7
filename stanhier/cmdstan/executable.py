"""Make an executable of a Stan program with a CmdStan, and tell later whether it is still what was made."""

import errno
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import locate
from stanhier.cmdstan.build import in_a_plain_path, make_program, what_to_do
from stanhier.cmdstan.cache import reading
from stanhier.cmdstan.disk import fingerprint
from stanhier.cmdstan.toolchain import require_make

__all__ = ["compile_program", "executable_name", "fault_of", "is_intact", "read_record", "write_record"]

_RECORD = "stanhier.json"
_TBB: Mapping[str, str] = {"Linux": "libtbb.so.2", "Darwin": "libtbb.dylib"}
_THREADS: Mapping[str, str] = {"STAN_THREADS": "TRUE"}

# Executables that this process has compared with their checksums and run: path, time, size.
_compared: set[tuple[str, int, int]] = set()


def executable_name(name: str) -> str:
    """Name the executable of a program as the system wants it.

    Parameters
    ----------
    name : str
        The program.

    Returns
    -------
    str
        The name of the file.
    """
    return f"{name}.exe" if platform.system() == "Windows" else name


def is_intact(exe: Path) -> bool:
    """Tell whether an executable is what was compiled, and runs.

    Parameters
    ----------
    exe : Path
        The executable, beside the record of it.

    Returns
    -------
    bool
        False when `fault_of` finds something.

    Raises
    ------
    CmdStanError
        When this user may not read it.
    """
    return not fault_of(exe)


@reading()
def fault_of(exe: Path) -> str:
    """Compare an executable with what was compiled, and run it: in full once per process, then by size and time.

    Parameters
    ----------
    exe : Path
        The executable, beside the record of it.

    Returns
    -------
    str
        What is wrong with it, for example that it was changed, or what the system says instead of running it; empty
        when all is well.

    Raises
    ------
    CmdStanError
        When this user may not read it.
    """
    try:
        status = exe.stat()
    except PermissionError:  # it is there, and closed to this user
        raise
    except OSError as err:
        return f"it cannot be read ({err.strerror})"
    if not os.access(exe, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(exe))
    if not os.access(exe, os.X_OK):
        return "it may not be run (no permission)"
    key = (str(exe), status.st_mtime_ns, status.st_size)
    if key in _compared:
        return ""
    try:
        record = read_record(exe)
        made = {exe.name: record["sha256"], **record.get("libraries", {})}
        changed = [name for name, digest in made.items() if fingerprint(exe.with_name(name)) != digest]
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "what was recorded when it was compiled cannot be read, or a library beside it"
    if changed:
        return f"changed since it was compiled: {', '.join(changed)}"
    said = _said_instead_of_running(exe)
    if said:
        return f"it does not run: {said}"
    _compared.add(key)
    return ""


def compile_program(
    home: Path,
    folder: Path,
    name: str,
    *,
    header: str | None,
    stanc_options: Mapping[str, bool],
    threads: bool,
    compiler: str,
    origin: Path,
) -> None:
    """Compile a program in a folder of its own, check that it runs, and record what it is.

    Parameters
    ----------
    home : Path
        The CmdStan.
    folder : Path
        Holds ``name.stan`` and what it includes; gets the executable and the record.
    name : str
        The program.
    header : str or None
        The file in that folder that defines the functions which the program only declares.
    stanc_options : mapping
        Options of Stan's compiler.
    threads : bool
        Whether it is to run several chains in one process.
    compiler : str
        The C++ compiler, for the record.
    origin : Path
        The file that the user knows the program by, for messages.

    Raises
    ------
    CmdStanError
        When it does not compile or does not run: with the words of ``stanc`` or of the C++ compiler.
    """
    # The link's words for the folder stay between make and stanc; the user knows the file by its origin.
    with in_a_plain_path(folder) as plain:
        flags = [f"--filename-in-msg={name}.stan", *(f"--{option}" for option, on in stanc_options.items() if on)]
        flags += [f"--name={name}_model", f"--include-paths={plain.as_posix()}"]
        flags += ["--allow-undefined"] if header else []
        options = [f"STANCFLAGS+={flag}" for flag in flags]
        options += [f"{variable}={value}" for variable, value in _THREADS.items()] if threads else []
        options += [f"USER_HEADER={(plain / header).as_posix()}"] if header else []
        said = make_program(home, require_make(), plain / executable_name(name), options)
    if said is not None:
        remedy = _remedy(said)
        words = said.replace(str(plain), str(origin.parent)).replace(str(folder), str(origin.parent)).strip()
        raise CmdStanError(f"The Stan program {origin} did not compile.\n{words}{remedy}")
    exe = folder / executable_name(name)
    libraries = _bring_libraries(home, folder)
    failure = _said_instead_of_running(exe)
    if failure:
        raise CmdStanError(f"{origin} was compiled with {compiler}, but does not run: {failure}.")
    for left in folder.iterdir():
        if left.suffix in {".hpp", ".o", ".d"}:
            left.unlink()
    write_record(exe, libraries, compiler)


def write_record(exe: Path, libraries: Sequence[Path], compiler: str) -> None:
    """Record what an executable is, by which `fault_of` knows it again.

    Parameters
    ----------
    exe : Path
        The executable.
    libraries : sequence of Path
        What stands beside it, and is loaded by it.
    compiler : str
        What it was compiled with.
    """
    beside = {library.name: fingerprint(library) for library in libraries}
    record = {"sha256": fingerprint(exe), "libraries": beside, "compiler": compiler}
    exe.with_name(_RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


def read_record(exe: Path) -> dict[str, Any]:
    """Read what `write_record` has written.

    Parameters
    ----------
    exe : Path
        The executable.

    Returns
    -------
    dict
        Checksums of the executable, ``"sha256"``, and by name of its ``"libraries"``, and the ``"compiler"``.

    Raises
    ------
    OSError, ValueError
        When it cannot be read, or is damaged.
    """
    record: dict[str, Any] = json.loads(exe.with_name(_RECORD).read_text(encoding="utf-8"))
    return record


def _bring_libraries(home: Path, folder: Path) -> list[Path]:
    """Copy TBB beside the executable, which looks for it there first: so that both may be moved without the home.

    A CmdStan of the user's has its own rules.
    """
    library = home / "lib" / _TBB.get(platform.system(), "")
    if not ((home / locate.MARKER).is_file() and library.is_file()):
        return []
    return [shutil.copyfile(library, folder / library.name)]


def _said_instead_of_running(exe: Path) -> str:
    """Let a program tell what it is; what is said when it cannot, empty when it does."""
    try:
        ran = subprocess.run(
            [exe, "info"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        return str(err)
    return "" if ran.returncode == 0 else (ran.stderr or ran.stdout).strip() or f"it ends with code {ran.returncode}"


def _remedy(said: str) -> str:
    ended = what_to_do(said)
    if ended:
        return f"\n{ended}"
    return ""
