"""What a notebook shows of models and fits, and that one runs through with its line of progress and pictures."""

import dataclasses
import re

import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.fake_fit import fake_fit


def words(html):
    """The text of a piece of HTML."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.replace("<wbr>", "")).split())


def test_a_model_shows_its_equation_and_priors():
    model = synthetic.grouped([5, 12, 40], [synthetic.LONG, synthetic.NASTY, "c"]).model
    html = model._repr_html_()
    assert "VaryingIntercept pressure ~ age + sex + (1 | clinic)" in words(html)
    assert "pressure<sub><i>i</i></sub> ~ Normal(<i>α</i><sub>clinic[<i>i</i>]</sub>" in html
    assert f"~ {model.priors['sigma']!r}" in html
    assert "57 rows in 3 groups of clinic" in html


def test_a_fit_shows_its_verdict_and_summary():
    fit = synthetic.grouped([5, 12, 40])
    text = words(fit._repr_html_())
    assert "4 chains of 250 draws" in text
    assert "No problems found in sampling." in text
    sigma = float(fit.posterior["sigma"].mean())
    assert re.search(rf"\bsigma {sigma:.1f}", text)  # how many digits are shown depends on the Monte Carlo error
    assert "alpha of 3 groups" in text
    assert "alpha[g000]" not in text


def test_a_fit_with_problems_says_them():
    text = words(synthetic.grouped([5, 12, 40], divergences=9)._repr_html_())
    assert "1 problem found in sampling. 9 of 1000 draws diverged" in text


def test_a_diagnosis_shows_what_it_prints():
    fine, wrong = (synthetic.grouped([5, 12, 40], divergences=n).diagnose() for n in (0, 9))
    assert words(fine._repr_html_()) == words(str(fine))
    assert words(wrong._repr_html_()) == f"1 problem found in sampling. {wrong.problems[0]} {wrong.facts}"
    assert str(wrong) == f"Problems:\n- {wrong.problems[0]}\n{wrong.facts}"
    assert [("#2e7d32" in one._repr_html_(), "#c62828" in one._repr_html_()) for one in (fine, wrong)] == [
        (True, False),
        (False, True),
    ]
    approximate = dataclasses.replace(wrong, method="laplace", pareto_k=0.91)
    assert words(approximate._repr_html_()).startswith("1 problem found in the approximation.")
    assert "Draws of an approximation (laplace) with Pareto k 0.91." in approximate._repr_html_()


def test_labels_in_a_diagnosis_are_escaped():
    diagnosis = dataclasses.replace(synthetic.line().diagnose(), problems=(f"beta[{synthetic.NASTY}] is bad",))
    assert "<script>" not in diagnosis._repr_html_()
    assert "beta[St. &lt;script&gt;alert(1)&lt;/script&gt; &amp; $x_1$] is bad" in diagnosis._repr_html_()


def test_names_of_columns_are_escaped():
    data = synthetic.grouped_frame([9, 9, 9]).rename(columns={"age": "<img src=x onerror=alert(1)>"})
    fit = fake_fit(sh.LinearRegression("pressure ~ `<img src=x onerror=alert(1)>`", data))
    for html in (fit._repr_html_(), fit.model._repr_html_()):
        assert "<img" not in html
        assert "&lt;img" in html


def test_many_parameters_are_cut_off():
    data = {f"x{k}": [float((3 * j + k) ** 2 % 101) for j in range(150)] for k in range(120)}
    data["y"] = [j % 7 + 0.5 for j in range(150)]
    fit = fake_fit(sh.LinearRegression("y ~ " + " + ".join(f"x{k}" for k in range(120)), data))
    text = words(fit._repr_html_())
    assert "beta[x50]" in text
    assert "beta[x119]" not in text
    assert "22 more parameters are not shown" in text


CELLS = (
    "import stanhier as sh\n"
    "model = sh.LinearRegression('y ~ x', {'x': [1.0, 2, 3, 4, 5, 6], 'y': [1.1, 1.9, 3.2, 3.9, 5.1, 6.2]})\n"
    "model",
    "fit = model.sample(seed=1, chains=2)",
    "fit",
    "fit.plot_prediction('x');",
    "fit.plot_trace();",
)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.filterwarnings(
    "default::DeprecationWarning", "default::ResourceWarning"
)  # of the notebook's own machinery
def test_a_notebook_runs_and_shows_what_it_should(tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install -e '.[dev]'")
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    model, sampling, fit, prediction, trace = (cell.outputs for cell in notebook.cells)
    assert "Normal(" in words(model[-1].data["text/html"])
    assert "R-hat at most" in words(fit[-1].data["text/html"])
    shown = "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in sampling)
    assert re.fullmatch(r"stanhier: 2 chains of 1,000 \+ 1,000 draws in [\d.]+ s", shown), "one line, and nothing else"
    assert "Warning" not in shown, "nothing that a reader would have to explain"
    for outputs in (prediction, trace):
        assert [output.data["image/png"][:8] for output in outputs if "data" in output] == ["iVBORw0K"]
    assert list(tmp_path.iterdir()) == [], "nothing is left in the notebook's folder"
