"""The code that a message proposes gives the numbers that the text stands for; where it would not, there are words."""

import re

import pandas as pd
import pytest

import stanhier as sh
from tests.tools.advised import converted, ways

N = 60


def every_third(odd, usual):
    return [odd(k) if k % 3 == 0 else usual(k) for k in range(1, N + 1)]


BY_CODE = {
    "numbers": [(f"{k}.5", k + 0.5) for k in range(N)],
    "blanks around": [(f"  {k}.5 ", k + 0.5) for k in range(N)],
    "plus signs": [(f"+{k}.5", k + 0.5) for k in range(N)],
    "true minus signs": [(f"\N{MINUS SIGN}{k}.5", -k - 0.5) for k in range(N)],
    "dashes as minus signs": [(f"\N{EN DASH}{k}.5", -k - 0.5) for k in range(N)],
    "formulas of a spreadsheet": [(f"={k}.25", k + 0.25) for k in range(N)],
    "lakhs": [(f"1,{k + 10},103.5", 100_000 + 1000 * (k + 10) + 103.5) for k in range(N)],
    "thousands": [(f"{k + 1},250.5", 1000 * (k + 1) + 250.5) for k in range(N)],
    "decimal commas": [(f"-{k},25", -k - 0.25) for k in range(N)],
    "decimal commas and apostrophes": [(f"{k + 1}’000,25", 1000 * (k + 1) + 0.25) for k in range(N)],
    "a unit": [(f"{k}.5 kg", k + 0.5) for k in range(N)],
    "a unit with a power": [(f"{k}.5 kg/m²", k + 0.5) for k in range(N)],
    "per cent": [(f"-{k}.5%", -k - 0.5) for k in range(N)],
    "dollars": [(f"${k + 1},250.5", 1000 * (k + 1) + 250.5) for k in range(N)],
    "dollars below nothing": [(f"$-{k}.5", -k - 0.5) for k in range(N)],
    "a code of a currency": [(f"USD {k}.5", k + 0.5) for k in range(N)],
    "euros without a blank": [(f"EUR{k}.5", k + 0.5) for k in range(N)],
    "dollars of Brazil": [(f"R$ {k}.5", k + 0.5) for k in range(N)],
    "half of them odd": [(f"{'x' * (k % 2)}{k}.5", None if k % 2 else k + 0.5) for k in range(N)],
    "a word in one cell": [("trace", None), *((f"{k}.5", k + 0.5) for k in range(N - 1))],
}
IN_WORDS = {
    "brackets": [f"({k}.05)" for k in range(N)],
    "brackets in some rows": every_third(lambda k: f"({k}.05)", lambda k: f"{k}.05"),
    "brackets after a dollar": every_third(lambda k: f"$({k}.05)", lambda k: f"${k}.05"),
    "brackets around a dollar": every_third(lambda k: f"(${k},050.00)", lambda k: f"${k},050.00"),
    "a minus before a dollar": every_third(lambda k: f"-${k}.05", lambda k: f"${k}.05"),
    "a minus behind": every_third(lambda k: f"{k}.05-", lambda k: f"{k}.05"),
    "only a minus behind": [f"{k}.05-" for k in range(N)],
    "fractions": [f"{k}/4" for k in range(1, N + 1)],
    "mixed fractions": [f"{k} 3/4" for k in range(1, N + 1)],
    "fractions in some rows": every_third(lambda k: f"{k} 1/2", lambda k: f"{k}.25"),
    "a thousand by letter in some rows": every_third(lambda k: f"{k}.5k", lambda k: f"{k}00.5"),
    "limits in some rows": every_third(lambda k: f"<{k}.5", lambda k: f"{k}.5"),
    "per cent in some rows": every_third(lambda k: f"{k}%", lambda k: f"0.{k}"),
    "credits in some rows": every_third(lambda k: f"{k}.5 CR", lambda k: f"{k}.5"),
    "signs for fractions": every_third(lambda k: f"{k}½", lambda k: f"{k}.5"),
    "hours and minutes": [f"{k % 24}h {k}m" for k in range(N)],
    "thousands and millions by letter": [f"{k}.5{'kM'[k % 2]}" for k in range(N)],
    "a thousand by letter": [f"{k}.5k" for k in range(N)],
    "three units": [f"{k}.5 {('kg', 'g', 'mg')[k % 3]}" for k in range(N)],
    "two currencies": [f"{'$€'[k % 2]}{k}.5" for k in range(N)],
    "per cent in most rows": every_third(lambda k: f"0.{k}", lambda k: f"{k}.5%"),
    "limits": [f"<{k}.5" for k in range(N)],
    "estimates with intervals": [f"{k}.5 ({k}.1; {k}.9)" for k in range(N)],
    "pressures": [f"{100 + k}/{60 + k}" for k in range(N)],
    "exponents with a unit": [f"{k}.5e-3 kg" for k in range(N)],
    "feet and inches": [f"{4 + k % 3}'{k // 3 % 12}\"" for k in range(N)],
    "powers of ten": [f"1.{k}x10^3" for k in range(N)],
    "quotation marks": [f'"{k}.5"' for k in range(N)],
    "formulas of text": [f'="{k}.5"' for k in range(N)],
    "an apostrophe before": [f"'{k}.5" for k in range(N)],
    "a minus and a blank": [f"- {k}.5" for k in range(N)],
    "rupees": [f"Rs. {k}.5" for k in range(N)],
    "digits of full width": [chr(0xFF10 + k % 10) + f".{k}" for k in range(N)],
    "Arabic digits": ["".join(chr(0x660 + int(digit)) for digit in str(k)) for k in range(N)],
    "digits of full width in some rows": every_third(lambda k: chr(0xFF10 + k % 10) + f".{k}", lambda k: f"{k}.5"),
    "numbers and lists of them": [*(f"{k + 1} 000" for k in range(N - 1)), "1 2"],
    "hours, morning and afternoon": [f"{1 + k % 12} {'AP'[k // 30]}M" for k in range(N)],
    "times, morning and afternoon": [f"{1 + k % 12}:{k:02} {'AP'[k // 30]}M" for k in range(N)],
    "durations beyond a day": [f"{k}:{k:02}" for k in range(N)],
    "times with seconds and without": [f"{k % 24}:{k:02}" + ":30" * (k % 2) for k in range(N)],
    "weeks": [f"2024-W{k % 52 + 1:02}" for k in range(N)],
    "days in two forms": every_third(lambda k: f"{k % 28 + 1}/03/2024", lambda k: f"2024-{k % 12 + 1:02}-02"),
    "days in German": [f"{k % 28 + 1}. {('März', 'Mai', 'Juni')[k % 3]} 2024" for k in range(N)],
    "days of which the month may be first": [f"0{k % 9 + 1}/0{k % 7 + 1}/2024" for k in range(N)],
}
BY_CODE_DATES = {
    form: list(pd.date_range("2024-01-01", periods=N).strftime(form))
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y")
}


