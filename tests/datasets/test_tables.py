"""The tables of the package: as their documentation says, with the numbers that were published, and nobody else's."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.datasets import tables

FOLDER = Path(tables.__file__).parent


def docstring(name):
    return " ".join(inspect.getdoc(getattr(sh.datasets, name)).split())


def test_each_table_is_a_public_function_and_listed():
    assert sh.datasets.names() == sorted(sh.datasets.names())
    assert {*sh.datasets.names(), "names"} == set(sh.datasets.__all__)
    assert "datasets" in dir(sh)


@pytest.mark.parametrize(
    ("asked", "said"), [("sleepstudi", "Did you mean 'sleepstudy'?"), ("iris", "bcg, cbpp, clinics")]
)
def test_a_table_that_is_not_there_is_answered_with_those_that_are(asked, said):
    with pytest.raises(AttributeError, match=re.escape(f"has no attribute '{asked}'")) as caught:
        getattr(sh.datasets, asked)
    assert said in str(caught.value)
    assert not hasattr(sh.datasets, asked)


@pytest.mark.parametrize("name", sh.datasets.names())
def test_a_table_is_what_its_documentation_says(name):
    table = getattr(sh.datasets, name)()
    words = docstring(name)
    assert int(re.search(r"pandas.DataFrame (\d+) rows, ", words)[1]) == len(table)
    described = re.findall(r"`(\w+)`", words.split("References")[0])
    assert sorted(described) == sorted(table.columns)
    assert not table.isna().any().any()
    assert not table.duplicated().any()


@pytest.mark.parametrize("name", sh.datasets.names())
def test_file_and_documentation_name_one_source(name):
    head = [line for line in (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    reference = docstring(name).split("References")[1]
    year = re.search(r"\((\d{4})\)", reference)[1]
    assert f"({year})" in " ".join(head)
    assert re.search(r"([A-Z]\w+), [A-Z]\.", reference)[1] in " ".join(head), "its first author"


@pytest.mark.parametrize("name", sh.datasets.names())
def test_files_are_small(name):
    assert (FOLDER / f"{name}.csv").stat().st_size < 100_000


def test_a_table_is_read_anew_each_time():
    first = sh.datasets.sleepstudy()
    first["days"] = 0
    assert sh.datasets.sleepstudy()["days"].max() == 9


def test_no_table_is_there_twice():
    root = FOLDER.parents[1]
    others = {path.name for path in root.glob("*/**/*.csv") if path.parent != FOLDER and "output" not in path.parts}
    assert not others & {f"{name}.csv" for name in sh.datasets.names()}


def test_nobody_looks_where_the_tables_were():
    root = FOLDER.parents[1]
    places = "examples/" + "data"
    files = [path for suffix in ("py", "md") for path in root.glob(f"*/**/*.{suffix}") if "output" not in path.parts]
    assert len(files) > 100
    assert not [path for path in files if places in path.read_text(encoding="utf-8")]


def test_datasets_come_with_the_package_alone_and_cost_nothing_before():
    code = "import sys, stanhier as sh; print('pandas' in sys.modules); print(len(sh.datasets.sleepstudy()))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "180"]


def test_an_unknown_table_is_an_attribute_error():
    with pytest.raises(AttributeError, match="sleep"):
        _ = sh.datasets.sleep


def test_means_of_the_sleep_study():
    """Belenky et al. as in lme4: the least-squares line 251.41 + 10.47 days (Bates et al. 2015, J. Stat. Softw. 67)."""
    slope, intercept = np.polyfit(*sh.datasets.sleepstudy()[["days", "reaction"]].to_numpy().T, 1)
    assert (round(intercept, 3), round(slope, 3)) == (251.405, 10.467)


def test_fixed_effect_of_the_trials_of_bcg():
    """Van Houwelingen et al. (2002), page 596: odds ratio 0.65, with trials weighted by their inverse variances."""
    bcg = sh.datasets.bcg()
    ill, control = bcg["cases_vaccinated"], bcg["cases_control"]
    well, control_well = bcg["vaccinated"] - ill, bcg["control"] - control
    variance = 1 / ill + 1 / well + 1 / control + 1 / control_well
    mean = np.average(np.log(ill * control_well / (well * control)), weights=1 / variance)
    assert np.exp(mean) == pytest.approx(0.6465, abs=5e-5)


def test_counts_of_the_clinics():
    clinics = sh.datasets.clinics()
    sums = clinics.groupby("treatment")[["successes", "patients"]].sum()
    assert sums.loc["drug"].tolist() == [55, 130]
    assert sums.loc["control"].tolist() == [47, 143]
    assert (clinics["successes"] <= clinics["patients"]).all()


def test_growth_of_girls_and_boys():
    """Least squares as in Potthoff & Roy: 17.37 + 0.48 age of girls, 16.34 + 0.78 age of boys."""
    data = sh.datasets.orthodont()
    for sex, line in {"female": [0.4795, 17.3727], "male": [0.7844, 16.3406]}.items():
        of_sex = data[data["sex"] == sex]
        np.testing.assert_allclose(np.polyfit(of_sex["age"], of_sex["distance"], 1), line, atol=5e-5)
    assert data.groupby("child")["age"].apply(list).map(tuple).unique().tolist() == [(8, 10, 12, 14)]


def test_pupils_are_in_classes_in_schools():
    jsp = sh.datasets.jsp()
    assert (jsp["school"].nunique(), jsp.groupby(["school", "class"]).ngroups) == (48, 90)
    assert jsp["pupil"].is_unique
    assert jsp["math"].between(0, 40).all()
    assert jsp["english"].between(0, 100).all()


def test_eight_schools_as_everybody_knows_them():
    assert sh.datasets.eight_schools()["effect"].tolist() == [28, 8, -3, 7, -1, 1, 18, 12]
    assert sh.datasets.eight_schools()["se"].tolist() == [15, 10, 16, 11, 9, 11, 10, 18]


def test_designs_are_complete():
    penicillin = sh.datasets.penicillin()
    assert (pd.crosstab(penicillin["plate"], penicillin["sample"]) == 1).all().all()
    cbpp = sh.datasets.cbpp()
    assert (cbpp["incidence"].sum(), cbpp["size"].sum()) == (99, 842)
