"""Pictures of models whose rows are not in memory: those that need no rows are the same."""

import numpy as np
import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.drawn import labels_of
from tests.tools.explicit_fit import sleepy
from tests.tools.fake_fit import fake_fit

FORMULA = "pressure ~ age + C(ward) + sex + (1 | clinic)"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(6)
    frame = synthetic.grouped_frame([5, 12, 40])
    return frame.assign(ward=rng.choice([1, 2, 5], len(frame)), se=rng.uniform(4, 8, len(frame)))


@pytest.fixture(scope="module")
def path(data, tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "rows.parquet"
    data.to_parquet(file, row_group_size=20)
    return file


@pytest.fixture(scope="module")
def fit(path):
    return fake_fit(sh.VaryingIntercept(FORMULA, path))


def test_what_pooling_did_is_the_same(fit, data):
    ax, expected = fit.plot_shrinkage(), fake_fit(sh.VaryingIntercept(FORMULA, data)).plot_shrinkage()
    assert labels_of(ax.yaxis) == labels_of(expected.yaxis)
    assert {label.split("(")[1] for label in labels_of(ax.yaxis)} == {"n = 5)", "n = 12)", "n = 40)"}
    np.testing.assert_allclose(ax.lines[0].get_xdata(), expected.lines[0].get_xdata(), rtol=1e-6)


def test_group_sizes_are_left_out_where_rows_have_standard_errors(path):
    ax = fake_fit(sh.VaryingIntercept(FORMULA, path, se="se")).plot_shrinkage()
    assert sorted(labels_of(ax.yaxis)) == ["g000", "g001", "g002"]


def test_many_groups_with_standard_errors_have_areas(tmp_path):
    data = synthetic.grouped_frame([3] * 60)
    data["se"] = np.linspace(2, 6, len(data))
    data.to_parquet(tmp_path / "rows.parquet")
    precision = (data["se"] ** -2).groupby(data["clinic"]).sum().to_numpy()
    for source in (data, tmp_path / "rows.parquet"):
        ax = fake_fit(sh.VaryingIntercept("pressure ~ age + (1 | clinic)", source, se="se")).plot_shrinkage()
        np.testing.assert_allclose(ax.collections[0].get_sizes(), 4 + 76 * precision / precision.max())
        assert ("3 rows" in ax.get_legend_handles_labels()[1]) == (source is data)


def test_the_others_that_need_no_rows_are_drawn(fit):
    assert fit.plot_forest().get_xlabel().startswith("mean pressure at the mean of the predictors")
    assert fit.plot_ppc(kind="groups").get_xlabel().startswith("mean pressure\n")
    titles = [ax.get_title() for ax in fit.model.plot_prior()]
    assert titles[0] == "mu_alpha"
    assert titles[-1] == "sigma", "replicated data need rows"
    assert len(fit.plot_trace().figure.axes) == 2 * (len(titles) + 3), "three groups too"
    assert [ax.get_title() for ax in fit.plot_prior_posterior()] == titles


@pytest.mark.parametrize(
    "draw",
    [lambda fit: fit.plot_prediction("age"), lambda fit: fit.plot_ppc(), lambda fit: fit.plot_ppc(kind="density")],
    ids=["prediction", "replications", "densities"],
)
def test_those_that_need_rows_say_so(fit, draw):
    with pytest.raises(sh.DataError, match="needs the rows of the model one by one, and they are not in memory"):
        draw(fit)


def test_effects_of_several_factors_need_no_rows(tmp_path):
    data = sleepy()
    data["item"] = np.resize(list("abcdefg"), len(data))
    data.to_parquet(tmp_path / "rows.parquet", row_group_size=50)
    formula = "reaction ~ days + (1 + days | subject) + (1 | item)"
    streamed, whole = (fake_fit(sh.Model(formula, source)) for source in (tmp_path / "rows.parquet", data))
    for draw in (
        lambda fit: fit.plot_forest("subject")[1],
        lambda fit: fit.plot_shrinkage("subject"),
        lambda fit: fit.plot_shrinkage("item"),
        lambda fit: fit.plot_correlations(),
    ):
        ours, theirs = draw(streamed), draw(whole)
        assert labels_of(ours.yaxis) == labels_of(theirs.yaxis)
        for one, other in zip(ours.lines, theirs.lines, strict=True):
            np.testing.assert_allclose(one.get_xdata(), other.get_xdata(), rtol=1e-6, atol=1e-6)
    assert len(streamed.plot_trace().figure.axes) == 2 * (7 + 7), "seven items, and not eighteen subjects"
    with pytest.raises(sh.DataError, match="need the rows of the model, which are not in memory"):
        streamed.plot_ppc("item", kind="groups")
