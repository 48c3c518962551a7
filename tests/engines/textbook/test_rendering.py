"""Textbook programs of every structure: their text, and what Stan's compiler says of it."""

import json
import re
import subprocess
from dataclasses import replace

import pytest

import stanhier as sh
from stanhier.engines.textbook.names import comment, names_of
from stanhier.engines.textbook.rendering import render
from stanhier.engines.textbook.rows import program_data
from tests.tools import variants
from tests.tools.described import ODD, STRUCTURES


def said_by_stanc(text, home, folder):
    """What stanc finds in a program: it must take it without a word."""
    path = folder / "program.stan"
    path.write_text(text)
    ran = subprocess.run([home / "bin" / "stanc", "--info", path], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", STRUCTURES)
def test_stanc_takes_the_program_and_wants_the_data_that_there_are(name, cmdstan_home, tmp_path):
    description, rows = STRUCTURES[name]()
    found = said_by_stanc(render(description), cmdstan_home, tmp_path)
    assert set(found["inputs"]) == set(program_data(description, rows))
    names = names_of(description)
    effects = {own.effect for own in names.terms}
    assert effects <= set(found["parameters"]) | set(found["transformed parameters"])
    correlations = {name for own in names.terms for name in own.correlations}
    assert correlations == set(found["generated quantities"])


def test_programs_are_ascii_and_user_names_never_end_a_comment():
    description, _ = STRUCTURES["odd names"]()
    text = render(description)
    assert text.isascii()
    assert text.isprintable() or set(text) - {"\n"} == {c for c in text if c.isprintable()}
    code = re.sub(r"//.*", "", text)
    assert "bad;" not in code
    assert "include <x>" not in code
    assert 'real bad; } // "\\xfc"' in text  # the label itself is there to be read


@pytest.mark.parametrize("text", [ODD, "a\r\nb", "a\x0bb", "a\u2028b", "a\x85b", "\x00\x07"])
def test_a_comment_is_one_line_of_printable_ascii(text):
    assert comment(text).isascii()
    assert not comment(text) or (comment(text).isprintable() and len(comment(text).splitlines()) == 1)


def test_names_are_the_users_own_where_stan_allows_them():
    (names,) = names_of(STRUCTURES["two correlated"]()[0]).terms
    assert names.sd == "sd_subject"
    assert names.effect == "effect_subject"
    assert names.factors == ("L_subject",)
    assert names.correlations == ("cor_subject",)
    assert [own.sd for own in names_of(STRUCTURES["nested"]()[0]).terms] == ["sd_batch", "sd_batch_cask"]


def test_names_that_become_alike_are_told_apart():
    names = [own.sd for own in names_of(STRUCTURES["names alike"]()[0]).terms]
    assert names == ["sd_a_b", "sd_a_b_2", "sd_group", "sd_group_2"]


def test_a_name_that_looks_like_a_second_one_is_left_to_whom_it_belongs():
    description, _ = STRUCTURES["three terms"]()
    terms = [replace(term, name=name) for term, name in zip(description.terms, ("a:b", "a_b", "a_b_2"), strict=True)]
    names = names_of(replace(description, terms=tuple(terms))).terms
    assert len({own.sd for own in names}) == 3


def test_a_long_name_is_cut():
    description, _ = STRUCTURES["one intercept"]()
    (term,) = description.terms
    names = names_of(replace(description, terms=(replace(term, name="x" * 500),)))
    assert names.terms[0].sd == "sd_" + "x" * 40


def test_priors_are_in_the_text():
    text = render(STRUCTURES["two uncorrelated"]()[0])
    assert "  sd_subject[1] ~ normal(0, 2.0); // Intercept\n" in text
    assert "  sd_subject[2] ~ cauchy(0, 1.0); // days\n" in text
    text = render(STRUCTURES["blocks"]()[0])
    assert "  L1_g ~ lkj_corr_cholesky(2.0);\n  L2_g ~ lkj_corr_cholesky(3.0);\n" in text
    text = render(STRUCTURES["centred"]()[0])
    assert "  alpha + dot_product(x_mean, beta) ~ student_t(3.0, 1.0, 5.0);\n" in text
    assert "// sd_g: flat\n" in render(STRUCTURES["flat"]()[0])


def test_columns_that_are_predictors_are_taken_from_x_and_others_from_z():
    text = render(STRUCTURES["blocks"]()[0])
    assert "+ X[ : , 2] .* effect_g[jj_g, 3]\n" in text
    assert "+ Z[ : , 1] .* effect_g[jj_g, 4]\n" in text
    assert "// Z[, 2]: d\n" in text


@pytest.mark.parametrize("make", [*variants.LINEAR.values(), *variants.VARYING.values()])
def test_models_without_slopes_that_vary_keep_their_own_programs(make, cmdstan_home, tmp_path):
    model = make()
    found = said_by_stanc(model.stan_code, cmdstan_home, tmp_path)
    assert set(found["inputs"]) == set(model.row_data)
    population = {name for name in model.parameters.population if name in found["parameters"]}
    assert population == set(model.parameters.population)


def test_predictors_of_a_model_may_have_any_name(cmdstan_home, tmp_path):
    frame = variants.frame().rename(columns={"x": "}\n// x ü"})
    model = sh.VaryingIntercept("y ~ `}\n// x ü` + (1 | g)", frame)
    said_by_stanc(model.stan_code, cmdstan_home, tmp_path)
