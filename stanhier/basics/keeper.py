"""A small program beside what stanhier has started: it sees that stanhier's process is gone, and ends the rest.

No signal tells of a parent that was killed on every system, and what Linux has for that ends with the thread that
started a process; so this asks, five times a second, who its parent is. It runs by itself, without any package.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

_SECONDS = 0.2


def main(action: str, parent: int, rest: list[str]) -> int:
    """Keep to a parent.

    Parameters
    ----------
    action : str
        ``run`` a command, or ``watch`` for processes.
    parent : int
        The process whose end is waited for.
    rest : list of str
        The command; or the words in the commands of the processes that are to be ended.

    Returns
    -------
    int
        The exit code.
    """
    return _run(parent, rest) if action == "run" else _watch(parent, rest[0])


def _run(parent: int, command: list[str]) -> int:
    try:
        process = subprocess.Popen(command)
    except OSError as err:
        sys.stdout.write(f"{command[0]} does not run: {err.strerror}.\n")
        return 127
    while True:
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(_SECONDS)
            break
    return code if code >= 0 else 128 - code  # as a shell says it


def _watch(parent: int, words: str) -> int:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    for number in _running(words.encode()):
        with suppress(OSError):
            os.kill(number, signal.SIGKILL)
    return 0


def _running(words: bytes) -> Iterator[int]:
    """Find the other processes with these words in their commands."""
    processes = Path("/proc")
    if (processes / "self" / "cmdline").is_file():
        for process in processes.iterdir():
            with suppress(OSError, ValueError):
                number = int(process.name)
                if words in (process / "cmdline").read_bytes() and number != os.getpid():
                    yield number
    else:
        listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, check=False).stdout
        for line in listed.splitlines():
            number = int(line.split(None, 1)[0])
            if words in line and number != os.getpid():
                yield number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
