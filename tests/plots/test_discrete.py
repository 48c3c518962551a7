"""Calibration curves of responses that are yes or no, each row left out."""

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from stanhier.plots.replicated import left_out_events
from tests.tools.mode_fits import family_fit, family_rows


def test_calibration_is_an_isotonic_regression_on_rows_left_out():
    """By the harmonic mean of densities, which those of Pareto smoothed weights are close to."""
    fit = family_fit("bernoulli")
    ax = fit.plot_ppc(kind="calibration", draws=1000)
    curve = next(one for one in ax.lines if one.get_label() == "observed").get_xydata()
    y, fitted = fit.model.rows.observed, fit.predict_draws(fit.model.rows.frame).to_numpy().reshape(-1, len(curve))
    of_observed = 1 / np.mean(1 / np.where(y == 1, fitted, 1 - fitted), axis=0)
    predicted = np.where(y == 1, of_observed, 1 - of_observed)
    order = np.argsort(predicted)
    np.testing.assert_allclose(curve[:, 0], predicted[order], atol=0.01)
    expected = isotonic_regression(y[order]).x
    assert np.abs(curve[:, 1] - expected).mean() < 0.02, "but for the smoothing of weights"
    assert curve[:, 1].mean() == pytest.approx(y.mean()), "as isotonic regression keeps it"
    assert ax.get_xlabel() == "predicted probability of y\n(each row's from all others: leave-one-out)"
    assert ax.get_ylabel() == "proportion observed"


def test_rows_left_out_are_as_frequent_as_they_are_predicted_to_be():
    """Of groups of a true model: a line through events against what fitted probabilities say is too steep."""
    slopes = []
    for seed in range(4):
        rows = family_rows("bernoulli", n_groups=50, n_rows=6, seed=seed)
        fit = family_fit("bernoulli", "y ~ x + (1 | g)", rows=rows, sd=0.75)
        replicated, y = left_out_events(fit, 400, 1, 1000)
        kinds = replicated.mean(axis=0), fit.predict(fit.model.rows.frame)["mean"].to_numpy()
        slopes += [[np.polyfit(one, y, 1)[0] for one in kinds]]
    left_out, fitted = np.mean(slopes, axis=0)
    assert 0.8 < left_out < 1.15
    assert fitted > left_out + 0.2
