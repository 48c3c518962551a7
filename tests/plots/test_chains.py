"""Pictures of the draws themselves, which ArviZ makes."""

import matplotlib.pyplot as plt
import pytest

import stanhier as sh
from stanhier.plots import chains
from tests.tools import synthetic
from tests.tools.drawn import texts_overlap
from tests.tools.explicit_fit import explicit_fit, sleepy, wide_effects
from tests.tools.fake_fit import fake_fit


def test_trace_has_a_row_for_each_parameter(three):
    collection = three.plot_trace()
    axes = collection.viz["figure"].item().axes
    titles = [ax.get_title(loc="left") for ax in axes[::2]]
    shared = ["mu_alpha", "sigma_alpha", "beta[age]", "beta[sex[T.male]]", "sigma"]
    assert titles[:5] == shared
    assert [title.partition("[")[0] for title in titles[5:]] == ["alpha"] * 3, "those of few groups too"
    assert titles[-1] == "alpha[_hidden]"
    lines = [line for line in axes[1].lines if len(line.get_xdata()) == 250]
    assert len(lines) == 4, "one per chain"
    assert axes[-1].get_xlabel() == "draw"
    assert not texts_overlap(collection.viz["figure"].item())


def rows_of(fit, **kwargs):
    axes = fit.plot_trace(**kwargs).viz["figure"].item().axes
    plt.close("all")
    return [ax.get_title(loc="left") for ax in axes[::2]]


def test_trace_shows_few_groups_alone(three):
    eight, nine = synthetic.grouped([5] * 8), synthetic.grouped([5] * 9)
    assert rows_of(eight)[5:] == [f"alpha[g{k:03d}]" for k in range(8)]
    assert len(rows_of(nine)) == 5
    assert len(rows_of(three, var_names=["mu_alpha", "sigma"])) == 2
    assert rows_of(three, coords={"predictor": ["age"]})[2] == "beta[age]"


@pytest.mark.filterwarnings("ignore::stanhier.PriorWarning")
def test_trace_has_no_more_rows_than_a_picture(monkeypatch):
    monkeypatch.setattr(chains, "_MAX_TRACES", 12)
    assert len(rows_of(synthetic.grouped([5] * 7))) == 12
    assert len(rows_of(synthetic.grouped([5] * 8))) == 5
    data = synthetic.grouped_frame([9, 9, 9])
    fit = fake_fit(sh.Model("pressure ~ age + (1 + age | clinic)", data), chains=2, draws=50)
    assert rows_of(fit)[-6:] == [
        f"effect_clinic[g00{k}, {effect}]" for k in range(3) for effect in ("Intercept", "age")
    ]


def test_trace_of_chosen_groups(three):
    chosen = three.plot_trace(var_names="alpha", coords={"clinic": ["_hidden"]})
    axes = chosen.viz["figure"].item().axes
    assert axes[0].get_title(loc="left") == "alpha[_hidden]"
    assert len(axes) == 2


def test_pair_draws_each_two(three):
    figure = three.plot_pair(var_names=["sigma", "beta"]).viz["figure"].item()
    words = {ax.get_xlabel() for ax in figure.axes} | {ax.get_ylabel() for ax in figure.axes}
    assert {"sigma", "beta[age]", "beta[sex[T.male]]"} <= words
    scatters = [ax for ax in figure.axes if ax.collections]
    assert len(scatters) == 3
    assert {sum(len(c.get_offsets()) for c in ax.collections) for ax in scatters} == {1000 + 7}, "draws, divergences"
    with pytest.raises(sh.StanhierError, match="needs two parameters"):
        three.plot_pair(var_names="sigma")


def test_labels_of_pairs_have_lines_of_their_own():
    fit = wide_effects()
    axes = fit.plot_pair(var_names="cor_school", coords={"effect": ["dose[T.medium]"]})
    words = {ax.get_xlabel() for ax in axes} - {""}
    others = ["Intercept", "x", "z", "dose[T.low]"]
    assert words == {f"cor_school\n[{other},\ndose[T.medium]]" for other in others}
    assert not texts_overlap(axes.figure)
    data = sleepy(n_groups=6, names=["number one of the sleepy", "2", "3", "4", "5", "6"])
    named = explicit_fit("reaction ~ (1 + days | subject)", data, sd={"subject": [25.0, 6.0]}, sigma=25.0).plot_pair(
        var_names="effect_subject", coords={"subject": ["number one of the sleepy"]}
    )
    assert {ax.get_xlabel() for ax in named} - {""} == {
        f"effect_subject\n[number on…leepy,\n{effect}]" for effect in ("Intercept", "days")
    }
