"""Where the rows come from, and what cannot be asked of them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.marginal_rows import ROWS, beta, fit_of, flat, only
from tests.tools.mode_fits import family_fit, family_rows


@pytest.fixture(scope="module")
def linear():
    return fit_of("y ~ x + k + yes")


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "rows.parquet"
    variants.frame().to_parquet(file)
    return fake_fit(sh.VaryingIntercept("y ~ x + z + u + (1 | g)", file), chains=2, draws=50)


@pytest.mark.versions
@pytest.mark.parametrize("wrap", [dict, pl.from_pandas, lambda rows: {name: list(rows[name]) for name in rows}])
def test_rows_may_be_of_any_frame(linear, wrap):
    rows = ROWS.drop(columns="y")
    found = linear.comparisons(["x", "k"], by=["school", "treated"], new=wrap(rows))
    expected = linear.comparisons(["x", "k"], by=["school", "treated"], new=rows)
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected))


def test_rows_may_be_elsewhere(linear, tmp_path, monkeypatch):
    ROWS.to_parquet(tmp_path / "rows.parquet", row_group_size=20)
    expected = linear.comparisons(["x", "k"], by="school", new=ROWS)
    for new in (tmp_path / "rows.parquet", pl.scan_parquet(tmp_path / "rows.parquet")):
        found = linear.comparisons(["x", "k"], by="school", new=new)
        pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected))
    monkeypatch.setattr("stanhier.marginal.rows.MAX_VALUES", 100)
    with pytest.raises(sh.DataError, match=r"comparisons\(new=...\): the rows of .* are more than fit comfortably"):
        linear.comparisons("x", new=tmp_path / "rows.parquet")


def test_rows_without_a_label_are_of_new_groups():
    fit, rows = family_fit("poisson", "y ~ x + (1 | g)"), family_rows("poisson").iloc[:5]
    rows = rows.assign(g=[None, "g00", None, "new", "g01"])
    drawn = flat(fit.predict_draws(rows, new_groups="sample"))
    np.testing.assert_allclose(flat(fit.predictions(new=rows, new_groups="sample").draws)[:, 0], drawn.mean(axis=1))
    found = only(fit.comparisons("x", new=rows, new_groups="sample", comparison="lnratio"))
    np.testing.assert_allclose(found, beta(fit, "x"), rtol=1e-7, atol=1e-10)
    with pytest.raises(sh.DataError, match="'g' has 2 missing values"):
        fit.predictions(new=rows)


def test_an_index_may_be_called_as_a_column(linear):
    expected = linear.slopes("x", by=["k", "yes"], new=ROWS)
    for index in (ROWS["k"], [ROWS["k"], ROWS["yes"]]):
        pd.testing.assert_frame_equal(linear.slopes("x", by=["k", "yes"], new=ROWS.set_index(index)), expected)


def test_all_columns_with_missing_values_are_named(linear, streamed):
    rows = ROWS.assign(x=np.nan, k=ROWS["k"].where(ROWS["x"] > 1))
    named = rf"Columns have missing values in 60 rows: 'k' {rows['k'].isna().sum()}, 'x' 60; drop those rows"
    for call in (linear.slopes, linear.predictions, lambda new: linear.comparisons("x", contrast="sd", new=new)):
        with pytest.raises(sh.DataError, match=named):
            call(new=rows)
    rows = variants.frame().assign(z=np.nan, g=None)
    for call in (streamed.slopes, streamed.predictions, lambda new: streamed.comparisons("z", new=new)):
        with pytest.raises(sh.DataError, match=rf"have missing values in .* 'z' {len(rows)}, .*'g' {len(rows)};"):
            call(new=rows)


def test_rows_of_a_table_keep_their_own_draws(linear):
    for table in (linear.comparisons(), linear.predictions(average=False)):
        some = table.iloc[[2, 0]]
        np.testing.assert_array_equal(some.draws, table.draws.isel(estimate=[2, 0]))
        np.testing.assert_allclose(some.draws.mean(("chain", "draw")), some["mean"])
    narrow = linear.comparisons(prob=0.3)
    np.testing.assert_array_equal(narrow.estimated.summaries.inner, narrow[["lower", "upper"]], "no wider than asked")


def test_labels_of_rows_are_kept(linear):
    rows = ROWS.iloc[:3].set_axis(["one", "two", "three"])
    found = linear.comparisons("k", new=rows, average=False)
    assert list(found["row"]) == ["one", "two", "three"] * 2
    assert list(found["contrast"]) == ["b - a"] * 3 + ["c - a"] * 3


def test_the_users_frame_stays_as_it_is(linear):
    rows = ROWS.copy()
    linear.comparisons(new=rows)
    linear.slopes(new=rows)
    pd.testing.assert_frame_equal(rows, ROWS)


def test_rows_that_are_not_in_memory_are_given(streamed):
    for method in (streamed.comparisons, streamed.slopes, streamed.predictions):
        with pytest.raises(sh.DataError, match=rf"{method.__name__}\(\) takes the rows of the fit, and they"):
            method()
    rows = variants.frame().iloc[::3]
    np.testing.assert_allclose(only(streamed.comparisons("x", new=rows)), beta(streamed, "x"), rtol=1e-8)
    np.testing.assert_allclose(only(streamed.slopes("z", new=rows.iloc[:1])), beta(streamed, "z"), rtol=1e-6)
    sd = streamed.comparisons("x", contrast="sd", new=rows)
    np.testing.assert_allclose(only(sd), variants.frame()["x"].std() * beta(streamed, "x"), rtol=1e-7)
    groups = streamed.comparisons("g", contrast=(0, 4), new=rows.drop(columns="g"))
    alpha = streamed.posterior["alpha"]
    np.testing.assert_allclose(only(groups), alpha.sel(g=4) - alpha.sel(g=0), rtol=1e-8, atol=1e-10)
    found = streamed.predictions(by="g", new=rows)
    expected = pd.DataFrame(flat(streamed.predict_draws(rows)).T).groupby(rows["g"].to_numpy()).mean().T
    np.testing.assert_allclose(flat(found.draws), expected, rtol=1e-9)


def test_streamed_categories_are_known(tmp_path):
    ROWS.to_parquet(tmp_path / "rows.parquet")
    fit = fake_fit(sh.LinearRegression("y ~ x + k + yes", tmp_path / "rows.parquet"), chains=2, draws=50)
    found = fit.comparisons(["k", "yes"], new=ROWS.iloc[:1])
    assert list(found["contrast"]) == ["b - a", "c - a", "True - False"]
    np.testing.assert_allclose(found.draws.to_numpy()[:, :, 1], beta(fit, "k[T.c]"), rtol=1e-7, atol=1e-9)


def test_known_standard_errors_and_values_beside_the_formula():
    fit = fake_fit(variants.LINEAR["known se"](), chains=2, draws=50)
    np.testing.assert_allclose(only(fit.comparisons("x")), beta(fit, "x"), rtol=1e-8)
    shift = np.linspace(-1, 1, len(ROWS))
    fit = fit_of("y ~ x", offset=shift)
    expected = fit.posterior["alpha"] + beta(fit, "x") * ROWS["x"].mean() + shift.mean()
    np.testing.assert_allclose(only(fit.predictions()), expected, rtol=1e-9)
    with pytest.raises(sh.DataError, match="needs the offsets of the new rows"):
        fit.predictions(new=ROWS)


def test_numbers_in_categories_are_levels():
    fit = fit_of("y ~ C(treated) + x")
    found = fit.comparisons("treated")
    assert list(found["contrast"]) == ["1 - 0"]
    np.testing.assert_allclose(only(found), beta(fit, "C(treated)[T.1]"), rtol=1e-8)
    with pytest.raises(sh.StanhierError, match="'treated' has no value 3; it has 0, 1"):
        fit.comparisons("treated", contrast=(0, 3))


def test_effects_that_are_no_predictors_change_too():
    fit = fake_fit(sh.Model("y ~ z + (0 + x | g)", variants.frame()), chains=2, draws=50)
    slopes = fit.posterior["effect_g"].sel(effect="x")
    sizes = variants.frame()["g"].value_counts(normalize=True)
    expected = sum(slopes.sel(g=g) * share for g, share in sizes.items())
    np.testing.assert_allclose(only(fit.comparisons("x")), expected, rtol=1e-8, atol=1e-10)
    with pytest.raises(sh.StanhierError, match="'x' changes nothing in the population"):
        fit.comparisons("x", group_effects=False)


SLIPS = {
    "no such column": (lambda f: f.comparisons("xx"), "comparisons('xx'): what changes are columns on the right"),
    "the response": (lambda f: f.comparisons("y"), "and 'y' is the response; they are 'k', 'x', 'yes'"),
    "no name": (lambda f: f.comparisons(3), "comparisons(variables=3): 'variables' must be a column"),
    "no names": (lambda f: f.comparisons([]), "comparisons(variables=[]): 'variables' must be a column"),
    "numbers pairwise": (
        lambda f: f.comparisons("x", contrast="pairwise"),
        "contrast='pairwise'): 'x' holds numbers, of which 'contrast' can be a number that is added",
    ),
    "nothing added": (lambda f: f.comparisons("x", contrast=0), "contrast=0): 'x' holds numbers"),
    "text to numbers": (lambda f: f.comparisons("x", contrast=("a", "b")), "'x' holds numbers"),
    "categories and one": (lambda f: f.comparisons("k", contrast=1), "'k' holds categories, of which 'contrast' can"),
    "categories and sd": (lambda f: f.comparisons("k", contrast="sd"), "'k' holds categories"),
    "no such level": (
        lambda f: f.comparisons("k", contrast=("a", "q")),
        "'k' has no value 'q'; it has 'a', 'b', 'c'",
    ),
    "three values": (lambda f: f.comparisons("k", contrast=("a", "b", "c")), "'k' holds categories"),
    "contrasts twice": (
        lambda f: f.comparisons({"x": 1}, contrast=2),
        "contrasts are in 'variables' already, by column",
    ),
    "no such comparison": (
        lambda f: f.comparisons("x", comparison="odds"),
        "comparison='odds'): 'comparison' must be one of 'difference', 'ratio', 'lnratio', 'lnor', 'odds_ratio'",
    ),
    "odds of means": (lambda f: f.comparisons("x", comparison="lnor"), "odds are of probabilities"),
    "ratios of predictors": (
        lambda f: f.comparisons("x", comparison="ratio", kind="linear"),
        "of the linear predictor there are differences alone",
    ),
    "kind": (lambda f: f.slopes("x", kind="response"), "slopes(kind='response'): 'kind' must be 'mean' or 'linear'"),
    "new groups": (lambda f: f.slopes("x", new_groups="yes"), "'new_groups' must be 'error' or 'sample'"),
    "average": (lambda f: f.comparisons("x", average="g"), "'average' must be True or False"),
    "group effects": (lambda f: f.comparisons("x", group_effects="no"), "'group_effects' must be True or False"),
    "by and rows": (lambda f: f.comparisons("x", by="k", average=False), "'by' averages rows; leave out one"),
    "by no column": (
        lambda f: f.comparisons("x", by="school"),
        "there is no column 'school' in the rows; they have 'k', 'x', 'yes'. Other columns of your data can be had",
    ),
    "by combinations": (
        lambda f: f.predictions(by="k:yes"),
        "predictions(by='k:yes'): there is no column 'k:yes' in the rows; by the combinations of several it is "
        "by=['k', 'yes'].",
    ),
    "by combinations of what is not there": (
        lambda f: f.predictions(by="k:school"),
        "there is no column 'k:school' in the rows; they have 'k', 'x', 'yes'.",
    ),
    "rows by a word": (
        lambda f: f.comparisons("x", new="mean"),
        "comparisons(new='mean'): 'new' takes rows; give a data frame of one row with the means of the columns",
    ),
    "rows by another word": (lambda f: f.slopes("x", new="balanced"), "`new` is 'balanced', and there is no such"),
    "no rows by their places": (lambda f: f.predictions(new=3), "`new`"),
    "by nothing": (lambda f: f.comparisons("x", by=[]), "'by' must be a column or a list of columns"),
    "by True": (lambda f: f.comparisons("x", by=True), "'by' must be a column or a list of columns"),
    "by twice": (lambda f: f.comparisons("x", by=["k", "k"]), "'by' must be a column or a list of columns, each once"),
    "by missing": (
        lambda f: f.comparisons("x", by="school", new=ROWS.assign(school=None)),
        "column 'school' has missing values; leave them out",
    ),
    "by a name of the table": (
        lambda f: f.comparisons("x", by="mean", new=ROWS.assign(mean=1)),
        "the table has a column 'mean' of its own; rename yours",
    ),
    "prob": (lambda f: f.predictions(prob=90), "predictions(prob=90): 'prob' must be a number between 0 and 1"),
    "no rows": (lambda f: f.comparisons("x", new=ROWS.iloc[:0]), "comparisons(new=...): there are no rows"),
    "no column": (lambda f: f.comparisons("x", new=ROWS[["x"]]), "There is no column 'k' in the new data"),
    "missing values": (lambda f: f.slopes("x", new=ROWS.assign(x=np.nan)), "Column 'x' has"),
    "theirs": (lambda f: f.comparisons("x", newdata=ROWS), "has no keyword 'newdata'. Did you mean 'new'?"),
    "theirs too": (lambda f: f.slopes("x", conf_level=0.9), "has no keyword 'conf_level'. Did you mean 'prob'?"),
    "logarithms of what is negative": (
        lambda f: f.comparisons("x", contrast=(-100, 1), comparison="lnratio"),
        "comparisons(x, ln(1 / -100)): it is no finite number in 100 % of the draws",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_are_named(linear, slip):
    call, words = SLIPS[slip]
    with pytest.raises(sh.StanhierError) as caught:
        call(linear)
    assert words in str(caught.value)


def test_one_value_has_no_standard_deviation(streamed):
    rows = variants.frame().iloc[:1]
    fit = fake_fit(sh.LinearRegression("y ~ x + I(x ** 2)", ROWS), chains=2, draws=20)
    assert fit.slopes("x", new=ROWS.iloc[:1])["mean"].notna().all()  # the fit knows how far x varies
    with pytest.raises(sh.StanhierError, match=r"comparisons\('g', contrast='sd'\): 'g' holds categories"):
        streamed.comparisons("g", contrast="sd", new=rows)


def test_more_averages_than_fit_into_memory_are_refused(linear, monkeypatch):
    monkeypatch.setattr("stanhier.marginal.estimating.MAX_VALUES", 1000)
    with pytest.raises(sh.StanhierError, match="100 draws of 60 averages are more than fit comfortably in memory"):
        linear.predictions(by="x")


def test_draws_of_many_rows_are_refused_and_the_table_is_there(linear, monkeypatch):
    monkeypatch.setattr("stanhier.marginal.effects.MAX_VALUES", 1000)
    found = linear.predictions(average=False)
    assert len(found) == len(ROWS)
    with pytest.raises(sh.StanhierError, match=r"predictions\(...\).draws would be 100 draws of 60 rows"):
        _ = found.draws


def test_nested_groups_have_no_other_combinations():
    rows = pd.concat([family_rows("gaussian", 4, 20), family_rows("gaussian", 4, 20, seed=4)], ignore_index=True)
    rows["school"] = np.where(rows["g"] < "g02", "north", "south")
    fit = fake_fit(sh.Model("y ~ x + (1 | school / g)", rows), chains=2, draws=50)
    with pytest.raises(sh.DataError, match="'school:g' has combinations that the model has not seen"):
        fit.comparisons("school")
    assert len(fit.comparisons("school", new_groups="sample")) == 1


def test_one_draw_and_one_row():
    fit = fake_fit(sh.LinearRegression("y ~ x", ROWS), chains=1, draws=1)
    found = fit.comparisons("x", new=ROWS.iloc[:1])
    assert np.isnan(found["sd"][0])
    assert found["mean"][0] == found["median"][0]


def test_binomial_rows_count_once_whatever_their_trials():
    fit, rows = family_fit("binomial"), family_rows("binomial")
    found = only(fit.predictions())
    np.testing.assert_allclose(found.ravel(), flat(fit.predict_draws(rows)).mean(axis=1), rtol=1e-10)


def test_fits_from_files_and_with_more_groups_have_rows_too(tmp_path):
    fit = fake_fit(sh.VaryingIntercept("y ~ x + z + (1 | g)", variants.frame()), chains=2, draws=50)
    fit.save(tmp_path / "fit.nc")
    again = sh.load(tmp_path / "fit.nc")
    for method in ("comparisons", "slopes", "predictions"):
        whole, other = (getattr(one, method)(by="g") for one in (fit, again))
        np.testing.assert_allclose(flat(other.draws), flat(whole.draws), rtol=1e-9, atol=1e-12)
    more = fit.update_group(variants.frame().iloc[:4].assign(g=77))
    assert list(more.predictions(by="g")["g"])[-1] == 77
    np.testing.assert_allclose(only(more.comparisons("x")), beta(more, "x"), rtol=1e-8)
