"""The picture of correlations."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import stanhier as sh
from stanhier.plots.shared import density
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.explicit_fit import crossed, explicit_fit, nested, sleep_study, sleepy, wide_effects

SLOPES = "reaction ~ days + (1 + days | subject)"
SD = {"subject": [25.0, 6.0]}


def test_one_correlation_is_drawn_over_its_prior():
    fit = explicit_fit(SLOPES, sleepy(), sd=SD, cor=0.4, sigma=25.0, priors={"cor": sh.LKJ(3.0)})
    ax = fit.plot_correlations(prob=0.8)
    draws = fit.posterior["cor_subject"].sel(effect="Intercept", effect_other="days").to_numpy().ravel()
    assert labels_of(ax.yaxis) == ["Intercept, days"]
    np.testing.assert_allclose(np.array(segments(ax, 2))[0, :, 0], np.quantile(draws, [0.1, 0.9]))
    np.testing.assert_allclose(np.array(segments(ax, 3))[0, :, 0], np.quantile(draws, [0.25, 0.75]))
    assert "prior LKJ(3)" in ax.get_xlabel()
    assert ax.get_xlim() == (-1, 1)
    prior, posterior = (c.get_paths()[0].vertices for c in ax.collections[:2])
    # Both are densities on one scale: the ratio of their heights is that of Beta(3, 3) on (-1, 1) and the curve's.
    _, height = density(draws)
    scale = posterior[:, 1].max() / height.max()
    known = stats.beta(3, 3, loc=-1, scale=2)
    np.testing.assert_allclose(prior[:, 1].max() / scale, known.pdf(0.0), rtol=1e-3)
    assert not texts_overlap(ax.figure)


def test_more_effects_have_a_matrix_beside():
    fit = wide_effects()
    rows, matrix = fit.plot_correlations()
    labels = labels_of(rows.yaxis)
    effects = ["Intercept", "x", "z", "dose[T.low]", "dose[T.medium]"]
    assert set(labels) == {f"{a}, {b}" for k, b in enumerate(effects) for a in effects[:k]}
    values = fit.posterior["cor_school"].mean(("chain", "draw"))
    shown = matrix.images[0].get_array()
    assert labels_of(matrix.yaxis) == effects[1:]
    assert labels_of(matrix.xaxis) == effects[:-1]
    for i, below in enumerate(effects[1:]):
        for j, beside in enumerate(effects[:-1]):
            if j <= i:
                mean = float(values.sel(effect=below, effect_other=beside))
                assert shown[i, j] == pytest.approx(mean)
                assert f"{mean:.2f}".replace("-", "−") in {t.get_text() for t in matrix.texts}
            else:
                assert shown.mask[i, j]
    draws = fit.posterior["cor_school"].sel(effect="z", effect_other="x").to_numpy()
    low, high = np.quantile(draws, [0.05, 0.95])
    assert f"{low:.2f} to {high:.2f}".replace("-", "−") in {t.get_text() for t in matrix.texts}
    assert not texts_overlap(rows.figure)
    _, given = plt.subplots()
    assert list(fit.plot_correlations(ax=given)) == [given]
    assert labels_of(given.yaxis) == labels


def test_effects_that_are_not_correlated_have_no_correlation():
    data = sleepy()
    data["z"] = np.random.default_rng(2).normal(size=len(data))
    fit = explicit_fit(
        "reaction ~ days + z + (1 + days | subject) + (0 + z | subject)",
        data,
        sd={"subject": [25.0, 6.0, 3.0]},
        sigma=25.0,
    )
    rows, matrix = fit.plot_correlations()
    assert labels_of(rows.yaxis) == ["Intercept, days"]
    assert matrix.images[0].get_array().mask.tolist() == [[False, True], [True, True]]


def test_correlations_are_of_one_factor():
    ax = crossed().plot_correlations()
    assert ax.get_xlabel().startswith("correlation between effects of subject")
    data = sleepy()
    data["item"] = np.resize(list("abcdefg"), len(data))
    formula, sd = f"{SLOPES} + (1 + days | item)", {**SD, "item": [10.0, 3.0]}
    both = explicit_fit(formula, data, sd=sd, sigma=25.0)
    assert "item" in both.plot_correlations("item").get_xlabel()
    with pytest.raises(sh.StanhierError, match="several factors have correlations; name one: 'subject', 'item'"):
        both.plot_correlations()
    with pytest.raises(sh.StanhierError, match=r"plot_correlations\('items'\).*there is 'subject', 'item'"):
        both.plot_correlations("items")
    for fit in (synthetic.line(), nested(), explicit_fit("reaction ~ days + (days || subject)", data, sd=SD)):
        with pytest.raises(sh.StanhierError, match="the model has no correlations"):
            fit.plot_correlations()


def test_an_infinite_prior_is_cut_at_the_height_of_its_row():
    fit = explicit_fit(SLOPES, sleepy(), sd=SD, sigma=25.0, priors={"cor": sh.LKJ(0.3)})
    ax = fit.plot_correlations()
    vertices = ax.collections[0].get_paths()[0].vertices
    assert np.isfinite(vertices).all()
    assert vertices[:, 1].max() < 1


def test_sizes_and_axes_of_correlations():
    fit = sleep_study()
    _, ax = plt.subplots()
    assert list(fit.plot_correlations(ax=ax)) == [ax]
    assert tuple(fit.plot_correlations(figsize=(7, 3)).figure.get_size_inches()) == (7, 3)
    with pytest.raises(sh.StanhierError, match="give `figsize` or `ax`"):
        fit.plot_correlations(ax=ax, figsize=(7, 3))
    with pytest.raises(sh.StanhierError, match="'prob' must be a number between 0 and 1"):
        fit.plot_correlations(prob=2)
