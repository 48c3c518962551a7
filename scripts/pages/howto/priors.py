"""
Choose priors
=============

Start from the default priors, look at what they say about data, and change what you know better.
"""

import pandas as pd

import stanhier as sh

data = sh.datasets.sleepstudy()
formula = "reaction ~ days + (1 + days | subject)"
model = sh.Model(formula, data)
model.priors

# %%
# The defaults are rstanarm's: wide, and scaled by the standard deviations of the response and of the predictors. They
# are meant to keep out the absurd and no more.
#
# What you know, in the units of the data
# ---------------------------------------
# Say that a day of short sleep will hardly change anybody's reaction time by more than 50 ms, and that people's
# slopes will differ by less than that. Priors are given by the name of the parameter; ``beta`` may be one for all
# predictors or a dict by column, ``sd`` one for all, a dict by factor, or by factor and effect. The rest stay the
# defaults.

priors = {
    "alpha": sh.Normal(300, 100),
    "beta": {"days": sh.Normal(0, 20)},
    "sd": {"subject": {"Intercept": sh.HalfNormal(100), "days": sh.HalfNormal(20)}},
    "cor": sh.LKJ(2),
    "sigma": sh.HalfNormal(50),
}
model = sh.Model(formula, data, priors=priors)

# %%
# What they say of data
# ---------------------
# The last panel has data drawn from the priors alone. A prior predictive check asks whether these are possible data,
# before any real ones have a say.

model.plot_prior()

# %%
# **What to look for.** In each small panel the values that you would not be surprised by; in the last one the
# observed data, black, well inside of what the priors draw, and not much narrower than all of it.
#
# **What is bad.** Observed data at the edge of the draws or beyond it; or draws that reach a hundred times as far as
# any data could.
#
# The draws themselves answer questions of your own. How often is a reaction below 100 ms, which nobody can do, or
# above two seconds, when people would be asleep?

drawn = model.sample_prior(draws=1000, seed=1)["prior_predictive"]["y"]
print(f"below 100 ms: {float((drawn < 100).mean()):.3f}")
print(f"above 2 s: {float((drawn > 2000).mean()):.4f}")

# %%
# Some draws below 100 ms are harmless. If half of them were, tighten the prior that makes them so wide.
#
# Does the answer depend on them?
# -------------------------------
# Fit with both and compare what you will report. Changing a prior compiles nothing, so this takes a second.

default = sh.Model(formula, data).sample(seed=1)
informed = model.sample(seed=1)
names = ["beta", "sd_subject", "sigma"]
both = {"default": default, "informed": informed}
pd.concat(
    {name: fit.summary(var_names=names)[["mean", "sd"]].round(2) for name, fit in both.items()},
    axis=1,
)

# %%
# What belongs where
# ------------------
#
# .. list-table::
#    :header-rows: 1
#
#    * - parameter
#      - priors
#      - remarks
#    * - ``alpha``, ``mu_alpha``, ``beta``
#      - ``Normal``, ``StudentT``, ``Cauchy``, ``Flat``
#      - a prior of yours on the intercept applies where all predictors are 0; with ``centered=True`` at their means
#    * - ``sigma``, ``sigma_alpha``, ``sd``
#      - ``HalfNormal``, ``HalfStudentT``, ``HalfCauchy``, ``Exponential``, ``Gamma``, ``LogNormal``, ``Flat``
#      - with few groups the prior of ``sd`` matters: choose it
#    * - ``cor``
#      - ``LKJ(eta)``
#      - 1 is uniform over correlation matrices; larger values favour weak correlations
#    * - ``nu``, ``shape``
#      - the priors of scales
#      - of Student t responses, and of negative binomial counts
#
# With logit, probit and log links, all of this is on the scale of log odds or logarithms: ``Normal(0, 1)`` on a slope
# is already a strong effect for one unit of the predictor.
