"""What a person sees while chains run: one line for all of them, whatever their number."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from stanhier.basics.line import Line
from stanhier.stan.keywords import DEFAULT_CHAINS

__all__ = ["ChainsLine", "line_of_chains"]

_PATIENCE = 1.0
"""Seconds before there is anything to see: what takes less has one line, at its end."""
_EVERY = 0.3
_MOST_CHAINS = 8
_BAR = 20
_DRAWS = 1000
"""Of warmup, and after it: what Stan does where nobody says how many."""
_ITERATION = re.compile(r"(?:Chain \[(\d+)\] )?Iteration:\s+(\d+) / (\d+)")


class ChainsLine:
    """How far chains are, of which Stan says something now and then.

    Parameters
    ----------
    chains : int
    warmup, sampling : int
        Draws of each.
    """

    def __init__(self, chains: int, warmup: int, sampling: int) -> None:
        self._chains, self._warmup, self._sampling = chains, warmup, sampling
        self._done: dict[str, float] = {}
        self._begun = time.monotonic()

    def hear(self, said: str, process: int) -> None:
        """Take note of a line that Stan says.

        Parameters
        ----------
        said : str
        process : int
            Which of the processes says it; one that runs several chains names the chain.
        """
        match = _ITERATION.match(said)
        if match is not None:
            self._done[match[1] or f"process {process}"] = int(match[2]) / max(int(match[3]), 1)

    def now(self) -> str:
        """Say how far the chains are, and how long it will take at this pace."""
        passed, parts = time.monotonic() - self._begun, sorted(self._done.values(), reverse=True)
        share = sum(parts) / self._chains
        filled = round(_BAR * share)
        if share >= 1:
            return f"stanhier: [{'#' * _BAR}] 100 %, reading the draws"
        left = f"about {_seconds(passed * (1 - share) / share)} left" if share > 0 else f"{_seconds(passed)} so far"
        each = ""
        if 1 < self._chains <= _MOST_CHAINS:
            percents = [*parts, *[0.0] * (self._chains - len(parts))]
            each = f"; chains at {', '.join(f'{100 * part:.0f}' for part in percents)} %"
        return f"stanhier: [{'#' * filled}{'.' * (_BAR - filled)}] {100 * share:.0f} %, {left}{each}"

    def at_the_end(self) -> str:
        """Say what was done, and how long it took."""
        noun = "chain" if self._chains == 1 else "chains"
        size = f"{self._chains} {noun} of {self._warmup:,} + {self._sampling:,} draws"
        return f"stanhier: {size} in {_seconds(time.monotonic() - self._begun)}"


@contextmanager
def line_of_chains(model: Any, arguments: Mapping[str, Any], *, shown: bool) -> Iterator[None]:
    """Show how far the chains are that are run meanwhile.

    cmdstanpy shows a bar for each chain, and blank lines after them; instead its reader of what Stan says is listened
    to.

    Parameters
    ----------
    model : cmdstanpy.CmdStanModel
    arguments : mapping
        As `model.sample` gets them, without `show_progress`.
    shown : bool
    """
    if not shown or arguments.get("show_console"):
        yield
        return
    numbers = [
        default if arguments.get(name) is None else int(arguments[name])
        for name, default in (("chains", DEFAULT_CHAINS), ("iter_warmup", _DRAWS), ("iter_sampling", _DRAWS))
    ]
    chains, line, over = ChainsLine(*numbers), Line(), threading.Event()
    theirs: Callable[..., None] | None = getattr(model, "_run_cmdstan", None)
    if theirs is not None:
        model._run_cmdstan = partial(_listening, theirs, chains.hear)
    ticking = threading.Thread(target=_tick, args=(chains, line, over), daemon=True)
    ticking.start()
    try:
        yield
    except BaseException:
        _end(ticking, over)
        line.clear()
        raise
    _end(ticking, over)
    line.keep(chains.at_the_end())


def _listening(theirs: Callable[..., None], hear: Callable[[str, int], None], *args: Any, **kwargs: Any) -> None:
    theirs(*args, **{**kwargs, "progress_hook": hear})


def _tick(chains: ChainsLine, line: Line, over: threading.Event) -> None:
    wait = _PATIENCE
    while not over.wait(wait):
        line.show(chains.now())
        wait = _EVERY


def _end(ticking: threading.Thread, over: threading.Event) -> None:
    over.set()
    ticking.join()


def _seconds(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
