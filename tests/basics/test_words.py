import pytest

import stanhier as sh
from stanhier.basics.words import bytes_in_words, in_formula, listed, quoted, shortened


def test_short_texts_stay_as_they_are():
    assert shortened("y ~ x") == "y ~ x"
    assert quoted("y ~ x") == "'y ~ x'"
    assert quoted(["a", 1]) == "['a', 1]"
    assert listed(["x", 1]) == "'x', '1'"
    assert listed(["it's", "a\nb"]) == "\"it's\", 'a\\nb'"


@pytest.mark.parametrize("value", ["x" * 10**6, "\0" * 10**6, ["x"] * 10**6, {k: k for k in range(10**5)}, 10**4000])
def test_no_value_is_quoted_at_length(value):
    assert len(quoted(value)) < 1100
    assert len(quoted(value, 60)) < 400


def test_the_beginning_and_the_end_are_kept():
    said = shortened("a" * 500 + "b" * 500, 90)
    assert said.startswith("a" * 60 + " …")
    assert said.endswith("… " + "b" * 30)
    assert "(910 characters)" in said


def test_an_object_that_cannot_describe_itself_is_named():
    class Silent:
        def __repr__(self):
            raise RuntimeError("no words")

    assert quoted(Silent()) == "<Silent whose repr() raises RuntimeError>"


def test_many_names_are_counted():
    assert listed(range(30), 2) == "'0', '1' and 28 more"


@pytest.mark.parametrize(("name", "written"), [("x", "x"), ("a.b", "a.b"), ("my col", "`my col`"), ("1B", "`1B`")])
def test_names_as_a_formula_has_them(name, written):
    assert in_formula(name) == written


@pytest.mark.parametrize("kind", [sh.StanhierError, sh.FormulaError, sh.DataError, sh.SamplingError])
def test_no_message_of_ours_fills_the_screen(kind):
    err = kind(f"Column '{'x' * 10**6}' has no values; drop it.")
    assert len(str(err)) < 21_000
    assert str(err).startswith("Column 'xxx")
    assert str(err).endswith("xxx' has no values; drop it.")


LONG = "a" * 100_000
FRAME = {"y": [1.0, 2.0, 4.0, 3.0], "x": [1.0, 2.0, 3.0, 5.0], "g": [0, 0, 1, 1]}


@pytest.mark.parametrize(
    "call",
    [
        lambda: sh.LinearRegression(f"y ~ {LONG[:90_000]}", FRAME),
        lambda: sh.LinearRegression(f"y ~ `{LONG[:90_000]}`", FRAME),
        lambda: sh.LinearRegression(f"y ~ I({LONG[:900]}.a)", FRAME),
        lambda: sh.VaryingIntercept(f"y ~ x + (1 | {LONG[:90_000]})", FRAME),
        lambda: sh.VaryingIntercept(f"y ~ x + (1 | `{LONG[:90_000]} b`)", FRAME),
        lambda: sh.LinearRegression(f"y ~ x + (1 | {LONG[:90_000]})", FRAME),
        lambda: sh.LinearRegression("y ~ x", {**FRAME, "x": [LONG, 1, 2, 3]}),
        lambda: sh.LinearRegression("y ~ x", LONG),
        lambda: sh.LinearRegression("y ~ x", FRAME, se=LONG),
        lambda: sh.LinearRegression("y ~ x", FRAME, sigma=LONG),
        lambda: sh.LinearRegression("y ~ x", FRAME, priors={LONG: sh.Flat()}),
        lambda: sh.LinearRegression("y ~ x", FRAME, priors={"beta": {LONG: sh.Flat()}}),
        lambda: sh.LinearRegression("y ~ x", FRAME, priors={"alpha": LONG}),
        lambda: sh.LinearRegression("y ~ x", FRAME, context={LONG + "!": len}),
        lambda: sh.LinearRegression("y ~ x", FRAME).sample(**{LONG: 1}),
        lambda: sh.LinearRegression("y ~ x", FRAME).sample(chains=LONG),
        lambda: sh.Normal(0, LONG),
        lambda: sh.load(LONG),
        lambda: sh.load([LONG]),
        lambda: sh.compare({LONG: 3}),
    ],
)
def test_an_attack_is_not_quoted_back_in_full(call):
    with pytest.raises(sh.StanhierError) as refusal:
        call()
    assert len(str(refusal.value)) < 5000


def test_amounts_of_memory():
    sizes = (350_000, 48e6, 483e6, 3.24e9, 1.5e13)
    assert [bytes_in_words(size) for size in sizes] == ["0.35 MB", "48 MB", "480 MB", "3.2 GB", "15,000 GB"]
