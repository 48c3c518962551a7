"""Ctrl-C, SIGTERM and SIGHUP while Stan runs: the chains end with the call that started them."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stanhier.basics.ending import signals_as_exit

__all__ = ["chains_end_on_interrupt", "end_chains"]

QUIET_SECONDS = 0.5
PATIENT_SECONDS = 10.0


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
    before = set(threading.enumerate())
    try:
        with signals_as_exit():
            yield
    except (KeyboardInterrupt, SystemExit):
        started = [thread for thread in threading.enumerate() if thread not in before]
        end_chains(executable, starters=[thread for thread in started if "ThreadPoolExecutor" in thread.name])
        raise


def end_chains(*programs: Path, words: str = "", starters: Sequence[threading.Thread] = ()) -> None:
    """End chains until none has been seen for a while: each that ends makes room for one that waits.

    Parameters
    ----------
    *programs : Path
        The program that the chains run, or folders one of which has it.
    words : str
        Only chains whose command has these words in it.
    starters : sequence of threading.Thread
        Those of cmdstanpy that start chains: while one lives, which on a busy machine may be slow, more may come.
    """
    import psutil

    places = [program.resolve() for program in programs]
    last_seen = time.monotonic()
    while (quiet := time.monotonic() - last_seen) < QUIET_SECONDS or (
        quiet < PATIENT_SECONDS and any(thread.is_alive() for thread in starters)
    ):
        for child in psutil.Process().children():
            try:
                ours = any(Path(child.exe()).is_relative_to(place) for place in places)
                if ours and words in " ".join(child.cmdline()):
                    child.terminate()
                    last_seen = time.monotonic()
            except psutil.Error:
                continue  # it has ended by itself in the meantime
        time.sleep(0.01)
