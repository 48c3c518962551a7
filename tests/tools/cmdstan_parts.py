"""What tests of the home share."""

from pathlib import Path

from stanhier.cmdstan import toolchain


def tools(folder: Path, *names: str) -> str:
    """A PATH on which only these programs are."""
    folder.mkdir()
    for name in names:
        found = toolchain.shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)
