"""The machine and the versions, as measurements without numbers."""

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from scripts.benchmarks.process import PEERS_PYTHON
from scripts.benchmarks.records import Measurement

__all__ = ["describe"]

OWN = ("stanhier", "cmdstanpy", "numpy", "scipy", "pandas", "arviz", "xarray")
PEERS = ("pymc", "pytensor", "nutpie", "numpyro", "jax", "bambi", "statsmodels", "stanli", "numpy")


def describe() -> list[Measurement]:
    """Cores, memory, model of the processor, date, and the versions of everything that was timed."""
    facts = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "Python": platform.python_version(),
        "CmdStan": _cmdstan(),
        "date": time.strftime("%Y-%m-%d"),
    }
    facts |= {name: version(name) for name in OWN}
    facts |= {f"{name} (peers)" if name in OWN else name: found for name, found in _peers().items()}
    return [Measurement("run", "machine", name, "is", note=said) for name, said in facts.items()]


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError, AttributeError):
        return "unknown"


def _cmdstan() -> str:
    from cmdstanpy import cmdstan_version

    found = cmdstan_version()
    return "unknown" if found is None else ".".join(str(part) for part in found)


def _peers() -> dict[str, str]:
    if not PEERS_PYTHON.exists():
        return {}
    code = (
        "from importlib.metadata import PackageNotFoundError, version\n"
        f"for name in {PEERS!r}:\n"
        "    try: print(name, version(name))\n"
        "    except PackageNotFoundError: print(name, 'not installed')\n"
    )
    said = subprocess.run([PEERS_PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in said.splitlines())