def refusal(data):
    with pytest.raises(sh.DataError, match="Column 'v' holds text that reads as") as refused:
        sh.LinearRegression("y ~ v", data)
    return str(refused.value)


@pytest.mark.versions
@pytest.mark.parametrize("kind", BY_CODE)
def test_the_code_gives_the_number_of_every_value(kind, tmp_path):
    texts, numbers = zip(*BY_CODE[kind], strict=True)
    for name, data in ways("v", texts, tmp_path):
        values = [None if pd.isna(value) else value for value in converted("v", refusal(data), data, tmp_path)]
        assert values == list(numbers), name


@pytest.mark.versions
@pytest.mark.parametrize("form", BY_CODE_DATES)
def test_the_code_gives_the_day_of_every_value(form, tmp_path):
    for name, data in ways("v", BY_CODE_DATES[form], tmp_path):
        days = [pd.Timestamp(value) for value in converted("v", refusal(data), data, tmp_path)]
        assert days == list(pd.date_range("2024-01-01", periods=N)), name


def test_what_is_no_date_or_time_becomes_missing(tmp_path):
    for column in (["unknown", *BY_CODE_DATES["%Y-%m-%d"][1:]], ["unknown", *(f"10:{k:02}" for k in range(1, N))]):
        for name, data in ways("v", column, tmp_path):
            values = converted("v", refusal(data), data, tmp_path)
            assert pd.isna(values[0]), name
            assert not any(pd.isna(value) for value in values[1:]), name


@pytest.mark.parametrize("kind", IN_WORDS)
def test_no_code_is_proposed_that_would_give_wrong_numbers(kind, tmp_path):
    for name, data in ways("v", IN_WORDS[kind], tmp_path):
        words = refusal(data)
        assert re.search(r"Convert it to (numbers|dates|times) yourself \(.+\)", words), name
        assert "Convert it with" not in words, name


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("brackets after a dollar", "brackets make '$(12.05)' negative"),
        ("a minus behind", "minus signs behind make '12.05-' negative"),
        ("limits in some rows", "which have numbers too, would be missing otherwise"),
        ("mixed fractions", "'1 3/4' is a fraction"),
        ("three units", "the units differ: 'g', 'kg', 'mg'"),
        ("hours, morning and afternoon", "AM and PM are halves of the day"),
        ("thousands and millions by letter", "'k' in '0.5k' is a factor"),
    ],
)
def test_the_words_say_what_is_special(kind, said):
    assert said in refusal(pd.DataFrame({"y": [0.1 * k for k in range(N)], "v": IN_WORDS[kind]}))


def test_bytes_are_decoded_in_the_words_of_each_library(tmp_path):
    for name, data in ways("v", [f"level {k % 3}".encode() for k in range(N)], tmp_path):
        with pytest.raises(sh.DataError, match="'v' holds bytes; decode them with") as refused:
            sh.LinearRegression("y ~ v", data)
        code = re.search(r"decode them with (.*)\.$", str(refused.value))[1]
        assert converted("v", f"Convert it with {code}, or write C(v)", data, tmp_path)[:2] == ["level 0", "level 1"], (
            name
        )


def test_a_response_is_not_said_to_have_categories():
    frame = pd.DataFrame({"y": [f"{k}.5 kg" for k in range(N)], "x": range(N)})
    for words in ({"formula": "y ~ x"}, {"formula": "x ~ 1", "se": "y"}):
        with pytest.raises(sh.DataError, match="Column 'y' holds text that reads as numbers") as refused:
            sh.LinearRegression(words.pop("formula"), frame, **words)
        assert "categor" not in str(refused.value)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("(4.05)", "convert it to numbers yourself (brackets make '(4.05)' negative)"),
        ("1,5", "convert it to numbers yourself ('1,5'"),
        ("1 1/2", "convert it to numbers yourself ('1 1/2' is a fraction)"),
        ("T", "pd.to_numeric(data['v'], errors='coerce') makes numbers of what reads as one"),
        ("3.5", "pd.to_numeric(data['v'], errors='coerce') makes numbers of what reads as one"),
    ],
)
def test_code_for_text_among_numbers_is_right_too(odd, said):
    column = pd.Series([*(k + 0.5 for k in range(N - 1)), odd], dtype=object)
    with pytest.raises(sh.DataError, match="holds float, str") as refused:
        sh.LinearRegression("y ~ v", pd.DataFrame({"y": [0.1 * k for k in range(N)], "v": column}))
    assert said in str(refused.value)
