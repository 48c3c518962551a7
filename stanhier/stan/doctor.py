"""Examine what stanhier needs: CmdStan, the compiler, make, the cache and the compiled programs."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.basics.words import some_of
from stanhier.cmdstan import cache, installer, locate
from stanhier.cmdstan.disk import free_bytes, size_on_disk
from stanhier.cmdstan.toolchain import find_compiler, find_make, install_advice, require_compiler, require_make
from stanhier.cmdstan.wheel import STAN_VERSION
from stanhier.stan.program import Program
from stanhier.stan.program_place import programs_dir
from stanhier.stan.program_text import shipped_programs
from stanhier.stan.shipped import shipped_dir

__all__ = ["Finding", "examine", "leftovers"]


_KINDS = {"plain": False, "with threads": True}
_SPARED = 'none: needed for sample(engine="textbook") alone, since the other programs came compiled with stanhier'


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    topic : str
        What was looked at.
    well : bool
        Whether it is as it should be.
    text : str
        What was found, and what to do about it when it is not well.
    """

    topic: str
    well: bool
    text: str


def examine() -> list[Finding]:
    """Look at everything that stanhier needs; nothing is built or changed.

    Returns
    -------
    list of Finding
        In the order in which a person would look.
    """
    spared = _all_came_compiled()
    return [
        _finding("CmdStan", partial(_look_at_cmdstan, spared=spared)),
        _finding("compiler", partial(_look_at_compiler, spared=spared)),
        _finding("make", partial(_look_at_make, spared=spared)),
        *_examine_cache(),
        *[_finding(name, partial(_look_at_program, name)) for name in shipped_programs()],
        *_examine_leftovers(),
    ]


def _all_came_compiled() -> bool:
    """Tell whether every shipped program has an executable that came with the package and is used."""
    try:
        return all(Program(name).used_shipped(threads=False) is not None for name in shipped_programs())
    except CmdStanError:  # what is wrong is said of CmdStan and of each program
        return False


def _look_at_cmdstan(*, spared: bool) -> str:
    users = locate.find_users()
    if users is not None:
        locate.check_usable(users)
        if (users / locate.MARKER).is_file():
            return _look_at_users_home(users)
        return f"{_version(users)}, yours, in {users}"
    compiler = find_compiler()
    home = locate.find_built(compiler)
    if home is None and compiler is not None:
        place = cache.cache_dir() / "homes" / locate.home_name(compiler)
        home = place if place.is_dir() else None  # not whole: the damage is told below
    if home is None and spared:
        return _SPARED
    if home is None:
        raise CmdStanError("none yet: run `stanhier install`, or let the first model that is sampled build it")
    damaged = installer.damaged_files(home)
    if damaged:
        raise CmdStanError(f"damaged in {home}: {some_of(damaged)}\nrun `stanhier install --force`")
    return f"{_version(home)}, built by stanhier, in {home}"


def _look_at_users_home(home: Path) -> str:
    """Look at a home of stanhier's that CMDSTAN names."""
    damaged = installer.damaged_files(home)
    if damaged:
        raise CmdStanError(
            f"damaged in {home}, which CMDSTAN names: {some_of(damaged)}\n"
            "unset CMDSTAN, or set it to what `stanhier install` prints"
        )
    text = f"{_version(home)}, built by stanhier, yours by CMDSTAN, in {home}"
    built_from = json.loads((home / locate.MARKER).read_text(encoding="utf-8")).get("content")
    if built_from == locate.content_name():
        return text
    return f"{text}\nan earlier or later stanhier built it; unset CMDSTAN to use {STAN_VERSION}"


def _look_at_compiler(*, spared: bool) -> str:
    if find_compiler() is None and spared:
        return f"{_SPARED}\n{install_advice()}"
    compiler = require_compiler()
    return f"{compiler.version} ({compiler.path})"


def _look_at_make(*, spared: bool) -> str:
    return _SPARED if find_make() is None and spared else str(require_make())


