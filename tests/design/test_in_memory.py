import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.data.codes import codes_of_integers
from stanhier.data.frames import as_frame
from stanhier.design.making import build_design
from stanhier.formula.parse import parse


def frame(n=12):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.standard_normal(n),
            "x": rng.standard_normal(n),
            "n": np.arange(n),
            "flag": np.arange(n) % 2 == 0,
            "kind": list("abc") * (n // 3),
            "g": np.repeat(["north", "south", "east"], n // 3),
        }
    )


def design(formula, data, **kwargs):
    return build_design(parse(formula), data, **kwargs)


def test_design_has_no_intercept_column_and_names_its_columns():
    built = design("y ~ x + flag + kind + (1 | g)", frame())
    assert built.predictors == ("x", "flag", "kind[T.b]", "kind[T.c]")
    assert built.X.shape == (12, 4)
    np.testing.assert_array_equal(built.X[:, 2], [0, 1, 0] * 4)
    assert built.group.name == "g"
    assert list(built.group.levels) == ["east", "north", "south"]
    np.testing.assert_array_equal(built.group.codes, np.repeat([1, 2, 0], 4))


def test_a_dict_of_arrays_is_a_frame():
    data = frame()
    one, other = design("y ~ x + kind", data), design("y ~ x + kind", {k: data[k].to_numpy() for k in data})
    np.testing.assert_array_equal(one.X, other.X)


def test_the_callers_data_are_not_changed():
    data = frame()
    before = data.copy(deep=True)
    built = design("y ~ center(x) + kind + (1 | g)", data)
    built.encode(data)
    pd.testing.assert_frame_equal(data, before)
    data.loc[0, "y"] = 99.0
    assert built.y[0] == before.loc[0, "y"]


@pytest.mark.versions
@pytest.mark.parametrize("dtype", ["int8", "uint16", "float32", "Int64", "Float64", "boolean", "bool"])
def test_numeric_kinds_become_floats(dtype):
    data = frame().assign(x=np.array([0, 1] * 6))
    data["x"] = data["x"].astype(dtype)
    np.testing.assert_array_equal(design("y ~ x", data).X[:, 0], [0, 1] * 6)


def test_object_columns_of_numbers_are_numbers():
    assert design("y ~ x", frame().assign(x=np.arange(12).astype(object))).predictors == ("x",)


def test_unused_categories_are_dropped_and_their_order_kept():
    data = frame()
    data["g"] = pd.Categorical(data["g"], categories=["south", "nowhere", "north", "east"])
    assert list(design("y ~ 1 + (1 | g)", data).group.levels) == ["south", "north", "east"]


def test_new_data_are_encoded_as_those_of_the_fit():
    data = frame()
    built = design("y ~ center(x) + kind + (1 | g)", data)
    new = built.encode(pd.DataFrame({"x": [1.0, 2.0], "kind": ["c", "a"], "g": ["south", "west"]}, index=[7, 9]))
    mean = data["x"].mean()
    np.testing.assert_allclose(new.X, [[1 - mean, 0, 1], [2 - mean, 0, 0]])
    np.testing.assert_array_equal(new.groups[0].codes, [2, 3])
    assert list(new.groups[0].new_levels) == ["west"]
    assert list(new.index) == [7, 9]


def test_integer_groups_match_whatever_integer_type_arrives():
    data = frame().assign(g=np.repeat([10, 20, 30], 4))
    built = design("y ~ 1 + (1 | g)", data)
    for dtype in ("int32", "float64", "Int64"):
        np.testing.assert_array_equal(built.encode({"g": pd.Series([30, 10]).astype(dtype)}).groups[0].codes, [2, 0])


@pytest.mark.parametrize(
    ("change", "formula", "words"),
    [
        ({}, "y ~ nothing", "no column 'nothing'.*'y', 'x'"),
        ({}, "y ~ x + (1 | nothing)", "no column 'nothing'"),
        ({"x": [np.nan] * 2 + [1.0] * 10}, "y ~ x", r"'x' has 2 missing values in 12 rows.*dropna\(subset=\['x'\]\)"),
        ({"y": [None] + [1.0] * 11}, "y ~ x", "'y' has 1 missing value in"),
        ({"g": [None] + ["a"] * 11}, "y ~ x + (1 | g)", "'g' has 1 missing value"),
        ({"x": [np.inf] + [1.0] * 11}, "y ~ x", "'x' is not finite in 1 row"),
        ({"x": np.zeros(12)}, "y ~ log(x)", r"'log\(x\)' is not finite in 12 rows"),
        ({"x": [1j] * 12}, "y ~ x", "'x' holds complex numbers"),
        ({"x": pd.date_range("2020", periods=12)}, "y ~ x", "'x' holds datetime64.*days since"),
        ({"x": [1, "a"] * 6}, "y ~ x", "'x'.*int, str"),
        ({"x": [[1]] * 12}, "y ~ x", "'x'.*list"),
        ({"g": np.linspace(0, 1, 12)}, "y ~ 1 + (1 | g)", "'g' holds fractions"),
        ({}, "kind ~ x", "response 'kind' is not one numeric column"),
        ({}, "y ~ foo(x)", "calls 'foo'"),
    ],
)
def test_what_cannot_be_used_is_named(change, formula, words):
    with pytest.raises(sh.StanhierError, match=words):
        assert len(design(formula, frame().assign(**change)).X)


