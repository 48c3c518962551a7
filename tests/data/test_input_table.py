"""The table in stanhier/input.md is true: one case for each row, and no other."""

import re
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.input_cases import CASES, FEW

for part in ("columns", "text", "frames", "formulas", "effects", "families", "models", "many"):
    import_module(f"tests.tools.input_cases_{part}")  # puts its cases into CASES

PAGE = Path(sh.__file__).parent / "input.md"
SAMPLED = {
    "`Decimal`, `Fraction` and Python's numbers in an object column",
    "`Int64`, `UInt8` and the other nullable integers",
    "a categorical with unused levels",
    "text that reads as numbers, as labels of groups",
    "dates and durations as labels of groups, with or without a time zone",
    "any index: repeated, dates, several levels, missing",
    "a grouping column called `chain`, `draw`, `beta`, `alpha` or `sigma`",
}


def rows():
    found, heading = {}, None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0] not in ("what", "---"):
            assert (heading, cells[0]) not in found
            found[heading, cells[0]] = cells[1:]
    return found


ROWS = rows()


def test_every_row_has_a_case_and_every_case_a_row():
    assert list(CASES) == list(ROWS)
    assert {row for _, row in CASES} >= SAMPLED


def test_every_row_says_what_happens():
    for (_, row), (what, words) in ROWS.items():
        assert re.match("accepted|converted|refused", what), row
        assert what.startswith("refused") == bool(words), row


@pytest.mark.parametrize("key", CASES, ids=lambda key: key[1][:60])
def test_the_row_is_true(key):
    _, words = ROWS[key]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", sh.SamplingWarning)  # a few draws are enough here
        if words:
            with pytest.raises(sh.StanhierError) as refusal:
                list(CASES[key]())
            for part in words.split("…"):
                assert part.strip() in str(refusal.value)
            return
        pairs = list(CASES[key]())
        assert pairs
        for model, plain in pairs:
            assert all(np.isfinite(np.asarray(values, dtype=float)).all() for values in model.stan_data.values())
            if plain is not None:
                is_same_model(model, plain)
        if key[1] in SAMPLED:
            is_same_posterior(*pairs[0])


def is_same_model(model, plain):
    np.testing.assert_allclose(model.engine.moments.mean, plain.engine.moments.mean, rtol=1e-12, atol=1e-12)
    assert model.stan_data.keys() == plain.stan_data.keys()
    for name, values in plain.stan_data.items():
        np.testing.assert_allclose(model.stan_data[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


def is_same_posterior(model, plain):
    fit, expected = model.sample(**FEW), plain.sample(**FEW)
    np.testing.assert_allclose(fit.draws.values["location"], expected.draws.values["location"], rtol=1e-9, atol=1e-9)
    frame = model.design.frame
    table = fit.predict(frame)
    pd.testing.assert_index_equal(table.index, frame.index)
    np.testing.assert_allclose(table, expected.predict(plain.design.frame), rtol=1e-9, atol=1e-9)
