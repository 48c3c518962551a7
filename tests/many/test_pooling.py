"""Complete, no and partial pooling of slopes as of intercepts."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.formula.parse import parse
from stanhier.many.separate import separate_columns, separate_priors, separated
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

FORMULAS = {
    "y ~ x + (1 | g)": ("y ~ x", "y ~ g + x - 1"),
    "y ~ (1 | g)": ("y ~1", "y ~ g - 1"),
    "log(y) ~ x + z + (1 + x | g)": ("log(y) ~ x + z", "log(y) ~ g + g:x + z - 1"),
    "y ~ x + (0 + x | g)": ("y ~ x", "y ~ g:x"),
    "y ~ 0 + x + z + (0 + x | g)": ("y ~ 0 + x + z", "y ~ 0 + g:x + z"),
    "y ~ x + (1 | g) + (0 + x | g)": ("y ~ x", "y ~ g + g:x - 1"),
    "y ~ poly(x, 2) + C(k) + (poly(x, 2) || g)": ("y ~ poly(x, 2) + C(k)", "y ~ g + g:poly(x, 2) + C(k) - 1"),
    "y ~ `a b`*x + (`a b`:x | `the g`)": ("y ~ `a b`*x", "y ~ `the g` + `the g`:`a b`:x + `a b` + x - 1"),
    "y ~ {x + 1} + (1 + {x + 1} | g)": ("y ~ {x + 1}", "y ~ g + g:{x + 1} - 1"),
}


@pytest.mark.parametrize("formula", list(FORMULAS))
def test_what_varies_takes_the_place_of_what_is_common(formula):
    texts = separated(parse(formula))
    assert (texts.complete, texts.separate) == FORMULAS[formula]
    parse(texts.complete)
    parse(texts.separate)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ x + (1 | school) + (1 | rater)", "several, 'school', 'rater'.*compare them with compare"),
        ("y ~ x + (1 | school / rater)", "several, 'school', 'rater'"),
        ("y ~ x + (1 | school:rater)", "several, 'school', 'rater'"),
        ("y ~ x + (1 + z | school)", r"'z' varies by 'school' and is no predictor.*add it, y ~ z \+ \(1 \+ z"),
        ("y ~ 0 + x + (1 + x | school)", "must have one"),
        ("y ~ school + x + (1 + x | school)", "cannot be a predictor as well"),
        ("y ~ x", "no groups to pool: give group="),
    ],
)
def test_what_cannot_be_pooled_is_refused_with_a_remedy(formula, words):
    with pytest.raises(sh.FormulaError, match=words):
        sh.pooling(formula, variants.several())


def test_a_grouping_term_and_a_group_are_one_too_many():
    with pytest.raises(sh.FormulaError, match=r"leave out \(1 \+ x \| school\), or group="):
        sh.pooling("y ~ x + (1 + x | school)", variants.several(), group="school")


def test_many_coefficients_are_not_fitted_without_pooling():
    n = 2400
    data = pd.DataFrame({"y": np.sin(np.arange(n)), "x": np.arange(n) % 7.0, "g": np.arange(n) // 4})
    with pytest.raises(sh.DataError, match=r"'g' has 600 groups, and no pooling needs 2 coefficients .* up to 500"):
        sh.pooling("y ~ x + (1 + x | g)", data)


def test_priors_without_pooling_are_those_of_the_population_for_each_group():
    given = {"alpha": sh.Normal(1, 2), "beta": {"x": sh.Normal(0, 3), "z": sh.Cauchy(0, 4)}, "sigma": sh.HalfNormal(5)}
    complete = sh.LinearRegression("y ~ x + z", variants.several(), priors=given)
    columns = ("school[a]", "school[b]", "school[a]:x", "school[b]:x", "z")
    own = separate_columns(columns, ["school[a]", "school[b]"], ["Intercept", "x"], "y ~ ...")
    np.testing.assert_array_equal(own, [[0, 2], [1, 3]])
    assert separate_priors(complete, columns, own, ["Intercept", "x"], given) == {
        "beta": {
            "school[a]": sh.Normal(1, 2),
            "school[b]": sh.Normal(1, 2),
            "school[a]:x": sh.Normal(0, 3),
            "school[b]:x": sh.Normal(0, 3),
            "z": sh.Cauchy(0, 4),
        },
        "sigma": sh.HalfNormal(5),
    }


def test_a_column_that_is_not_there_is_an_error():
    with pytest.raises(sh.FormulaError, match=r"no column 'g\[b\]:x'"):
        separate_columns(("g[a]", "g[b]", "g[a]:x"), ["g[a]", "g[b]"], ["Intercept", "x"], "y ~ x + (x | g)")


@pytest.fixture
def made(monkeypatch):
    """What `pooling` makes of fits without Stan."""
    monkeypatch.setattr(
        "stanhier.many.pooling._sampled",
        lambda models, *_: {name: fake_fit(model, draws=50) for name, model in models.items()},
    )
    return sh.pooling


FORMULA = "y ~ x + z + kind + x:z + (1 + x | school)"


def test_groups_are_compared_where_it_is_asked(made):
    data, at = variants.several(400), {"x": 2.0, "z": 4.0, "kind": "v"}
    result = made(FORMULA, data, at=at, prob=0.8)
    assert result.at == "at x = 2, z = 4, kind = v"
    assert repr(result).startswith(f"Pooling of 'y ~ x + z + kind + x:z' over 6 groups of 'school', {result.at}\n")
    table = result.tables["Intercept"]
    new = pd.DataFrame({"school": table.index}).assign(**at)
    for kind, name in (("complete", "complete pooling"), ("no", "no pooling")):
        expected = result.fits[name].predict(new, prob=0.8)
        columns = [kind, f"{kind}_lower", f"{kind}_upper"]
        np.testing.assert_allclose(table[columns], expected[["median", "lower", "upper"]], rtol=1e-9)
    expected = result.fits["partial pooling"].group_summary(at=at, prob=0.8)
    for effect, own in result.tables.items():
        there = expected.xs(effect, level=1)[["median", "lower", "upper"]]
        np.testing.assert_array_equal(own[["partial", "partial_lower", "partial_upper"]], there)


def test_groups_are_compared_at_the_mean_of_the_predictors(made):
    result = made("y ~ x + z + (1 + x | school)", variants.several(400))
    assert result.at == "at the mean of the predictors"
    mean = variants.several(400)[["x", "z"]].mean()
    at_mean = made("y ~ x + z + (1 + x | school)", variants.several(400), at=dict(mean))
    pd.testing.assert_frame_equal(result.estimates, at_mean.estimates)
    zero = made("y ~ x + z + (1 + x | school)", variants.several(400), at=0)
    np.testing.assert_allclose(
        zero.estimates["complete"], np.median(zero.fits["complete pooling"].posterior["alpha"]), rtol=1e-9
    )
    assert abs(zero.estimates["no"] - result.estimates["no"]).min() > 0.1


def test_slopes_alone_need_no_place(made):
    result = made("y ~ x + (0 + x | school)", variants.several())
    assert list(result.tables) == ["x"]
    own = result.fits["no pooling"].posterior["beta"].median(("chain", "draw")).to_series()
    np.testing.assert_allclose(result.estimates["no"], [own[f"school[{name}]:x"] for name in result.estimates.index])


def test_where_groups_cannot_be_compared_is_refused(made):
    with pytest.raises(sh.StanhierError, match=r"pooling\(at=\{'w': 1\}\): there is no predictor 'w'"):
        made("y ~ x + (1 | school)", variants.several(), at={"w": 1})


@pytest.fixture(scope="module")
def result(cmdstan_home):
    return sh.pooling("y ~ x + z + (1 + x | school)", variants.several(400), seed=1, priors={"cor": sh.LKJ(2)}, at=0)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
class TestFits:
    def test_estimates_are_those_of_least_squares_and_between(self, result):
        data = variants.several(400)
        intercepts, slopes = result.tables["Intercept"], result.tables["x"]
        pd.testing.assert_frame_equal(result.estimates, intercepts)
        assert result.group == "school"
        schools = pd.get_dummies(data["school"]).to_numpy(dtype=float)
        X = np.column_stack([schools, schools * data[["x"]].to_numpy(), data["z"]])
        least_squares = np.linalg.lstsq(X, data["y"])[0]
        np.testing.assert_allclose(intercepts["no"], least_squares[:6], atol=0.1)
        np.testing.assert_allclose(slopes["no"], least_squares[6:12], atol=0.05)
        ones = np.column_stack([np.ones(400), data["x"], data["z"]])
        np.testing.assert_allclose(slopes["complete"], np.linalg.lstsq(ones, data["y"])[0][1], atol=0.05)
        assert np.ptp(slopes["complete"]) == 0
        partial = result.fits["partial pooling"]
        of_group = partial.group_summary().xs("x", level=1)
        np.testing.assert_allclose(slopes["partial"], of_group["median"], atol=0.02)
        np.testing.assert_allclose(slopes["partial_upper"], of_group["upper"], atol=0.05)
        population = float(partial.posterior["beta"].mean(("chain", "draw"))[0])
        assert (np.abs(slopes["partial"] - population) < np.abs(slopes["no"] - population) + 0.02).all()
        assert slopes["n"].sum() == 400

    def test_the_three_are_compared(self, result):
        compared = result.compare()
        assert compared.index[-1] == "complete pooling"
        assert set(compared.index) == set(result.fits)

    def test_all_tables_are_shown(self, result):
        shown = repr(result)
        assert shown.startswith("Pooling of 'y ~ x + z' over 6 groups of 'school', at predictors of 0\nIntercept\n")
        assert "\nx\n" in shown

    @pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
    def test_a_term_and_a_group_mean_the_same(self):
        short = {"seed": 2, "chains": 2, "iter_warmup": 200, "iter_sampling": 200}
        data = variants.several()
        one = sh.pooling("y ~ x + (1 | school)", data, **short)
        other = sh.pooling("y ~ x", data, group="school", **short)
        pd.testing.assert_frame_equal(one.estimates, other.estimates)
        assert type(one.fits["partial pooling"].model) is sh.VaryingIntercept
        assert list(one.tables) == ["Intercept"]
