"""What a person sees while CmdStan or a Stan program is built: on a terminal one line that moves, else a few lines."""

import sys
import time

__all__ = ["Progress"]

_BAR = 20


class Progress:
    """Say on stderr what is being done.

    Parameters
    ----------
    show : bool
        False says nothing at all.
    """

    def __init__(self, *, show: bool = True) -> None:
        self._show = show
        self._stream = sys.stderr
        self._moves = show and self._stream.isatty()
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """Write a line that stays.

        Parameters
        ----------
        text : str
            The line.
        """
        if self._show:
            erase = "\r\x1b[K" if self._moves else ""
            self._stream.write(f"{erase}stanhier: {text}\n")
            self._stream.flush()

    def step(self, done: int, total: int, text: str) -> None:
        """Move the line that shows how far it is; nothing where stderr is not a terminal.

        Parameters
        ----------
        done, total : int
            Steps that are finished, and steps in all.
        text : str
            What is being done now.
        """
        if self._moves:
            filled = _BAR * done // max(total, 1)
            bar = "#" * filled + "." * (_BAR - filled)
            self._stream.write(f"\r\x1b[Kstanhier: [{bar}] {done}/{total} {text[:60]} ({self.seconds:.0f} s)")
            self._stream.flush()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._start
