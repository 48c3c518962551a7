"""Names in a textbook program: the user's own as far as Stan allows them."""

import re
import unicodedata
from dataclasses import dataclass

from stanhier.engines.textbook.description import Description, Term

__all__ = ["ProgramNames", "TermNames", "comment", "names_of"]

_LONGEST = 40


@dataclass(frozen=True)
class TermNames:
    """The variables of a grouping factor.

    Attributes
    ----------
    size, codes : str
        Number of levels, and the level of each row.
    sd, effect, standardised : str
        Standard deviations, effects, and effects in units of these, without correlation.
    factors, correlations : tuple of str
        Of each block of correlated effects: the Cholesky factor of its correlation matrix, and that matrix.
    """

    size: str
    codes: str
    sd: str
    effect: str
    standardised: str
    factors: tuple[str, ...]
    correlations: tuple[str, ...]


@dataclass(frozen=True)
class ProgramNames:
    """The variables of a program whose names depend on the model.

    Attributes
    ----------
    intercept : str
    terms : tuple of TermNames
    """

    intercept: str
    terms: tuple[TermNames, ...]


def names_of(description: Description) -> ProgramNames:
    """Name the variables of a program.

    Every name of a term is a prefix, an underscore and what is left of the user's name, so that none is a word of
    Stan's or C++'s, and none that of something else in the program.
    """
    if description.template == "varying_intercept":
        return ProgramNames("mu_alpha", (TermNames("J", "jj", "sigma_alpha", "alpha", "", (), ()),))
    taken: set[str] = set()
    return ProgramNames("alpha", tuple(_term(term, _free(_plain(term.name), taken)) for term in description.terms))


def comment(text: str) -> str:
    """Keep a user's text on one comment line; Stan programs are ASCII outside comments, and stanc warns in them too."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split()).encode("ascii", "backslashreplace").decode()


def _term(term: Term, plain: str) -> TermNames:
    count = len(term.correlated)
    numbers = [""] if count == 1 else [str(k + 1) for k in range(count)]
    return TermNames(
        size=f"J_{plain}",
        codes=f"jj_{plain}",
        sd=f"sd_{plain}",
        effect=f"effect_{plain}",
        standardised=f"z_{plain}",
        factors=tuple(f"L{number}_{plain}" for number in numbers),
        correlations=tuple(f"cor{number}_{plain}" for number in numbers),
    )


def _plain(name: str) -> str:
    """Write a name in letters and digits of ASCII, with single underscores for the rest."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_")
    return words[:_LONGEST].strip("_") or "group"


def _free(plain: str, taken: set[str]) -> str:
    """Give a name that no other term has, and take it."""
    name, k = plain, 1
    while name in taken:
        k += 1
        name = f"{plain}_{k}"
    taken.add(name)
    return name
