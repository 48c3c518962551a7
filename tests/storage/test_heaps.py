"""Files without a checksum whose texts are damaged in such a way that HDF5 would never come back from them."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import stanhier as sh
from stanhier.storage.checksum import checksum
from stanhier.storage.heaps import check_heaps
from tests.tools import variants
from tests.tools.damaged_files import assert_refused
from tests.tools.fake_fit import fake_fit
from tests.tools.kept import FOLDER

KEPT = FOLDER / "varying.nc"
LOADING = """
import sys
import stanhier as sh
for path in sys.argv[1:]:
    try:
        sh.load(path)
    except sh.StanhierError:
        pass
"""


def pieces(contents):
    """Give the places of the pieces of the first heap."""
    start = contents.index(b"GCOL")
    place, end = start + 16, start + struct.unpack_from("<Q", contents, start + 8)[0]
    found = []
    while end - place >= 16:
        number, _, _, length = struct.unpack_from("<HHIQ", contents, place)
        found.append(place)
        place += 16 + (length + 7) // 8 * 8 if number else length
    return found


@pytest.fixture
def old(tmp_path):
    """A file of an earlier version."""
    path = tmp_path / "fit.nc"
    path.write_bytes(KEPT.read_bytes())
    return path


@pytest.mark.parametrize("which", [0, 1, 7, -1])
@pytest.mark.parametrize(
    "piece",
    [(0, 0), (0, 2**64 - 16), (0, 5000), (1, 2**64 - 16), (1, 2**64 - 32), (1, 2**64 - 1), (1, 2**63), (1, 5000)],
)
def test_pieces_that_lead_nowhere_are_refused(which, piece, old):
    contents = bytearray(old.read_bytes())
    number, length = piece
    struct.pack_into("<HHIQ", contents, pieces(contents)[which], number, 0, 0, length)
    old.write_bytes(contents)
    assert_refused(old, words="texts from byte .* not in order")


def test_a_checksum_does_not_make_them_better(old):
    contents = bytearray(old.read_bytes())
    place = pieces(contents)[3]
    contents[place : place + 16] = bytes(16)
    old.write_bytes(bytes(contents) + checksum(contents))
    assert_refused(old, words="texts from byte .* not in order")


@pytest.mark.slow
def test_zeros_in_a_heap_do_not_keep_loading_for_ever(tmp_path):
    good = KEPT.read_bytes()
    first, last = pieces(good)[0] - 16, pieces(good)[-1]
    paths = []
    for place in range(first, last, 101):
        paths.append(tmp_path / f"{place}.nc")
        paths[-1].write_bytes(good[:place] + bytes(89) + good[place + 89 :])
    command = [sys.executable, "-W", "ignore", "-c", LOADING, *map(str, paths)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_heaps_that_are_in_order_pass():
    kept = sorted(FOLDER.glob("*.nc"))
    assert kept
    for path in kept:
        assert pieces(path.read_bytes())
        check_heaps(path)


def test_values_that_look_like_a_heap_are_none(tmp_path):
    """The number whose bytes are those with which a heap starts, as a label is one in many."""
    (number,) = struct.unpack("<q", b"GCOL\x01\0\0\0")
    data = variants.frame()
    data["g"] = number + np.arange(80) % 9
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data))
    fit.save(tmp_path / "fit.nc")
    assert b"GCOL\x01\0\0\0" in (tmp_path / "fit.nc").read_bytes()
    loaded = sh.load(tmp_path / "fit.nc")
    assert list(loaded.model.design.group.levels) == list(fit.model.design.group.levels)
    for end in (b"", b"\1", bytes(8) + b"\2"):
        (tmp_path / "end").write_bytes(b"x" * 9 + b"GCOL\x01\0\0\0" + end)
        check_heaps(tmp_path / "end")
