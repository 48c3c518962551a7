"""What stands below pictures along a predictor: whole names with their values."""

import numpy as np
import pandas as pd

import stanhier as sh
from stanhier.plots.typical import wrapped
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.mode_fits import family_rows, made_fit


def test_a_name_and_its_value_stay_in_one_line():
    words = f"(at {', '.join(f'predictor_{k} = {k / 7:.4g}' for k in range(12))})"
    lines = wrapped(words)
    assert " ".join(lines) == words
    assert len(lines) > 3
    assert not any(line.endswith((" =", "=")) or line.startswith("= ") for line in lines)
    assert all(len(line) <= 64 for line in lines)


def test_points_at_the_edge_are_whole():
    rows = family_rows("bernoulli").iloc[:40].assign(k=lambda d: d.index % 2, y=lambda d: (d.index % 2).astype(int))
    rows["y"] = np.where(np.arange(len(rows)) == 1, 0, rows["y"])
    (ax,) = made_fit("y ~ k + (1 | g)", rows, family="bernoulli").plot_prediction("k")
    points = [one for one in ax.collections if len(one.get_offsets())]
    assert points
    assert not any(one.get_clip_on() for one in points if one.get_label().startswith("observed"))


def test_ticks_of_counts_from_wide_priors_are_apart():
    """52 counts at most, and priors that reach beyond 10^5: the first label after 0 is 100, not 10."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(0, 1, 60), "n": rng.poisson(20, 60)})
    data.loc[0, "n"] = 52
    panel = sh.Model("n ~ x", data, family="poisson", priors={"beta": sh.Normal(0, 9)}).plot_prior()[-1]
    assert panel.get_xscale() == "symlog"
    ticks = [tick for tick in panel.get_xticks() if tick > 0]
    assert min(ticks) == 100


def test_the_report_draws_along_the_first_predictor_of_the_formula(tmp_path):
    data = variants.frame().rename(columns={"z": "A"})
    fit = fake_fit(sh.Model("y ~ x + A + (1 | g)", data), draws=30)
    fit.report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The regression along x" in text
    assert "The regression along A" not in text


def test_the_average_group_is_named_where_its_mean_is_not_that_of_all():
    several = made_fit("y ~ x + dose + (1 | g)", family_rows("bernoulli"), family="bernoulli")
    assert several.plot_prediction("x").get_xlabel() == "x\n(at the average g, dose = low)"
    known = str(several.model.design.groupings[0].levels[0])
    assert several.plot_prediction("x", groups={"g": known}).get_xlabel() == f"x\n(at g = {known}, dose = low)"
    assert "average" not in several.plot_prediction("x", by="g").figure.get_supxlabel()
    gaussian = fake_fit(sh.Model("y ~ x + z + (1 | g)", variants.frame()), draws=30)
    assert "average" not in gaussian.plot_prediction("x").get_xlabel()
