"""The report: one file, escaped, complete, and shown by a browser without a complaint."""

import base64
import re
from html.parser import HTMLParser

import matplotlib as mpl
import pytest

mpl.use("Agg")

from pathlib import Path

import numpy as np
import pandas as pd

import stanhier as sh
from stanhier.reports import equation
from tests.tools import synthetic
from tests.tools.fake_fit import fake_fit


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def images(self):
        return [attrs["src"] for tag, attrs in self.tags if tag == "img"]


@pytest.fixture(scope="module")
def page(path):
    return Page(path.read_text(encoding="utf-8"))


def test_the_report_says_everything(fit, page):
    text = page.text
    assert "pressurei ~ Normal(αclinic[i] + βage · agei + βsex[T.male] · sex[T.male]i, σ)" in text
    assert "αj ~ Normal(μα, σα) for each of 62 groups j of clinic" in text
    assert f"βage ~ {fit.model.priors['beta']['age']!r}" in text
    assert "of the intercept at the mean of the predictors" in text
    assert "352 rows in 62 groups of clinic" in text
    assert f"62 groups of 5 to 40 rows: {synthetic.LONG} (40), {synthetic.NASTY} (12), clinic 0 (5)" in text
    assert "1 problem found in sampling." in text
    assert fit.check().verdict in text
    assert all(" ".join(problem.split()) in text for problem in fit.check().problems)
    assert "3 of 1000 draws diverged" in text
    assert f"mean {fit.model.design.y.mean():.4g}" in text
    assert f"{float(fit.posterior['sigma'].mean()):.2f}" in text
    assert "… 12 groups between …" in text
    for made in (f"stanhier{sh.__version__}", "CmdStan2.39.0", "seed1", "chains4 of 250 draws each", "Python3."):
        assert made in re.sub(r"\s*(stanhier|CmdStan|seed|chains|Python)\s*", r"\1", text)
    assert "normal_lpdf" in text or "y ~ normal(" in text, "the Stan program"


def test_the_report_has_its_date_and_how_well_rows_are_predicted(fit, page):
    assert "2026-02-03" in page.text
    found = fit.loo()
    elpd, se, p = (f"{float(value):,.1f}" for value in (found.elpd, found.se, found.p))
    assert (
        f"Expected log predictive density (elpd) of 352 rows, each given the others: {elpd}, standard error {se}; "
        f"effective number of parameters (p): {p}." in page.text
    )
    worst = found.worst["pareto_k"]
    assert f"It is reliable: Pareto k is at most {worst.iloc[0]:.2f} (row {worst.index[0]}), below 0.67." in page.text


def test_a_report_has_an_author_and_a_note(tmp_path):
    synthetic.line().report(tmp_path / "r.html", author="A. <b>Reader", note="Two lines,\n\nnot <one>.")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert 'A. &lt;b&gt;Reader, <time datetime="2026-02-03">' in text
    assert '<div class="note">Two lines,\n\nnot &lt;one&gt;.</div>' in text


def test_a_report_without_author_and_note_has_no_place_for_them(path):
    text = path.read_text(encoding="utf-8")
    assert '<p><time datetime="2026-02-03">' in text
    assert 'class="note"' not in text


@pytest.mark.parametrize("name", ["title", "author", "note"])
def test_what_is_written_into_a_report_is_text(name, tmp_path):
    with pytest.raises(sh.StanhierError, match=rf"report\({name}=7\): '{name}' must be text"):
        synthetic.line().report(tmp_path / "r.html", **{name: 7})
    assert list(tmp_path.iterdir()) == []


def test_the_pictures_are_inside(page):
    assert len(page.images()) == 6
    for source in page.images():
        kind, data = source.split(",", 1)
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")


def test_nothing_is_loaded_or_run(path, page):
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "object", "embed", "base", "form"})
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)
        for name in ("src", "href", "srcset", "data"):
            assert attrs.get(name, "data:").startswith("data:"), (tag, attrs)
    assert not re.search(r"url\(|@import|https?:", path.read_text(encoding="utf-8"))


def test_labels_are_escaped_and_whole(path, page):
    text = path.read_text(encoding="utf-8")
    assert "<script>alert(1)</script>" not in text
    assert "St. &lt;script&gt;alert(1)&lt;/script&gt; &amp; $x_1$" in text
    assert synthetic.NASTY in page.text
    assert synthetic.LONG in page.text


def test_titles_are_escaped(fit, tmp_path):
    target = tmp_path / "r.html"
    synthetic.line().report(target, title="</title><script>alert(2)</script>")
    text = target.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "&lt;/title&gt;&lt;script&gt;" in text


