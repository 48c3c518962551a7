"""What went wrong when Stan did not come to its end: which chain, why, and what to do, in plain words.

cmdstanpy says that a chain failed; the rest is in what the chains left: exit codes, draws, last words.
"""

import re
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stanhier.basics.limits import time_is_limited
from stanhier.stan.keywords import DEFAULT_CHAINS
from stanhier.stan.run_folder import MAKE_ROOM

__all__ = ["RAISED_BY_CMDSTANPY", "ChainFiles", "Fault", "explain", "listed_faults"]

RAISED_BY_CMDSTANPY = (ValueError, TypeError, AttributeError, LookupError, RuntimeError, OSError)

_SHOWN = 5
"""Different reasons that are listed at most."""
_MORE_MEMORY = "give it more memory, or run fewer chains at a time with parallel_chains="
_SIGNALS = {
    "SIGKILL": ("which is how a system ends a process when memory runs out", _MORE_MEMORY),
    "SIGXFSZ": ("a file of its draws became larger than this process may write", "raise the limit (ulimit -f)"),
    "SIGXCPU": ("it used more time than this process may", "raise the limit (ulimit -t)"),
}


@dataclass(frozen=True)
class Fault:
    """Why a run of Stan failed, and what to do about it; the latter is empty where nobody knows."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class ChainFiles:
    """Where cmdstanpy puts what the chains of one call write.

    Attributes
    ----------
    folder : Path
    stem : str
        What the names of all files of the call begin with.
    chains : tuple of int
        The chains' numbers.
    """

    folder: Path
    stem: str
    chains: tuple[int, ...]

    @classmethod
    def planned(cls, model_name: str, arguments: dict[str, Any]) -> "ChainFiles":
        """Settle the files' names before Stan is started, so that they can be found whatever happens then.

        Parameters
        ----------
        model_name : str
        arguments : dict
            For `CmdStanModel.sample`; `time_fmt` becomes the time of now.
        """
        given = arguments.get("time_fmt")
        stamp = datetime.now(UTC).astimezone().strftime("%Y%m%d%H%M%S-%f" if given is None else given)
        arguments["time_fmt"] = stamp.replace("%", "%%")
        ids = arguments.get("chain_ids")
        if isinstance(ids, list):
            chains = tuple(ids)
        else:
            first = 1 if ids is None else int(ids)
            number = arguments.get("chains")
            chains = tuple(range(first, first + (DEFAULT_CHAINS if number is None else int(number))))
        return cls(Path(arguments["output_dir"]).expanduser(), f"{model_name}-{stamp}", chains)

    @property
    def started(self) -> bool:
        """Whether any chain was started."""
        return self.folder.is_dir() and any(path.name.startswith(self.stem) for path in self.folder.iterdir())

    def csv(self, chain: int) -> Path:
        """Name the file of a chain's draws."""
        return self.folder / (f"{self.stem}.csv" if len(self.chains) == 1 else f"{self.stem}_{chain}.csv")

    def console(self, chain: int) -> Path:
        """Name the file of what a chain said: its own, or that of the process which ran all of them."""
        own = self.folder / f"{self.stem}_{self.chains.index(chain)}-stdout.txt"
        return own if own.is_file() else self.folder / f"{self.stem}-stdout.txt"

    def faults(self, err: Exception, timeout: float | None) -> dict[int, Fault]:
        """Find the chains that did not finish, and why.

        Parameters
        ----------
        err : Exception
            What cmdstanpy raised.
        timeout : float or None
            The limit that was set.

        Returns
        -------
        dict of Fault
            By the chain's number; empty if all have finished.
        """
        codes = _exit_codes(err)
        by_chain = dict(zip(self.chains, codes * len(self.chains) if len(codes) == 1 else codes, strict=False))
        seconds = timeout if isinstance(err, TimeoutError) else None
        found = {}
        for chain in self.chains:
            code = by_chain.get(chain)
            if code not in (0, None) or not _is_complete(self.csv(chain)):
                found[chain] = explain(self.console(chain), code=code, seconds=seconds)
        return found


def explain(console: Path, *, code: int | None = None, seconds: float | None = None) -> Fault:
    """Say why a run of Stan did not come to its end.

    Parameters
    ----------
    console : Path
        The file of what it said, in the folder that it wrote to.
    code : int, optional
        Its exit code, negative for a signal; None if it is not known.
    seconds : float, optional
        The time after which it was ended.

    Returns
    -------
    Fault
    """
    words = _last_words(console)
    remedy = ""
    if seconds is not None:
        reason = f"it had not finished {seconds:g} s after its start"
        remedy = "give more time with timeout=, or ask for fewer draws"
    elif code == -1 and not words:  # what cmdstanpy has for a process before it knows better
        reason = "it could not be started, or what it said could not be written"
    elif code is not None and code < 0:
        name = _signal_name(-code)
        meaning, remedy = _SIGNALS.get("SIGXCPU" if name == "SIGKILL" and time_is_limited() else name, ("", ""))
        reason = f"it was ended by {name}" + (f", {meaning}" if meaning else "")
    elif code:
        reason = f"it ended with exit code {code}"
    else:
        reason = "its output is not complete"
    unwritable = _cannot_write(console.parent)
    if unwritable:
        reason += f"; {console.parent} cannot be written ({unwritable})"
        remedy = MAKE_ROOM
    elif "Initialization failed" in words:
        remedy = "start closer to the mode with inits=0.1"
    elif "bad_alloc" in words:
        remedy = _MORE_MEMORY
    return Fault(reason + (f'; it said last: "{words}"' if words else ""), remedy)


def listed_faults(faults: Mapping[int, Fault | str]) -> str:
    """List the faults of chains, those with the same reason together."""
    together: dict[str, list[str]] = {}
    for chain, fault in faults.items():
        together.setdefault(fault.reason if isinstance(fault, Fault) else fault, []).append(str(chain))
    parts = [
        f"Chain{'s' if len(chains) > 1 else ''} {', '.join(chains)}: {reason}."
        for reason, chains in list(together.items())[:_SHOWN]
    ]
    more = len(together) - len(parts)
    return " ".join([*parts, *([f"{more} more failed otherwise."] if more else [])])


def _exit_codes(err: Exception) -> list[int]:
    """Read the processes' exit codes from what cmdstanpy says; it has no other way to tell."""
    found = re.search(r"retcodes=\[([-\d, ]+)\]", str(err))
    return [] if found is None else [int(code) for code in found.group(1).split(",")]


def _is_complete(csv: Path) -> bool:
    """Tell whether cmdstanpy finds all draws in a file."""
    from cmdstanpy import from_csv

    try:
        from_csv(str(csv), method="sample")
    except RAISED_BY_CMDSTANPY:
        return False
    return True


def _last_words(console: Path) -> str:
    """Give the last paragraph of what Stan said; of its notes on progress the last one; nothing of its settings."""
    try:
        said = console.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    lines = [line.strip() for line in re.split(r"\n\s*\n", said)[-1].splitlines()]
    if not lines or lines[0].startswith("method ="):
        return ""
    words = lines[-1] if "Iteration:" in lines[-1] else " ".join(lines)
    return words if len(words) <= 300 else f"{words[:300]}..."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _cannot_write(folder: Path) -> str:
    """Try to write a little; say what the system says against it, such as that the disk is full."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 18))
            file.flush()
    except OSError as err:
        return err.strerror or str(err)
    return ""
