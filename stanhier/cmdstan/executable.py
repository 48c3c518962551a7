"""Make an executable of a Stan program with a CmdStan, and tell later whether it is still what was made."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import locate
from stanhier.cmdstan.build import in_a_plain_path, make_program, what_to_do
from stanhier.cmdstan.cache import reading
from stanhier.cmdstan.installer import damaged_files
from stanhier.cmdstan.toolchain import require_make

__all__ = ["compile_program", "executable_name", "is_intact"]

_RECORD = "stanhier.json"
_THREADS: Mapping[str, str] = {"STAN_THREADS": "TRUE"}

# Executables whose checksum this process has compared: path, time, size.
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


@reading()
def is_intact(exe: Path) -> bool:
    """Compare an executable with what it was when it was compiled: in full once per process, then by size and time.

    Parameters
    ----------
    exe : Path
        The executable, beside the record of it.

    Returns
    -------
    bool
        False when it is missing, changed, or may not be run.

    Raises
    ------
    CmdStanError
        When this user may not read it.
    """
    try:
        status = exe.stat()
        key = (str(exe), status.st_mtime_ns, status.st_size)
        if key not in _compared:
            record = json.loads(exe.with_name(_RECORD).read_text(encoding="utf-8"))
            if record["size"] != status.st_size or record["sha256"] != _fingerprint(exe):
                return False
            _compared.add(key)
    except PermissionError:  # it is there, and closed to this user
        raise
    except (OSError, ValueError, KeyError):
        return False
    return os.access(exe, os.X_OK)


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
        remedy = _remedy(home, said)
        words = said.replace(str(plain), str(origin.parent)).replace(str(folder), str(origin.parent)).strip()
        raise CmdStanError(f"The Stan program {origin} did not compile.\n{words}{remedy}")
    exe = folder / executable_name(name)
    try:
        ran = subprocess.run([exe, "info"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise CmdStanError(f"{origin} was compiled with {compiler}, but does not run: {err}.") from err
    if ran.returncode != 0:
        raise CmdStanError(
            f"{origin} was compiled with {compiler}, but does not run: {(ran.stderr or ran.stdout).strip()}"
        )
    for left in folder.iterdir():
        if left.suffix in {".hpp", ".o", ".d"}:
            left.unlink()
    record = {"size": exe.stat().st_size, "sha256": _fingerprint(exe), "compiler": compiler}
    exe.with_name(_RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


def _remedy(home: Path, said: str) -> str:
    ended = what_to_do(said)
    if ended:
        return f"\n{ended}"
    damaged = damaged_files(home) if (home / locate.MARKER).is_file() else []
    if damaged:
        return f"\nDamaged in {home}: {', '.join(damaged)}. Run `stanhier install --force`."
    return ""


def _fingerprint(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
