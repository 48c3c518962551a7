"""What this process has started ends with it, however it ends: by Ctrl-C, SIGTERM, SIGHUP or SIGKILL."""

import codecs
import logging
import multiprocessing
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from stanhier.basics import keeper

__all__ = [
    "SECONDS_UNHEARD",
    "end_children",
    "end_with_parent",
    "ends_chains_if_killed",
    "run_to_the_end",
    "signals_as_exit",
]

_log = logging.getLogger(__name__)

_SECONDS_UNWATCHED = 0.5
"""Shorter runs of Stan are not watched: a second process is not worth starting for them."""
SECONDS_UNHEARD = 0.2
"""So long a signal may wait for the main thread: one that another thread gets does not end what that waits for."""
_AT_ONCE = 2**16

_ENDED_BY_SIGNAL = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def signals_as_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind Python, so that files are removed, where they would end the process on the spot.

    Handlers of the user's own are left alone, and so is a signal that is ignored, as SIGHUP is under nohup.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    replaced = [number for number in _ENDED_BY_SIGNAL if signal.getsignal(number) is signal.SIG_DFL]
    for number in replaced:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


def run_to_the_end(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], heard: Callable[[str], None]
) -> int:
    """Run a program with all that it starts in a group of their own, which ends with this process at the latest.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    folder : Path
        Where it runs.
    environment : mapping
        Its environment variables.
    heard : callable
        Gets each line that it says, on either stream.

    Returns
    -------
    int
        Its exit code; 128 and the signal's number where a signal has ended it.

    Raises
    ------
    OSError
        When it does not run.
    """
    posix = os.name == "posix"
    watched = [sys.executable, "-I", "-S", keeper.__file__, "run", str(os.getpid())] if posix else []
    process = subprocess.Popen(
        [*watched, *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in _lines(process.stdout):
            heard(line)
        return process.wait()
    finally:
        if posix:
            with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so in another way
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        with process:
            pass


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Give lines as they come, and look up now and then for signals."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    with selectors.DefaultSelector() as selector:
        if os.name == "posix":
            selector.register(stream, selectors.EVENT_READ)
        while True:
            if os.name == "posix" and not selector.select(SECONDS_UNHEARD):
                continue
            block = os.read(stream.fileno(), _AT_ONCE)
            *lines, rest = (rest + decoder.decode(block, final=not block)).split("\n")
            yield from (line.rstrip("\r") for line in lines)
            if not block:
                break
    if rest:
        yield rest


def end_with_parent(leave: Callable[[], object]) -> None:
    """Let this worker process of `multiprocessing` end when its parent has gone; by itself it would wait on.

    Parameters
    ----------
    leave : callable
        Ends the process, called in a thread.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        _leave_signals_to_the_main_thread()
        parent.join()
        leave()

    threading.Thread(target=wait, daemon=True).start()


def end_children() -> None:
    """Kill what this process has started, and what that has."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended by itself
            process.kill()


@contextmanager
def ends_chains_if_killed(folder: Path) -> Iterator[None]:
    """End the processes whose command names a folder, should this process be killed while it runs the block.

    Parameters
    ----------
    folder : Path
        One that no other process has anything to do with.
    """
    if os.name != "posix":
        yield
        return
    over = threading.Event()

    def watch() -> None:
        _leave_signals_to_the_main_thread()
        if over.wait(_SECONDS_UNWATCHED):
            return
        command = [sys.executable, "-I", "-S", keeper.__file__, "watch", str(os.getpid()), str(folder)]
        try:
            watcher = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as err:  # then they end when they next have something to say
            _log.warning("Should this process be killed, Stan may run on for a while: %s", err)
            return
        with watcher:
            over.wait()
            watcher.kill()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _leave_signals_to_the_main_thread() -> None:
    """Keep signals from this thread: one that comes here would not wake the main thread, which has to handle it."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *_ENDED_BY_SIGNAL})


def _leave(number: int, _: object) -> None:
    for other in _ENDED_BY_SIGNAL:  # a second one must not stop what the first has begun to clear away
        if signal.getsignal(other) is _leave:
            signal.signal(other, _nothing)
    raise SystemExit(128 + number)


def _nothing(number: int, _: object) -> None:
    """Take a further signal without a word: of one that is ignored from now on, but has come, Python complains."""
