"""Equations, pieces of HTML and reports of models of any family."""

import html
import re
import warnings

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import stanhier as sh
from stanhier.plots import linear_words
from stanhier.reports import equation
from stanhier.reports.html import fit_html, model_html
from tests.tools.mode_fits import FAMILIES, family_fit, family_rows

ROWS = {family: family_rows(family) for family in (*FAMILIES, "gaussian")}


def typed(written):
    """An equation as a line of text: what stands below is behind an underscore, above behind a caret, in braces."""
    text = re.sub(r"</?i>|&emsp;", "", str(written)).replace("<sup>", "^{").replace("</sup>", "}")
    return html.unescape(text.replace("<sub>", "_{").replace("</sub>", "}"))


def lines(formula, family, **arguments):
    return [typed(line) for line in equation.lines(sh.Model(formula, ROWS[family], family=family, **arguments))]


@pytest.mark.parametrize(
    ("family", "arguments", "likelihood"),
    [
        ("bernoulli", {}, "y_{i} ~ Bernoulli(logit^{−1}(η_{i}))"),
        ("binomial", {"trials": "trials"}, "y_{i} ~ Binomial(trials_{i}, logit^{−1}(η_{i}))"),
        ("binomial", {"trials": 25}, "y_{i} ~ Binomial(25, logit^{−1}(η_{i}))"),
        ("binomial", {"trials": np.full(200, 25)}, "y_{i} ~ Binomial(trials_{i}, logit^{−1}(η_{i}))"),
        ("poisson", {}, "y_{i} ~ Poisson(exp(η_{i}))"),
        ("negative_binomial", {}, "y_{i} ~ NegativeBinomial(mean exp(η_{i}), shape)"),
    ],
)
def test_the_mean_is_the_inverse_link_of_the_linear_predictor(family, arguments, likelihood):
    assert lines("y ~ x", family, **arguments) == [likelihood, "η_{i} = α + β_{x} · x_{i}"]


def test_other_links_and_names_of_events():
    model = sh.Model("y ~ x", ROWS["bernoulli"], family=sh.Bernoulli(link="probit"))
    assert typed(equation.lines(model)[0]) == "y_{i} ~ Bernoulli(Φ(η_{i}))"
    rows = ROWS["bernoulli"].assign(y=lambda d: np.where(d["y"] == 1, "<yes>", "no"))
    model = sh.Model("y ~ x", rows, family="bernoulli")
    first = str(equation.lines(model)[0])
    assert first.endswith("where 1 is no and 0 is &lt;yes&gt;"), "the second in their order is the event"


def test_student_t_is_written_around_its_location():
    assert lines("y ~ x", "student_t") == ["y_{i} ~ StudentT(ν, α + β_{x} · x_{i}, σ)"]
    assert lines("y ~ x + (1 | g)", "student_t")[0] == "y_{i} ~ StudentT(ν, μ_{i}, σ)"


def test_offsets_stand_first():
    assert lines("y ~ x", "poisson", offset="log_exposure")[1] == "η_{i} = log_exposure_{i} + α + β_{x} · x_{i}"
    assert lines("y ~ 1", "gaussian", offset="x") == ["y_{i} ~ Normal(x_{i} + α, σ)"]
    assert lines("y ~ 1", "gaussian", offset=np.ones(200)) == ["y_{i} ~ Normal(offset_{i} + α, σ)"]


def test_priors_of_auxiliary_parameters_are_listed():
    for family, name in (("student_t", "ν"), ("negative_binomial", "shape")):
        rows = equation.prior_rows(sh.Model("y ~ x", ROWS[family], family=family))
        assert typed(rows[-1][0]) == name


def test_models_say_their_family_trials_and_offset():
    model = sh.Model("y ~ x", ROWS["binomial"], family="binomial", trials="trials", offset="log_exposure")
    assert "200 rows; y is binomial, logit link; trials &#39;trials&#39;; offset &#39;log_exposure&#39;" in model_html(
        model
    )
    assert "  y is binomial, logit link\n  trials 'trials'\n  offset 'log_exposure'" in repr(model)
    assert linear_words(model.design) == "log odds of y"
    assert "y is gaussian" not in model_html(sh.Model("y ~ x", ROWS["gaussian"]))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_report_of_every_family(family, tmp_path):
    offset = {"offset": "log_exposure"} if family == "poisson" else {}
    fit = family_fit(family, "y ~ x + dose + (1 + x | g)", **offset)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Not drawn" not in page
    titles = re.findall("<figcaption><strong>(.*?)</strong>", page)
    assert titles == [
        "Estimates",
        "What pooling did",
        "The regression along x, group by group",
        "The regression along x",
        "Does the model describe the data?",
        "What the data added to the priors",
        "Chains",
    ]
    means = {"student_t": "Means", "poisson": "Log of the mean y", "negative_binomial": "Log of the mean y"}
    assert f"<summary>{means.get(family, 'Log odds of y')} of the groups of g, at the mean" in page
    assert ("<td>log_exposure</td><td>offset</td>" in page) == bool(offset)
    assert ("<td>trials</td><td>trials</td>" in page) == (family == "binomial")
    assert ("new observations" in page) == (family not in ("bernoulli", "binomial"))
    assert "effect_g of 8 groups" in fit_html(fit)
