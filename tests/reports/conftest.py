"""A report that several files of tests read, and the day on which all reports here are written."""

from datetime import date

import matplotlib as mpl
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from stanhier.reports import report as report_file
from tests.tools import synthetic


class SomeDay(date):
    """A day on which reports are written, whenever the tests run."""

    @classmethod
    def today(cls):
        return cls(2026, 2, 3)


@pytest.fixture(scope="package", autouse=True)
def the_day():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_file, "date", SomeDay)
        yield


@pytest.fixture(scope="package")
def fit():
    names = [synthetic.LONG, synthetic.NASTY, *(f"clinic {k}" for k in range(60))]
    return synthetic.grouped([40, 12, *([5] * 60)], names, divergences=3)


@pytest.fixture(scope="package")
def path(fit, the_day, tmp_path_factory):
    target = tmp_path_factory.mktemp("reports") / "a report.html"
    plt.close("all")
    fit.report(target)
    assert not plt.get_fignums(), "no figure is left open"
    return target
