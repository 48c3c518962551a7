"""A Stan program whose text was written for one model: compiled once, and found again by its text."""

from dataclasses import dataclass, field
from pathlib import Path

from stanhier.basics.errors import CmdStanError
from stanhier.basics.words import quoted
from stanhier.cmdstan.toolchain import require_compiler, require_make
from stanhier.stan.program import Program

__all__ = ["RenderedProgram", "program_of"]

_PURPOSE = 'sample(engine="textbook") compiles a program for each model'


@dataclass(frozen=True)
class RenderedProgram(Program):
    """A Stan program that is a text, and includes nothing.

    Parameters
    ----------
    name : str
        What the executable is called: a name that Stan allows.
    text : str
        The whole program.

    Raises
    ------
    CmdStanError
        When the name is none that an executable can have.
    """

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.name.isidentifier() and self.name.isascii()):
            raise CmdStanError(f"A Stan program cannot be called {quoted(self.name)}; take letters and underscores.")

    @property
    def path(self) -> Path:
        """What the program is called where a shipped one has its file."""
        return Path(f"{self.name}.stan")

    @property
    def source(self) -> str:
        """The text of the program."""
        return self.text

    @property
    def included(self) -> dict[str, str]:
        """Nothing."""
        return {}

    def exe(self, threads: bool = False) -> Path:  # noqa: FBT001, FBT002
        """Give the executable; compile it when it is not in the cache: none ever comes with the package.

        Parameters
        ----------
        threads : bool
            Whether it is to run several chains in one process.

        Returns
        -------
        Path
            The executable in the cache.

        Raises
        ------
        CmdStanError
            As `Program.exe` does; of a missing compiler with what wants it.
        """
        if self.compiled_exe(threads=threads) is None:
            require_compiler(_PURPOSE)
            require_make(_PURPOSE)
        return super().exe(threads)


def program_of(program: str | RenderedProgram) -> Program:
    """Give the program that an engine names or has written.

    Parameters
    ----------
    program : str or RenderedProgram
        The name of a shipped program, or a program.

    Raises
    ------
    CmdStanError
        When there is no program of this name.
    """
    return program if isinstance(program, RenderedProgram) else Program(program)
