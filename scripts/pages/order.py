"""The order of pages with code."""

from pathlib import Path

__all__ = ["AsListed"]

ORDER = (
    *("define", "sample", "examine", "build", "predict"),
    *(
        "priors",
        "groups",
        "nested",
        "yes_no_counts",
        "new_groups",
        "ranking",
        "effects",
        "known_errors",
        "missing",
        "model_check",
        "comparing",
        "diagnosis",
        "many",
        "rows",
    ),
    *("sharing", "with_arviz", "approximations", "calibration", "reproducibility"),
    *("models", "whitening"),
)
"""Of the tutorial, the how-to pages and those on how it works."""


class AsListed:
    """Sorts the files of a folder in this order; sphinx-gallery makes one for each folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> int:
        """Give the place of a file."""
        return ORDER.index(Path(name).stem)

    def __repr__(self) -> str:
        return "<AsListed>"
