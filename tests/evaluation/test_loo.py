"""Leave-one-out: the worst by their labels, sampling again where weights fail, integrals that cannot be trusted."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools.fake_fit import fake_fit
from tests.tools.mode_fits import made_fit

FEW = {"iter_warmup": 300, "show_progress": False}


def outlying():
    """Twelve rows by name: 'k' is far out."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=12)}, index=list("abcdefghijkl"))
    data["y"] = data["x"] + rng.normal(size=12)
    data.loc["d", "y"] = 2.0
    data.loc["k", ["x", "y"]] = 12.0, 6.0
    return data


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    return result, [str(one.message) for one in caught if issubclass(one.category, SamplingWarning)]


def test_the_worst_rows_are_named_by_the_index_of_the_data():
    result, (said,) = warned(fake_fit(sh.LinearRegression("y ~ x", outlying())).loo)
    high = result.pareto_k.to_numpy() > result.good_k
    assert list(result.worst.index[: high.sum()]) == [
        "abcdefghijkl"[i] for i in np.argsort(-result.pareto_k.to_numpy())[: high.sum()]
    ]
    first = result.worst.iloc[0]
    assert f"row {result.worst.index[0]}: {first['pareto_k']:.2f}" in said
    assert "fit.loo(refit=True) samples again without each of them" in said
    assert result.p == pytest.approx(float(result.p_loo_i.sum()))
    assert float(result.p_loo_i.min()) > 0, "no row is predicted better for being left out"
    assert first["elpd"] == result.elpd_i.to_numpy()["abcdefghijkl".index(result.worst.index[0])]
    assert result.n_refitted == 0
    assert not result.worst["refitted"].any()
    assert f"Highest Pareto k, of rows: {result.worst.index[0]} ({first['pareto_k']:.2f})" in str(result)
    assert str(result).startswith("Computed from 1000 posterior samples and 12 observations")
    assert list(result.elpd_i["row"].to_numpy()) == list(range(12))


def test_a_result_is_arvizs_and_can_be_kept():
    from arviz_stats.utils import ELPDDataLOO

    result, _ = warned(fake_fit(sh.LinearRegression("y ~ x", outlying())).loo)
    again = pickle.loads(pickle.dumps(result))
    assert isinstance(again, ELPDDataLOO)
    assert str(again) == str(result)
    pd.testing.assert_frame_equal(again.worst, result.worst)


def test_rows_of_several_labels_and_groups_are_named_too():
    data = outlying().assign(g=list("uuvvwwxxyyzz"))
    data.index = pd.MultiIndex.from_arrays([list("aabbccddeeff"), [1, 2] * 6])
    result, said = warned(fake_fit(sh.LinearRegression("y ~ x", data)).loo)
    assert result.worst.index[0] in [("b", 2), ("f", 1)]
    result, said = warned(lambda: fake_fit(sh.LinearRegression("y ~ x", data)).loo(by=data["g"]))
    assert set(result.worst.index) == set("uvwxyz")
    assert result.worst.index.name == "g"
    assert all("fit.loo(by=..., refit=True)" in one for one in said)
    assert np.isnan(result.integration_k).all()


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"refit": 1}, "loo(refit=1): 'refit' must be True or False."),
        ({"adapt_delta": 0.9}, "loo(adapt_delta=...) is about sampling again, which takes refit=True."),
        ({"rfit": True}, "loo() has no keyword 'rfit'. Did you mean 'refit'?"),
        ({"refit": True, "chians": 2}, "loo() has no keyword 'chians'. Did you mean 'chains'?"),
        ({"refit": True, "executor": 3}, "`executor` must be a concurrent.futures.Executor"),
    ],
)
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_keywords_that_it_cannot_have(keywords, words):
    with pytest.raises(sh.StanhierError, match=re.escape(words)):
        fake_fit(sh.LinearRegression("y ~ x", outlying())).loo(**keywords)


