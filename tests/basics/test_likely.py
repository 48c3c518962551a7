"""What was likely meant, and nothing where nothing comes to mind."""

import pandas as pd
import pytest

import stanhier as sh
from stanhier.basics.likely import meant_factor, nearly_same
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("School", "school"),
        ("class", "school:class"),
        ("school/class", "school:class"),
        ("school : class", "school:class"),
        ("scool", "school"),
        ("pupil", None),
        (7, None),
    ],
)
def test_factors(given, meant):
    assert meant_factor(given, ["school", "school:class"]) == (f" Did you mean '{meant}'?" if meant else "")


def test_labels_that_differ_in_blanks_and_capitals():
    known = ["Wald ", "Weg  rand", 3]
    assert nearly_same(["x", "wald"], known) == " ('wald' and 'Wald ' differ in blanks or capitals alone)"
    assert nearly_same(["weg rand"], known) == " ('weg rand' and 'Weg  rand' differ in blanks or capitals alone)"
    assert nearly_same(["Wiese", 3, 4], known) == ""
    assert nearly_same(["Wald "], known) == ""


def test_new_data_and_factors_of_a_fit():
    data = variants.frame().assign(kind=lambda one: ["wood ", "meadow"] * (len(one) // 2) + ["wood "] * (len(one) % 2))
    data["g"] = "G" + data["g"].astype(str)
    fit = fake_fit(sh.Model("y ~ x + kind + (1 | g)", data), draws=10)
    new = pd.DataFrame({"x": [0.0], "kind": "meadow", "g": data["g"].iloc[0]})
    with pytest.raises(sh.DataError, match=r"'Wood' and 'wood ' differ in blanks or capitals alone\); leave"):
        fit.predict(new.assign(kind="Wood"))
    with pytest.raises(sh.DataError, match=r"'g0 ' and 'G0' differ in blanks or capitals alone\); predict"):
        fit.predict(new.assign(g="g0 "))
    with pytest.raises(sh.StanhierError, match=r"it has 'g'. Did you mean 'g'\?"):
        fit.group_summary("G", levels=["G0"])
    with pytest.raises(sh.PriorError, match=r"they are: 'g'. Did you mean 'g'\?"):
        sh.Model("y ~ x + (1 | g)", data, priors={"sd": {"G": sh.HalfNormal(1)}})
    with pytest.raises(sh.DataError, match=r"no column 'x' in the new data.*Did you mean 'X'\?$"):
        fit.predict(new.rename(columns={"x": "X"}))
    with pytest.raises(sh.DataError, match=r"no column 'g' in the new data.*new\[\"g\"\] = None with new_groups"):
        fit.predict(new.drop(columns="g"))
    unknown = fit.predict(new.assign(g=None), new_groups="sample")
    assert unknown["sd"].item() > fit.predict(new)["sd"].item()


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_a_file_that_was_read_with_another_separator(sign):
    with pytest.raises(sh.DataError, match=r"read as a single column: give the separator, .*sep=") as caught:
        sh.Model("y ~ x", pd.DataFrame({sign.join("xyz"): ["1"]}))
    assert f"sep={sign!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("kind['b'] ~ x", "whether a row has one of the values of a column is I(kind == 'b')"),
        ("y ~ data['x'] + I(df['x'])", "write the name of the column alone"),
    ],
)
def test_brackets(formula, said):
    with pytest.raises(sh.FormulaError) as caught:
        sh.Model(formula, variants.frame())
    assert said in str(caught.value)


def test_a_prior_of_a_factor_of_several_columns_says_which_these_are():
    data = variants.frame().assign(kind=lambda one: [["a", "b", "c"][k % 3] for k in range(len(one))])
    with pytest.raises(
        sh.PriorError, match=r"'kind' has 2 columns there, and each .*: 'kind\[T.b\]', 'kind\[T.c\]'\.$"
    ):
        sh.Model("y ~ x + kind", data, priors={"beta": {"kind": sh.Normal(0, 1)}})
    two = data.assign(kind=data["kind"].replace("c", "b"))
    with pytest.raises(sh.PriorError, match=r"Did you mean 'kind\[T.b\]'\?$"):
        sh.Model("y ~ x + kind", two, priors={"beta": {"kind": sh.Normal(0, 1)}})
