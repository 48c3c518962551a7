"""The C++ compiler and make: which ones are used, which version, and what to install where they are missing."""

import json
import logging
import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.basics.files import write_whole
from stanhier.cmdstan.cache import cache_dir, make_folder, share

__all__ = ["Compiler", "find_compiler", "find_make", "install_advice", "require_compiler", "require_make"]

_log = logging.getLogger(__name__)

_INSTALL = {
    "apt-get": "sudo apt-get install g++ make",
    "dnf": "sudo dnf install gcc-c++ make",
    "yum": "sudo yum install gcc-c++ make",
    "zypper": "sudo zypper install gcc-c++ make",
    "pacman": "sudo pacman -S gcc make",
    "apk": "sudo apk add g++ make",
    "brew": "xcode-select --install",
}


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler.

    Attributes
    ----------
    command : str
        As make's ``CXX`` takes it, for example ``g++`` or ``ccache clang++``.
    path : Path
        The file that runs.
    version : str
        The first line of what ``--version`` prints.
    """

    command: str
    path: Path
    version: str

    @property
    def identity(self) -> str:
        """What a compiled program depends on: the command, its file and its version."""
        return f"{self.command}|{self.path}|{self.version}"


def find_compiler() -> Compiler | None:
    """Find the C++ compiler: ``CXX`` where it is set, else the platform's usual one.

    Returns
    -------
    Compiler or None
        None when there is no compiler. A compiler's version is asked for once and kept in the cache.

    Raises
    ------
    CmdStanError
        When a compiler is there and does not run.
    """
    usual = ("clang++", "g++", "c++") if platform.system() == "Darwin" else ("g++", "clang++", "c++")
    chosen = os.environ.get("CXX", "").strip()
    for command in (chosen,) if chosen else usual:
        words = shlex.split(command)
        found = shutil.which(words[0])
        if found is not None:
            path = Path(found).resolve()
            return Compiler(command, path, _version(words, path))
    return None


def require_compiler(purpose: str = "Stan programs are compiled") -> Compiler:
    """Find the C++ compiler, or say what to install.

    Parameters
    ----------
    purpose : str
        Why it is wanted, the beginning of the message.

    Returns
    -------
    Compiler
        The compiler.

    Raises
    ------
    CmdStanError
        When there is none.
    """
    compiler = find_compiler()
    if compiler is None:
        chosen = os.environ.get("CXX", "").strip()
        asked = f" (CXX={chosen})" if chosen else ""
        raise CmdStanError(f"{purpose}, and no C++ compiler is there{asked}. {install_advice()}")
    return compiler


def find_make() -> Path | None:
    """Find make: the environment variable ``MAKE`` where it is set, else ``make``.

    Returns
    -------
    Path or None
        None when there is none.
    """
    found = shutil.which(os.environ.get("MAKE", "") or "make")
    return None if found is None else Path(found)


def require_make(purpose: str = "Stan programs are built with make") -> Path:
    """Find make, or say what to install.

    Parameters
    ----------
    purpose : str
        Why it is wanted, the beginning of the message.

    Returns
    -------
    Path
        The program.

    Raises
    ------
    CmdStanError
        When there is none.
    """
    make = find_make()
    if make is None:
        raise CmdStanError(f"{purpose}, and no make is there. {install_advice()}")
    return make


def install_advice() -> str:
    """Say how a compiler and make are installed on this machine."""
    for manager, command in _INSTALL.items():
        if shutil.which(manager) is not None:
            return f"Install it with: {command}"
    if platform.system() == "Darwin":
        return "Install it with: xcode-select --install"
    return "Install g++ (or clang++) and make with your system's package manager, or set CXX and MAKE to them."


def _version(words: list[str], path: Path) -> str:
    """Read the version, from the cache while the compiler's file is the same."""
    status = path.stat()
    key = f"{shlex.join(words)}|{path}|{status.st_size}|{status.st_mtime_ns}"
    kept = cache_dir() / "compilers.json"
    known = _read(kept)
    if key not in known:
        known[key] = _ask_version(words)
        _write(kept, known)
    return known[key]


def _ask_version(words: list[str]) -> str:
    try:
        asked = subprocess.run(
            [*words, "--version"], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise CmdStanError(f"The C++ compiler {shlex.join(words)} does not run: {err}. {install_advice()}") from err
    if asked.returncode != 0:
        said = (asked.stderr or asked.stdout).strip()
        raise CmdStanError(f"The C++ compiler {shlex.join(words)} does not run: {said}. {install_advice()}")
    return asked.stdout.strip().partition("\n")[0]


def _read(kept: Path) -> dict[str, str]:
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as err:
        _log.info("%s cannot be read (%s): the compiler is asked again.", kept, err)
        return {}
    return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}


def _write(kept: Path, known: dict[str, str]) -> None:
    try:
        make_folder(kept.parent)
        write_whole(kept, json.dumps(known, indent=1).encode())
        share(kept)
    except OSError as err:  # a cache that is read-only still serves what is in it
        _log.info("The compiler's version is not kept: %s", err)
