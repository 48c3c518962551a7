"""Gather the compiled programs, and what they load, as the wheel of a platform carries them.

Each stands in a folder of its own, as in the cache, with the record of what it is and the library that it loads.
"""

import os
import platform
import shutil
from pathlib import Path

from scripts.wheels.tools import run
from stanhier.cmdstan import install
from stanhier.cmdstan.executable import read_record, write_record
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs

__all__ = ["gather"]


def gather(folder: Path) -> None:
    """Put all programs into a folder; compile those that are not in the cache.

    Parameters
    ----------
    folder : Path
        Is made.

    Raises
    ------
    CmdStanError
        If there is no compiler, or a program does not compile.
    RuntimeError
        If `strip` or `patchelf` fails.
    """
    # The CmdStan that the programs of the wheel are known by: for any processor, whatever else is on this machine.
    os.environ["CMDSTAN"] = str(install())
    for name in shipped_programs():
        program = Program(name)
        compiled = program.exe()
        record = read_record(compiled)
        place = folder / program.shipped_folder
        place.mkdir(parents=True)
        exe = Path(shutil.copy(compiled, place))
        libraries = [Path(shutil.copy(compiled.parent / library, place)) for library in record["libraries"]]
        if platform.system() == "Linux":
            run("strip", exe, *libraries)
            # beside it, and not also in the cache of the machine on which it was compiled
            run("patchelf", "--set-rpath", "$ORIGIN", exe)
        write_record(exe, libraries, record["compiler"])
