"""What the tests of this room share."""

import pytest

import stanhier as sh
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    fake_fit(variants.VARYING["default"]()).save(folder / "grouped.nc")
    fake_fit(variants.LINEAR["default"]()).save(folder / "linear.nc")
    named = variants.frame().assign(g=[f"group {g}" for g in variants.frame()["g"]])
    fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", named)).save(folder / "named.nc")
    return folder


@pytest.fixture
def path(saved, tmp_path):
    target = tmp_path / "fit.nc"
    target.write_bytes((saved / "grouped.nc").read_bytes())
    return target
