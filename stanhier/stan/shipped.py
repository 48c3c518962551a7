"""Executables that came with the package, in the wheel of a platform: where they are, and when they are used.

Where a program comes from, in this order:

1. The CmdStan that ``CMDSTAN`` names compiles it, and so does a home that `stanhier install --native` built for this
   processor. A home that stanhier builds without ``--native`` is what the executables that came with the package are
   made with, so that it speaks for them, not against.
2. What came with the package is used if it is made of the program's present text and of all that this includes, by the
   same options and the same CmdStan, if it is whole, and if it runs on this machine.
3. Else the program is compiled: with the CmdStan that is found in ``~/.cmdstan``, or with stanhier's own.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import locate
from stanhier.cmdstan.cache import cache_dir
from stanhier.cmdstan.executable import executable_name, fault_of
from stanhier.cmdstan.toolchain import find_compiler

__all__ = ["Shipped", "find_shipped", "shipped_dir"]


@dataclass(frozen=True)
class Shipped:
    """An executable that came with the package.

    Attributes
    ----------
    exe : Path
        The executable.
    why_not : str
        Why it is not used; empty when it is.
    """

    exe: Path
    why_not: str


def find_shipped(name: str, folder: str) -> Shipped | None:
    """Find the executable of a program that came with the package, and decide whether it is used.

    Parameters
    ----------
    name : str
        The program.
    folder : str
        What the folder of the executable is called if it is made of the program's present text: its name and a hash.

    Returns
    -------
    Shipped or None
        None when none came with the package, or only one of another text.

    Raises
    ------
    CmdStanError
        When ``CMDSTAN`` is set, and there is no CmdStan.
    """
    exe = shipped_dir() / folder / executable_name(name)
    return Shipped(exe, _other_choice() or _fault(exe)) if exe.is_file() else None


def shipped_dir() -> Path:
    """Name the folder of the executables in the package, whether it exists or not: only some wheels have it.

    Returns
    -------
    Path
        The folder, with one for each executable and one for the libraries that they load.
    """
    return Path(__file__).parents[1] / "compiled"


def _other_choice() -> str:
    """Say which CmdStan is to compile the programs in any case; empty when none is."""
    chosen = locate.find_chosen()
    if chosen is not None:
        return "" if _is_plain_home(chosen) else f"CMDSTAN names {chosen}"
    native = _native_home()
    return "" if native is None else f"`stanhier install --native` built {native}"


def _is_plain_home(home: Path) -> bool:
    """Tell whether a CmdStan is one that this stanhier builds, for any processor."""
    try:
        made_of = json.loads((home / locate.MARKER).read_text(encoding="utf-8"))
        return bool(made_of["content"] == locate.content_name() and not made_of["native"])
    except (OSError, ValueError, KeyError, TypeError):
        return False  # a CmdStan of the user's


def _native_home() -> Path | None:
    """Find the home for this processor; the compiler is not looked for unless there may be one."""
    if not any((cache_dir() / "homes").glob(f"{locate.content_name()}-*-native-*")):
        return None
    compiler = find_compiler()
    return None if compiler is None else locate.find_built(compiler, native=True)


def _fault(exe: Path) -> str:
    try:
        return fault_of(exe)
    except CmdStanError as err:  # this user may not read it
        return str(err)
