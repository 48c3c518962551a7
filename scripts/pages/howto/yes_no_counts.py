"""
Yes or no, and counts
=====================

Name the family of the response. Everything else stays as it is.
"""

import numpy as np
import pandas as pd

import stanhier as sh

# %%
# .. list-table::
#    :header-rows: 1
#
#    * - ``family=``
#      - the response
#      - beside it
#    * - ``"bernoulli"``
#      - yes or no: 0 and 1, ``False`` and ``True``, or two categories
#      -
#    * - ``"binomial"``
#      - so many successes
#      - ``trials=``, of how many
#    * - ``"poisson"``
#      - counts
#      - ``offset=``, the logarithm of the exposure, if that differs
#    * - ``"negative_binomial"``
#      - counts that vary more than a Poisson distribution allows
#      - likewise
#    * - ``"student_t"``
#      - numbers, some far from the rest
#      -
#
# So many of so many
# ------------------
# Animals newly infected, of those at risk, in 15 herds and four periods (Lesnoff et al. 2004):

cattle = sh.datasets.cbpp()
fit = sh.Model(
    "incidence ~ C(period) + (1 | herd)", cattle, family="binomial", trials="size"
).sample(seed=1)
fit.summary(var_names=["alpha", "beta", "sd_herd"])

# %%
# Coefficients are log odds. Their exponentials are ratios of odds, here against the first period:

np.exp(fit.posterior["beta"]).mean(("chain", "draw")).to_series()

# %%
# Easier to tell somebody are probabilities. ``kind="mean"`` gives them, ``kind="response"`` how many of ``size``
# animals:

new = pd.DataFrame({"period": [1, 2, 3, 4], "herd": 99, "size": 20})
new.join(fit.predict(new, new_groups="sample").round(2))

# %%
# Does it fit? The picture for counts is a rootogram: how often each count occurs, observed and drawn.

fit.plot_ppc()

# %%
# **What to look for.** Points within the bars: as many rows with 0, 1, 2 cases as the model draws. On the right, nine
# of ten herds where the others lead one to expect them.
#
# **What is bad.** More zeros than the model draws, or a longer tail: overdispersion. For counts without an upper
# limit the negative binomial family is the next step; for these, an effect for each row does it, ``(1 | row)`` with a
# column that numbers the rows.
#
# Counts
# ------
# Made-up accidents at 40 crossings, watched for different numbers of weeks. ``offset=`` makes it a model of accidents
# a week. Make the offset a column, so that new data can have it too.

rng = np.random.default_rng(1)
crossings = pd.DataFrame(
    {
        "crossing": np.arange(40) % 20,
        "lights": np.arange(40) // 20,
        "weeks": rng.integers(10, 60, 40),
    }
)
rate = np.exp(-2 - 0.7 * crossings["lights"] + rng.normal(0, 0.4, 20)[crossings["crossing"]])
crossings["accidents"] = rng.poisson(rate * crossings["weeks"])
crossings["log_weeks"] = np.log(crossings["weeks"])
counts = sh.Model(
    "accidents ~ lights + (1 | crossing)", crossings, family="poisson", offset="log_weeks"
).sample(seed=1)
factor = np.exp(counts.posterior["beta"].sel(predictor="lights"))
print(f"With lights, accidents are multiplied by {float(factor.mean()):.2f}.")
print(f"The data were made with {np.exp(-0.7):.2f}.")

# %%
# Two things to know
# ------------------
# * The mean of the average group is not the average of the groups' means: a logit or a logarithm bends. Predictions
#   with ``new_groups="sample"`` average over the population of groups.
# * Where a predictor separates yes from no completely, a flat prior has no answer. The default priors do.
