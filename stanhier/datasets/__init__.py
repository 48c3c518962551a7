"""Small tables to try things with, which the package carries as `sh.datasets`: real data, as they were published.

A function reads its table anew each time, so what you change is yours alone. The file of each begins with its source.
"""

from typing import Any

from stanhier.basics.arguments import suggestion
from stanhier.datasets.tables import (
    bcg,
    cbpp,
    clinics,
    eight_schools,
    jsp,
    names,
    orthodont,
    penicillin,
    sleepstudy,
)

__all__ = ["bcg", "cbpp", "clinics", "eight_schools", "jsp", "names", "orthodont", "penicillin", "sleepstudy"]


def __getattr__(name: str) -> Any:
    """Say which tables there are where one is asked for that is not there."""
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'. {suggestion(name, __all__)}")
