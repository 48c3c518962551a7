"""Priors of effects that vary over several factors: defaults, what users give, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.design.column_moments import ColumnMoments
from stanhier.engines.prior_choice import choose_priors
from stanhier.engines.prior_distance import distances_of
from stanhier.engines.prior_names import named_priors
from stanhier.engines.term_parameters import inventory_of_terms
from stanhier.formula.parse import parse
from tests.tools.designs import design_of
from tests.tools.factors import factor

SUBJECT, ITEM = factor("subject", "Intercept days"), factor("item:list")
NO_CORRELATION = factor("subject", "Intercept days", blocks=(1, 1))
SD_DAYS, SD_EXTRA, SD_Y = 2.0, 5.0, 40.0
MOMENTS = ColumnMoments(np.array([4.0, 1.0, 300.0]), np.array([SD_DAYS, SD_EXTRA, SD_Y]))
"""Of days, of a column that is no predictor, of the response."""


def design(formula="y ~ days", n=30):
    rng = np.random.default_rng(0)
    return design_of(parse(formula), pd.DataFrame({"days": rng.normal(4, 2, n), "y": rng.normal(300, 40, n)}))


def chosen(given, *factors, formula="y ~ days", moments=MOMENTS, has_intercept=True):
    rows = design(formula)
    inventory = inventory_of_terms(
        rows.predictors, has_intercept=has_intercept, factors=factors, sigma_is_estimated=True
    )
    return choose_priors(given, replace(rows, groupings=factors), inventory, moments)


def test_defaults_are_scaled_by_the_columns():
    extra = factor("item", "days z", blocks=(2,), columns=(0, 1))
    priors = chosen(None, SUBJECT, extra).as_dict()
    assert priors["sd"]["subject"]["Intercept"].rate == pytest.approx(1 / SD_Y)
    assert priors["sd"]["subject"]["days"].rate == pytest.approx(SD_DAYS / SD_Y)
    assert priors["sd"]["item"]["z"].rate == pytest.approx(SD_EXTRA / SD_Y)
    assert priors["cor"] == {"subject": sh.LKJ(1), "item": sh.LKJ(1)}
    assert priors["alpha"] == sh.Normal(300, 2.5 * SD_Y, centered=True)
    assert priors["beta"] == {"days": sh.Normal(0, 2.5 * SD_Y / SD_DAYS)}
    assert priors["sigma"].rate == pytest.approx(1 / SD_Y)


def test_scales_stand_term_by_term_and_then_sigma():
    priors = chosen({"sd": {"item:list": sh.HalfNormal(3)}, "sigma": sh.HalfCauchy(4)}, SUBJECT, ITEM)
    assert priors.scale == [sh.Exponential(1 / 40), sh.Exponential(0.05), sh.HalfNormal(3), sh.HalfCauchy(4)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sd": sh.HalfNormal(2)}, [sh.HalfNormal(2)] * 3),
        ({"sd": {"subject": sh.HalfNormal(2)}}, [sh.HalfNormal(2), sh.HalfNormal(2), None]),
        ({"sd": {"subject": {"days": sh.HalfNormal(2)}}}, [None, sh.HalfNormal(2), None]),
        ({"sd_subject": sh.HalfNormal(2)}, [sh.HalfNormal(2), sh.HalfNormal(2), None]),
        ({"sd_subject": {"Intercept": sh.HalfNormal(2)}}, [sh.HalfNormal(2), None, None]),
        ({"sd_item:list": sh.HalfNormal(2)}, [None, None, sh.HalfNormal(2)]),
        (
            {"sd": sh.HalfNormal(1), "sd_subject": {"days": sh.HalfNormal(2)}},
            [None, sh.HalfNormal(2), sh.HalfNormal(1)],
        ),
        (
            {"sd": {"item:list": sh.HalfNormal(1)}, "sd_subject": sh.HalfNormal(2)},
            [*[sh.HalfNormal(2)] * 2, sh.HalfNormal(1)],
        ),
        ({"sd": {"subject": None}, "cor": None}, [None, None, None]),
    ],
)
def test_standard_deviations_take_one_prior_for_all_or_by_factor_or_by_effect(given, expected):
    defaults = chosen(None, SUBJECT, ITEM).scale[:-1]
    expected = [own if own is not None else default for own, default in zip(expected, defaults, strict=True)]
    assert chosen(given, SUBJECT, ITEM).scale[:-1] == expected


@pytest.mark.parametrize("given", [{"cor": sh.LKJ(3)}, {"cor": {"subject": sh.LKJ(3)}}, {"cor_subject": sh.LKJ(3)}])
def test_correlations_take_one_prior_for_all_or_by_factor(given):
    other = factor("item", "Intercept days")
    priors = chosen(given, SUBJECT, other).as_dict()["cor"]
    assert priors == {"subject": sh.LKJ(3), "item": sh.LKJ(3) if given.get("cor") == sh.LKJ(3) else sh.LKJ(1)}


def test_every_block_of_correlated_effects_has_a_prior():
    both = factor("a", "Intercept u v w x", blocks=(2, 1, 2), columns=(-1, 0, 1, 0, 1))
    priors = chosen({"cor": {"b": sh.LKJ(4)}}, both, factor("b", "Intercept days"), ITEM)
    assert priors.by_name["cor_a"] == (sh.LKJ(1), sh.LKJ(1))
    assert priors.by_name["cor_b"] == (sh.LKJ(4),)
    np.testing.assert_array_equal(priors.correlation_shapes([(2, 1, 2), (2,), (1,)]), [1, 1, 1, 4, 1])


def test_lines_of_the_model_name_each_standard_deviation_and_each_matrix():
    lines = [f"{name} ~ {prior!r}" for name, prior in chosen({"sd": sh.HalfNormal(2)}, SUBJECT, ITEM).by_scalar.items()]
    assert lines == [
        "alpha ~ Normal(300, 100, centered=True)",
        "sd_subject[Intercept] ~ HalfNormal(2)",
        "sd_subject[days] ~ HalfNormal(2)",
        "cor_subject ~ LKJ(1)",
        "sd_item:list[Intercept] ~ HalfNormal(2)",
        "beta[days] ~ Normal(0, 50)",
        "sigma ~ Exponential(0.025)",
    ]


@pytest.mark.parametrize(
    "given",
    [
        None,
        {"sd": {"subject": {"days": sh.HalfCauchy(1)}}, "cor": sh.LKJ(2)},
        {"sd_item:list": sh.Flat(), "alpha": sh.Normal(0, 9)},
    ],
)
@pytest.mark.parametrize("factors", [(SUBJECT, ITEM), (NO_CORRELATION,), ()], ids=["two", "uncorrelated", "none"])
def test_what_is_chosen_can_be_given_again(given, factors):
    if given is not None and factors != (SUBJECT, ITEM):
        given = {"sigma": sh.HalfNormal(1)}
    first = chosen(given, *factors)
    again = chosen(first.as_dict(), *factors)
    assert again.by_name == first.by_name
    assert again.as_dict() == first.as_dict()
    assert ("cor" in first.as_dict()) == (SUBJECT in factors)


ONE, FACTORS = (NO_CORRELATION, ITEM), (SUBJECT, ITEM)


@pytest.mark.parametrize(
    ("factors", "given", "words"),
    [
        (
            FACTORS,
            {"sd": {"school": sh.HalfNormal(1)}},
            r"\['sd'\]` names 'school', .*no factor .*'subject', 'item:list'\.$",
        ),
        (
            FACTORS,
            {"cor": {"school": sh.LKJ(1)}},
            r"\['cor'\]` names 'school', .*no factor .*'subject', 'item:list'\.$",
        ),
        (
            FACTORS,
            {"sd": {"days": sh.HalfNormal(1)}},
            r"is an effect: give priors=\{'sd': \{'subject': \{'days': \.\.\.\}\}\}",
        ),
        (FACTORS, {"cor": {"item:list": sh.LKJ(1)}}, "'item:list', whose effects are not correlated .*: 'subject'"),
        (FACTORS, {"cor_item:list": sh.LKJ(1)}, "the effects of 'item:list' are not correlated"),
        (
            FACTORS,
            {"sd": {"subject": {"x": sh.HalfNormal(1)}}},
            "sd_subject names 'x', .*no effect of 'subject'; they are: 'Intercept', 'days'",
        ),
        (FACTORS, {"sd_subject": {"(Intercept)": sh.HalfNormal(1)}}, "That of the intercept is 'Intercept'"),
        (FACTORS, {"sd": {"subject": sh.HalfNormal(1)}, "sd_subject": sh.HalfNormal(1)}, "sd of 'subject' twice"),
        (FACTORS, {"sigma_alpha": sh.HalfNormal(1)}, r"'sd' here: priors=\{'sd': \{'subject': \.\.\.\}\}"),
        (
            FACTORS,
            {"mu_alpha": sh.Normal(0, 1)},
            "intercept is 'alpha' here.*takes: 'alpha', 'sd', 'cor', 'beta', 'sigma'",
        ),
        (
            FACTORS,
            {"sd_school": sh.HalfNormal(1)},
            r"factors are 'subject', 'item:list': give priors=\{'sd': \{'subject'",
        ),
        (FACTORS, {"subject": sh.HalfNormal(1)}, r"'subject' is a factor: give priors=\{'sd': \{'subject': "),
        (FACTORS, {"tau": sh.HalfNormal(1)}, r"Here that is 'sd' \(the standard deviation of the groups' effects\)\."),
        (FACTORS, {"rho": sh.LKJ(1)}, "Here that is 'cor'"),
        (FACTORS, {"sd": sh.Normal(0, 1)}, r"prior of sd_subject must be one on \(0, inf\)"),
        (FACTORS, {"sd": sh.LKJ(2)}, r"prior of sd_subject must be one on \(0, inf\).*got LKJ\(2\)"),
        (FACTORS, {"sd": {"subject": {"days": 3}}}, r"prior of sd_subject\['days'\] must be .*got int \(3\)"),
        (FACTORS, {"cor": 2}, r"prior of cor_subject must be one of correlation matrices, LKJ\(eta\); got int \(2\)"),
        (FACTORS, {"cor": {"subject": sh.Flat()}}, r"got Flat\(\)\. LKJ\(1\) takes all of them alike"),
        (FACTORS, {"cor": sh.LKJ}, r"the class LKJ; give it numbers, as in LKJ\(\.\.\.\)"),
        (FACTORS, {"beta": sh.LKJ(1)}, "prior of beta must be one on the real line"),
        (
            ONE,
            {"cor": sh.LKJ(1)},
            r"no effects are correlated in this formula: that takes two in one term, as in \(1 \+ x \| g\)",
        ),
        (ONE, {"cor_subject": sh.LKJ(1)}, "the effects of 'subject' are not correlated"),
        ((), {"cor": sh.LKJ(1)}, "no such parameter"),
        ((), {"sd": sh.HalfNormal(1)}, r"Here that is 'sigma' \(the residual"),
        (
            (factor("g", n=2),),
            {"sd": sh.Flat()},
            r"flat prior on sd_g\[Intercept\] needs at least 3 groups, and 'g' has 2",
        ),
        (
            (factor("g", "Intercept days", n=2),),
            {"sd": {"g": {"days": sh.Flat()}}},
            r"flat prior on sd_g\[days\] needs at least 3",
        ),
    ],
)
def test_priors_that_do_not_fit_are_refused(factors, given, words):
    with pytest.raises(sh.PriorError, match=words):
        chosen(given, *factors)


def test_the_effects_themselves_take_no_prior():
    inventory = inventory_of_terms(["days"], has_intercept=True, factors=FACTORS, sigma_is_estimated=True)
    with pytest.raises(sh.PriorError, match="'effect_subject', but effects take no prior of their own"):
        named_priors({"effect_subject": sh.Normal(0, 1)}, inventory, predictors=["days"], group=None)


def test_a_formula_without_intercept_has_no_prior_of_one():
    with pytest.raises(sh.PriorError, match="'alpha', but the formula has no intercept"):
        chosen({"alpha": sh.Normal(0, 1)}, SUBJECT, formula="y ~ 0 + days", has_intercept=False)


def test_flat_standard_deviations_are_taken_of_three_groups():
    assert chosen({"sd": sh.Flat()}, SUBJECT).scale[:2] == [sh.Flat(), sh.Flat()]


def test_a_constant_column_has_no_default():
    still = ColumnMoments(MOMENTS.mean, np.array([SD_DAYS, 0.0, SD_Y]))
    varying = factor("g", "Intercept z", columns=(-1, 1))
    with pytest.raises(
        sh.DataError, match=r"column 'z' of the term of 'g' is constant \(it is always 1\).*\{'g': \{'z': "
    ):
        chosen(None, varying, moments=still)
    assert chosen({"sd": {"g": {"z": sh.HalfNormal(1)}}}, varying, moments=still).scale[1] == sh.HalfNormal(1)


def test_a_response_that_does_not_vary_is_said_first():
    still = ColumnMoments(MOMENTS.mean, np.array([0.0, 0.0, 0.0]))
    with pytest.raises(sh.DataError, match=r"standard deviation of the response 'y' is 0"):
        chosen(None, SUBJECT, moments=still)


def test_draws_have_the_shape_of_the_posterior_and_follow_their_priors():
    both = factor("a", "Intercept u v", blocks=(2, 1), columns=(-1, 0, 1))
    given = {"alpha": sh.Normal(7, 2), "sd": {"a": {"u": sh.HalfNormal(3)}}, "cor": sh.LKJ(2.5)}
    priors = chosen(given, both, ITEM)
    drawn = priors.draws(np.random.default_rng(1), 4000)
    shapes = {"alpha": (), "sd_a": (3,), "cor_a": (3, 3), "sd_item:list": (1,), "beta": (1,), "sigma": ()}
    assert {name: values.shape[1:] for name, values in drawn.items()} == shapes
    assert drawn["alpha"].std() == pytest.approx(2, rel=0.05)
    assert np.mean(drawn["sd_a"] ** 2, axis=0)[1] == pytest.approx(9, rel=0.1)
    assert (drawn["cor_a"][:, 2, :2] == 0).all()
    assert (drawn["cor_a"][:, 2, 2] == 1).all()
    assert drawn["cor_a"][:, 0, 1].var() == pytest.approx(1 / (2 * 2.5 + 1), rel=0.1)
    np.testing.assert_array_equal(drawn["cor_a"], drawn["cor_a"].transpose(0, 2, 1))


def test_a_flat_prior_has_no_draws():
    with pytest.raises(sh.PriorError, match="improper"):
        chosen({"sd": sh.Flat()}, SUBJECT).draws(np.random.default_rng(1), 3)


def test_distances_from_zero_are_those_of_predictors_and_of_what_varies():
    far = ColumnMoments(np.array([4.0, 1e4, 300.0]), MOMENTS.sd)
    varying = factor("g", "Intercept z", columns=(-1, 1))
    given = {"alpha": sh.Normal(0, 1e-3)}
    assert list(distances_of(chosen(given, varying, moments=far), design(), far)) == []
    (said,) = distances_of(chosen(given, varying, moments=far), replace(design(), groupings=(varying,)), far)
    assert said.startswith("The prior sd_g[Intercept] ~ ")
    assert "'z' of 0" in said
    far = ColumnMoments(np.array([1e4, 1.0, 300.0]), MOMENTS.sd)
    (said,) = distances_of(chosen(given, varying, moments=far), replace(design(), groupings=(varying,)), far)
    assert said.startswith("The prior alpha ~ ")
    assert "'days'" in said
