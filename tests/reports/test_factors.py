"""Reports and pieces of HTML of fits with slopes that vary and several factors."""

import re
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import stanhier as sh
from stanhier.reports import group_tables
from stanhier.reports import report as writing
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

VOID = {"meta", "link", "img", "br", "wbr"}


class Page(HTMLParser):
    """Text and titles of a page, whose tags must close in order."""

    def __init__(self, path):
        super().__init__()
        self.open, self.text = [], ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == [], "every tag is closed"
        self.text = " ".join(self.text.split())
        self.titles = re.findall(r"<figcaption><strong>([^<]*)</strong>", self.source)
        self.tables = re.findall(r"<summary>([^<]*)</summary>", self.source)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def report(fit, tmp_path):
    fit.report(tmp_path / "r.html")
    return Page(tmp_path / "r.html")


def test_nested_factors_and_slopes(tmp_path):
    fit = fake_fit(variants.SEVERAL["nested"](), draws=50)
    page = report(fit, tmp_path)
    assert "Not drawn" not in page.text
    assert page.titles == [
        "Estimates: groups of school",
        "What pooling did: groups of school",
        "The regression along x, group by group: groups of school",
        "Estimates: groups of school:class",
        "What pooling did: groups of school:class",
        "The regression along x, group by group: groups of school:class",
        "The regression along x",
        "Does the model describe the data?",
        "What the data added to the priors",
        "Chains",
    ]
    end = ", for an average group of other factors, from high to low"
    assert page.tables[:4] == [
        f"Means of the groups of school, at the mean of the predictors{end}",
        f"Slopes of x of the groups of school{end}",
        "Means of the groups of school:class, at the mean of the predictors, effects of school included, from high to "
        "low",
        "Slopes of x of the groups of school:class, effects of school included, from high to low",
    ]
    assert "cor_school[Intercept, x]" in page.text
    assert "cor_school[x, Intercept]" not in page.text
    assert "cor_school[x, x]" not in page.text
    assert "<b>Mitte" not in page.source
    assert "<b>Mitte</b>:3" in page.text
    sizes = fit.model.design.groupings[1].sizes
    assert f"24 groups of {sizes.min()} to {sizes.max()} rows" in page.text
    assert re.search(r"class group 4 values: ", page.text.replace("group4", "group 4").replace("classg", "class g"))
    assert "multi_normal" in page.text, "the Stan program"
    slopes = fit.group_summary("school", at="mean").xs("x", level=1)["median"].sort_values(ascending=False)
    table = page.source.split("Slopes of x of the groups of school")[1].split("</table>")[0]
    listed = re.findall(r"<tr><td>([^<]*)</td><td>", table)
    assert [name.replace("&lt;", "<").replace("&gt;", ">") for name in listed] == list(slopes.index)


@pytest.fixture
def no_pictures(monkeypatch):
    """Drawing takes seconds."""
    monkeypatch.setattr(writing, "_pictures", lambda fit: iter(()))  # noqa: ARG005


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", ["crossed", "slope around 0", "two blocks", "a factor that is a predictor"])
def test_every_structure_has_a_report(name, tmp_path):
    fit = fake_fit(variants.SEVERAL[name](), draws=30)
    page = report(fit, tmp_path)
    assert "Not drawn" not in page.text
    for grouping in fit.model.design.groupings:
        assert f"{grouping.name}" in page.text
        assert any(f"groups of {grouping.name}" in title for title in page.tables)
    for parameter in fit.model.parameters.without_effects():
        assert all(label in page.text for label in parameter.scalar_names)
    assert ("z varies around 0: it is no predictor of the population." in page.text) == (
        "z" in fit.model.design.columns.extra
    )


@pytest.mark.usefixtures("no_pictures")
def test_a_fit_that_was_saved_and_loaded_gives_the_same_report(tmp_path):
    fit = fake_fit(variants.SEVERAL["slope, priors"](), draws=50)
    fit.save(tmp_path / "fit.nc")
    first = report(fit, tmp_path).source
    assert report(sh.load(tmp_path / "fit.nc"), tmp_path).source == first
    assert "LKJ(2)" in first


def test_rows_that_are_not_in_memory(tmp_path):
    variants.several().to_parquet(tmp_path / "rows.parquet")
    fit = fake_fit(sh.Model("y ~ x + (1 + x | school / `class`)", tmp_path / "rows.parquet"), draws=50)
    page = report(fit, tmp_path)
    assert page.titles[:4] == [
        "Estimates: groups of school",
        "What pooling did: groups of school",
        "Estimates: groups of school:class",
        "What pooling did: groups of school:class",
    ]
    sizes = np.bincount(variants.several().groupby(["school", "class"]).ngroup())
    assert f"24 groups of {sizes.min()} to {sizes.max()} rows" in page.text


def test_a_fit_in_a_notebook_says_what_it_leaves_out():
    html = fake_fit(variants.SEVERAL["nested"](), draws=50)._repr_html_()
    html = html.replace("<wbr>", "")
    left_out = "effect_school of 6 groups of school, effect_school:class of 24 groups of school:class; see"
    assert left_out in re.sub(r"\s+", " ", html)
    assert "cor_school[Intercept, x]" in html


def test_tables_of_groups_are_those_of_the_summary():
    fit = fake_fit(variants.SEVERAL["slope"](), draws=50)
    means, slopes = group_tables.group_tables(fit)
    assert means.title == "Means of the groups of school, at the mean of the predictors, from high to low"
    summary = fit.group_summary(at="mean").xs("Intercept", level=1)
    name, (rows, mean, *_) = means.lines[0]
    assert name == summary["median"].idxmax()
    assert float(mean) == pytest.approx(summary.loc[name, "mean"], abs=0.01)
    assert int(rows) == (variants.several()["school"] == name).sum()
    assert slopes.title == "Slopes of x of the groups of school, from high to low"
    assert len(slopes.lines) == 6


def test_what_varies_along_a_calculated_predictor_is_drawn_along_its_column():
    data = variants.several().assign(dose=lambda frame: np.exp(frame["x"]))
    fit = fake_fit(sh.Model("y ~ z + log(dose) + (1 + log(dose) | school)", data), draws=20)
    titles = [title for title, _, _ in writing._pictures(fit)]
    assert "The regression along dose, group by group" in titles
