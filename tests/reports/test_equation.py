"""Equations of models whose effects vary by one or several factors."""

import html
import re

import pytest

import stanhier as sh
from stanhier.reports import equation
from stanhier.reports.html import model_html
from tests.tools import variants


def typed(written):
    """An equation as a line of text: what stands below is behind an underscore, in braces."""
    text = re.sub(r"</?i>|&emsp;", "", str(written))
    return html.unescape(text.replace("<sub>", "_{").replace("</sub>", "}"))


def lines(name):
    return [typed(line) for line in equation.lines(variants.SEVERAL[name]())]


def test_a_slope_that_varies():
    assert lines("slope") == [
        "y_{i} ~ Normal(μ_{i}, σ)",
        "μ_{i} = α + β_{x} · x_{i}",
        "+ effect_{school[i], Intercept} + effect_{school[i], x} · x_{i}",
        "(effect_{school[j], Intercept}, effect_{school[j], x}) ~ MultiNormal(0, Σ_{school})"
        "  for each of 6 groups j of school",
        "Σ_{school} = D_{school} cor_{school} D_{school} with D_{school} = "
        "diag(sd_{school, Intercept}, sd_{school, x})",
    ]


def test_effects_without_correlations_are_normal_one_by_one():
    assert lines("slope without correlation")[3:] == [
        "effect_{school[j], Intercept} ~ Normal(0, sd_{school, Intercept})  for each of 6 groups j of school",
        "effect_{school[j], x} ~ Normal(0, sd_{school, x})  for each of 6 groups j of school",
    ]


def test_several_factors_have_a_line_each():
    assert lines("crossed") == [
        "y_{i} ~ Normal(μ_{i}, 0.6)",
        "μ_{i} = α + β_{x} · x_{i}",
        "+ effect_{school[i], Intercept}",
        "+ effect_{rater[i], Intercept}",
        "effect_{school[j], Intercept} ~ Normal(0, sd_{school, Intercept})  for each of 6 groups j of school",
        "effect_{rater[j], Intercept} ~ Normal(0, sd_{rater, Intercept})  for each of 5 groups j of rater",
    ]


def test_nested_factors_go_by_both_names():
    written = lines("nested")
    assert "+ effect_{school:class[i], Intercept} + effect_{school:class[i], x} · x_{i}" in written
    assert written[-2].endswith("~ MultiNormal(0, Σ_{school:class})  for each of 24 groups j of school:class")


def test_blocks_of_one_factor_are_numbered():
    written = lines("two blocks")
    assert "(effect_{school[j], Intercept}, effect_{school[j], x}) ~ MultiNormal(0, Σ_{school, 1})" in written[4]
    assert written[7].startswith("Σ_{school, 2} = D_{school, 2} cor_{school, 2} D_{school, 2} with")
    rows = [(typed(quantity), prior, remark) for quantity, prior, remark in equation.prior_rows(_model("two blocks"))]
    assert ("cor_{school, 1}", "LKJ(1)", "among Intercept, x") in rows
    assert ("cor_{school, 2}", "LKJ(1)", "among z, exp(z)") in rows


def test_priors_are_those_that_were_given():
    rows = {typed(quantity): prior for quantity, prior, _ in equation.prior_rows(_model("slope, priors"))}
    assert rows["cor_{school}"] == "LKJ(2)"
    assert rows["sd_{school, x}"] == "HalfNormal(2)"
    assert rows["β_{x}"] == "StudentT(3, 0, 2)"
    assert set(rows) == {"α", "β_{x}", "sd_{school, Intercept}", "sd_{school, x}", "cor_{school}", "σ"}


def test_without_an_intercept_of_the_population():
    assert lines("no intercept")[1] == "μ_{i} = β_{x} · x_{i}"
    model = sh.Model("y ~ 0 + (0 + x | school)", variants.several())
    assert [typed(line) for line in equation.lines(model)][1:3] == ["μ_{i} = 0", "+ effect_{school[i], x} · x_{i}"]


def test_many_effects_are_a_sum():
    model = sh.Model("y ~ x + (poly(z, 7) | rater)", variants.several().assign(rater=lambda d: d.index % 12))
    written = [typed(line) for line in equation.lines(model)]
    assert written[2] == "+ ∑_{k=1…8} effect_{rater[i],k} z_{ik}"
    assert ", …, effect_{rater[j], poly(z, 7)[7]}) ~ MultiNormal(0, Σ_{rater})" in written[3]


def test_names_are_escaped():
    data = variants.several().rename(columns={"x": "<i onload=alert(1)>", "school": "a & <b>"})
    model = sh.Model("y ~ `<i onload=alert(1)>` + (1 + `<i onload=alert(1)>` | `a & <b>`)", data)
    page = model_html(model)
    assert "<i onload" not in page
    assert "<b>" not in page
    assert "sd</i><sub>a &amp; &lt;b&gt;, &lt;i onload=alert(1)&gt;</sub>" in page


def test_what_varies_around_0_is_said():
    assert "z varies around 0: it is no predictor of the population." in model_html(_model("slope around 0"))
    assert "The intercept varies around 0: the population has none." in model_html(_model("no intercept"))
    assert "around 0" not in model_html(_model("nested"))
    assert "z varies around 0" in repr(_model("slope around 0"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("slope", "160 rows in 6 groups of school<"),
        ("crossed", "160 rows in 6 groups of school and 5 groups of rater<"),
        ("nested", "160 rows in 6 groups of school and 24 groups of school:class<"),
    ],
)
def test_groups_of_each_factor_are_counted(name, words):
    assert words in model_html(_model(name)).replace("\n", "")


def test_a_model_without_groups_is_one_line():
    assert [typed(line) for line in equation.lines(sh.Model("y ~ x", variants.several()))] == [
        "y_{i} ~ Normal(α + β_{x} · x_{i}, σ)"
    ]


def _model(name):
    return variants.SEVERAL[name]()
