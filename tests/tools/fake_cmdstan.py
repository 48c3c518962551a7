"""A CmdStan that is built in no time: for tests of how homes and executables get into the cache.

Everything of stanhier's runs as it is: only the wheel, the makefile and the driver are small ones of our own, and the
wheel is copied from a folder instead of fetched. As a script it runs one action in a process of its own, which a test
can kill: ``python fake_cmdstan.py FOLDER install``.
"""

import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stanhier.cmdstan import installer, locate, wheel
from stanhier.cmdstan.executable import is_intact
from stanhier.stan.program import Program
from stanhier.stan.program_place import programs_dir

PROGRAM = "linear_regression"

MAKEFILE = """\
CMDSTAN_VERSION := 2.39.0
-include make/local
.PHONY: build
build:
	@echo "--- [1/2] compiling driver/one.cpp"
	@mkdir -p build && echo half > build/one.o
	@test -z "$$FAKE_MARK" || echo $$PPID > "$$FAKE_MARK"; sleep $${FAKE_SECONDS:-0}
	@until test -z "$$FAKE_GO" || test -e "$$FAKE_GO"; do sleep 0.05; done
	@test -z "$$FAKE_BYTES" || head -c $$FAKE_BYTES /dev/zero > build/big.o
	@test -z "$$FAKE_FAILURE" || { echo "$$FAKE_FAILURE"; exit 1; }
	@echo whole > build/one.o
	@echo "--- [2/2] linking"
%: %.stan
	@echo "half" > "$@"
	@test -z "$$FAKE_MARK" || echo $$PPID > "$$FAKE_MARK"; sleep $${FAKE_SECONDS:-0}
	@until test -z "$$FAKE_GO" || test -e "$$FAKE_GO"; do sleep 0.05; done
	@test -z "$$FAKE_FAILURE" || { echo "$$FAKE_FAILURE"; exit 1; }
	@printf '#!/bin/sh\\necho "stan_version_major = 2"\\necho "STAN_THREADS=%s"\\n' "$(STAN_THREADS)" > "$@"
	@printf 'test "$$(cat $${FAKE_SYSTEM:-/dev/null})" = "%s"\\n' "$$(cat $${FAKE_SYSTEM:-/dev/null})" >> "$@"
	@echo compiled >> "$${FAKE_LOG:-/dev/null}"
	@chmod +x "$@"
"""

MEMBERS = {
    "httpstan/stanc": b"#!/bin/sh\necho 'stanc3 v2.39.0 (fake)'\n",
    "httpstan/lib/libtbb.so": b"library",
    "httpstan/lib/libtbb.so.2": b"library",
    "httpstan/lib/libsundials_cvodes.a": b"archive",
    "httpstan/include/stan/version.hpp": b"// version",
    "httpstan/include/boost/math/tools.hpp": b"// kept",
    "httpstan/include/boost/version.hpp": b"// kept",
    "httpstan/include/boost/geometry/core.hpp": b"// dropped",
    "httpstan/include/pybind11/pybind11.h": b"// dropped",
    "httpstan/include/unsupported/test/fft.cpp": b"// dropped",
    "httpstan/include/unsupported/Eigen/FFT": b"// kept",
    "httpstan/stan_services.o": b"dropped",
    "httpstan/views.py": b"dropped",
}


def make_parts(folder: Path) -> None:
    """Write the wheel and the files of the home."""
    with zipfile.ZipFile(folder / "httpstan-4.17.0-fake.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    (folder / "home" / "driver").mkdir(parents=True)
    (folder / "home" / "makefile").write_text(MAKEFILE)
    (folder / "home" / "driver" / "one.cpp").write_text("int main() {}\n")


def use_parts(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let stanhier build from the parts in that folder, and from nothing else."""
    file = folder / "httpstan-4.17.0-fake.whl"
    fake = wheel.Wheel("fake", hashlib.sha256(file.read_bytes()).hexdigest(), "fake")

    def copy(_wheel: wheel.Wheel, target: Path, _options: object) -> Path:
        target.mkdir(parents=True)
        return Path(shutil.copy(file, target))

    patch.setattr(wheel, "wheel_for_this_machine", lambda: fake)
    patch.setattr(locate, "wheel_for_this_machine", lambda: fake)
    patch.setattr(wheel, "_fetch_with_pip", copy)
    patch.setattr(wheel.importlib.util, "find_spec", lambda _name: True)
    patch.setattr(locate, "HOME_FILES", folder / "home")
    patch.setattr(installer, "NEEDED_BYTES", int(os.environ.get("FAKE_NEEDED", "0")))


def start(parts: Path, action: str, **environment: str) -> subprocess.Popen[str]:
    """Run an action in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, __file__, str(parts), action],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(mark: Path) -> None:
    """Wait for a file with something in it."""
    deadline = time.monotonic() + 30
    while not (mark.exists() and mark.read_text()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{mark} did not appear")
        time.sleep(0.01)


def kill_everywhere(action: Callable[[], object], complete: Callable[[], bool]) -> int:
    """Run an action, killed at its first change of the disk, then at its second, and so on until it gets through.

    What a killed run leaves is left for the next one. Returns the number of runs that were killed.
    """
    for kills in itertools.count():
        child = os.fork()
        if child == 0:
            _die_at_event(kills)
            action()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not complete():
            raise AssertionError(f"half-written after kill {kills}")
        if os.waitstatus_to_exitcode(status) == 0:
            return kills
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            raise AssertionError(f"run {kills} failed instead of being killed: {status}")
    raise AssertionError


def _die_at_event(last: int) -> None:
    seen = itertools.count()
    cache = os.environ["STANHIER_CACHE"]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        changes = event in {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.chmod"}
        if changes and cache in str(arguments[0]) and next(seen) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def homes_are_complete() -> bool:
    """Whether every home that can be found is whole."""
    return all(not installer.damaged_files(home) for home in locate.built_homes())


def programs_are_complete() -> bool:
    """Whether every executable that can be found is whole."""
    places = programs_dir().iterdir() if programs_dir().exists() else []
    return all(is_intact(place / PROGRAM) for place in places)


def main(parts: Path, action: str) -> None:
    """Do one thing, in a process that a test can kill."""
    use_parts(parts, pytest.MonkeyPatch())
    match action:
        case "install":
            result: object = installer.install()
        case "compile":
            result = Program(PROGRAM).exe()
        case "compile-in-a-thread":
            thread = threading.Thread(target=Program(PROGRAM).exe)
            thread.start()
            thread.join()
            result = "done"
        case "kill-install":
            result = kill_everywhere(installer.install, homes_are_complete)
        case "kill-compile":
            result = kill_everywhere(Program(PROGRAM).exe, programs_are_complete)
        case _:
            raise ValueError(action)
    sys.stdout.write(f"{result}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
