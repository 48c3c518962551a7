"""Disks that are full, folders that are gone, and limits of a process."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import stanhier as sh
from stanhier.stan import faults, run_folder
from tests.tools.dying_chains import SHORT


def test_a_full_disk_is_named(model, small_disk):
    words = rf"of 4 chains did not finish.*{small_disk} cannot be written \(No space left on device\).*make room"
    with pytest.raises(sh.SamplingError, match=words):
        model.sample(output_dir=small_disk, iter_sampling=2000, seed=3, show_progress=False)
    assert any(file.suffix == ".csv" for file in small_disk.iterdir())


def test_a_full_temporary_disk_is_named(model, small_disk, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    with pytest.raises(sh.SamplingError, match=r"No space left on device.*TMPDIR"):
        model.sample(iter_sampling=2000, seed=3, show_progress=False)
    assert list(small_disk.iterdir()) == []
    (small_disk / "filler").write_bytes(bytes(256 * 1024))
    with pytest.raises(sh.SamplingError, match=r"data for Stan cannot be written to .*No space left on device.*TMPDIR"):
        model.sample(**SHORT)
    with pytest.raises(sh.SamplingError, match=r"data for Stan cannot be written to .*No space left on device.*TMPDIR"):
        model.optimize(seed=1)
    assert [file.name for file in small_disk.iterdir()] == ["filler"]


def test_no_temporary_folder_at_all(model, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(sh.SamplingError, match=r"Stan's files need a folder in .*nowhere.*TMPDIR"):
        model.sample(**SHORT)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("kill -KILL $$", r"\(\) did not come to its end: its output is not complete"),
        ("echo; echo 'Error: no luck'; exit 1", r"\(\) did not come to its end: .*Error: no luck"),
        ('"$real" "$@"; truncate -s -9 "$csv"; exit 0', r"\(\) did not come to its end: its output is not complete"),
        (
            '"$real" "$@"; row=$(grep -n "^[^#]" "$csv" | tail -n 1 | cut -d: -f1); '
            'sed -i -e "${row} d" -e "/Elapsed/ d" "$csv"; exit 0',
            r"\(\) did not come to its end: its output is not complete",
        ),
        ("exit 0", r"\(\) did not come to its end: its output is not complete"),
        ("exec sleep 60", r"\(\) did not come to its end: it had not finished 0\.5 s after its start"),
    ],
)
@pytest.mark.parametrize("method", ["optimize", "laplace", "pathfinder", "variational"])
def test_the_other_methods_say_as_much(method, lines, words, chain_2, model, temporary, tmp_path):
    script_for_all = f'case " $* " in *" info "*) ;; *)\n{lines}\n;; esac'
    chain_2(script_for_all, everywhere=True)
    script = tmp_path / "bin" / model.engine.program
    script.write_text(script.read_text().replace('*" id="*)', "*)"))
    with pytest.raises(
        sh.SamplingError, match=rf"(?s){method}{words}.*model\.sample\(\) is the way that works"
    ) as caught:
        getattr(model, method)(
            seed=1,
            **({"timeout": 0.5} if "sleep" in lines else {}),
            **({"require_converged": False} if method == "variational" else {}),
        )
    assert len(str(caught.value)) < 700
    assert list(temporary.iterdir()) == []


def test_folders_of_processes_that_are_gone_are_removed(tmp_path, monkeypatch):
    child = (
        "import os, sys; from stanhier.stan.run_folder import run_folder\nwith run_folder({'N': 1}) as (folder, _):\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    def start(then):
        return subprocess.Popen(
            [os.sys.executable, "-c", f"{child}    print(folder, flush=True); {then}"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    dead, alive = start("os.kill(os.getpid(), 9)"), start("sys.stdin.read()")
    abandoned, used = (Path(process.stdout.readline().strip()) for process in (dead, alive))
    dead.communicate()
    (tmp_path / "stanhier-run-of-my-own").mkdir()
    long_ago = time.time() - 3600
    for folder in tmp_path.iterdir():
        os.utime(folder, (long_ago, long_ago))
    assert abandoned.is_dir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with run_folder.run_folder({"N": 2}):
        pass
    assert not abandoned.exists()
    assert json.loads((used / "data.json").read_text()) == {"N": 1}
    assert (tmp_path / "stanhier-run-of-my-own").is_dir()
    alive.communicate("")
    assert not used.exists()


def test_signals_without_a_name_have_their_number(tmp_path):
    assert faults.explain(tmp_path / "none.txt", code=-250).reason == "it was ended by signal 250"
    assert faults.explain(tmp_path / "none.txt", code=-signal.SIGABRT).reason == "it was ended by SIGABRT"
    assert "could not be started" in faults.explain(tmp_path / "none.txt", code=-1).reason


def test_a_chain_that_reaches_a_limit_of_time_is_told_as_such(tmp_path):
    code = (
        "from pathlib import Path; from stanhier.stan.faults import explain\nprint(explain(Path('none.txt'), code=-9))"
    )
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -t 100; exec "$0" -c "$1"', os.sys.executable, code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(os.sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ended by SIGKILL, it used more time than this process may" in ran.stdout
    assert "raise the limit (ulimit -t)" in ran.stdout
