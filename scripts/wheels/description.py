"""The README as the description of a wheel: without links to files that stand in the repository alone.

hatchling runs it when it builds, from the sdist too, so it imports nothing else of the project.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = ["Description", "described"]


class Description(MetadataHookInterface):
    """Puts it into the metadata of the project."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set what pyproject.toml calls dynamic."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": described(text)}


def described(readme: str) -> str:
    """Leave out pictures that are files, and name files instead of linking to them.

    Parameters
    ----------
    readme : str
        The README.

    Returns
    -------
    str
        The same for readers who have only the wheel; links to other sites stay.
    """
    text = re.sub(r"^!\[[^\]]*\]\((?!https?://)[^)]*\)\n\n", "", readme, flags=re.MULTILINE)
    return re.sub(r"\[([^\]]*)\]\((?!https?://)([^)\s]+)\)", r"\1 (`\2`)", text)
