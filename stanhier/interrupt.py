"""Ctrl-C while Stan runs: the chains end with the call that started them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["chains_end_on_interrupt"]


@contextmanager
def chains_end_on_interrupt(executable: Path) -> Iterator[None]:
    """End the running chains when this process is interrupted.

    In a terminal Ctrl-C reaches the chains as well; in a notebook it reaches Python alone, and cmdstanpy would then
    wait for the chains, and start the ones that have not run yet.

    Parameters
    ----------
    executable : Path
        The program that the chains run.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    finished = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> Any:
        threading.Thread(target=_end_chains, args=(executable, finished), daemon=True).start()
        return previous(number, frame)

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        finished.set()
        signal.signal(signal.SIGINT, previous)


def _end_chains(executable: Path, finished: threading.Event) -> None:
    """End chains, also those that are still being started, until the call is over."""
    import psutil

    while not finished.wait(0.02):
        for child in psutil.Process().children():
            try:
                if Path(child.exe()) == executable.resolve():
                    child.terminate()
            except psutil.Error:
                continue  # it has ended by itself in the meantime