def exact(data, sigma, priors):
    """Leave-one-out of y ~ x with known sigma: ratios of two closed forms."""
    X, y = np.column_stack([np.ones(len(data)), data["x"]]), data["y"].to_numpy()

    def log_marginal(rows):
        covariance = (
            sigma**2 * np.eye(len(rows)) + X[rows] @ np.diag([priors[0][1] ** 2, priors[1][1] ** 2]) @ X[rows].T
        )
        return stats.multivariate_normal(X[rows] @ [priors[0][0], priors[1][0]], covariance).logpdf(y[rows])

    everyone = np.arange(len(data))
    return np.array([log_marginal(everyone) - log_marginal(np.delete(everyone, i)) for i in everyone])


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
def test_refitted_rows_have_their_exact_densities(capsys):
    data = outlying()
    priors = {"alpha": sh.Normal(0, 3), "beta": sh.Normal(0, 2)}
    model = sh.LinearRegression("y ~ x", data, sigma=1.0, priors=priors)
    fit = model.sample(seed=1, show_progress=False)
    right = exact(data, 1.0, ((0, 3), (0, 2)))
    weighted, said = warned(fit.loo)
    assert said
    result, said = warned(lambda: fit.loo(refit=True, show_progress=True, iter_warmup=300))
    assert not said
    assert not result.warning
    high = (weighted.pareto_k > weighted.good_k).to_numpy()
    assert result.n_refitted == high.sum() > 0
    assert (result.pareto_k.to_numpy()[high] == 0).all()
    np.testing.assert_array_equal(result.elpd_i.to_numpy()[~high], weighted.elpd_i.to_numpy()[~high])
    off = np.abs(result.elpd_i.to_numpy() - right)
    assert off[high].max() < 0.12 < np.abs(weighted.elpd_i.to_numpy() - right)[high].max()
    assert result.elpd == pytest.approx(right.sum(), abs=0.3)
    assert set(result.worst.index[result.worst["refitted"]]) == set(np.array(list("abcdefghijkl"))[high])
    assert f"{high.sum()} {'rows' if high.sum() > 1 else 'row'} left out by sampling again." in str(result)
    assert f"{high.sum()}/{high.sum()}" in capsys.readouterr().err
    assert fit.loo(refit=True, **FEW).elpd == result.elpd  # the same seed each time


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
def test_refitted_groups_are_what_folds_of_one_group_are():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat(list("abcdef"), 5), "x": rng.normal(size=30)})
    data["y"] = data["x"] + np.repeat([0.0, 0.1, -0.2, 0.3, 2.0, 0.1], 5) + 0.5 * rng.normal(size=30)
    fit = sh.Model("y ~ x + (1 | g)", data).sample(seed=1, show_progress=False, adapt_delta=0.95)
    result, _ = warned(lambda: fit.loo(by="g", refit=True, adapt_delta=0.95, **FEW))
    folds, _ = warned(lambda: fit.kfold(by="g", k=6, adapt_delta=0.95, **FEW))
    assert result.n_refitted >= 1
    assert result.worst.index[0] == "e"
    refitted = list(result.worst.index[result.worst["refitted"]])
    ours, theirs = (one.elpd_i.sel(g=refitted).to_numpy() for one in (result, folds))
    np.testing.assert_allclose(ours, theirs, atol=0.5)  # the weighted draws say -6.8 of "e", not -8.1


def answers(sd):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(["u", "v"], 20), "h": np.arange(40)})
    data["y"] = rng.binomial(1, 1 / (1 + np.exp(-sd * rng.normal(size=40))))
    return made_fit("y ~ 1 + (1 | g / h)", data, sd=sd, family="bernoulli", chains=2, draws=50)


def test_integrals_that_cannot_be_trusted_are_told_whatever_the_weights():
    result, said = warned(lambda: answers(8.0).loo(by="g"))
    inner = [one for one in said if "importance sampling" in one]
    assert len(inner) == 1
    assert inner[0].startswith("loo(): the effects of 2 of 2 groups that are left out are too many, or too unlike")
    worst = result.integration_k.to_series().sort_values(ascending=False)
    assert f"g {worst.index[0]}: {worst.iloc[0]:.2f}, g {worst.index[1]}: {worst.iloc[1]:.2f}" in inner[0]
    assert result.warning
    fine, said = warned(lambda: answers(0.5).loo(by="g"))
    assert not [one for one in said if "importance sampling" in one]
    assert (fine.integration_k < 0.5).all()


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
def test_folds_of_groups_tell_of_their_integrals_too():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(list("uvwx"), 20), "h": np.repeat(np.arange(40), 2)})
    data["y"] = rng.binomial(1, 1 / (1 + np.exp(-9 * rng.normal(size=40))))[data["h"]]
    priors = {"sd": sh.HalfNormal(9)}
    model = sh.Model("y ~ 1 + (1 | g / h)", data, family="bernoulli", priors=priors)
    fit, _ = warned(lambda: model.sample(seed=1, chains=1, iter_sampling=50, **FEW))
    folds, said = warned(lambda: fit.kfold(by="g", k=4, **FEW))
    assert [one for one in said if one.startswith("kfold(): the effects of ") and "g u: " in one]
    assert folds.warning


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
def test_groups_left_out_together_have_their_own_densities():
    sizes = np.array([3, 40, 8, 25, 5, 60, 12, 18])
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(8), sizes)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=len(g))})
    data["y"] = data["x"] + rng.normal(size=8)[g] + rng.normal(size=len(g))
    fit = sh.VaryingIntercept("y ~ x + (1 | g)", data).sample(seed=1, **FEW)
    alone = warned(lambda: fit.loo(by="g"))[0].elpd_i
    together = warned(lambda: fit.kfold(by="g", k=2, seed=1, **FEW))[0].elpd_i
    np.testing.assert_array_equal(together["g"], alone["g"])
    assert np.ptp(alone.to_numpy()) > 50, "groups of other sizes have other densities"
    np.testing.assert_allclose(together, alone, atol=3)
