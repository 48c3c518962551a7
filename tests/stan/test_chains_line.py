"""The line that shows how far chains are, whatever their number."""

import io
import re
import sys
import time
from types import SimpleNamespace

import pytest

import stanhier as sh
from stanhier.basics import line
from stanhier.basics.line import Line
from stanhier.stan import chains_line
from stanhier.stan.chains_line import ChainsLine, line_of_chains


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self):
        return True

    def frames(self):
        """The states of the line, one after another."""
        return [frame for frame in re.split(r"\r\x1b\[K", self.getvalue()) if frame]


def stderr_is(stream, monkeypatch):
    """Let lines be written there; pytest puts its own stream in the place of `sys.stderr` before each test."""
    monkeypatch.setattr(line, "sys", SimpleNamespace(stderr=stream, modules=sys.modules))


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    stderr_is(stream, monkeypatch)
    monkeypatch.setenv("COLUMNS", "200")
    return stream


@pytest.fixture
def at_once(monkeypatch):
    """Nothing is waited for."""
    monkeypatch.setattr(chains_line, "_PATIENCE", 0.0)
    monkeypatch.setattr(chains_line, "_EVERY", 0.005)


def test_chains_are_told_apart_by_number_or_process(monkeypatch):
    clock = iter([0.0, 12.0, 12.0])
    monkeypatch.setattr(chains_line, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    chains = ChainsLine(4, 1000, 1000)
    chains.hear("Chain [2] Iteration:  500 / 2000 [ 25%]  (Warmup)", 0)
    chains.hear("Chain [1] Iteration: 1500 / 2000 [ 75%]  (Sampling)", 0)
    chains.hear("Chain [1] something else", 0)
    # A quarter of all is done after 12 seconds, so that the rest takes 36.
    assert chains.now() == "stanhier: [#####...............] 25 %, about 36 s left; chains at 75, 25, 0, 0 %"
    for process in range(4):
        chains.hear("Iteration: 2000 / 2000 [100%]  (Sampling)", process)
    assert chains.now().endswith("100 %, reading the draws")


def test_nothing_heard_yet_and_a_single_chain(monkeypatch):
    clock = iter([0.0, 150.0, 8000.0])
    monkeypatch.setattr(chains_line, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    chains = ChainsLine(1, 500, 2000)
    assert chains.now() == "stanhier: [....................] 0 %, 2 min so far"
    assert chains.at_the_end() == "stanhier: 1 chain of 500 + 2,000 draws in 2.2 h"


def test_what_is_short_has_one_line(terminal):
    with line_of_chains(SimpleNamespace(), {"chains": 2, "iter_sampling": 50}, shown=True):
        pass
    assert re.fullmatch(r"stanhier: 2 chains of 1,000 \+ 50 draws in [\d.]+ s\n", terminal.getvalue())


@pytest.mark.usefixtures("at_once")
def test_what_is_long_moves_one_line(terminal):
    def run(*, idx, progress_hook):
        for done in (1, 100, 200):
            progress_hook(f"Iteration: {done} / 200 [ {done // 2}%]  (Sampling)", idx)
            time.sleep(0.03)

    model = SimpleNamespace(_run_cmdstan=run)
    with line_of_chains(model, {"chains": 1, "iter_warmup": 100, "iter_sampling": 100}, shown=True):
        model._run_cmdstan(idx=0, progress_hook=None)
    frames = terminal.frames()
    assert any(re.fullmatch(r"stanhier: \[#{10}\.{10}\] 50 %, about [\d.]+ s left", frame) for frame in frames)
    assert re.fullmatch(r"stanhier: 1 chain of 100 \+ 100 draws in [\d.]+ s\n", frames[-1])
    assert terminal.getvalue().count("\n") == 1


@pytest.mark.usefixtures("at_once")
def test_nothing_stays_of_what_fails(terminal):
    def fail():
        time.sleep(0.03)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), line_of_chains(SimpleNamespace(), {}, shown=True):
        fail()
    assert terminal.frames()
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(("arguments", "shown"), [({}, False), ({"show_console": True}, True)])
def test_nothing_is_seen_where_nobody_looks_or_stan_speaks_itself(arguments, shown, terminal):
    with line_of_chains(SimpleNamespace(), arguments, shown=shown):
        pass
    assert terminal.getvalue() == ""


def test_a_log_has_the_last_line_alone(monkeypatch):
    stream = io.StringIO()
    stderr_is(stream, monkeypatch)
    one = Line()
    one.show("half")
    one.keep("done")
    assert stream.getvalue() == "done\n"


def test_a_line_is_no_longer_than_the_terminal(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    Line().show("x" * 50)
    assert terminal.frames() == ["x" * 19]


def test_without_stderr_nothing_is_written(monkeypatch):
    stderr_is(None, monkeypatch)
    one = Line()
    one.show("half")
    one.keep("done")
    one.clear()


@pytest.mark.slow
@pytest.mark.usefixtures("at_once", "cmdstan_home")
def test_stan_is_heard(terminal, capfd):
    data = {"x": [1.0, 2, 3, 4, 5, 6], "y": [1.1, 1.9, 3.2, 3.9, 5.1, 6.2]}
    model = sh.LinearRegression("y ~ x", data)
    model.sample(seed=1, chains=2, iter_sampling=20_000, show_progress=True)
    frames = terminal.frames()
    assert any(re.search(r"[1-9]\d? %, about .* left; chains at \d+, \d+ %", frame) for frame in frames), frames
    assert re.fullmatch(r"stanhier: 2 chains of 1,000 \+ 20,000 draws in [\d.]+ s\n", frames[-1])
    out, err = capfd.readouterr()
    assert (out, err) == ("", ""), "cmdstanpy's own bars and blank lines"