def test_other_arguments_are_refused():
    with pytest.raises(sh.DataError, match="a dict of arrays, not list"):
        as_frame([1, 2])
    with pytest.raises(sh.DataError, match="different lengths: 'x' 2, 'y' 3"):
        as_frame({"x": [1, 2], "y": [1, 2, 3]})
    with pytest.raises(sh.DataError, match="one-dimensional"):
        as_frame({"x": [[1, 2]], "y": [1]})
    with pytest.raises(sh.DataError, match="'x' occurs more than once"):
        as_frame(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    with pytest.raises(sh.DataError, match="has no rows"):
        design("y ~ x", frame().iloc[:0])


def test_what_pandas_cannot_hold_is_refused():
    if pd.Series(["a"]).dtype == object:
        pytest.skip("here pandas keeps text as objects of Python, not as UTF-8: before 3.0, or without PyArrow")
    with pytest.raises(sh.DataError, match="`data` cannot be made a data frame"):
        as_frame({"\ud800": [1.0], "y": [2.0]})
    with pytest.raises(sh.DataError, match="'x' cannot be made a column"):
        as_frame({"x": ["\ud800", "a"], "y": [2.0, 1.0]})


@pytest.mark.parametrize(
    ("se", "words"),
    [
        ("nothing", "no column 'nothing'"),
        ("kind", "'kind' must be numeric"),
        (np.ones(3), "3 values, but `data` has 12 rows"),
        (np.r_[0.0, np.ones(11)], r"must be positive.*row 0 \(value 0\)"),
        (np.r_[np.ones(11), np.nan], r"`se` has 1 missing value in 12 rows; .*missing=\"drop\""),
        (["a"] * 12, "'se' must be numeric"),
        (2.0, "`se` must be the name of a column or an array"),
    ],
)
def test_standard_errors_are_checked(se, words):
    with pytest.raises(sh.DataError, match=words):
        design("y ~ x", frame(), se=se)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"x": [1.0], "g": ["north"]}, "no column 'kind'"),
        ({"x": [1.0], "kind": ["z"], "g": ["north"]}, "values that the model has not seen.*'z'"),
        ({"x": [np.nan], "kind": ["a"], "g": ["north"]}, "'x' has 1 missing value"),
        ({"x": ["one"], "kind": ["a"], "g": ["north"]}, "'x' is categorical here, but was numeric"),
        ({"x": [1.0], "kind": [3], "g": ["north"]}, "'kind' is numeric here, but was categorical"),
        ({"x": [1.0], "kind": ["a"]}, "no column 'g'"),
    ],
)
def test_new_data_that_do_not_fit_are_refused(new, words):
    built = design("y ~ x + kind + (1 | g)", frame())
    with pytest.raises(sh.DataError, match=words):
        built.encode(new)


def test_a_category_that_is_new_is_named_with_its_predictor_and_the_levels():
    rows = frame().assign(**{"a kind": list("pq") * 6, "period": np.repeat([1, 2, 3], 4)})
    built = design("y ~ `a kind` + C(period) + kind", rows)
    good = {"a kind": ["p"], "period": [1], "kind": [rows["kind"].iloc[0]]}
    for column, new, words in (
        ("a kind", "z", "predictor 'a kind' has values that the model has not seen: 'z'; its levels are 'p', 'q';"),
        ("period", 9, r"predictor 'C\(period\)' has values that the model has not seen: 9; its levels are 1, 2, 3;"),
        ("kind", "z", "predictor 'kind' has values that the model has not seen: 'z'; its levels are"),
    ):
        built.encode(good)
        with pytest.raises(sh.DataError, match=words):
            built.encode({**good, column: [new]})


def test_of_other_libraries_frames_only_the_columns_of_the_model_are_taken():
    other = pl.from_pandas(frame())
    assert list(as_frame(other, ["x", "y"]).columns) == ["x", "y"]
    assert list(as_frame(other).columns) == other.columns
    with pytest.raises(sh.DataError, match=r"no column 'nothing'.*'y', 'x', 'n'"):
        design("y ~ nothing", other)
    np.testing.assert_array_equal(
        design("y ~ x + kind + (1 | g)", other).X, design("y ~ x + kind + (1 | g)", frame()).X
    )


@pytest.mark.versions
@pytest.mark.parametrize("n_groups", [1, 2, 127, 128, 129, 40_000])
@pytest.mark.parametrize("first", [0, -70_000, 2**62])
def test_integers_are_coded_as_factorize_codes_them(n_groups, first):
    rng = np.random.default_rng(n_groups)
    chosen = rng.choice(n_groups + 5, n_groups, replace=False)
    labels = pd.Series(first + np.concatenate([chosen, rng.choice(chosen, 300_000)]), name="g")
    codes, levels = codes_of_integers(labels)
    expected, uniques = pd.factorize(labels, sort=True)
    np.testing.assert_array_equal(codes, expected)
    assert levels.equals(pd.Index(uniques))
    assert codes.nbytes <= {1: 1, 2: 1, 127: 1, 128: 2, 129: 2, 40_000: 4}[n_groups] * len(codes)


def test_integers_far_apart_are_left_to_hashing():
    assert codes_of_integers(pd.Series([1, 10**15, 7])) is None
    assert codes_of_integers(pd.Series(["a", "b"])) is None


def test_what_effects_of_some_rows_are_multiplied_by_is_those_rows_of_the_whole():
    built = design("y ~ x + (1 + n + flag | g)", frame())
    whole, positions = built.effect_matrix(0), np.array([7, 0, 7, 3])
    assert whole.shape == (12, 3)
    np.testing.assert_array_equal(whole[:, :2], np.column_stack([np.ones(12), frame()["n"]]))
    np.testing.assert_array_equal(built.effect_matrix(0, positions), whole[positions])
