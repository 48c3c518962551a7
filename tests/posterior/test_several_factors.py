"""What follows from a fit of several factors, against what its draws say by hand and against fits of other rows."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh

FORMULA = "y ~ x + (x | a) + (1 | a:b) + (1 | c)"
PRIORS = {"alpha": sh.Normal(0, 5), "beta": sh.Normal(0, 3), "sd": sh.HalfNormal(2), "sigma": sh.HalfNormal(2)}
KEYWORDS = {"seed": 2, "show_progress": False}


def rows():
    rng = np.random.default_rng(1)
    n = 400
    a, b, c, x = rng.integers(0, 8, n), rng.integers(0, 4, n), rng.integers(0, 9, n), rng.normal(2, 1, n)
    of_a, of_b, of_c = rng.normal(size=(8, 2)), rng.normal(size=(8, 4)), rng.normal(size=9)
    y = 1 + 0.5 * x + of_a[a, 0] + of_a[a, 1] * x * 0.5 + of_b[a, b] * 0.6 + of_c[c] + rng.normal(size=n) * 0.7
    return pd.DataFrame({"y": y, "x": x, "a": a, "b": b, "c": [f"c{i}" for i in c]})


@pytest.fixture(scope="module")
def fit(cmdstan_home):
    return sh.Model(FORMULA, rows(), priors=PRIORS).sample(**KEYWORDS)


def new_rows(**changes):
    return pd.DataFrame({"x": [0.0, 1.0, 5.0], "a": [2, 2, 5], "b": [1, 0, 3], "c": ["c3", "c0", "c8"]} | changes)


def flat(array):
    values = array.to_numpy()
    return values.reshape(-1, *values.shape[2:])


def part(fit, name, row):
    """Draws of what one row has of one factor, or of the population."""
    if name == "population":
        return flat(fit.posterior["alpha"]) + flat(fit.posterior["beta"])[:, 0] * row.x
    label = {"a": row.a, "a:b": f"{row.a}:{row.b}", "c": row.c}[name]
    own = flat(fit.group_draws(name, [label]))[:, 0]
    return own @ [1, row.x] if name == "a" else own[:, 0]


def by_hand(fit, data, names):
    return np.stack([sum(part(fit, name, row) for name in names) for row in data.itertuples()], axis=1)


def predicted(fit, data, **keywords):
    return flat(fit.predict_draws(data, **keywords))


def test_a_row_of_known_groups_is_the_sum_of_its_parts(fit):
    data = new_rows()
    expected = by_hand(fit, data, ["population", "a", "a:b", "c"])
    np.testing.assert_allclose(predicted(fit, data), expected, atol=1e-12)
    table = fit.predict(data, kind="response")
    noise = flat(fit.posterior["sigma"])
    spread = np.sqrt(expected.var(axis=0) + np.square(noise).mean())
    np.testing.assert_allclose(table["sd"], spread, rtol=0.05)


@pytest.mark.parametrize(
    ("changes", "new", "kept"),
    [
        ({"b": [77, 77, 78]}, "a:b", ["population", "a", "c"]),
        ({"c": ["new", "new", "other"]}, "c", ["population", "a", "a:b"]),
    ],
)
def test_a_new_group_of_one_factor_leaves_the_others_as_they_are(fit, changes, new, kept):
    data = new_rows(**changes)
    with pytest.raises(sh.DataError, match="has not seen"):
        fit.predict(data)
    own = predicted(fit, data, new_groups="sample") - by_hand(fit, new_rows(), kept)
    np.testing.assert_allclose(own[:, 0], own[:, 1], atol=1e-12)  # one group
    assert abs(np.corrcoef(own[:, 0], own[:, 2])[0, 1]) < 0.1  # two groups
    sd = flat(fit.posterior[f"sd_{new}"])[:, 0]
    ratio = own[:, [0, 2]] / sd[:, None]
    np.testing.assert_allclose(ratio.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(ratio.std(axis=0), 1, atol=0.06)


def test_effects_of_a_new_group_are_correlated_as_those_of_the_others(fit):
    data = new_rows(a=[99, 99, 99], x=[0.0, 1.0, -1.0], c=["c3"] * 3, b=[1] * 3)
    own = predicted(fit, data, new_groups="sample") - by_hand(fit, data, ["population", "c"])
    sd, cor = flat(fit.posterior["sd_a"]), flat(fit.posterior["cor_a"])[:, 0, 1]
    nested = np.square(flat(fit.posterior["sd_a:b"])[:, 0])
    for k, x in enumerate(data["x"]):
        variance = sd[:, 0] ** 2 + 2 * x * cor * sd.prod(axis=1) + x**2 * sd[:, 1] ** 2 + nested
        assert own[:, k].var() == pytest.approx(variance.mean(), rel=0.15)


def test_summaries_of_groups_are_those_of_their_draws(fit):
    for name in ("a", "a:b", "c"):
        table, draws = fit.group_effects(name), flat(fit.group_draws(name)).reshape(4000, -1)
        error = draws.std(axis=0) / np.sqrt(len(draws))
        assert np.abs((table["mean"] - draws.mean(axis=0)) / error).max() < 4.5
        np.testing.assert_allclose(table["sd"], draws.std(axis=0), rtol=0.08)
        np.testing.assert_allclose(table["upper"], np.quantile(draws, 0.95, axis=0), atol=0.12)
    slopes = flat(fit.posterior["beta"])[:, :1] + flat(fit.group_draws("a"))[:, :, 1]
    table = fit.group_summary("a").xs("x", level=1)
    np.testing.assert_allclose(table["mean"], slopes.mean(axis=0), atol=0.02)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
@pytest.mark.parametrize(("by", "level"), [("a", 3), ("c", "c1")])
def test_leaving_a_group_out_is_refitting_without_it(fit, by, level):
    from scipy import special, stats

    data = rows()
    out = data[data[by] == level]
    refit = sh.Model(FORMULA, data[data[by] != level], priors=PRIORS).sample(**KEYWORDS)
    kept = np.linspace(0, 3999, 600).astype(int)
    names = {"a": ["population", "c"], "c": ["population", "a", "a:b"]}[by]
    means = by_hand(refit, out, names)[kept]
    sd, noise = flat(refit.posterior[f"sd_{by}"])[kept], flat(refit.posterior["sigma"])[kept]
    x = out["x"].to_numpy()
    densities = []
    for s in range(len(kept)):
        covariance = noise[s] ** 2 * np.eye(len(out)) + sd[s, 0] ** 2
        if by == "a":
            cor = flat(refit.posterior["cor_a"])[kept[s], 0, 1] * sd[s].prod()
            covariance += cor * np.add.outer(x, x) + sd[s, 1] ** 2 * np.outer(x, x)
            same = out["b"].to_numpy()[:, None] == out["b"].to_numpy()
            covariance += flat(refit.posterior["sd_a:b"])[kept[s], 0] ** 2 * same
        densities.append(stats.multivariate_normal.logpdf(out["y"], means[s], covariance))
    exact = special.logsumexp(densities) - np.log(len(kept))
    error = np.std(np.exp(densities - np.max(densities))) / np.mean(np.exp(densities - np.max(densities))) / 600**0.5
    left_out = fit.loo(by=by).elpd_i.sel({by: level})
    assert float(left_out) == pytest.approx(exact, abs=5 * error + 0.3)


def test_a_group_added_later_is_as_if_it_had_been_there(cmdstan_home):
    formula = "y ~ x + (x | a) + (1 | c)"
    data = rows()
    keywords = KEYWORDS | {"iter_sampling": 2000, "adapt_delta": 0.95}
    before = sh.Model(formula, data[data["a"] != 3], priors=PRIORS).sample(**keywords)
    after = before.update_group(data[data["a"] == 3])
    at_once = sh.Model(formula, data, priors=PRIORS).sample(**keywords)
    for name in ("a", "c"):
        ours = after.group_summary(name).sort_index()
        theirs = at_once.group_summary(name).sort_index()
        np.testing.assert_allclose(ours["mean"], theirs["mean"], atol=0.12 * theirs["sd"].max())
        np.testing.assert_allclose(ours["sd"], theirs["sd"], rtol=0.1)
    for name in ("sd_a", "sd_c", "sigma", "beta"):
        ours, theirs = (flat(one.posterior[name]) for one in (after, at_once))
        np.testing.assert_allclose(ours.mean(axis=0), theirs.mean(axis=0), atol=0.12 * theirs.std(axis=0).max())


def test_a_population_without_any_parameter_takes_a_new_group_too(cmdstan_home):
    data = rows()
    formula, priors = "y ~ 0 + (x | a)", {name: PRIORS[name] for name in ("sd", "sigma")}
    before = sh.Model(formula, data[data["a"] != 3], priors=priors).sample(**KEYWORDS)
    after = before.update_group(data[data["a"] == 3])
    at_once = sh.Model(formula, data, priors=priors).sample(**KEYWORDS)
    ours, theirs = (one.group_summary("a", [3]) for one in (after, at_once))
    np.testing.assert_allclose(ours["mean"], theirs["mean"], atol=0.05)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_rows_that_say_nothing_are_left_out_and_added_without_a_word(cmdstan_home):
    data = rows()
    nothing = data.index % 7 == 0
    data["se"] = np.where(nothing, 1e9, 0.7)
    fit = sh.Model("y ~ x + (x | a) + (1 | c)", data, se="se").sample(**KEYWORDS)
    found = fit.loo()
    assert np.isfinite(found.elpd_i).all()
    expected = -0.5 * np.log(2 * np.pi) - np.log(1e9)
    np.testing.assert_allclose(found.elpd_i[nothing], expected, atol=1e-6)
    assert (found.pareto_k[nothing] == 0).all()
    new = data[:5].assign(a=99, se=1e12)
    assert np.array_equal(fit.update_group(new).draws.values["sd"], fit.draws.values["sd"])
