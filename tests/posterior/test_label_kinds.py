"""Labels stay what they are in everything that a fit gives, and in its file."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit

CODES = np.arange(40) % 4
DAYS = pd.to_datetime(["2020-01-01", "2020-02-01", "2020-03-01", "2021-01-01"])
NUMBERS = np.array([3, 10, -2, 7])
LABELS = {
    "booleans": (CODES % 2 == 0, "b", [False, True]),
    "nullable booleans": (pd.array(CODES % 2 == 0, dtype="boolean"), "b", [False, True]),
    "integers": (NUMBERS[CODES], "i", [-2, 3, 7, 10]),
    "nullable integers": (pd.array(NUMBERS[CODES], dtype="Int64"), "i", [-2, 3, 7, 10]),
    "dates": (DAYS.to_numpy()[CODES], "M", list(DAYS)),
    "days": ([DAYS[code].date() for code in CODES], "M", list(DAYS)),
    "text": (np.array(list("dbca"))[CODES], "U", list("abcd")),
    "categories of text": (pd.Categorical(np.array(list("dbca"))[CODES]), "U", list("abcd")),
    "categories of integers": (pd.Categorical(NUMBERS[CODES]), "i", [-2, 3, 7, 10]),
    "categories of booleans": (pd.Categorical(CODES % 2 == 0), "b", [False, True]),
    "categories of dates": (pd.Categorical(DAYS[CODES]), "M", list(DAYS)),
}


@pytest.mark.versions
@pytest.mark.parametrize("model", [sh.VaryingIntercept, sh.Model])
@pytest.mark.parametrize("name", LABELS)
def test_labels_keep_their_kind(name, model, tmp_path):
    column, kind, expected = LABELS[name]
    data = pd.DataFrame({"y": np.random.default_rng(0).normal(size=40), "g": column})
    fit = fake_fit(model("y ~ 1 + (1 | g)", data), chains=2, draws=30)
    fit.save(tmp_path / "fit.nc")
    for one in (fit, sh.load(tmp_path / "fit.nc")):
        arrays = [one.posterior["g"], one.idata["posterior"]["g"], one.group_draws()["g"], one.idata["prior"]["g"]]
        for array in arrays:
            assert array.dtype.kind == kind
            assert list(pd.Index(array.to_numpy())) == expected
        index = one.group_summary().index
        index = pd.Index(index.categories) if isinstance(index, pd.CategoricalIndex) else index
        assert index.dtype.kind in (kind, "O" if kind == "U" else kind)
        assert list(index) == expected
        first = expected[0]
        assert one.posterior.sel(g=first)["g"].item() == arrays[0].to_numpy()[0].item()
        assert one.group_draws(levels=[first])["g"].to_numpy().tolist() == arrays[0].to_numpy()[:1].tolist()


def test_labels_that_xarray_has_no_kind_for_are_text():
    zone = DAYS.tz_localize("Europe/Vienna")[CODES]
    fit = fake_fit(
        sh.Model("y ~ 1 + (1 | g)", pd.DataFrame({"y": CODES * 0.1 + np.arange(40) ** 0.5, "g": zone})), draws=30
    )
    assert fit.posterior["g"].to_numpy()[0] == "2020-01-01 00:00:00+01:00"
    assert fit.group_summary().index[0] == pd.Timestamp("2020-01-01", tz="Europe/Vienna")
