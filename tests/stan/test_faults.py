"""Chains that die, disks that are full, time that runs out: which chain, why, and what can be kept."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
from cmdstanpy import CmdStanModel

import stanhier as sh
from stanhier.stan import faults, run_folder
from stanhier.stan.program import Program
from tests.tools import variants

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cmdstan_home")]

SHORT = {"seed": 3, "iter_warmup": 200, "iter_sampling": 200, "show_progress": False}


@pytest.fixture(scope="module")
def model():
    return variants.VARYING["default"]()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of its own, so that what is left in it can be listed."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def chain_2(tmp_path, monkeypatch, model):
    """Run a few lines of shell in place of the second chain; `$real` is the program, `$csv` the file of its draws."""
    real = Program(model.engine.program).exe()

    def disturb(lines, *, everywhere=False):
        script = tmp_path / "bin" / real.name
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f'#!/bin/sh\nreal="{real}"\nfor word in "$@"; do case "$word" in file=*.csv) csv="${{word#file=}}";; esac; '
            f'done\ncase " $* " in *" info "*) ;; *" id={"" if everywhere else "2 "}"*)\n{lines}\n;; esac\n'
            'exec "$real" "$@"\n'
        )
        script.chmod(0o755)
        monkeypatch.setattr(Program, "model", lambda *_, **__: CmdStanModel(exe_file=script))

    return disturb


DEATHS = {
    "killed": ("kill -KILL $$", r"Chain 2: it was ended by SIGKILL, which is how .* memory runs out", "more memory"),
    "killed at the end": (
        '"$real" "$@"; truncate -s 12000 "$csv"; kill -KILL $$',
        r'Chain 2: it was ended by SIGKILL, .*; it said last: "Elapsed Time',
        "more memory",
    ),
    "segmentation fault": ("kill -SEGV $$", "Chain 2: it was ended by SIGSEGV", "keep_finished"),
    "hung up": ("echo hello; kill -HUP $$", 'Chain 2: it was ended by SIGHUP; it said last: "hello"', "keep_finished"),
    "exit code": (
        "echo; echo 'Error: out of luck' >&2; exit 70",
        'Chain 2: it ended with exit code 70; it said last: "Error: out of luck"',
        "keep_finished",
    ),
    "output ends early": (
        '"$real" "$@"; truncate -s 12000 "$csv"; exit 0',
        'Chain 2: its output is not complete; it said last: "Elapsed Time',
        "keep_finished",
    ),
    "no output": ("exit 0", "Chain 2: its output is not complete", "keep_finished"),
    "output is damaged": (
        '"$real" "$@"; sed -i "60s/.,/x,/" "$csv"; exit 0',
        "Chain 2: its output is not complete",
        "keep_finished",
    ),
    "a file may not be larger": (
        "ulimit -f 2",
        "Chain 2: it was ended by SIGXFSZ, a file of its draws became larger",
        r"raise the limit \(ulimit -f\)",
    ),
    "no more memory": (
        "echo; echo std::bad_alloc; exit 1",
        'Chain 2: it ended with exit code 1; it said last: "std::bad_alloc"',
        "more memory",
    ),
    "no memory to start in": (
        "ulimit -v 8000",
        "Chain 2: it ended with exit code 127; it said last: .*shared",
        "keep_finished",
    ),
}


@pytest.mark.parametrize("death", list(DEATHS))
def test_a_chain_that_dies_is_named_with_the_reason(death, chain_2, model, temporary, caplog):
    lines, words, remedy = DEATHS[death]
    chain_2(lines)
    with pytest.raises(
        sh.SamplingError, match=rf"(?s)1 of 4 chains did not finish, 3 did\. {words}.*{remedy}"
    ) as caught:
        model.sample(**SHORT)
    assert len(str(caught.value)) < 800
    assert caplog.records == []  # cmdstanpy's notes do not reach the user
    assert list(temporary.iterdir()) == []


def test_finished_chains_are_kept_on_request(chain_2, model, tmp_path, temporary):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.SamplingWarning)  # so few draws may or may not do
        whole = model.sample(**SHORT)
    assert whole.failed_chains == {}
    chain_2("kill -KILL $$")
    with pytest.warns(
        sh.SamplingWarning, match=r"1 of 4 chains did not finish, and their draws are missing\. Chain 2: "
    ):
        fit = model.sample(keep_finished=True, **SHORT)
    assert list(fit.failed_chains) == [2]
    assert "SIGKILL" in fit.failed_chains[2]
    np.testing.assert_array_equal(fit.draws.values["location"], whole.draws.values["location"][[0, 2, 3]])
    np.testing.assert_array_equal(fit.draws.statistics["energy"], whole.draws.statistics["energy"][[0, 2, 3]])
    assert fit.posterior.sizes["chain"] == 3
    assert not fit.diagnose().ok
    assert "Chain 2: it was ended by SIGKILL" in str(fit.diagnose())
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert loaded.failed_chains == fit.failed_chains
    assert str(loaded.diagnose()) == str(fit.diagnose())
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("force_one", [True, None])
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_numbers_of_chains_are_the_users(force_one, chain_2, model):
    chain_2("exit 9")
    keywords = {**SHORT, "chains": 2, "parallel_chains": 1, "force_one_process_per_chain": force_one}
    fit = model.sample(keep_finished=True, chain_ids=[2, 7], save_warmup=True, thin=2, **keywords)
    assert list(fit.failed_chains) == [2]
    assert fit.draws.shape == (1, 100)


def test_when_no_chain_finishes_there_is_nothing_to_keep(chain_2, model):
    chain_2("exit 9", everywhere=True)
    for keep in (False, True):
        with pytest.raises(
            sh.SamplingError, match=r"4 of 4 chains did not finish, 0 did\. Chains 1, 2, 3, 4: "
        ) as caught:
            model.sample(keep_finished=keep, **SHORT)
        assert "keep_finished" not in str(caught.value)
    with pytest.raises(
        sh.SamplingError, match=r"1 of 1 chains did not finish, 0 did\. Chain 5: it ended with exit code 9"
    ):
        model.sample(chains=1, chain_ids=5, **SHORT)


def test_chains_of_one_process_fail_together(chain_2, model):
    chain_2("echo; echo 'Error: all in one'; exit 9", everywhere=True)
    with pytest.raises(
        sh.SamplingError, match=r'2 of 2 .* Chains 1, 2: it ended with exit code 9; .* "Error: all in one"'
    ):
        model.sample(chains=2, force_one_process_per_chain=False, **SHORT)


def test_starting_values_that_are_rejected(model, temporary):
    words = r'Chains 1, 2, 3, 4: .*exit code 1; it said last: "Initialization between .* failed.* inits=0\.1'
    with pytest.raises(sh.SamplingError, match=words) as caught:
        model.sample(inits=1e200, **SHORT)
    assert len(str(caught.value)) < 800
    assert list(temporary.iterdir()) == []


def test_a_real_chain_that_is_killed_from_outside(model):
    def kill():
        while not killed.is_set():
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.Error):  # it may just have ended
                    if "id=2" in child.cmdline():
                        child.kill()
                        killed.set()
            time.sleep(0.01)

    killed = threading.Event()
    thread = threading.Thread(target=kill)
    thread.start()
    try:
        with pytest.raises(sh.SamplingError, match=r"1 of 2 chains did not finish, 1 did\. Chain 2: .*SIGKILL"):
            model.sample(chains=2, seed=1, iter_sampling=20_000, show_progress=False)
    finally:
        killed.set()
        thread.join()


def test_time_that_runs_out(model, temporary, chain_2):
    before = psutil.Process().children()
    words = r"(?s)2 of 2 chains did not finish.*it had not finished 2 s after its start; it said last: .Iter.*timeout="
    with pytest.raises(sh.SamplingError, match=words):
        model.sample(chains=2, timeout=2, iter_sampling=50_000_000, seed=1, show_progress=False)
    assert list(temporary.iterdir()) == []
    chain_2("exec sleep 60")
    with pytest.warns(sh.SamplingWarning, match=r"Chain 2: it had not finished 3 s after its start"):
        fit = model.sample(keep_finished=True, timeout=3, **SHORT)
    assert fit.draws.shape == (3, 200)
    assert psutil.Process().children() == before


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
