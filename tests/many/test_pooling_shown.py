"""What notebooks show of three kinds of pooling, and of comparisons: the numbers that are printed, labels escaped."""

import re
from html import unescape

import pandas as pd
import pytest

import stanhier as sh
from stanhier.formula.parse import parse
from stanhier.many.pooled_tables import COMPLETE, NONE, PARTIAL, pooled_tables
from stanhier.many.pooling import Pooling
from stanhier.many.separate import separate_columns, separated
from stanhier.posterior.places import place_at
from tests.tools import synthetic
from tests.tools.fake_fit import fake_fit

LABELS = ["a", synthetic.NASTY, "c"]


def pooling_of(formula):
    """Three fits that were not sampled, as `sh.pooling` would have them."""
    data = synthetic.grouped_frame([8, 9, 12], LABELS)
    texts = separated(parse(formula))
    models = {
        COMPLETE: sh.LinearRegression(texts.complete, data),
        NONE: sh.LinearRegression(texts.separate, data),
        PARTIAL: sh.Model(formula, data),
    }
    fits = {name: fake_fit(model, chains=2, draws=50) for name, model in models.items()}
    place = place_at(fits[PARTIAL].model, "mean", "pooling")
    effects = fits[PARTIAL].model.design.groupings[0].effects
    levels = sh.LinearRegression(texts.levels, data).design.predictors
    own = separate_columns(fits[NONE].model.design.predictors, levels, effects, formula)
    tables = pooled_tables(fits, own, place, 0.9)
    return Pooling(fits, tables[effects[0]], 0.9, tables, place.words)


def cells(html):
    """The cells of the tables of a page, row by row."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL)
    found = [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [[unescape(cell) for cell in row] for row in found if row]


@pytest.mark.parametrize("formula", ["pressure ~ age + (1 | clinic)", "pressure ~ age + (1 + age | clinic)"])
def test_pooling_shows_the_tables_that_it_prints(formula):
    pooled = pooling_of(formula)
    html = pooled._repr_html_()
    expected = [row for table in pooled.tables.values() for row in table.texts().astype(str).to_numpy().tolist()]
    assert cells(html) == expected
    for effect in pooled.tables:
        assert (f"<p><strong>{effect}</strong></p>" in html) == (len(pooled.tables) > 1)
    assert (
        "Pooling of &#x27;pressure ~ age&#x27; over 3 groups of &#x27;clinic&#x27;, at the mean of the predictors"
        in html
    )
    first, *lines = str(pooled).splitlines()
    assert first.startswith("Pooling of 'pressure ~ age' over")
    assert (
        lines
        == "\n".join(
            [f"{effect}\n{table}" for effect, table in pooled.tables.items()]
            if len(pooled.tables) > 1
            else [str(pooled.estimates)]
        ).splitlines()
    )
    assert "<script>" not in html
    assert "St. &lt;script&gt;alert(1)&lt;/script&gt; &amp; $x_1$" in html


def test_where_pandas_shows_text_alone_so_do_notebooks():
    pooled = pooling_of("pressure ~ age + (1 | clinic)")
    with pd.option_context("display.notebook_repr_html", False):
        html = pooled._repr_html_()
    assert "<table" not in html
    assert "<pre>" in html
    assert "<script>" not in html


def test_comparisons_show_the_numbers_that_they_print():
    data = synthetic.grouped_frame([30, 30, 30], LABELS)
    fits = {
        name: fake_fit(sh.LinearRegression(formula, data))
        for name, formula in {"<b>one</b>": "pressure ~ age", "two": "pressure ~ age + sex"}.items()
    }
    table = sh.compare(fits)
    html = table._repr_html_()
    assert cells(html) == table.texts().astype(str).to_numpy().tolist()
    assert "<b>one" not in html
    assert "&lt;b&gt;one&lt;/b&gt;" in html
