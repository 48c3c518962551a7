"""Files of draws: whole ones are read as cmdstanpy reads them, and anything less is refused."""

import shutil

import cmdstanpy
import numpy as np
import pytest

from stanhier.stan.calling_cmdstanpy import calling_cmdstanpy, model_of
from stanhier.stan.csv_files import read_draws, read_numbers
from stanhier.stan.program import Program
from tests.tools import variants

START = "# stan_version_major = 2\n# model = m_model\n#   num_samples = 3\n"
NAMES = "lp__,accept_stat__,z.1\n"
WARM_UP = "-9,0.5,1e-3\n-8,0.5,2\n"
ADAPTATION = "# Adaptation terminated\n# Step size = 0.9\n# Diagonal elements of inverse mass matrix:\n# 1.1\n"
DRAWS = "-7.5,1,0.25\n-7.25,0.75,inf\n-7,0.5,nan\n"
END = "# \n#  Elapsed Time: 0.1 seconds (Warm-up)\n#                0.2 seconds (Total)\n# \n"
WHOLE = START + NAMES + ADAPTATION + DRAWS + END


def written(folder, *texts):
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"{number}.csv")
        files[-1].write_text(text, encoding="utf-8")
    return files


def test_chains_are_beside_each_other(tmp_path):
    files = written(tmp_path, WHOLE, WHOLE.replace("-7.5", "7.5"))
    comments, header, draws = read_draws(files, 0, 3)
    assert header == "lp__,accept_stat__,z.1"
    assert comments[:2] == [b"# stan_version_major = 2", b"# model = m_model"]
    assert b"# Step size = 0.9" in comments
    np.testing.assert_array_equal(draws[:, 0], [[-7.5, 1, 0.25], [-7.25, 0.75, np.inf], [-7, 0.5, np.nan]])
    np.testing.assert_array_equal(draws[:, 1, 0], [7.5, -7.25, -7])
    assert draws.flags.f_contiguous


def test_warm_up_comes_first(tmp_path):
    files = written(tmp_path, START + NAMES + WARM_UP + ADAPTATION + DRAWS + END)
    _, _, draws = read_draws(files, 2, 3)
    np.testing.assert_array_equal(draws[:, 0, 0], [-9, -8, -7.5, -7.25, -7])
    for numbers in ((0, 5), (3, 2), (0, 3)):
        with pytest.raises(ValueError, match=f"5 draws of {sum(numbers)}"):
            read_draws(files, *numbers)


def test_no_draws_at_all(tmp_path):
    _, _, draws = read_draws(written(tmp_path, START + NAMES + ADAPTATION + END), 0, 0)
    assert draws.shape == (0, 1, 3)


@pytest.mark.parametrize("length", range(0, len(WHOLE), 7))
def test_a_file_that_ends_early_is_refused(length, tmp_path):
    if b"Elapsed Time" in WHOLE[:length].encode() and WHOLE[:length].endswith("\n"):
        pytest.skip("all that is read is there")
    with pytest.raises(ValueError, match="is not complete"):
        read_draws(written(tmp_path, WHOLE, WHOLE[:length]), 0, 3)


DAMAGED = {
    "no number": ("0.25", "0.2x"),
    "a column too few": ("-7.25,0.75", "-7.25"),
    "a column too many": ("-7.25,", "-7.25,1,"),
    "other names": ("z.1", "z.2"),
    "a lost line": ("-7.5,1,0.25\n", ""),
    "no adaptation": ("# Adaptation terminated\n", ""),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_refused(damage, tmp_path):
    with pytest.raises(ValueError, match=r"\w"):
        read_draws(written(tmp_path, WHOLE, WHOLE.replace(*DAMAGED[damage])), 0, 3)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match=r"1\.csv"):
        read_draws([*written(tmp_path, WHOLE), tmp_path / "1.csv"], 0, 3)


def test_numbers_are_read_to_their_last_digit():
    lines = [b"1.5,-2.25e-310,nan\n", b"0.1,inf,123456789.123456789\n"]
    expected = np.array([line.split(b",") for line in lines], dtype=float)
    assert read_numbers(lines).tobytes() == expected.tobytes()


KEYWORDS = {
    "plain": {},
    "everything saved": {"save_warmup": True, "thin": 3},
    "one chain": {"chains": 1},
    "one process": {"force_one_process_per_chain": False},
    "dense": {"metric": "dense_e"},
    "unit": {"metric": "unit_e"},
    "without adaptation": {"adapt_engaged": False, "step_size": 0.5},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KEYWORDS)
def test_draws_are_those_that_cmdstanpy_reads(kind, cmdstan_home, tmp_path):
    model = variants.VARYING["default"]()
    compiled = Program(model.engine.program).model()
    cmdstanpy.write_stan_json(str(tmp_path / "data.json"), dict(model.engine.data()))
    arguments = {"chains": 2, "iter_warmup": 60, "iter_sampling": 40, "seed": 1, "show_progress": False}
    arguments |= {"data": str(tmp_path / "data.json"), "output_dir": str(tmp_path), **KEYWORDS[kind]}
    with calling_cmdstanpy():
        ours = compiled.sample(time_fmt="ours", **arguments)
        names, config, draws = ours.column_names, ours.metadata.cmdstan_config, ours.draws(inc_warmup=True)
    theirs = cmdstanpy.CmdStanModel(exe_file=compiled.exe_file).sample(time_fmt="theirs", **arguments)
    assert draws.tobytes() == theirs.draws(inc_warmup=True).tobytes()
    assert names == theirs.column_names
    for name in ("max_depth", "num_samples", "stan_version_minor"):
        assert config[name] == theirs.metadata.cmdstan_config[name]


@pytest.mark.slow
def test_a_program_is_asked_again_when_it_has_changed(cmdstan_home, tmp_path):
    script = tmp_path / "program"
    model = None
    for number in (1, 22):
        script.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\necho STAN_THREADS={number}\n", encoding="utf-8")
        script.chmod(0o755)
        model = model_of(script)
        assert model.exe_info() == model_of(script).exe_info() == {"STAN_THREADS": str(number)}
    assert (tmp_path / "asked").read_text(encoding="utf-8").count("asked") == 2
    shutil.rmtree(tmp_path)
    with pytest.raises(FileNotFoundError):
        model.exe_info()
