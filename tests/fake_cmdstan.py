"""A CmdStan that is built in no time: for tests of how homes and executables get into the cache.

Everything of stanhier's runs as it is: only the wheel, the makefile and the driver are small ones of our own, and the
wheel is copied from a folder instead of fetched. As a script it runs one action in a process of its own, which a test
can kill: ``python fake_cmdstan.py FOLDER install|compile NAME``.
"""

import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from stanhier.cmdstan import installer, locate, wheel
from stanhier.program import Program

PROGRAM = "linear_regression"

MAKEFILE = """\
CMDSTAN_VERSION := 2.35.0
-include make/local
.PHONY: build
build:
	@echo "--- [1/2] compiling driver/one.cpp"
	@mkdir -p build && echo half > build/one.o
	@touch "$$FAKE_MARK" 2>/dev/null; sleep $${FAKE_SECONDS:-0}
	@test -z "$$FAKE_BYTES" || head -c $$FAKE_BYTES /dev/zero > build/big.o
	@test -z "$$FAKE_FAILURE" || { echo "$$FAKE_FAILURE"; exit 1; }
	@echo whole > build/one.o
	@echo "--- [2/2] linking"
%: %.stan
	@echo "half" > "$@"
	@touch "$$FAKE_MARK" 2>/dev/null; sleep $${FAKE_SECONDS:-0}
	@test -z "$$FAKE_FAILURE" || { echo "$$FAKE_FAILURE"; exit 1; }
	@printf '#!/bin/sh\\necho "stan_version_major = 2"\\necho "STAN_THREADS=%s"\\n' "$(STAN_THREADS)" > "$@"
	@echo compiled >> "$${FAKE_LOG:-/dev/null}"
	@chmod +x "$@"
"""

MEMBERS = {
    "httpstan/stanc": b"#!/bin/sh\necho 'stanc3 v2.35.0 (fake)'\n",
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
    with zipfile.ZipFile(folder / "httpstan-4.13.0-fake.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    (folder / "home" / "driver").mkdir(parents=True)
    (folder / "home" / "makefile").write_text(MAKEFILE)
    (folder / "home" / "driver" / "one.cpp").write_text("int main() {}\n")


def use_parts(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let stanhier build from the parts in that folder, and from nothing else."""
    file = folder / "httpstan-4.13.0-fake.whl"
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


if __name__ == "__main__":
    use_parts(Path(sys.argv[1]), pytest.MonkeyPatch())
    match sys.argv[2]:
        case "install":
            sys.stdout.write(f"{installer.install(force='--force' in sys.argv)}\n")
        case "compile":
            sys.stdout.write(f"{Program(PROGRAM).exe()}\n")
