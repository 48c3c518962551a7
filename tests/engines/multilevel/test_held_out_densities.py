"""Densities of rows that draws have not seen against normal densities row by row."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from stanhier.engines.gaussian import likelihood
from stanhier.engines.gaussian.effects import conditional_moments
from stanhier.engines.multilevel import held_out_densities as module
from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.held_out_densities import held_out_densities
from tests.engines.multilevel.test_row_densities import as_rows
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.multilevel_worlds import world


@pytest.mark.parametrize("noise", [None, "se", "weights"])
def test_new_levels_are_integrated_out_and_known_ones_given(noise, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_VALUES", 50)
    made = world(((7, 2), (4, 3)), noise=noise)
    rng = np.random.default_rng(2)
    known = tuple(np.where(rng.random(60) < 0.4, -1, grouping.codes) for grouping in made.rows.groupings)
    densities = np.empty((3, 60))
    for s in range(3):
        for i in range(60):
            mean, variance = made.mean(s)[i], made.noise(s)[i, i]
            for t, codes in enumerate(known):
                if codes[i] < 0:
                    z, level = made.rows.Z[t][i], made.rows.groupings[t].codes[i]
                    mean -= z @ made.all_effects[t][s, level]
                    variance += np.square(z @ made.given.factors[t][s]).sum()
            densities[s, i] = stats.norm.logpdf(made.rows.y[i], mean, np.sqrt(variance))
    expected = logsumexp(densities, axis=0) - np.log(3)
    np.testing.assert_allclose(held_out_densities(made.rows, known, made.given), expected, rtol=1e-10)


def test_effects_of_known_moments_are_integrated_out():
    made = world(((7, 2), (4, 1)))
    rng = np.random.default_rng(3)
    means = rng.standard_normal((3, 7, 2))
    roots = rng.standard_normal((3, 7, 2, 2))
    covariances = roots @ np.swapaxes(roots, -1, -2)
    given = Given(
        made.given.location,
        made.given.origin,
        made.given.sigma,
        made.given.factors,
        made.given.effects,
        {0: lambda levels: (means[:, levels], covariances[:, levels])},
    )
    known = tuple(grouping.codes for grouping in made.rows.groupings)
    Z, levels = made.rows.Z[0], known[0]
    integrated = [(0, level) for level in range(7)]
    densities = [
        stats.norm.logpdf(
            made.rows.y,
            made.mean(s, integrated) + (Z * means[s, levels]).sum(axis=1),
            np.sqrt(np.diag(made.noise(s)) + np.einsum("nk,nkl,nl->n", Z, covariances[s, levels], Z)),
        )
        for s in range(3)
    ]
    expected = logsumexp(densities, axis=0) - np.log(3)
    np.testing.assert_allclose(held_out_densities(made.rows, known, given), expected, rtol=1e-10)


@pytest.mark.parametrize("kind", ["default", "known se of rows", "weights"])
def test_one_varying_intercept_is_as_in_its_own_engine(kind):
    fit = fake_fit(variants.VARYING[kind](), chains=2, draws=5)
    rows, given = as_rows(fit)
    arrays = [fit.draws.flat(name) for name in ("location", "sigma", "sigma_alpha")]

    def moments(levels):
        mean, sd = conditional_moments(fit.model.engine.compressed, levels, *arrays)
        return mean[..., None], np.square(sd)[..., None, None]

    given = Given(given.location, given.origin, given.sigma, given.factors, given.effects, {0: moments})
    codes = np.where(rows.groupings[0].codes < 2, -1, rows.groupings[0].codes)
    theirs = likelihood.held_out_densities(fit.model.design, codes, fit.model.engine.compressed, fit.draws)
    np.testing.assert_allclose(held_out_densities(rows, (codes,), given), theirs, rtol=1e-10)
