"""The text of a Stan program of stanhier's, and of all that it includes."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stanhier.basics.errors import CmdStanError
from stanhier.basics.words import quoted

__all__ = ["ProgramText", "shipped_programs", "stan_models_dir"]

_HEADER = ".hpp"
_FUNCTIONS = ".stanfunctions"
_INCLUDE = re.compile(r"^[ \t]*#include[ \t]+[\"<]?([^\">\s]+)[\">]?", re.MULTILINE)
_OWN_HEADER = re.compile(r"^[ \t]*#include[ \t]+\"([^\"]+)\"", re.MULTILINE)


@dataclass(frozen=True)
class ProgramText:
    """The text of a Stan program that is shipped with stanhier.

    Parameters
    ----------
    name : str
        The name of its file without ``.stan``, for example ``"linear_regression"``.

    Raises
    ------
    CmdStanError
        When there is no such program.
    """

    name: str

    def __post_init__(self) -> None:
        if not self.path.is_file():
            raise CmdStanError(
                f"There is no Stan program {quoted(self.name)} in {self.path.parent}; "
                f"there are: {', '.join(shipped_programs()) or 'none, so the installation is broken'}."
            )

    @property
    def path(self) -> Path:
        """The file of the program."""
        return stan_models_dir() / f"{self.name}.stan"

    @property
    def source(self) -> str:
        """The text of the program, with its include lines as they are written."""
        return self.path.read_text(encoding="utf-8")

    @property
    def included(self) -> dict[str, str]:
        """The files that the program includes, also indirectly: names as the include lines have them, and texts.

        Where an included file of Stan functions has a ``.hpp`` of the same name beside it, that C++ header defines what
        the file declares, and is included as well, with the headers that it includes by names in quotes.

        Raises
        ------
        CmdStanError
            When an included file is missing.
        """
        texts: dict[str, str] = {}
        wanted = _INCLUDE.findall(self.source)
        while wanted:
            name = wanted.pop()
            if name in texts:
                continue
            try:
                texts[name] = (self.path.parent / name).read_text(encoding="utf-8")
            except OSError as err:
                raise CmdStanError(f"{self.path} includes {name}, which cannot be read: {err}.") from err
            if name.endswith(_HEADER):
                wanted += [str(PurePosixPath(name).parent / other) for other in _OWN_HEADER.findall(texts[name])]
                continue
            wanted += _INCLUDE.findall(texts[name])
            header = str(PurePosixPath(name).with_suffix(_HEADER))
            if (self.path.parent / header).is_file():
                wanted.append(header)
        return dict(sorted(texts.items()))

    @property
    def header(self) -> str | None:
        """The name of the C++ header that defines what included files declare; CmdStan takes one at most."""
        included = self.included
        headers = (name for name in included if name.endswith(_HEADER))
        return next((name for name in headers if str(PurePosixPath(name).with_suffix(_FUNCTIONS)) in included), None)


def shipped_programs() -> list[str]:
    """List the Stan programs that are shipped with stanhier.

    Returns
    -------
    list of str
        Their names, sorted.
    """
    return sorted(path.stem for path in stan_models_dir().glob("*.stan"))


def stan_models_dir() -> Path:
    """Find the Stan programs: inside the package as a wheel installs it, else beside it in a checkout.

    Returns
    -------
    Path
        The folder ``stan_models``.
    """
    package = Path(__file__).parents[1]
    inside = package / "stan_models"
    return inside if inside.is_dir() else package.parent / "stan_models"
