"""How much memory a process takes, and those that it starts, looked at while they run.

What the system counts of an ended child begins with what its parent had when it was started, so it cannot be used.
"""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Watching"]

EVERY = 0.1
PROC = Path("/proc")


class Watching:
    """Watch this process and its children within a `with`; where the system has no /proc, nothing is seen.

    Attributes
    ----------
    own : float
        MB of this process at its peak so far; known after the `with`.
    largest : float
        MB of the child that took most, at its peak.
    together : float
        MB of all children at the same time, at the peak; what they share counts once.
    """

    def __init__(self) -> None:
        self.own = self.largest = self.together = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.own = _megabytes(PROC / "self" / "status", "VmHWM")

    @property
    def seen(self) -> dict[str, float]:
        """By name, as a report has it; nothing where there was nothing to see."""
        seen = {"own": self.own, "largest": self.largest, "together": self.together}
        return {name: size for name, size in seen.items() if size > 0}

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            children = _children()
            peaks = [_megabytes(child / "status", "VmHWM") for child in children]
            shares = [_megabytes(child / "smaps_rollup", "Pss") for child in children]
            self.largest = max(self.largest, *peaks, 0.0)
            self.together = max(self.together, sum(shares))


def _children() -> list[Path]:
    """The folders of the processes that threads of this one have started."""
    found = []
    for file in PROC.glob("self/task/*/children"):
        try:
            found += [PROC / pid for pid in file.read_text().split()]
        except OSError:  # the thread has ended meanwhile
            continue
    return found


def _megabytes(file: Path, entry: str) -> float:
    """Read one entry in MB; 0 of a process that has ended meanwhile."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) / 1024 for line in lines if line.startswith(f"{entry}:"))
