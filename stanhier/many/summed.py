"""What is kept of every fit of many, wherever the fit itself is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from stanhier.basics.words import listed, quoted
from stanhier.many.asked import described
from stanhier.posterior.parameter_table import ParameterTable

__all__ = ["LISTED", "SummedUp", "what_is_wrong"]

LISTED = 5
"""Names of models that messages have, at most."""


@dataclass(frozen=True)
class SummedUp:
    """What is kept of every fit, wherever the fit itself is.

    Attributes
    ----------
    table : ParameterTable
    problems : tuple of str
        What `Fit.diagnose` says.
    """

    table: ParameterTable
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain lists."""
        return {**self.table.as_dict(), "problems": list(self.problems)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Make it from what `as_dict` gives."""
        return cls(ParameterTable.from_dict(plain), tuple(plain["problems"]))


def what_is_wrong(fits: Mapping[str, SummedUp], failures: Mapping[str, Exception]) -> list[str]:
    """Say which models failed and which fits cannot be trusted, each in one sentence with the reason of the first."""
    said = []
    doubtful = {name: one.problems[0] for name, one in fits.items() if one.problems}
    for first, error in list(failures.items())[:1]:
        n = len(failures) + len(fits)
        said += [
            f"{len(failures)} of {n} models could not be fitted: {listed(failures, LISTED)}; see "
            f"`.failures`. Of {quoted(first)}: {described(error)}"
        ]
    for first, problem in list(doubtful.items())[:1]:
        said += [
            f"The draws of {len(doubtful)} of {len(fits)} fits cannot be trusted: {listed(doubtful, LISTED)}; see "
            f"`.problems`. Of {quoted(first)}: {problem}"
        ]
    return said