def test_the_same_fit_gives_the_same_report(tmp_path):
    for name in ("a.html", "b.html"):
        synthetic.line().report(tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_fit_that_was_saved_and_loaded_gives_the_same_report(fit, path, tmp_path):
    fit.save(tmp_path / "fit.nc")
    sh.load(tmp_path / "fit.nc").report(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_a_report_replaces_a_file_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "r.html"
    target.write_text("old")
    fit = synthetic.line()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(sh.StanhierError, match=r"cannot be written as .*r\.html: disk full"):
            fit.report(target)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"], "no half-written file is left"
    fit.report(target)
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(sh.StanhierError, match=r"cannot be written as .*nowhere"):
        synthetic.line().report(tmp_path / "nowhere" / "r.html")


@pytest.mark.parametrize(
    "make",
    [
        synthetic.line,
        synthetic.schools,
        lambda: fake_fit(sh.LinearRegression("y ~ 1", {"y": [1.0, 2.0, 4.0]}, sigma=1.0)),
        lambda: fake_fit(sh.LinearRegression("pressure ~ 0 + age", synthetic.grouped_frame([9, 9, 9]))),
        lambda: fake_fit(
            sh.LinearRegression("pressure ~ age", synthetic.grouped_frame([9, 9]), priors={"beta": sh.Flat()})
        ),
    ],
    ids=["line", "known errors", "intercept alone", "no intercept", "flat prior"],
)
def test_every_kind_of_model_has_a_report(make, tmp_path):
    make().report(tmp_path / "r.html")
    assert len(Page((tmp_path / "r.html").read_text(encoding="utf-8")).images()) >= 3


def rows_of_every_kind():
    rng = np.random.default_rng(3)
    n = 90
    data = {
        "x": rng.normal(size=n),
        "k": np.resize([2, 2, 7, 10], n),
        "b": rng.random(n) < 0.4,
        "g": np.resize(range(6), n),
    }
    data |= {"t": np.resize(["u", "v", "w"], n), "y": rng.normal(size=n)}
    return pd.DataFrame(data)


@pytest.mark.parametrize(
    "formula",
    ["C(k) + x", "C(k)*x + b", "poly(x, 2) + C(k):b", "bs(x, df=4) + t", "C(g) + x + (1 | g)", "t*b + (1 | t)"],
)
def test_every_use_of_a_column_has_a_report(formula, tmp_path):
    model = sh.VaryingIntercept if "|" in formula else sh.LinearRegression
    fake_fit(model(f"y ~ {formula}", rows_of_every_kind()), draws=50).report(tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert len(page.images()) == (6 if "|" in formula else 5)
    assert "Not drawn" not in page.text
    if "C(k)" in formula:
        assert "3 values: 2 (46), 7 (22), 10 (22)" in page.text, "they are labels: their mean says nothing"


def test_a_picture_that_cannot_be_drawn_says_why(tmp_path):
    u = np.random.default_rng(1).permutation(40) * 1.0
    data = pd.DataFrame({"u": u, "v": u, "y": np.sin(u)})
    model = sh.LinearRegression("y ~ near(u, v)", data, context={"near": lambda u, v: (u + v) / (u == v)})
    fake_fit(model, draws=50).report(tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Not drawn: plot_prediction(x='u'): 'y ~ near(u, v)' is defined at no value of 'u'" in page.text
    assert len(page.images()) == 4


def test_groups_are_listed_at_the_mean_of_the_predictors(fit, page):
    assert "Means of the groups of clinic, at the mean of the predictors, from high to low" in page.text
    assert f"{fit.group_summary(at='mean')['mean'].max():,.1f}" in page.text


@pytest.mark.parametrize("se", [None, "se"])
def test_rows_that_are_not_in_memory_have_a_report(se, tmp_path):
    data = rows_of_every_kind().assign(se=np.linspace(1, 2, 90))
    data.to_parquet(tmp_path / "rows.parquet")
    model = sh.VaryingIntercept("y ~ x + C(k) + t + (1 | g)", tmp_path / "rows.parquet", se=se)
    fake_fit(model, draws=50).report(tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert len(page.images()) == 5
    assert f"mean {data['x'].mean():.4g}, sd {data['x'].std():.4g}" in page.text
    assert f"mean {data['y'].mean():.4g}, sd {data['y'].std():.4g}" in page.text
    assert "3 values: u, v, w" in page.text
    assert ("6 groups of 15 to 15 rows: 0 (15)" in page.text) == (se is None)
    assert ("standard error" in page.text) == (se is not None)
    assert "Not calculated, since it takes the rows one by one, and they are not in memory." in page.text
    assert "The rows are not in memory: no picture shows them" in page.text


def plain(lines):
    return [re.sub(r"<[^>]+>", "", str(line)) for line in lines]


def test_equations_of_the_other_models():
    assert plain(equation.lines(synthetic.line().model)) == ["yi ~ Normal(α + βx · xi, σ)"]
    assert plain(equation.lines(synthetic.schools().model))[0] == "effecti ~ Normal(αschool[i], sei)"
    wide = {f"x{k}": [(j + 1.0) ** (k / 3) for j in range(12)] for k in range(1, 9)} | {
        "y": [j + 0.5 for j in range(12)]
    }
    wide["x0"] = wide.pop("x8")
    model = sh.LinearRegression("y ~ " + " + ".join(f"x{k}" for k in range(8)), wide, sigma=2.5)
    assert plain(equation.lines(model)) == ["yi ~ Normal(α + ∑k=1…8 βk xik, 2.5)"]
    flat = sh.LinearRegression("y ~ 0 + x0", wide, priors={"beta": sh.Flat()})
    assert plain(equation.lines(flat)) == ["yi ~ Normal(βx0 · x0i, σ)"]
    assert equation.prior_rows(flat)[0][1:] == ("Flat()", "improper: every value alike")
