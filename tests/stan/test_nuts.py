"""What is read of a run of NUTS: ArviZ's own diagnosis finds all that it looks for."""

import arviz_stats
import h5py
import numpy as np
import pytest

import stanhier as sh
from stanhier.stan.nuts import with_depth_reached
from tests.tools import variants

KEYWORDS = {"chains": 2, "iter_warmup": 100, "iter_sampling": 100, "seed": 4, "show_progress": False}


def arviz_on(fit):
    _, found = arviz_stats.diagnose(fit.idata, show_diagnostics=False, return_diagnostics=True)
    return found


@pytest.fixture(scope="module")
def shallow(cmdstan_home):
    model = variants.VARYING["default"]()
    with pytest.warns(sh.SamplingWarning):
        return model.sample(max_treedepth=1, **KEYWORDS)


def test_arviz_finds_draws_that_stopped_at_the_greatest_depth(shallow):
    expected = int((shallow.draws.statistics["tree_depth"] >= 1).sum())
    assert expected > 0
    assert arviz_on(shallow)["treedepth"]["n_max"] == expected
    assert f"{expected} of 200 draws stopped at the greatest tree depth of 1" in str(shallow.diagnose())


def test_and_finds_none_where_there_are_none(cmdstan_home):
    with pytest.warns(sh.SamplingWarning):  # of 200 draws only
        fit = variants.LINEAR["default"]().sample(**KEYWORDS)
    assert arviz_on(fit)["treedepth"]["n_max"] == 0
    assert fit.idata["sample_stats"]["reached_max_treedepth"].dtype == bool


def test_files_of_earlier_versions_get_it_when_they_are_loaded(shallow, tmp_path):
    shallow.save(tmp_path / "fit.nc")
    with h5py.File(tmp_path / "fit.nc", "r+") as file:
        del file["sample_stats/reached_max_treedepth"]
    loaded = sh.load(tmp_path / "fit.nc")
    assert arviz_on(loaded)["treedepth"] == arviz_on(shallow)["treedepth"]
    assert loaded.idata.identical(shallow.idata)


def test_an_approximation_has_no_depth():
    lp = {"lp": np.zeros((1, 5))}
    assert with_depth_reached(lp, 0) == lp
