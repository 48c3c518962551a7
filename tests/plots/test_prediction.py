"""Data, means and intervals along a predictor."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.drawn import labels_of, texts_overlap


def test_prediction_of_a_line_is_that_of_predict():
    fit = synthetic.line()
    ax = fit.plot_prediction("x")
    mean = next(line for line in ax.lines if line.get_label() == "mean")
    table = fit.predict({"x": mean.get_xdata()})
    np.testing.assert_allclose(mean.get_ydata(), table["median"])
    points = next(line for line in ax.lines if line.get_linestyle() == "None")
    np.testing.assert_allclose(points.get_xydata(), fit.model.design.frame[["x", "y"]])
    new, of_mean = (c.get_paths()[0].get_extents() for c in ax.collections)
    assert new.height > of_mean.height
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_prediction_of_the_average_group_says_where_the_others_are(three):
    ax = three.plot_prediction("age")
    assert ax.get_xlabel() == f"age\n(at sex = {three.model.design.frame['sex'].mode()[0]})"
    mean = next(line for line in ax.lines if line.get_label() == "mean")
    male = float(three.model.design.frame["sex"].mode()[0] == "male")
    posterior = three.posterior
    expected = (
        posterior["mu_alpha"]
        + posterior["beta"].sel(predictor="age") * mean.get_xdata()[7]
        + posterior["beta"].sel(predictor="sex[T.male]") * male
    )
    assert mean.get_ydata()[7] == pytest.approx(float(expected.median()), rel=1e-9)


def test_prediction_by_category_group_and_number(three, many):
    lines = three.plot_prediction("age", by="sex")
    assert [t.get_text() for t in lines.get_legend().get_texts()] == ["female", "male"]
    panels = three.plot_prediction("age", by="clinic")
    assert len(panels) == 3
    assert panels[0].get_figure().get_supxlabel().startswith("age")
    assert not texts_overlap(panels[0].get_figure())
    assert len(many.plot_prediction("age", by="clinic")) == 24
    two = many.plot_prediction("age", by="clinic", groups=["g001", "g002"])
    assert [ax.get_title() for ax in two] == ["g001", "g002"]
    boxes = three.plot_prediction("sex", by="age")
    assert labels_of(boxes.xaxis) == ["female", "male"]
    assert len(boxes.get_legend().get_texts()) == 3


def test_prediction_refuses_other_columns(three):
    with pytest.raises(sh.StanhierError, match="'x' must be a predictor of the model: 'age', 'sex'"):
        three.plot_prediction("clinic")
    with pytest.raises(sh.StanhierError, match="'by' must be another column of the model: 'sex', 'clinic'"):
        three.plot_prediction("age", by="age")
    with pytest.raises(sh.StanhierError, match="figure of its own"):
        three.plot_prediction("age", by="clinic", ax=plt.subplots()[1])
    with pytest.raises(sh.StanhierError, match="no group 'x'"):
        three.plot_prediction("age", by="clinic", groups=["x"])
