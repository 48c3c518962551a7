"""The rows of stanhier/input.md about priors and keywords."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit
from tests.tools.input_cases import FEW, FLAGS, FLAT, Pair, base, case, groups, line, refused, several

# --- Priors
HEADING = "Priors"
refused(HEADING, "a prior of no parameter of the model", lambda: line(priors={"tau": sh.HalfNormal(1)}))
refused(HEADING, "a prior on the real line for a scale", lambda: line(priors={"sigma": sh.Normal(0, 1)}))
refused(HEADING, "a prior on (0, inf) for an intercept or slope", lambda: line(priors={"alpha": sh.HalfNormal(1)}))
refused(HEADING, "a number or text for a prior", lambda: line(priors={"beta": 3}))
refused(HEADING, "the class instead of a prior", lambda: line(priors={"alpha": sh.Normal}))
refused(HEADING, 'a predictor in the place of a parameter, `{"x": ...}`', lambda: line(priors={"x": sh.Normal(0, 1)}))


@case(HEADING, "names that other packages use: `Intercept`, `sd`, `tau`")
def _() -> Iterator[Pair]:
    for name in ("sd", "residual"):
        with pytest.raises(sh.PriorError, match="Here that is 'sigma'"):
            line(priors={name: sh.HalfNormal(1)})
    with pytest.raises(sh.PriorError, match="Here that is 'sigma_alpha'"):
        groups(priors={"tau": sh.HalfNormal(1)})
    yield line(priors={"Intercept": sh.Normal(0, 1)}), None


@case(
    HEADING,
    "a prior on `alpha` at x = 0, where a predictor lies more than 5 of its standard deviations from 0",
)
def _() -> Iterator[Pair]:
    with pytest.warns(sh.PriorWarning, match=r"'year' \(mean 2005\.5, sd 3\.61\).*centered=True"):
        yield line("y ~ year", year=range(2000, 2012), priors={"alpha": sh.Normal(0, 10)}), None


@case(
    HEADING,
    "an `sd` of intercepts at x = 0, its default too, where with them a slope varies of a column more than 5 of its "
    "standard deviations from 0",
)
def _() -> Iterator[Pair]:
    data = base().assign(year=range(2000, 2012))
    for term in ("(year | g)", "(year || g)"):
        with pytest.warns(
            sh.PriorWarning, match=r"'year' of 0, .* Centre 'year' wherever it stands, as center\(\) does"
        ):
            sh.Model(f"y ~ year + {term}", data)
    yield sh.Model("y ~ center(year) + (center(year) | g)", data), None


@case(HEADING, "the same, so wide that it makes no difference to the slope, or flat")
def _() -> Iterator[Pair]:
    for prior in (sh.Normal(0, 1e4), sh.Flat(), sh.Normal(0, 10, centered=True)):
        yield line("y ~ year", year=range(2000, 2012), priors={"alpha": prior}), None
    data = base().assign(year=range(2000, 2012))
    yield sh.Model("y ~ year + (year | g)", data, priors={"sd": {"g": {"Intercept": sh.HalfNormal(1e4)}}}), None


refused(HEADING, "a slope that is no predictor", lambda: line(priors={"beta": {"w": sh.Normal(0, 1)}}))


@case(HEADING, "a scale that is 0, negative, infinite or no number")
def _() -> Iterator[Pair]:
    for scale in (0, -1, np.inf, np.nan, "1", True, None, 10**400, 1e-200):
        with pytest.raises(sh.PriorError, match=r"'sigma' (must be|is too far)"):
            sh.Normal(0, scale)
    yield sh.Normal(0, 0), None


refused(HEADING, "`priors` that is no dict", lambda: line(priors=[sh.Normal(0, 1)]))
refused(
    HEADING,
    "a flat prior on `sigma_alpha` with two groups",
    lambda: groups(FLAGS, priors={"sigma_alpha": sh.Flat()}),
)
refused(
    HEADING,
    "a flat prior on an `sd` by a factor of two groups",
    lambda: several("y ~ (x | g)", FLAGS, sd={"g": {"x": sh.Flat()}}),
)

refused(
    HEADING,
    "a flat prior on an `sd` whose groups the flat priors of intercept and predictors take up, but for one",
    lambda: sh.Model(
        "y ~ u + v + (1 | g)",
        base().assign(u=np.repeat([0, 1, 2, 5], 3), v=np.repeat([1, 0, 3, 4], 3)),
        priors={**FLAT, "sd": sh.Flat()},
    ),
)


refused(HEADING, "a prior of the effects themselves, `effect_g`", lambda: several(effect_g=sh.Normal(0, 1)))


@case(HEADING, "a prior by a factor, or of an effect, that the formula does not have")
def _() -> Iterator[Pair]:
    for sd, words in (({"g": {"n": sh.HalfNormal(1)}}, "no effect of 'g'"), ({"x": sh.HalfNormal(1)}, "is an effect")):
        with pytest.raises(sh.PriorError, match=words):
            several(sd=sd)
    yield several(cor={"h": sh.LKJ(1)}), None


@case(HEADING, "`mu_alpha` and `sigma_alpha` in a `Model` with groups")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.PriorError, match="the population's intercept is 'alpha' here"):
        several(mu_alpha=sh.Normal(0, 1))
    yield several(sigma_alpha=sh.HalfNormal(1)), None


refused(
    HEADING,
    "a prior of correlations where no effects are correlated",
    lambda: several("y ~ (x || g) + (1 | kind)", cor=sh.LKJ(1)),
)


@case(HEADING, "anything but an `LKJ` for correlations; an `LKJ` for anything else")
def _() -> Iterator[Pair]:
    for name in ("sd", "sigma", "alpha"):
        with pytest.raises(sh.PriorError, match=r"got LKJ\(2\)"):
            several(**{name: sh.LKJ(2)})
    with pytest.raises(sh.PriorError, match=r"got Flat\(\)"):
        several(cor=sh.Flat())
    yield several(cor=2), None


refused(HEADING, "`LKJ(0)`", lambda: sh.LKJ(0))
refused(
    HEADING,
    "flat priors that leave nothing to learn `sigma` from",
    lambda: line(data=base().iloc[:3], priors={**FLAT, "sigma": sh.Flat()}),
)
refused(
    HEADING,
    "priors too far from the data in size for double precision",
    lambda: line(priors={"alpha": sh.Normal(1e99, 1e-99), "beta": sh.Normal(1e99, 1e-99)}).stan_data,
)


# --- Keywords
HEADING = "Keywords"


@case(HEADING, "`sigma` that is 0, negative, infinite or missing")
def _() -> Iterator[Pair]:
    for sigma in (-1, np.inf, np.nan):
        with pytest.raises(sh.DataError, match="`sigma` must be positive and finite"):
            line(sigma=sigma)
    yield line(sigma=0), None


refused(HEADING, "`sigma` that is no number", lambda: line(sigma="1"))
refused(HEADING, "`sigma` and `se` together", lambda: line(sigma=1.0, se="n"))
refused(HEADING, "standard errors that are 0 or negative", lambda: line(se="x"))
refused(HEADING, "standard errors of another number than the rows", lambda: line(se=[1.0, 2.0, 3.0]))


@case(HEADING, "standard errors as a column, an array or a list")
def _() -> Iterator[Pair]:
    for se in (base()["n"].to_numpy(), base()["n"].tolist(), base()["n"], base()["n"].astype("Int64")):
        yield line(se=se), line(se="n")


refused(HEADING, "`se` and `weights` together", lambda: line(se="n", weights="n"))
refused(HEADING, "weights that are 0 or negative", lambda: line(weights="x"))
refused(HEADING, "weights of another number than the rows", lambda: line(weights=[1.0, 2.0, 3.0]))
refused(
    HEADING,
    "weights, or other numbers for each row, as a Series with other row labels",
    lambda: line(weights=base()["n"].iloc[::-1]),
)


@case(HEADING, "weights as a column, an array or a list")
def _() -> Iterator[Pair]:
    for weights in (base()["n"].to_numpy(), base()["n"].tolist(), base()["n"], base()["n"].astype("Int64")):
        yield line(weights=weights), line(weights="n")


@case(HEADING, "weights that are all 1")
def _() -> Iterator[Pair]:
    yield line(weights=[1] * len(base())), line()


refused(HEADING, "weights of text", lambda: line(weights="kind"))
refused(HEADING, "weights as a number", lambda: line(weights=2))
refused(HEADING, 'a calculation as weights, `weights="1 / n"`', lambda: line(weights="1 / n"))


@case(HEADING, "weights as an array, beside rows that are not in memory")
def _() -> Iterator[Pair]:
    lazy = pytest.importorskip("polars").from_pandas(base()).lazy()
    yield line(data=lazy, weights=base()["n"]), None


refused(HEADING, "`chains=0`", lambda: line().sample(chains=0))


@case(HEADING, "`seed=0`")
def _() -> Iterator[Pair]:
    one, other = (line().sample(**{**FEW, "seed": 0}) for _ in range(2))
    np.testing.assert_array_equal(one.draws.values["location"], other.draws.values["location"])
    assert one.draws.seed == 0
    yield line(), None


refused(HEADING, "`seed=-1`", lambda: line().sample(seed=-1))
refused(HEADING, "a keyword that is not one", lambda: line().sample(chain=4))
refused(HEADING, "a keyword of a model that is not one", lambda: sh.LinearRegression("y ~ x", base(), prior={}))


@case(HEADING, "`exposure` or `groups`, as other packages have them")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.StanhierError, match="has no keyword 'groups'"):
        sh.VaryingIntercept("y ~ x + (1 | g)", base(), groups="g")
    yield sh.LinearRegression("y ~ x", base(), exposure="n"), None


refused(HEADING, "a keyword of `sample()`, given to the model", lambda: sh.LinearRegression("y ~ x", base(), chains=2))
refused(HEADING, "priors in the third place", lambda: sh.LinearRegression("y ~ x", base(), {}))
refused(HEADING, "`data` twice, by place and by name", lambda: sh.LinearRegression("y ~ x", base(), data=base()))
refused(HEADING, "no `data`", lambda: sh.LinearRegression("y ~ x"))
refused(HEADING, "an `adapt_delta` beyond 1", lambda: line().sample(adapt_delta=1.5))


for row, keywords in {
    "`hdi_prob` of `summary()`": {"hdi_prob": 0.9},
    "`prob` and `ci_prob`, as ArviZ calls it, in one `summary()`": {"prob": 0.8, "ci_prob": 0.9},
    "another keyword that `summary()` does not have": {"var_name": "beta"},
    "a `prob` of 90, for 90 %": {"prob": 90},
    "a parameter that there is not, in `summary()`": {"var_names": "gamma"},
}.items():
    refused(HEADING, row, partial(lambda chosen: fake_fit(line()).summary(**chosen), keywords))
