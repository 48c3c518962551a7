"""One line that changes while something works: in a terminal, or in a notebook, which keeps its last state alone."""

import shutil
import sys
from importlib import import_module
from typing import Any

__all__ = ["Line"]


class Line:
    """A line of text on stderr, or below the cell of a notebook; nothing of it needs ipywidgets.

    Where stderr is neither, as in a log, only what is kept is written.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._moves = self._stream is not None and self._stream.isatty()
        self._in_notebook = _in_notebook()
        self._display: Any = None
        self._is_seen = False

    def show(self, text: str) -> None:
        """Put another text in the place of the one before."""
        if self._in_notebook:
            self._put(text)
        elif self._moves:
            room = shutil.get_terminal_size().columns - 1  # a line that is longer could not be taken back
            self._stream.write(f"\r\x1b[K{text[:room]}")
            self._stream.flush()
        self._is_seen = True

    def keep(self, text: str) -> None:
        """Put a last text there, which stays."""
        if self._in_notebook:
            self._put(text)
        elif self._stream is not None:
            self._stream.write(f"{self._erased}{text}\n")
            self._stream.flush()

    def clear(self) -> None:
        """Leave nothing."""
        if self._in_notebook and self._is_seen:
            self._put("")
        elif self._moves:
            self._stream.write(self._erased)
            self._stream.flush()

    @property
    def _erased(self) -> str:
        return "\r\x1b[K" if self._moves and self._is_seen else ""

    def _put(self, text: str) -> None:
        content = {"text/plain": text}
        if self._display is None:
            display: Any = import_module("IPython.display").display
            self._display = display(content, raw=True, display_id=True)
        else:
            self._display.update(content, raw=True)


def _in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return "ipykernel" in sys.modules and getattr(shell and shell.get_ipython(), "kernel", None) is not None
