"""What is kept of every fit of many, wherever the fit itself is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from stanhier.posterior.parameter_table import ParameterTable

__all__ = ["SummedUp"]


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
