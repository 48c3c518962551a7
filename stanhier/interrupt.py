"""Ctrl-C while Stan runs: the chains end with the call that started them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["chains_end_on_interrupt"]

QUIET_SECONDS = 0.5


@contextmanager
def chains_end_on_interrupt(executable: Path) -> Iterator[None]:
    """End the chains that run when this process is interrupted.

    In a terminal Ctrl-C reaches the chains as well; in a notebook it reaches Python alone, and cmdstanpy's threads
    would go on with the chains that run and with those that have not been started.

    Parameters
    ----------
    executable : Path
        The program that the chains run.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        _end_chains(executable.resolve())
        raise


def _end_chains(executable: Path) -> None:
    """End chains until none has been seen for a while: each that ends makes room for one that waits."""
    import psutil

    last_seen = time.monotonic()
    while time.monotonic() - last_seen < QUIET_SECONDS:
        for child in psutil.Process().children():
            try:
                if Path(child.exe()) == executable:
                    child.terminate()
                    last_seen = time.monotonic()
            except psutil.Error:
                continue  # it has ended by itself in the meantime
        time.sleep(0.01)
