"""Which CmdStan is used: one that the user has, else the home in stanhier's cache."""

import hashlib
import json
import os
import platform
import re
from functools import cache
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan.cache import cache_dir, reading
from stanhier.cmdstan.toolchain import Compiler
from stanhier.cmdstan.wheel import STAN_VERSION, wheel_for_this_machine

__all__ = [
    "HOME_FILES",
    "MARKER",
    "OLDEST",
    "activate",
    "built_homes",
    "check_usable",
    "content_name",
    "find_built",
    "find_chosen",
    "find_users",
    "home_name",
    "is_complete",
    "read_version",
]

OLDEST = (2, 33)
MARKER = "stanhier.json"
HOME_FILES = Path(__file__).with_name("home")
"""The makefile and the driver, which are copied into every home."""

_VERSION = re.compile(r"CMDSTAN_VERSION := (\d+)\.(\d+)\.(\S+)")
_activated: dict[str, str] = {}


def find_chosen() -> Path | None:
    """Find the CmdStan that ``CMDSTAN`` names: the user set it, or cmdstanpy did, as `cmdstanpy.set_cmdstan_path` does.

    Returns
    -------
    Path or None
        None where it is not set, or where stanhier set it. Not yet checked.

    Raises
    ------
    CmdStanError
        When there is no CmdStan.
    """
    chosen = os.environ.get("CMDSTAN", "")
    if not chosen or chosen == _activated.get("CMDSTAN"):
        return None
    if not (Path(chosen) / "makefile").is_file():
        raise CmdStanError(
            f"CMDSTAN is set to {chosen}, where there is no CmdStan (no file named makefile). "
            "Correct it, or unset it: stanhier then finds or builds one."
        )
    return Path(os.path.normpath(chosen))


def find_users() -> Path | None:
    """Find the CmdStan that cmdstanpy would use by itself.

    Returns
    -------
    Path or None
        What ``CMDSTAN`` says, else the newest below ``~/.cmdstan``; None when there is neither. Not yet checked.

    Raises
    ------
    CmdStanError
        When ``CMDSTAN`` is set, and there is no CmdStan.
    """
    chosen = find_chosen()
    if chosen is not None:
        return chosen
    installed = Path.home() / ".cmdstan"
    if not any(installed.glob("cmdstan-*/makefile")):
        return None
    from cmdstanpy.utils.cmdstan import get_latest_cmdstan

    newest = get_latest_cmdstan(str(installed))
    return None if newest is None else installed / newest


def check_usable(home: Path) -> None:
    """Check a CmdStan of the user's: its version and that it is built.

    Parameters
    ----------
    home : Path
        The CmdStan.

    Raises
    ------
    CmdStanError
        When it is too old, not built, or has no version that can be read.
    """
    instead = "Or set CMDSTAN to another one: `stanhier install` builds one and prints where it is."
    version = read_version(home)
    if version is None:
        raise CmdStanError(
            f"The makefile of the CmdStan in {home} does not tell its version. Install it anew. {instead}"
        )
    if version[:2] < OLDEST:
        raise CmdStanError(
            f"The CmdStan in {home} is version {'.'.join(map(str, version))}; "
            f"stanhier needs {'.'.join(map(str, OLDEST))} or later. Install a newer one. {instead}"
        )
    stanc = home / "bin" / ("stanc.exe" if platform.system() == "Windows" else "stanc")
    if not os.access(stanc, os.X_OK):
        raise CmdStanError(f"The CmdStan in {home} is not built: {stanc} is missing. Run `make build` there. {instead}")


def read_version(home: Path) -> tuple[int, int, int] | None:
    """Read the version from a makefile of CmdStan.

    Parameters
    ----------
    home : Path
        The CmdStan.

    Returns
    -------
    tuple of int or None
        For example ``(2, 35, 0)``; the third number is 0 where it is not a number. None when it is not there.
    """
    try:
        found = _VERSION.search((home / "makefile").read_text(encoding="utf-8", errors="replace"))
    except OSError as err:
        raise CmdStanError(f"The CmdStan in {home} cannot be read: {err}.") from err
    if found is None:
        return None
    patch = re.match(r"\d*", found[3])
    return int(found[1]), int(found[2]), int(patch[0] or 0) if patch else 0


