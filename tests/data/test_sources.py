"""Rows from every kind of source give the model that the same rows in memory give."""

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

import stanhier as sh
from stanhier.data.sources import open_source, source
from stanhier.design import block_encoding as encoding
from stanhier.design.blocks import ArrayRows, RowGroups, Stack
from stanhier.design.streamed import StreamedDesign
from stanhier.engines.gaussian import pieces
from stanhier.engines.gaussian.reducer import GaussianReducer
from stanhier.formula.parse import parse
from tests.tools.designs import assert_same_design, design_of


def frame(n=1200):
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {
            "x": rng.standard_normal(n) * 3 + 100,
            "z": rng.integers(0, 5, n),
            "s": rng.choice(list("abcd"), n),
            "flag": rng.random(n) < 0.5,
            "with space": rng.standard_normal(n),
            "g": rng.integers(100, 160, n),
            "town": rng.choice(["Ulm", "Bonn", "Jena"], n),
            "se": rng.uniform(0.5, 2, n),
            "unused": "text",
        }
    )
    data["y"] = 0.3 * data["x"] + data["z"] + rng.standard_normal(n)
    return data


@pytest.fixture(scope="module")
def data():
    return frame()


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """Three files of small row groups."""
    path = tmp_path_factory.mktemp("parquet")
    for k in range(3):
        data.iloc[k::3].to_parquet(path / f"part-{k}.parquet", row_group_size=170, index=False)
    return path


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(pieces, "BLOCK_ROWS", 64)
    monkeypatch.setattr(source, "BATCH_ROWS", 256)


SOURCES = {
    "pattern": lambda folder: f"{folder}/part-*.parquet",
    "polars lazy": lambda folder: pl.scan_parquet(folder / "*.parquet"),
    "polars": lambda folder: pl.read_parquet(folder / "*.parquet"),
    "narwhals": lambda folder: nw.from_native(pl.scan_parquet(folder / "*.parquet")),
    "pyarrow": lambda folder: pq.read_table(folder),
    "duckdb": lambda folder: duckdb.sql(f"SELECT * FROM '{folder}/*.parquet'"),
}

FORMULAS = [
    "y ~ x + (1 | g)",
    "y ~ x + z + flag + s + (1 | town)",
    "y ~ 1",
    "log(y) ~ 0 + np.exp(x / 100) + I(x**2) + `with space`",
    "sqrt(abs(y)) ~ log1p(x) + center(sqrt(x)) + I(minimum(z, 2)) + floor(x):s",
    "y ~ x * s + C(z) + C(flag) + C(z > 2)",
    "y ~ C(s, Treatment('c')) + C(z, contr.sum())",
    "y ~ center(x) + scale(x) + standardize(z) + scale(np.log(x), center=False) + scale(z, ddof=0)",
    "y ~ scale(x, scale=False) + scale(z, center=2, scale=3) + standardize(x, rescale=False)",
    "scale(y) ~ scale(`with space`):s + (1 | g)",
    "y ~ poly(x, 2, raw=True)",
    "y ~ bs(z, knots=[1, 2], lower_bound=0, upper_bound=5) + (1 | g)",
    "y ~ cr(z, knots=[1.0, 2.0], lower_bound=0, upper_bound=4) + (1 | g)",
    "y ~ 0 + cc(z, knots=[1.0, 2.0], lower_bound=0, upper_bound=4)",
    "y ~ cs(z, knots=[1.0, 2.0], lower_bound=0, upper_bound=4)",
]


@pytest.mark.versions
@pytest.mark.parametrize("kind", SOURCES)
def test_any_source_gives_the_design_of_the_frame(kind, data, folder):
    formula = parse("log(y) ~ center(x) * s + flag + `with space` + (1 | town)")
    built = design_of(formula, SOURCES[kind](folder), se="se")
    assert isinstance(built, StreamedDesign) == (kind not in ("polars", "pyarrow"))
    assert_same_design(built, design_of(formula, data, se="se"))


