"""Chains that die, disks that are full, time that runs out: which chain, why, and what can be kept."""

import contextlib
import threading
import time
import warnings

import numpy as np
import psutil
import pytest

import stanhier as sh
from tests.tools.dying_chains import SHORT

pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.usefixtures("cmdstan_home")]


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