def content_name() -> str:
    """Name what a home of this stanhier is made of: the driver, the makefile and the wheel, but not the compiler.

    Returns
    -------
    str
        The beginning of the names of such homes, for example ``cmdstan-2.39.0-0123456789``.

    Raises
    ------
    CmdStanError
        When there is no wheel for this machine.
    """
    return f"cmdstan-{STAN_VERSION}-{_content_digest(HOME_FILES, wheel_for_this_machine().sha256)}"


def home_name(compiler: Compiler, *, native: bool = False) -> str:
    """Name the home that this stanhier builds with a compiler.

    Parameters
    ----------
    compiler : Compiler
        The C++ compiler.
    native : bool
        Whether it is built for the processor of this machine alone.

    Returns
    -------
    str
        The name of the folder below ``homes`` in the cache.
    """
    ending = f"-native-{_digest(_processor())}" if native else ""
    return f"{content_name()}-{_digest(compiler.identity)}{ending}"


@reading()
def find_built(compiler: Compiler | None, *, native: bool | None = None) -> Path | None:
    """Find the home in the cache that this stanhier built and can use as it is.

    Parameters
    ----------
    compiler : Compiler or None
        The C++ compiler; with None a home from any compiler will do, since nothing can be compiled.
    native : bool or None
        Whether it is to be built for this processor; None takes such a home where there is one.

    Returns
    -------
    Path or None
        A complete home, or None.

    Raises
    ------
    CmdStanError
        When this user may not look into the cache.
    """
    homes = cache_dir() / "homes"
    if compiler is None:
        found = [home for home in homes.glob(f"{content_name()}-*") if is_complete(home)]
        return max(found, key=lambda home: (home / MARKER).stat().st_mtime, default=None)
    if native is not False and any(homes.glob(f"{content_name()}-*-native-*")):
        home = homes / home_name(compiler, native=True)
        if is_complete(home):
            return home
    if native:
        return None
    home = homes / home_name(compiler)
    return home if is_complete(home) else None


@reading()
def is_complete(home: Path) -> bool:
    """Check, without reading them, that the files that every program needs are there in their full length.

    Parameters
    ----------
    home : Path
        A home in the cache.

    Returns
    -------
    bool
        Whether the home can be used.

    Raises
    ------
    CmdStanError
        When this user may not read it.
    """
    try:
        vital = json.loads((home / MARKER).read_text(encoding="utf-8"))["files"]
        place = str(home)  # asked before each run, and paths of pathlib take longer than the system
        return all(os.stat(f"{place}/{name}").st_size == facts["size"] for name, facts in vital.items())  # noqa: PTH116
    except PermissionError:  # it is there, and closed to this user
        raise
    except (OSError, ValueError, KeyError):
        return False


@reading()
def built_homes() -> list[Path]:
    """List the homes in the cache, those of other versions of stanhier too.

    Returns
    -------
    list of Path
        The folders, sorted by name.

    Raises
    ------
    CmdStanError
        When this user may not look into the cache.
    """
    return sorted(home for home in (cache_dir() / "homes").glob("cmdstan-*") if home.is_dir())


def activate(home: Path) -> None:
    """Let cmdstanpy use a home, unless the user has chosen one by ``CMDSTAN``.

    Parameters
    ----------
    home : Path
        The CmdStan to use in this process.
    """
    present = os.environ.get("CMDSTAN", "")
    if not present or present == _activated.get("CMDSTAN"):
        os.environ["CMDSTAN"] = _activated["CMDSTAN"] = str(home)


@cache
def _content_digest(files: Path, wheel: str) -> str:
    digest = hashlib.sha256(wheel.encode())
    for path in sorted(files.rglob("*")):
        if path.is_file():
            digest.update(f"\0{path.relative_to(files).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:10]


def _processor() -> str:
    """Describe the processor as far as ``-march=native`` depends on it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    lines = dict(
        line.split(":", 1) for line in text.splitlines() if line.startswith(("model name", "flags", "Features"))
    )
    return f"{platform.machine()} {sorted(lines.items())}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
