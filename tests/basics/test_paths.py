"""What users give as the place of a file, and what is there already."""

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

import stanhier as sh
from stanhier.basics.files import write_for_user
from stanhier.basics.paths import checked_path
from stanhier.many.folder import FitFolder
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

WAYS = {
    "save": lambda path: fake_fit(variants.LINEAR["default"]()).save(path),
    "report": lambda path: fake_fit(variants.LINEAR["default"]()).report(path),
    "load": sh.load,
    "fit_many": FitFolder,
}
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files, and no such permissions")


def write(path, contents=b"new"):
    write_for_user(path, contents, failed="It cannot be written as")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        (None, r"not NoneType \(None\)"),
        (3, r"not int \(3\)"),
        (b"fit.nc", r"not bytes \(b'fit\.nc'\)"),
        (["fit.nc"], "not list"),
        ("", "not an empty text"),
        ("/tmp/a\0b.nc", "a sign in it that no path has"),
        (Path("a\0b"), "a sign in it that no path has"),
        ("\ud800", "a sign in it that no path has"),
        ("\0" * 5000, "a sign in it that no path has"),
    ],
)
def test_what_is_no_path_is_told_what_is_needed(way, path, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sh.StanhierError, match=rf"^{way}\(.*\) needs the path of a (file|folder).*{words}") as refusal:
        WAYS[way](path)
    assert len(str(refusal.value)) < 400
    assert not list(tmp_path.iterdir())


def test_paths_of_every_kind_are_taken(tmp_path):
    class Place:
        def __fspath__(self):
            return str(tmp_path)

    assert checked_path(Place(), "x") == checked_path(str(tmp_path), "x") == checked_path(tmp_path, "x") == tmp_path


@pytest.mark.parametrize("way", ["save", "report"])
def test_a_link_stays_and_its_file_is_replaced(way, tmp_path):
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "file", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o640)
    link.symlink_to(Path("there") / "file")
    WAYS[way](link)
    assert link.readlink() == Path("there") / "file"
    assert len(file.read_bytes()) > 1000
    assert not file.is_symlink()
    assert sys.platform == "win32" or mode_of(file) == 0o640
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "link", "there"]


def test_links_to_links_and_to_what_is_not_there_yet(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to(tmp_path / "folder" / "file")
    for contents in (b"new", b"newer"):
        write(tmp_path / "a", contents)
        assert (tmp_path / "folder" / "file").read_bytes() == contents
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "b").is_symlink()
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere" / "file")
    with pytest.raises(sh.StanhierError, match=r"as .*lost: No such file or directory\.$"):
        write(tmp_path / "lost")


def test_links_that_lead_to_themselves_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(sh.StanhierError, match=r"cannot be written as .*a: Too many levels of symbolic links"):
        write(tmp_path / "a")
    with pytest.raises(sh.StanhierError, match=r"There is no file .*a\.$"):
        sh.load(tmp_path / "a")
    assert (tmp_path / "a").is_symlink()


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o400])
def test_a_file_that_is_replaced_hands_on_who_may_read_it(mode, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(mode)
    write(file)
    assert file.read_bytes() == b"new"
    assert mode_of(file) == mode


def special(kind, place):
    if kind == "a named pipe":
        os.mkfifo(place)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(str(place))
    elif kind == "a device":
        place.symlink_to("/dev/null")
    else:
        place.mkdir()


@posix
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device", "a folder"])
def test_what_is_no_file_stays_and_is_named(kind, linked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket is a short one
    special(kind, Path("x"))
    Path("link").symlink_to("x")
    path, before = Path("link" if linked else "x"), Path("x").lstat()
    for way, begin in {"save": "The fit cannot be saved as", "report": "The report cannot be written as"}.items():
        with pytest.raises(sh.StanhierError, match=rf"^{begin} {path}: {kind} is there; give the path of a file\.$"):
            WAYS[way](path)
    with pytest.raises(sh.StanhierError, match=rf"^{path} is {kind} instead of a file that Fit\.save wrote"):
        sh.load(path)
    assert (Path("x").lstat().st_ino, Path("x").lstat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "x"]


@posix
@pytest.mark.parametrize("way", ["save", "report"])
def test_what_cannot_be_written_is_named_as_it_was_given_and_shortly(way, tmp_path):
    long = tmp_path / ("x" * 300)
    with pytest.raises(sh.StanhierError, match="File name too long") as refusal:
        WAYS[way](long)
    assert ".part" not in str(refusal.value)
    assert "…" in str(refusal.value)
    assert len(str(refusal.value)) < 330
    with pytest.raises(sh.StanhierError, match=r"nowhere.fit: No such file or directory\.$"):
        WAYS[way](tmp_path / "nowhere" / "fit")


@posix
def test_folders_that_cannot_be_used_are_named_shortly(tmp_path):
    with pytest.raises(sh.StanhierError, match=r"The folder .*….* cannot be used: File name too long") as refusal:
        FitFolder(tmp_path / ("x" * 3000))
    assert len(str(refusal.value)) < 500
    with pytest.raises(sh.StanhierError, match=r"The folder ~nobody-of-this-name/fits cannot be used"):
        FitFolder("~nobody-of-this-name/fits")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(sh.StanhierError, match=r"The folder .*pipe cannot be used: File exists"):
        FitFolder(tmp_path / "pipe")


@posix
def test_a_link_in_a_folder_of_fits_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "theirs").write_bytes(b"theirs")
    folder = FitFolder(tmp_path / "fits")
    folder.file("a").symlink_to(tmp_path / "theirs")
    folder.write("a", b"new")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert not folder.file("a").is_symlink()
    assert folder.file("a").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("way", "name", "words"),
    [
        ("report", "r.pdf", r"report\('r.pdf'\): it writes HTML files, not pdf; name it 'r.html'"),
        ("report", "My.Fit.DOCX", r"report\('My.Fit.DOCX'\): it writes HTML files, not DOCX; name it 'My.Fit.html'"),
        ("report", "r.md", "name it 'r.html'"),
        ("save", "x.pkl", r"save\('x.pkl'\): it writes netCDF files, not pkl; name it 'x.nc'"),
        ("save", "x.csv", "name it 'x.nc'"),
        ("save", "x.parquet", "name it 'x.nc'"),
        ("save", "x.json", "name it 'x.nc'"),
    ],
)
def test_ends_of_other_formats_are_refused(way, name, words, tmp_path):
    for path in (tmp_path / name, str(tmp_path / name)):
        with pytest.raises(sh.StanhierError, match=words):
            WAYS[way](path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["fit", "fit.nc", "fit.nc4", "fit.h5", "fit.hdf5", "fit.v2", "fit.pkl.nc", ".pkl"])
def test_other_ends_are_taken(name, tmp_path):
    WAYS["save"](tmp_path / name)
    assert sh.load(tmp_path / name).draws.n_draws == 1000
