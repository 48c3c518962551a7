"""What is wrong for all groups of rows is refused when it is asked for, and not once for each."""

import warnings

import pytest

import stanhier as sh
from tests.tools.product_rows import ELSEWHERE, HERE, rows, write

FORMULA = "y ~ x + (1 | g)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("parquet"))


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"by": None}, "has no `by`"),
            ({"data": None}, "has no `data`"),
            ({"by": []}, "`by` must be the name of a column, or a list of names"),
            ({"by": 3}, "`by` must be the name of a column, or a list of names"),
            ({"by": ["shop", 3]}, "`by` must be the name of a column, or a list of names"),
            ({"by": ["shop", "shop"]}, "names a column twice"),
            ({"by": "nowhere"}, "no column 'nowhere'"),
            ({"by": "x"}, r"'x' is a column of `by`, which has one value in each model"),
            ({"by": ["shop", "g"]}, "'g' is a column of `by`"),
            ({"by": "z"}, "Grouping column 'z' holds fractions"),
            ({"by": "unused"}, "'unused' has 600 missing values in 600 rows"),
            ({"models": "y ~ w + (1 | g)"}, "no column 'w'"),
            ({"models": "y ~ x + (1 | w)"}, "no column 'w'"),
            ({"models": "y ="}, "a formula has a response"),
            ({"se": "w"}, "no column 'w'"),
            ({"se": [1.0, 2.0]}, "`se` has 2 values, but `data` has 600 rows|must be the name of a column"),
            ({"se": "se", "sigma": 1.0}, "Give `sigma` or `se`, not both"),
            ({"sigma": -1}, "`sigma` must be positive"),
            ({"priors": {"alpha": sh.Normal(0, 1)}}, "`priors` has 'alpha', but the model has a varying intercept"),
            ({"models": "y ~ x + (x | g)", "priors": {"sd_h": sh.HalfNormal(1)}}, "The factors are 'g': give priors="),
            ({"models": "y ~ (x || g)", "priors": {"cor": sh.LKJ(2)}}, "no effects are correlated in this formula"),
            ({"priors": [1]}, "must be a dict by parameter name, not list"),
            ({"chans": 2}, "has no keyword 'chans'"),
        ],
    )
    @pytest.mark.parametrize("kind", ["pandas", "polars", "parquet", "duckdb"])
    def test_what_is_wrong_for_all_groups(self, kind, arguments, words, folder, threads):
        data = (HERE | ELSEWHERE)[kind](folder, "part-*.parquet")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(sh.StanhierError, match=words):
                sh.fit_many(**{"models": FORMULA, "data": data, "by": "shop", "executor": threads, **arguments})

    @pytest.mark.parametrize("kind", ["pandas", "parquet"])
    def test_labels_that_are_missing_are_counted(self, kind, tmp_path):
        data = rows()
        data.loc[[3, 400], "product"] = None
        data.to_parquet(tmp_path / "rows.parquet")
        with pytest.raises(sh.DataError, match="'product' has 2 missing values in 600 rows"):
            sh.fit_many(FORMULA, data if kind == "pandas" else tmp_path / "rows.parquet", by=["shop", "product"])

    def test_a_formula_has_its_place(self):
        for keywords in ({"formula": FORMULA, "data": rows(), "by": "shop"}, {"by": "shop"}, {}):
            with pytest.raises(sh.StanhierError, match="needs a formula, by its place, with data and by="):
                sh.fit_many(**keywords)

    def test_what_needs_rows_at_once_that_are_elsewhere(self, folder):
        with pytest.raises(sh.FormulaError, match="orthogonal over the whole column"):
            sh.fit_many("y ~ poly(x, 2)", str(folder / "part-*.parquet"), by="shop")

    @pytest.mark.parametrize("data", [{}, {"y": [], "x": [], "g": [], "shop": []}, 3, None])
    def test_data_that_are_none(self, data):
        with pytest.raises(sh.StanhierError, match=r"no column|no rows|`data` must be|has no `data`"):
            sh.fit_many(FORMULA, data, by="shop")

    @pytest.mark.parametrize(
        "extra", [{"by": "shop"}, {"data": rows()}, {"priors": {}}, {"sigma": 1.0}, {"se": "se"}, {"context": {}}]
    )
    def test_what_goes_with_a_formula_alone(self, extra):
        (name,) = extra
        with pytest.raises(sh.StanhierError, match=f"takes `{name}` with a formula alone"):
            sh.fit_many({"a": sh.VaryingIntercept(FORMULA, rows())}, **extra)
