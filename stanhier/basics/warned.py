"""Warnings that point at the caller's own line, however deep in the package they arise."""

import os
import warnings
from pathlib import Path

__all__ = ["MissingWarning", "PriorWarning", "ResponseWarning", "warn"]

_PACKAGE = str(Path(__file__).parents[1]) + os.sep


class MissingWarning(UserWarning):
    """Rows with missing values are left out."""


class PriorWarning(UserWarning):
    """A prior says something else than was meant, as far as can be told, or decides alone."""


class ResponseWarning(UserWarning):
    """A response is of a kind for which there is another family, or its offset of another kind than its link takes."""


def warn(message: str | Warning, category: type[Warning]) -> None:
    """Give a warning at the first line that is not of this package.

    Parameters
    ----------
    message : str or Warning
    category : type of Warning
    """
    warnings.warn(message, category, skip_file_prefixes=(_PACKAGE,))
