"""Small tables to try things with, which the package carries as `sh.datasets`: real data, as they were published.

A function reads its table anew each time, so what you change is yours alone. The file of each begins with its source.
"""

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
