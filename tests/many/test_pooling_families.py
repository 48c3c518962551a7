"""Complete, no and partial pooling of responses of other families than the Gaussian."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.plots.scales import linear_words
from tests.tools import variants
from tests.tools.family_fits import ARGUMENTS, fit, frame


@pytest.fixture
def made(monkeypatch):
    """What `pooling` makes of fits without Stan, of engines that sample effects."""
    monkeypatch.setattr(
        "stanhier.many.pooling._sampled", lambda models, *_: {name: fit(one) for name, one in models.items()}
    )
    return sh.pooling


@pytest.mark.parametrize("name", ARGUMENTS)
def test_estimates_are_those_of_the_fits(made, name):
    response, arguments = ARGUMENTS[name]
    data = frame().assign(g=lambda rows: [f"g{k}" for k in rows["g"]])
    result = made(f"{response} ~ x + (1 + x | g)", data, **arguments, prob=0.8)
    assert {type(one.model) for one in result.fits.values()} == {sh.Model}
    assert len({one.model.family for one in result.fits.values()}) == 1
    intercepts, slopes = result.tables["Intercept"], result.tables["x"]
    columns = ["median", "lower", "upper"]
    new = pd.DataFrame({"g": intercepts.index, "x": data["x"].mean(), "log_t": 0.0, "games": 1})
    for kind, named in (("complete", "complete pooling"), ("no", "no pooling")):
        expected = result.fits[named].predict(new, kind="linear", prob=0.8)
        got = intercepts[[kind, f"{kind}_lower", f"{kind}_upper"]]
        np.testing.assert_allclose(got, expected[columns], rtol=1e-9, atol=1e-12)
    partial = result.fits["partial pooling"].group_summary(prob=0.8)
    for effect, table in (("Intercept", intercepts), ("x", slopes)):
        of_effect = partial.xs(effect, level=1)[columns]
        np.testing.assert_array_equal(table[["partial", "partial_lower", "partial_upper"]], of_effect)
    own = result.fits["no pooling"].posterior["beta"].median(("chain", "draw")).to_series()
    np.testing.assert_allclose(slopes["no"], [own[f"g[{label}]:x"] for label in slopes.index])
    words = linear_words(result.fits["complete pooling"].model.design)
    axes = result.plot()
    assert axes[0].get_xlabel().replace("\n", " ").startswith(f"{words} at the mean of the predictors")
    first = repr(result).splitlines()[0]
    assert ("offset of 0" in first) == ("offset" in arguments)
    assert (words in first) == (response != "score")


def test_priors_without_pooling_are_those_of_the_population(made):
    given = {"alpha": sh.Normal(1, 2), "beta": sh.Normal(0, 3), "sd": sh.HalfNormal(2), "shape": sh.Gamma(2, 1)}
    fits = made("visits ~ x + (1 | g)", frame(), family="negative_binomial", priors=given).fits
    separate = fits["no pooling"].model.priors
    assert separate["beta"] == {**{f"g[{k}]": sh.Normal(1, 2) for k in range(6)}, "x": sh.Normal(0, 3)}
    assert [one.model.priors["shape"] for one in fits.values()] == [sh.Gamma(2, 1)] * 3
    assert fits["partial pooling"].model.priors["sd"] == {"g": {"Intercept": sh.HalfNormal(2)}}


def test_default_priors_of_groups_have_the_scale_of_the_link(made):
    data = frame()
    separate = made("hit ~ x + (1 | g)", data, family="bernoulli").fits["no pooling"].model.priors["beta"]
    slope = 2.5 / data["x"].std()
    assert separate["x"].sigma == pytest.approx(slope)
    assert separate["g[0]"].sigma == pytest.approx(np.hypot(2.5, slope * data["x"].mean()))


@pytest.mark.parametrize("as_arrays", [False, True])
def test_rows_with_missing_values_are_left_out_of_all_three(made, as_arrays):
    data = frame().set_index(np.arange(48)[::-1])
    data["games"], data["log_t"] = data["games"].astype(float), data["log_t"].astype(float)
    data.loc[[3], "g"], data.loc[[5, 8], "x"], data.loc[[8, 9], "games"] = np.nan, np.nan, np.nan
    trials = data["games"].to_numpy() if as_arrays else "games"
    with pytest.warns(sh.MissingWarning, match=r"4 of 48 rows are left out .*'x' 2, 'g' 1, .(games|trials). 2") as said:
        result = made("wins ~ x + (1 | g)", data, family="binomial", trials=trials, missing="drop")
    assert len(said) == 1
    kept = data.drop(index=[3, 5, 8, 9])
    for one in result.fits.values():
        assert one.model.design.left_out.n_left_out == 4
        np.testing.assert_array_equal(one.model.rows.trials, kept["games"])
        np.testing.assert_array_equal(one.model.rows.y, kept["wins"])
    with pytest.raises(
        sh.DataError, match=r'missing values in 48 rows: .x. 2, .g. 1, .*missing="drop" these rows are left out'
    ):
        made("wins ~ x + (1 | g)", data, family="binomial", trials=trials)


def test_gaussian_offsets_and_missing_values(monkeypatch):
    models = {}

    def kept(given, *_):
        models.update(given)
        raise InterruptedError

    monkeypatch.setattr("stanhier.many.pooling._sampled", kept)
    data = variants.several().assign(shift=1.5)
    data.loc[0, "shift"] = np.nan
    with pytest.warns(sh.MissingWarning), pytest.raises(InterruptedError):
        sh.pooling("y ~ x + (1 | school)", data, offset="shift", missing="drop")
    assert [type(one) for one in models.values()] == [sh.LinearRegression, sh.LinearRegression, sh.VaryingIntercept]
    for one in models.values():
        np.testing.assert_allclose(one.rows.y, data["y"][1:] - 1.5)


@pytest.mark.parametrize(
    ("response", "keywords", "words"),
    [
        ("hit", {"family": "bernouli"}, 'Did you mean family="bernoulli"'),
        ("wins", {"family": "binomial"}, "trials"),
        ("visits", {"trials": "games"}, '`trials` is for family="binomial" alone'),
        ("hit", {"family": "bernoulli", "weights": "games"}, "`weights` are precisions"),
        ("score", {"family": "poisson"}, "must be"),
        ("hit", {"family": "bernoulli", "missing": "omit"}, '`missing` must be "error" or "drop"'),
        ("hit", {"family": "bernoulli", "offset": "log(x)"}, "offset"),
        ("hit", {"family": "bernoulli", "priors": {"sigma_alpha": sh.HalfNormal(1)}}, "sigma_alpha"),
    ],
)
def test_what_is_refused(response, keywords, words):
    with pytest.raises(sh.StanhierError, match=words):
        sh.pooling(f"{response} ~ x + (1 | g)", frame(), **keywords)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_counts_of_groups_without_predictors_are_conjugate():
    """Without pooling a group's log mean is that of its counts, with complete pooling that of all of them."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(list("abc"), [4, 20, 60])})
    data["n"] = rng.poisson(np.repeat([2.0, 5.0, 3.0], [4, 20, 60]))
    flat = {"alpha": sh.Flat()}
    result = sh.pooling("n ~ 1", data, group="g", family="poisson", priors=flat, seed=1)
    table, rows = result.estimates, data.groupby("g")["n"]
    # With a flat prior on the logarithm of a mean this mean is gamma(sum of counts, number of rows).
    draws = rng.gamma(rows.sum().to_numpy()[:, None], 1 / rows.size().to_numpy()[:, None], (3, 100_000))
    expected = np.quantile(np.log(draws), [0.5, 0.05, 0.95], axis=1).T
    np.testing.assert_allclose(table[["no", "no_lower", "no_upper"]], expected, atol=0.03)
    whole = np.log(rng.gamma(data["n"].sum(), 1 / len(data), 100_000))
    np.testing.assert_allclose(table["complete"], np.median(whole), atol=0.01)
    inner = np.sort(np.stack([table["complete"], table["no"]]), axis=0)
    assert (table["partial"] > inner[0] - 0.02).all()
    assert (table["partial"] < inner[1] + 0.02).all()
