"""Ctrl-C and SIGTERM while Stan runs: the chains end with the call that started them."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["chains_end_on_interrupt", "end_chains"]

QUIET_SECONDS = 0.5


@contextmanager
def chains_end_on_interrupt(executable: Path) -> Iterator[None]:
    """End the chains that run when this process is interrupted or terminated.

    In a terminal Ctrl-C reaches the chains as well; in a notebook it reaches Python alone, and cmdstanpy's threads
    would go on with the chains that run and with those that have not been started.

    Parameters
    ----------
    executable : Path
        The program that the chains run.
    """
    try:
        with _terminated_as_exit():
            yield
    except (KeyboardInterrupt, SystemExit):
        end_chains(executable)
        raise


@contextmanager
def _terminated_as_exit() -> Iterator[None]:
    """Let SIGTERM unwind Python, so that files are removed, where it would end the process on the spot."""
    replaceable = threading.current_thread() is threading.main_thread()
    if not replaceable or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def end_chains(programs: Path, words: str = "") -> None:
    """End chains until none has been seen for a while: each that ends makes room for one that waits.

    Parameters
    ----------
    programs : Path
        The program that the chains run, or a folder with it.
    words : str
        Only chains whose command has these words in it.
    """
    import psutil

    place = programs.resolve()
    last_seen = time.monotonic()
    while time.monotonic() - last_seen < QUIET_SECONDS:
        for child in psutil.Process().children():
            try:
                if Path(child.exe()).is_relative_to(place) and words in " ".join(child.cmdline()):
                    child.terminate()
                    last_seen = time.monotonic()
            except psutil.Error:
                continue  # it has ended by itself in the meantime
        time.sleep(0.01)
