"""The report in a browser: on screens, and as it is printed."""

import re

import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.browser import Browser
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 1200])
def test_the_report_is_readable_in_a_browser(browser, path, width):
    browser.open(path, width=width)
    assert browser.complaints() == []
    assert browser.requests() == [path.resolve().as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width, "the page does not scroll sideways"
    assert browser.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 300)")
    assert browser.evaluate("Math.min(...[...document.images].map(image => image.clientWidth))") >= 400
    small = "[...document.querySelectorAll('p, td, th, li, figcaption, small')].filter(e => e.offsetHeight)"
    assert browser.evaluate(f"Math.min(...{small}.map(e => parseFloat(getComputedStyle(e).fontSize)))") >= 10
    assert len(set(browser.screenshot())) > 50


@pytest.mark.slow
def test_scripts_in_labels_are_not_run(browser, path):
    browser.open(path, width=800)
    assert browser.evaluate("document.scripts.length") == 0
    assert "Page.javascriptDialogOpening" not in {event["method"] for event in browser.events}


@pytest.mark.slow
def test_the_report_prints_on_a4(browser, path):
    browser.open(path, width=1200)
    printed = browser.pdf()
    assert printed.startswith(b"%PDF-")
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 3 <= pages <= 14
    boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)}
    assert {(round(w / 72 * 25.4), round(h / 72 * 25.4)) for _, _, w, h in boxes} == {(210, 297)}


@pytest.mark.slow
def test_nothing_is_cut_off_or_folded_away_on_paper(browser, path):
    browser.open(path, width=1200)
    folded = "[...document.querySelectorAll('details:not([open]) :is(td, pre)')]"
    assert browser.evaluate(f"{folded}.length") > 50
    seen = f"{folded}.filter(e => e.checkVisibility({{contentVisibilityAuto: true}})).length"
    assert browser.evaluate(seen) == 0
    browser.show_as_printed(width=680)  # A4 between margins of 15 mm, at 96 to the inch
    assert browser.evaluate(seen) == browser.evaluate(f"{folded}.length")
    everything = "[...document.body.querySelectorAll('*')]"
    assert browser.evaluate(f"Math.max(...{everything}.map(e => e.getBoundingClientRect().right))") <= 680
    scrolls = (
        "e => e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX)"
    )
    assert browser.evaluate(f"{everything}.filter({scrolls}).length") == 0
    browser.show_as_on_screen()


@pytest.mark.slow
def test_names_of_parameters_go_on_at_brackets(browser, tmp_path):
    data = synthetic.grouped_frame([9, 9, 9]).rename(columns={"age": "visit_age"})
    fake_fit(sh.LinearRegression("pressure ~ visit_age * sex", data)).report(tmp_path / "r.html")
    browser.open(tmp_path / "r.html", width=500)
    name = "[...document.querySelectorAll('td')].find(e => e.textContent == 'beta[visit_age:sex[T.male]]')"
    assert browser.evaluate(f"{name}.innerHTML") == "beta<wbr>[visit_age:<wbr>sex<wbr>[T.male]]"
    box = "n => {const r = document.createRange(); r.selectNode(n); return r.getClientRects()}"
    boxes = f"[...{name}.childNodes].filter(n => n.nodeType == 3).map({box})"
    assert browser.evaluate(f"{boxes}.map(b => b.length)") == [1, 1, 1, 1], "no part is broken"
    assert browser.evaluate(f"new Set({boxes}.map(b => b[0].top)).size") > 1, "the name is"