def _look_at_program(name: str) -> str:
    program = Program(name)
    shipped = program.shipped()
    if shipped is not None and not shipped.why_not:
        return "came compiled with stanhier, and runs"
    if not shipped_dir().is_dir():
        return _look_at_own(program)
    reason = "is of another text" if shipped is None else f"is not used: {shipped.why_not}"
    note = f"\nwhat came compiled with stanhier {reason}"
    try:
        return _look_at_own(program) + note
    except CmdStanError as err:
        raise CmdStanError(f"{err}{note}") from err


def _look_at_own(program: Program) -> str:
    """Look at the executables that are compiled on this machine."""
    faults = {kind: program.fault(threads=threads) for kind, threads in _KINDS.items()}
    broken = [f"{kind}: {fault}" for kind, fault in faults.items() if fault]
    if broken:
        raise CmdStanError(
            "\n".join([*broken, "the first model that needs it compiles it anew, or `stanhier compile`"])
        )
    compiled = [kind for kind, threads in _KINDS.items() if program.compiled_exe(threads=threads) is not None]
    if not compiled:
        raise CmdStanError("not compiled yet: run `stanhier compile`, or let the first model that needs it compile it")
    return f"compiled {' and '.join(compiled)}, and runs"


def _examine_cache() -> list[Finding]:
    root = cache.cache_dir()
    present = root
    while not present.exists():
        present = present.parent
    text = f"{size_on_disk(root) / 1e6:.0f} MB in {root}, {free_bytes(root) / 1e9:.1f} GB free"
    if not os.access(present, os.W_OK):
        text += "\nit is read-only: what is in it can be used, nothing can be added"
    return [Finding("cache", well=True, text=text)]


def _examine_leftovers() -> list[Finding]:
    try:
        old = leftovers()
    except CmdStanError:
        return []  # what is wrong is said above; what is of use cannot be known before it is put right
    if not old:
        return []
    lines = [f"{folder} ({size_on_disk(folder) / 1e6:.0f} MB)" for folder in old]
    what = "of other versions or interrupted runs; `stanhier install --remove-old` removes them, if nothing uses them:"
    return [Finding("leftovers", well=True, text="\n".join([what, *lines]))]


@cache.reading()
def leftovers() -> list[Path]:
    """List what this version of stanhier, with this compiler, would not choose, and what interrupted runs left.

    What it would choose if no program had come with the package is not among them: another environment may use it.

    Returns
    -------
    list of Path
        Folders of the cache: homes of other versions, programs, those written for one model too, and what was half
        made. A home that ``CMDSTAN`` names and what another process is making are not among them.

    Raises
    ------
    CmdStanError
        When it cannot be known, because the user's CmdStan cannot be used, or this user may not read the cache.
    """
    exes = [Program(name).cached_exe(threads=threads) for name in shipped_programs() for threads in _KINDS.values()]
    used = {locate.find_users(), *(exe.parent for exe in exes if exe is not None)}
    homes = [home for home in locate.built_homes() if not home.name.startswith(locate.content_name())]
    half_made = [folder for folder in _folders(cache.cache_dir() / "staging") if not _is_at_work(folder)]
    return [folder for folder in [*homes, *_folders(programs_dir()), *half_made] if folder not in used]


def _is_at_work(staging: Path) -> bool:
    """Tell whether the process that makes something in a staging folder is still there."""
    import psutil

    process = staging.name.rpartition(".")[2].partition("-")[0]
    return process.isdigit() and psutil.pid_exists(int(process))


def _folders(parent: Path) -> list[Path]:
    return sorted(parent.iterdir()) if parent.is_dir() else []


def _version(home: Path) -> str:
    version = locate.read_version(home)
    return "?" if version is None else ".".join(map(str, version))


def _finding(topic: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(topic, well=True, text=look())
    except CmdStanError as err:
        return Finding(topic, well=False, text=str(err))
