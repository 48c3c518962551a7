"""Small data sets of every shape, and fits of them without Stan."""

import numpy as np
import pandas as pd

import stanhier as sh
from tests.tools.fake_fit import fake_fit

LONG = "Universitätsklinikum Hamburg-Eppendorf, Klinik für Innere Medizin"
NASTY = "St. <script>alert(1)</script> & $x_1$"


def grouped_frame(sizes, names=None, seed=2):
    """Rows in groups of these sizes, whose means differ; named g000, g001, ... unless told otherwise."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    names = [f"g{k:03d}" for k in range(len(sizes))] if names is None else names
    age = rng.normal(50, 10, len(codes))
    sex = rng.choice(["female", "male"], len(codes))
    pressure = 100 + rng.normal(0, 6, len(sizes))[codes] + 0.4 * age + 5 * (sex == "male")
    pressure += rng.normal(0, 6, len(codes))
    return pd.DataFrame({"pressure": pressure, "age": age, "sex": sex, "clinic": [names[k] for k in codes]})


def grouped(sizes, names=None, **kwargs):
    data = grouped_frame(sizes, names)
    return fake_fit(sh.VaryingIntercept("pressure ~ age + sex + (1 | clinic)", data), **kwargs)


def line(**kwargs):
    rng = np.random.default_rng(4)
    x = rng.standard_normal(60)
    data = pd.DataFrame({"x": x, "y": 1 + 2 * x + rng.standard_normal(60)})
    return fake_fit(sh.LinearRegression("y ~ x", data, priors={"beta": sh.Normal(0, 10)}), **kwargs)


def schools(**kwargs):
    data = pd.DataFrame(
        {
            "school": list("ABCDEFGH"),
            "effect": [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0],
            "se": [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0],
        }
    )
    return fake_fit(sh.VaryingIntercept("effect ~ 1 + (1 | school)", data, se="se"), **kwargs)