@pytest.mark.versions
@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_mean_what_they_mean_in_memory(formula, data, folder):
    expected = design_of(parse(formula), data, se="se")
    built = design_of(parse(formula), folder, se="se")
    assert_same_design(built, expected)
    new = data.iloc[:40]
    np.testing.assert_allclose(built.encode(new).X, expected.encode(new).X, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(built.encode_response(new), expected.encode_response(new), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("poly(x, 2)", "orthogonal over the whole column.*raw=True"),
        ("bs(x, df=4)", "knots or bounds from the whole column"),
        ("bs(x, knots=[1, 2])", "knots or bounds from the whole column"),
        ("cr(x, df=4)", "give cr knots="),
        ("cs(x, df=4)", "give cs knots="),
        ("cc(x, df=4)", "give cc knots="),
        ("cr(z, knots=[1.0, 2.0], lower_bound=0, upper_bound=4, constraints='center')", "without constraints="),
        ("scale(center(x))", r"needs 'center\(x\)' of all rows first"),
        ("double(x)", r"'double\(x\)' is a function of your own"),
    ],
)
def test_what_needs_the_whole_column_is_refused(expression, words, folder):
    formula = parse(f"y ~ {expression}", {"double": lambda x: 2 * x})
    with pytest.raises(sh.FormulaError, match=words):
        design_of(formula, folder)


