"""Where groups are compared: at means, at 0, and at values by column, against the rows written out."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.posterior.places import place_at
from tests.tools import family_fits
from tests.tools.fake_fit import fake_fit


def rows(n=240):
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {
            "year": rng.integers(1990, 2015, n),
            "sex": rng.choice(["f", "m"], n, p=[0.7, 0.3]),
            "w": rng.lognormal(0, 0.5, n),
            "k": rng.choice([1, 2, 4], n),
            "b": rng.random(n) < 0.3,
            "g": [f"g{k:02d}" for k in rng.integers(0, 12, n)],
        }
    )
    data["y"] = 0.1 * data["year"] + (data["sex"] == "m") + rng.normal(0, 1, n)
    return data


pytestmark = pytest.mark.filterwarnings("ignore::stanhier.PriorWarning")  # years vary as they are
FORMULA = "y ~ year * sex + log(w) + scale(w) + w:year + C(k) + b + (1 + year + log(w) | g)"


@pytest.fixture(scope="module")
def model():
    return sh.Model(FORMULA, rows())


@pytest.fixture(scope="module")
def fit():
    return fake_fit(sh.Model("y ~ year * sex + w + (1 + year | g)", rows()), draws=100)


CHANGES = {
    "a number": {"year": 2003},
    "a category": {"sex": "m"},
    "several": {"year": 2003, "sex": "f", "w": 1.5},
    "in C()": {"k": 4},
    "true": {"b": True},
    "all": {"year": 2000, "sex": "m", "w": 2.0, "k": 1, "b": False},
}


@pytest.mark.parametrize("values", CHANGES.values(), ids=CHANGES)
def test_columns_are_averaged_over_the_rows_with_the_named_at_their_values(model, values):
    place = place_at(model, values, "group_summary")
    changed = rows().assign(**values)
    expected = model.design.encode(changed).columns.mean(axis=0)
    np.testing.assert_allclose(place.x, expected, rtol=1e-10, atol=1e-12)


def test_many_rows_are_averaged_block_by_block(model, monkeypatch):
    whole = place_at(model, {"year": 2003}, "group_summary").x
    monkeypatch.setattr("stanhier.posterior.places._BLOCK_ROWS", 100)
    np.testing.assert_allclose(place_at(model, {"year": 2003}, "group_summary").x, whole, rtol=1e-12, atol=1e-12)


def test_a_category_may_be_a_number_a_truth_value_or_an_interval():
    data = rows().assign(k=lambda own: own["k"].astype("category"), b=lambda own: own["b"].astype("category"))
    data["cut"] = pd.cut(data["w"], [0, 1, 99])
    model = sh.Model("y ~ k + b + cut + (1 | g)", data)
    place = place_at(model, {"k": 4, "b": True, "cut": pd.Interval(1, 99)}, "group_summary")
    names = ["k[T.2]", "k[T.4]", "b[T.True]", "cut[T.(1, 99]]"]
    assert dict(zip(model.design.columns.names, place.x, strict=True)) == dict(zip(names, [0, 1, 1, 1], strict=True))
    for given, message in {3: "'k' has no 3 in", "4": "'k' has no '4' in"}.items():
        with pytest.raises(sh.StanhierError, match=rf"{message} the data of the fit; its levels are 1, 2, 4\."):
            place_at(model, {"k": given}, "group_summary")


def test_what_is_not_named_is_at_its_mean(model):
    names, mean = model.design.columns.names, place_at(model, "mean", "group_summary").x
    np.testing.assert_allclose(mean, model.design.matrix.mean(axis=0), rtol=1e-12, atol=1e-12)
    x = place_at(model, {"year": 2003}, "group_summary").x
    assert x[names.index("year")] == 2003
    assert x[names.index("year:sex[T.m]")] == pytest.approx(2003 * (rows()["sex"] == "m").mean())
    others = [k for k, name in enumerate(names) if "year" not in name]
    np.testing.assert_array_equal(x[others], mean[others])
    np.testing.assert_array_equal(place_at(model, {}, "group_summary").x, mean)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("mean", "at the mean of the predictors"),
        (0, "at predictors of 0"),
        ({"year": 2000, "sex": "f"}, "at year = 2000, sex = f, other predictors at their means"),
        (
            {"year": 2000, "sex": "f", "w": 0.25, "k": 2, "b": True},
            "at year = 2000, sex = f, w = 0.25, k = 2, b = True",
        ),
    ],
)
def test_a_place_says_where_it_is(model, at, words):
    assert place_at(model, at, "group_summary").words == words


def test_without_predictors_there_is_nowhere_to_be():
    model = sh.VaryingIntercept("y ~ 1 + (1 | g)", rows())
    assert [place_at(model, at, "group_summary").words for at in ("mean", 0)] == ["", ""]
    with pytest.raises(sh.StanhierError, match="there is no predictor 'year'; the model has none"):
        place_at(model, {"year": 2000}, "group_summary")


REFUSED = {
    "another word": ("median", "'at' must be \"mean\", for the predictors at their means, 0, or values by column"),
    "a number": (1, "'at' must be \"mean\""),
    "no column": ({"yaer": 1}, "there is no predictor 'yaer'; they are 'b', 'k', 'sex', 'w', 'year'"),
    "the group": ({"g": "g01"}, "there is no predictor 'g'"),
    "the response": ({"y": 1.0}, "there is no predictor 'y'"),
    "no such level": ({"sex": "x"}, "'sex' has no 'x' in the data of the fit; its levels are 'f', 'm'"),
    "no such label": ({"k": 3}, "values that the model has not seen: 3"),
    "text for a number": ({"year": "x"}, "Column 'year' is categorical here, but was numeric"),
    "a number for text": ({"sex": 1}, "'sex' has no 1 in the data of the fit; its levels are 'f', 'm'"),
    "several values": ({"year": [1, 2]}, r"'year' must have one value; it has \[1, 2\]"),
    "none": ({"year": None}, "'year' must have a value; it is None"),
    "not a number": ({"w": np.nan}, "'w' must have a value; it is nan"),
    "infinite": ({"w": np.inf}, "'w' is not finite"),
    "a number for true": ({"b": 3}, "'b' is true or false, not 3"),
    "where it is not defined": ({"w": -1.0}, r"'log\(w\)' is not defined there, or not in all rows"),
}


@pytest.mark.parametrize(("at", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_nowhere_is_refused(model, at, message):
    with pytest.raises(sh.StanhierError, match=rf"^group_summary\(at=.*{message}"):
        place_at(model, at, "group_summary")


def test_groups_at_values_are_predictions_there(fit):
    at = {"year": 2005, "sex": "m", "w": 1.2}
    table = fit.group_summary(at=at).xs("Intercept", level=1)
    new = pd.DataFrame({"g": table.index}).assign(**at)
    expected = fit.predict(new)
    spread = expected["sd"].to_numpy()
    np.testing.assert_allclose(table["mean"], expected["mean"], atol=0.2 * spread.min())
    np.testing.assert_allclose(table["sd"], expected["sd"], rtol=0.15)


def test_deviations_leave_the_population_out(fit):
    mean, deviation = fit.group_summary(), fit.group_summary(kind="deviation")
    own = fit.group_draws().to_numpy().reshape(400, -1, 2)
    year = rows()["year"].mean()
    np.testing.assert_allclose(
        deviation.xs("Intercept", level=1)["mean"], (own[:, :, 0] + year * own[:, :, 1]).mean(axis=0), atol=0.05
    )
    around = (mean - deviation)["mean"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(around, np.broadcast_to(around[0], around.shape), rtol=1e-9)
    pd.testing.assert_frame_equal(fit.group_summary(kind="deviation", at=0), fit.group_effects())
    with pytest.raises(sh.StanhierError, match=r"group_summary\(kind='effect'\): 'kind' must be \"mean\" or"):
        fit.group_summary(kind="effect")


def test_a_deviation_of_intercepts_alone_is_the_same_everywhere():
    fit = fake_fit(sh.VaryingIntercept("y ~ year + (1 | g)", rows()), draws=100)
    pd.testing.assert_frame_equal(fit.group_summary(kind="deviation"), fit.group_effects())


@pytest.mark.parametrize("name", family_fits.ARGUMENTS)
def test_every_family_has_groups_at_values(name):
    fit = family_fits.fit(family_fits.model(name))
    table = fit.group_summary(at={"x": 2.0}).xs("Intercept", level=1)
    offset = {"log_t": 0.0} if fit.model.design.has_offset else {}
    trials = {"games": 1} if name == "binomial" else {}
    expected = fit.predict(pd.DataFrame({"g": table.index}).assign(x=2.0, **offset, **trials), kind="linear")
    np.testing.assert_allclose(table[["mean", "lower", "median"]], expected[["mean", "lower", "median"]], rtol=1e-9)


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    path = tmp_path_factory.mktemp("places") / "rows.parquet"
    data = rows()
    data.to_parquet(path)
    formula = "y ~ year * sex + log(w) + scale(w) + C(k) + (1 + year | g)"
    return sh.Model(formula, str(path)), sh.Model(formula, data)


@pytest.mark.parametrize("at", [{"w": 2.0}, {"k": 4}, {"year": 2000, "sex": "m"}, "mean"], ids=str)
def test_columns_by_themselves_need_no_rows(streamed, at):
    ours, theirs = (place_at(model, at, "group_summary") for model in streamed)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-10, atol=1e-10)
    assert ours.words == theirs.words


def test_the_mean_of_a_product_needs_rows(streamed):
    message = r"group_summary\(at=\{'year': 2000\}\): 'year:sex\[T.m\]' takes the mean of a product.*'sex' too"
    with pytest.raises(sh.DataError, match=message):
        place_at(streamed[0], {"year": 2000}, "group_summary")
