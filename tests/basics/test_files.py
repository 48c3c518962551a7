"""Files appear whole or not at all, on disks that are full and whatever ends the writing."""

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stanhier as sh
from stanhier.basics.files import write_whole
from stanhier.many.folder import FitFolder
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

ROOT = Path(__file__).parents[2]

WRITING = """
import gc, json, sys, warnings
from pathlib import Path

import matplotlib
matplotlib.use("Agg")
import stanhier as sh
from stanhier.many.folder import FitFolder, file_of
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

warnings.simplefilter("ignore")
model = sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame())
fit = fake_fit(model, draws=1000)
fit.save(sys.argv[1] + "/fit.nc")
contents = file_of(fit, {"identity": "x"})

def report(disk):
    fit.report(disk / "report.html")

ways = {
    "save": lambda disk: fit.save(disk / "fit.nc"),
    "a folder of fits": lambda disk: FitFolder(disk).write("a", contents),
    "report": report,
}
for disk in map(Path, sys.argv[2:]):
    for name, way in ways.items():
        if name == "report" and disk != Path(sys.argv[2]):
            continue  # drawing takes a second
        try:
            way(disk)
            said = None
        except sh.StanhierError as err:
            said = str(err)
        print(json.dumps([disk.name, name, said, sorted(path.name for path in disk.iterdir())]), flush=True)
        gc.collect()
"""


@pytest.mark.slow
def test_no_disk_is_too_small_for_a_clear_error(disk_of, tmp_path):
    """HDF5 ends the process where it cannot flush a file, while it is closed or when Python ends."""
    disks = [disk_of(size) for size in (4, *range(60, 361, 20))]
    command = [sys.executable, "-c", WRITING, str(tmp_path), *map(str, disks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert (tmp_path / "fit.nc").stat().st_size > 360_000
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == 2 * len(disks) + 1
    for disk, way, said, left in told:
        assert said is not None, (disk, way)
        assert "No space left on device" in said
        assert disk in said
        assert left == []


@pytest.mark.parametrize("left", [b"", b"before"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "full"), MemoryError, SystemExit(1)])
@pytest.mark.parametrize("when", ["write", "rename"])
def test_whatever_ends_the_writing_leaves_what_was_there(when, error, left, tmp_path, monkeypatch):
    target = tmp_path / "file.txt"
    if left:
        target.write_bytes(left)

    def stop(*_):
        raise error

    if when == "rename":
        monkeypatch.setattr(Path, "replace", stop)
        contents = b"new"
    else:

        class Contents(bytes):
            def __buffer__(self, flags):
                stop()

        contents = Contents(b"new")
    with pytest.raises(error if isinstance(error, type) else type(error)):
        write_whole(target, contents)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == ([("file.txt", left)] if left else [])


@pytest.mark.parametrize("name", ["f" * 255, "é" * 127, "北" * 85, ".nc", "a b"])
def test_names_as_long_as_the_system_allows(name, tmp_path):
    write_whole(tmp_path / name, b"new")
    write_whole(tmp_path / name, b"newer")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"newer"


@pytest.mark.parametrize("place", ["nowhere/fit.nc", "file/fit.nc", "folder"])
def test_places_that_are_none_are_named(place, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    fit = fake_fit(variants.LINEAR["default"]())
    with pytest.raises(sh.StanhierError, match=rf"cannot be saved as .*{re.escape(place)}: "):
        fit.save(tmp_path / place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert not list((tmp_path / "folder").iterdir())


def test_in_folders_that_others_may_write_into_a_link_is_replaced_and_not_what_it_leads_to(tmp_path):
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    write_whole(tmp_path / "link", b"mine")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert (tmp_path / "link").read_bytes() == b"mine"


def test_a_folder_of_fits_removes_what_it_left_and_nothing_of_others(tmp_path):
    folder = FitFolder(tmp_path)
    own = [folder.file(name) for name in ("a", "product/7", "北")]
    left = [path.with_name(f".{path.name}.0123456789ab.part") for path in own]
    others = [
        tmp_path / name
        for name in (".fit.nc.0123456789ab.part", ".notes.part", ".part", "a.part", ".report.html.ab.part")
    ]
    for path in (*left, *others):
        path.write_bytes(b"half")
    with folder.alone():
        assert not any(path.exists() for path in left)
    assert all(path.exists() for path in others)