def test_many_groups_across_small_blocks(data, tmp_path):
    many = data.assign(g=np.arange(len(data)) // 2 % 500)
    many.to_parquet(tmp_path / "many.parquet", row_group_size=100)
    formula = parse("y ~ x + (1 | g)")
    assert_same_design(design_of(formula, tmp_path / "many.parquet"), design_of(formula, many))


def test_blocks_have_more_rows_than_there_are_groups():
    reducer, n_groups = GaussianReducer(has_intercept=True), 500
    stack = Stack(reducer)
    groups = RowGroups(np.arange(n_groups), n_groups, None, (-1,), (1,))
    stack.add(reducer.piece(ArrayRows(np.ones((n_groups, 1)), np.ones(n_groups)), groups=[groups]))
    frames = [pd.DataFrame({"x": np.full(300, k)}) for k in range(9)]
    gathered = list(encoding.gathered(iter(frames), stack, 2))
    assert [len(frame) for frame in gathered] == [1200, 1200, 300]
    pd.testing.assert_frame_equal(pd.concat(gathered, ignore_index=True), pd.concat(frames, ignore_index=True))


def test_categories_keep_the_order_of_their_type(data, folder):
    levels = ["d", "c", "never", "b", "a"]
    ordered = data.assign(s=pd.Categorical(data["s"], categories=levels))
    lazy = pl.from_pandas(data).lazy().with_columns(pl.col("s").cast(pl.Enum(levels)))
    formula = parse("y ~ s")
    assert design_of(formula, lazy).predictors == design_of(formula, ordered).predictors
    assert design_of(formula, lazy).predictors[0] == "s[T.c]"


def test_an_index_that_pandas_wrote_is_a_column(data, tmp_path):
    data.set_index("g").astype({"z": "Int64"}).to_parquet(tmp_path / "indexed.parquet")
    formula = parse("y ~ z + (1 | g)")
    assert_same_design(design_of(formula, tmp_path / "indexed.parquet"), design_of(formula, data))


def test_decimals_of_sql_are_numbers(folder):
    relation = duckdb.sql(f"SELECT y, x, 1.5 * z AS d FROM '{folder}/*.parquet'")
    assert design_of(parse("y ~ x + d"), relation).predictors == ("x", "d")


@pytest.mark.parametrize(
    ("change", "formula", "words"),
    [
        ({}, "y ~ nothing", "no column 'nothing' in Parquet.*'x', 'z'"),
        ({"x": [None] * 7 + [1.0] * 1193}, "y ~ x", "Column 'x' has 7 missing values in 1200 rows"),
        ({"z": pd.array([None] + [1] * 1199, dtype="Int64")}, "y ~ z", "Column 'z' has 1 missing value in 1200 rows"),
        ({"s": [None] * 2 + ["a", "b"] * 599}, "y ~ s", "Column 's' has 2 missing values in 1200 rows"),
        (
            {"g": pd.array([1] * 1198 + [None] * 2, dtype="Int64")},
            "y ~ x + (1 | g)",
            "'g' has 2 missing values in 1200",
        ),
        ({"x": [np.inf, -np.inf] * 2 + [1.0] * 1196}, "y ~ x", r"'x' is not finite in 4 rows of 1200 \(such as inf\)"),
        ({"z": [0.0] * 400 + [1.0] * 800}, "y ~ log(z)", r"'log\(z\)' is not finite in 400 rows of 1200"),
        ({"g": np.linspace(0, 1, 1200)}, "y ~ x + (1 | g)", "'g' holds fractions"),
        ({"x": pd.date_range("2020", periods=1200)}, "y ~ x", "'x' holds datetime64.*days since"),
        ({"s": ["1", "2"] * 600}, "y ~ s", "'s' holds text that reads as numbers"),
        ({"s": [[1]] * 1200}, "y ~ s", "'s' holds values that are neither"),
        ({}, "s ~ x", "response 's' is not one numeric column"),
    ],
)
def test_errors_are_those_of_a_frame(change, formula, words, data, tmp_path):
    data.assign(**change).to_parquet(tmp_path / "bad.parquet", row_group_size=250)
    with pytest.raises(sh.StanhierError, match=words):
        design_of(parse(formula), tmp_path / "bad.parquet")


def test_too_many_levels_are_refused(monkeypatch, folder):
    monkeypatch.setattr("stanhier.design.learning.MAX_LEVELS", 3)
    for formula, words in [
        ("y ~ s", "'s' has more than 3 different values"),
        ("y ~ C(z)", r"'C\(z\)' has more than 3"),
    ]:
        with pytest.raises(sh.DataError, match=words):
            design_of(parse(formula), folder)


@pytest.mark.parametrize(
    ("se", "words"),
    [
        ("nothing", "no column 'nothing'"),
        ("s", "'s' must be numeric"),
        ("z", r"Column 'z': standard errors must be positive and finite; \d+ of 1200 are not \(such as 0\)"),
        (np.ones(1200), "must be the name of a column"),
    ],
)
def test_standard_errors_are_checked(se, words, folder):
    with pytest.raises(sh.DataError, match=words):
        design_of(parse("y ~ x"), folder, se=se)


def test_empty_and_absent_data(tmp_path, data):
    data.iloc[:0].to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(sh.DataError, match="has no rows"):
        design_of(parse("y ~ x"), tmp_path / "empty.parquet")
    with pytest.raises(sh.DataError, match="no such Parquet file, folder or pattern"):
        design_of(parse("y ~ x"), tmp_path / "none-*.parquet")
    (tmp_path / "text.parquet").write_text("y,x\n1,2\n")
    with pytest.raises(sh.DataError, match="cannot be read as Parquet"):
        design_of(parse("y ~ x"), tmp_path / "text.parquet")


def test_files_that_cannot_be_read_to_their_end_are_refused(tmp_path, data):
    data[["x", "y"]].to_parquet(tmp_path / "a.parquet", row_group_size=400, compression=None, index=False)
    bytes_of_file = bytearray((tmp_path / "a.parquet").read_bytes())
    start = pq.read_metadata(tmp_path / "a.parquet").row_group(2).column(0).dictionary_page_offset
    bytes_of_file[start : start + 40] = b"\xff" * 40
    (tmp_path / "a.parquet").write_bytes(bytes_of_file)
    with pytest.raises(sh.DataError, match=r"a\.parquet' cannot be read to its end: .*Are all files whole"):
        design_of(parse("y ~ x"), tmp_path / "a.parquet")
    data[["x", "y"]].to_parquet(tmp_path / "a.parquet", index=False)
    data[["x"]].assign(y="text").to_parquet(tmp_path / "b.parquet", index=False)
    with pytest.raises(sh.DataError, match=r"cannot be read to its end: .* of the same types\?"):
        design_of(parse("y ~ x"), tmp_path)


@pytest.mark.parametrize(("n_columns", "n_rows"), [(2, 256), (10, 100), (2000, 1)])
def test_blocks_of_wide_frames_have_fewer_rows(n_columns, n_rows, monkeypatch, tmp_path):
    monkeypatch.setattr(source, "BATCH_VALUES", 1000)
    columns = [f"x{k}" for k in range(n_columns)]
    pd.DataFrame(np.zeros((300, n_columns)), columns=columns).to_parquet(tmp_path / "wide.parquet")
    assert max(batch.num_rows for batch in open_source(tmp_path).batches(columns)) == n_rows


def test_a_missing_package_is_named_with_the_command(monkeypatch, folder):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(source, "import_module", absent)
    with pytest.raises(sh.DataError, match=r"'pyarrow', which is not installed: pip install 'stanhier\[parquet\]'"):
        open_source(folder)


def test_only_the_columns_of_the_model_are_read(folder, monkeypatch):
    read = []
    opened = open_source(folder)
    counted = source.ArrowSource(
        opened.name, opened.schema, lambda columns: read.append(columns) or opened.batches(columns)
    )
    monkeypatch.setattr("stanhier.design.streamed.open_source", lambda _: counted)
    design_of(parse("y ~ x + z + (1 | g)"), folder)
    assert read == [["x", "y", "z", "g"]]  # one pass
    read.clear()
    design_of(parse("y ~ center(x) + s + (1 | g)"), folder)
    assert read == [["s", "x", "y"], ["s", "x", "y", "g"]]
