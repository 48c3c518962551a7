"""Build the sdist, the pure wheel, and the wheel of this platform, which carries the compiled programs.

The latter is the pure wheel with more in it: nothing but this file ever puts a program into a wheel.
"""

import argparse
import platform
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.wheels.programs import gather
from scripts.wheels.tools import run

__all__ = ["LARGEST", "build", "platform_wheel"]

ROOT = Path(__file__).resolve().parents[2]
LICENSES = Path(__file__).with_name("licenses")
LARGEST = 25_000_000
"""Bytes that the wheel of a platform may take."""
OUR_LICENSE = "BSD-3-Clause"
ALL_LICENSES = "BSD-3-Clause AND Apache-2.0 AND BSL-1.0 AND MIT AND MPL-2.0"


def build(folder: Path) -> list[Path]:
    """Build all files.

    Parameters
    ----------
    folder : Path
        Where they go; files of the same names are replaced, others stay.

    Returns
    -------
    list of Path
        The sdist, the pure wheel and the wheel of the platform.

    Raises
    ------
    RuntimeError
        If a build fails, or the wheel of the platform is too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as work:
        made = Path(work)
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", work, str(ROOT))
        (sdist,), (pure,) = made.glob("*.tar.gz"), made.glob("*.whl")
        of_platform = platform_wheel(pure, made / "platform")
        return [file.replace(folder / file.name) for file in (sdist, pure, of_platform)]


def platform_wheel(pure: Path, folder: Path) -> Path:
    """Make the wheel of this platform of the pure one.

    Parameters
    ----------
    pure : Path
        The pure wheel.
    folder : Path
        Where the other one goes; is made.

    Returns
    -------
    Path
        The wheel, tagged for the oldest system that it runs on.

    Raises
    ------
    RuntimeError
        If a tool fails, or the wheel is too large.
    """
    with TemporaryDirectory() as work:
        run(sys.executable, "-m", "wheel", "unpack", "--dest", work, str(pure))
        (unpacked,) = Path(work).iterdir()
        (described,) = unpacked.glob("*.dist-info")
        gather(unpacked / "stanhier" / "compiled")
        _replace(
            described / "WHEEL",
            ("Root-Is-Purelib: true", "Root-Is-Purelib: false"),
            ("Tag: py3-none-any", f"Tag: py3-none-{_tag()}"),
        )
        texts = sorted(LICENSES.iterdir())
        for text in texts:
            (described / "licenses" / text.name).write_bytes(text.read_bytes())
        named = "".join(f"\nLicense-File: {text.name}" for text in texts)
        _replace(
            described / "METADATA",
            (f"License-Expression: {OUR_LICENSE}\n", f"License-Expression: {ALL_LICENSES}\n"),
            ("\nLicense-File: LICENSE\n", f"\nLicense-File: LICENSE{named}\n"),
        )
        folder.mkdir(parents=True)
        packed = Path(work) / "packed"
        packed.mkdir()
        linux = platform.system() == "Linux"
        run(sys.executable, "-m", "wheel", "pack", "--dest-dir", str(packed if linux else folder), str(unpacked))
        if linux:
            (raw,) = packed.iterdir()
            run(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(folder), str(raw))
    (made,) = folder.iterdir()
    if made.stat().st_size > LARGEST:
        raise RuntimeError(f"{made.name} takes {made.stat().st_size / 1e6:.1f} MB: more than {LARGEST / 1e6:.0f}.")
    return made


def _tag() -> str:
    """Name this platform; on Linux before auditwheel has found out how old a system may be."""
    if platform.system() == "Darwin":  # what is compiled here asks for this version of the system
        return f"macosx_{platform.mac_ver()[0].partition('.')[0]}_0_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _replace(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        if text.count(old) != 1:
            raise RuntimeError(f"{file.name} of the pure wheel was expected to have {old.strip()!r} once.")
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for file in build(parser.parse_args().folder.resolve()):
        print(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
