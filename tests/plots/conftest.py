"""What the tests of pictures share: synthetic fits, so that none of them needs Stan."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from tests.tools import synthetic


@pytest.fixture(autouse=True)
def _no_traces():
    """Every picture must leave matplotlib's settings alone, and show nothing."""
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(autouse=True)
def _never_shown(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a picture was shown unasked"))


@pytest.fixture(scope="module")
def three():
    return synthetic.grouped([5, 12, 40], [synthetic.LONG, synthetic.NASTY, "_hidden"], divergences=7)


@pytest.fixture(scope="module")
def many():
    return synthetic.grouped(1 + np.arange(120) % 30)
