"""A Stan program of stanhier's, compiled once."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import cache, installer, locate
from stanhier.cmdstan.executable import compile_program, fault_of, is_intact
from stanhier.cmdstan.progress import Progress
from stanhier.cmdstan.toolchain import require_compiler, require_make
from stanhier.stan.calling_cmdstanpy import model_of
from stanhier.stan.program_place import STANC_OPTIONS, PlacedProgram
from stanhier.stan.shipped import shipped_dir

if TYPE_CHECKING:
    from cmdstanpy import CmdStanModel

__all__ = ["Program"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program(PlacedProgram):
    """A Stan program that is shipped with stanhier.

    Parameters
    ----------
    name : str
        The name of its file without ``.stan``, for example ``"linear_regression"``.

    Raises
    ------
    CmdStanError
        When there is no such program.
    """

    @cache.reading()
    def exe(self, threads: bool = False) -> Path:  # noqa: FBT001, FBT002
        """Give the executable; compile it, and build CmdStan, when none came with the package or is in the cache.

        Parameters
        ----------
        threads : bool
            Whether it is to run several chains in one process.

        Returns
        -------
        Path
            The executable.

        Raises
        ------
        CmdStanError
            When CmdStan or a compiler is missing, the program does not compile, or the cache cannot be written.
        """
        shipped = self.used_shipped(threads=threads)
        if shipped is not None:
            return shipped
        home = installer.ensure_cmdstan()
        place = self.place(threads=threads)
        if is_intact(self.exe_in(place)):
            return self.exe_in(place)
        if not place.exists():
            return self._compile(home, place, threads=threads)
        _log.warning("%s is damaged: %s. Compiling it anew.", self.exe_in(place), fault_of(self.exe_in(place)))
        try:
            return self._compile(home, place, threads=threads)
        except CmdStanError as err:
            raise CmdStanError(f"{self.exe_in(place)} is damaged, and cannot be compiled anew. {err}") from err

    def model(self, threads: bool = False) -> "CmdStanModel":  # noqa: FBT001, FBT002
        """Give cmdstanpy's model for the executable, which is compiled when it is not there.

        Parameters
        ----------
        threads : bool
            Whether it is to run several chains in one process.

        Returns
        -------
        cmdstanpy.CmdStanModel
            The model. It knows the executable alone, so that making it runs neither stanc nor the compiler.

        Raises
        ------
        CmdStanError
            As `exe` does.
        """
        exe = self.exe(threads)
        if not exe.is_relative_to(shipped_dir()):
            locate.activate(installer.ensure_cmdstan())
        return model_of(exe)

    def rebuild(self, threads: bool = False) -> Path:  # noqa: FBT001, FBT002
        """Compile the program anew, for an executable that does not run.

        Parameters
        ----------
        threads : bool
            Whether the one that runs several chains in one process is meant.

        Returns
        -------
        Path
            The executable in the cache.

        Raises
        ------
        CmdStanError
            As `exe` does.
        """
        home = installer.ensure_cmdstan()
        return self._compile(home, self.place(threads=threads), threads=threads, force=True)

    def _compile(self, home: Path, place: Path, *, threads: bool, force: bool = False) -> Path:
        compiler = require_compiler()
        require_make()
        with cache.exclusive(place.name):
            if is_intact(self.exe_in(place)) and not force:
                return self.exe_in(place)  # another process was faster
            home = installer.repaired(home)
            show = Progress()
            show.say(f"compiling {self.name}{' with threads' if threads else ''}: once, half a minute or so")
            with cache.staging(place.name) as work:
                made = work / "program"
                with cache.clear_errors(made):
                    self._write_sources(made)
                with cache.clear_errors(made):
                    compile_program(
                        home,
                        made,
                        self.name,
                        header=self.header,
                        stanc_options=STANC_OPTIONS,
                        threads=threads,
                        compiler=compiler.identity,
                        origin=self.path,
                    )
                cache.publish(made, place)
            show.say(f"{self.name} is compiled after {show.seconds:.0f} s")
        return self.exe_in(place)

    def _write_sources(self, folder: Path) -> None:
        for name, text in {f"{self.name}.stan": self.source, **self.included}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
