"""
Approximations, and Stan's program itself
=========================================

Sampling is quick for most models. For a first look, or for many large models, Stan has faster and rougher methods;
and what Stan computes can be seen and run as a person would write it.
"""

import pandas as pd

import stanhier as sh

data = sh.datasets.cbpp()
formula = "incidence ~ C(period) + (1 | herd)"
model = sh.Model(formula, data, family="binomial", trials="size")
fit = model.sample(seed=1)

# %%
# The mode
# --------
# ``optimize`` finds the place where the posterior density is highest: of Gaussian responses that of the standard
# deviations, with everything else integrated out; of other families near that. It has no uncertainty.

mode = model.optimize(seed=1)
mode.estimates.round(2)

# %%
# Approximate draws
# -----------------
# These give a fit whose draws come from an approximation, so that everything else works as with a sampled one:

fits = {
    "sampled": fit,
    "laplace": model.laplace(seed=1),
    "pathfinder": model.pathfinder(seed=1),
    "variational": model.variational(seed=1),
}
names = ["alpha", "beta", "sd_herd"]
tables = {name: one.summary(var_names=names)[["mean", "sd"]] for name, one in fits.items()}
pd.concat(tables, axis=1).round(2)

# %%
# .. list-table::
#    :header-rows: 1
#
#    * - method
#      - what it does
#    * - ``laplace``
#      - a normal distribution at the mode, as wide as the curvature says
#    * - ``pathfinder``
#      - normal distributions along the way to the mode, the best of them, weighted (Zhang et al. 2022)
#    * - ``variational``
#      - the nearest normal distribution with independent coordinates (Kucukelbir et al. 2017)
#
# **What to look for.** Means and standard deviations near the sampled ones.
#
# **What is bad.** Standard deviations that are too small, above all of ``sd_herd``, whose posterior is no normal
# distribution. Report nothing that was not sampled.
#
# The program
# -----------
# ``stan_code`` is the model as a person would write it, with its priors, and ``row_data`` its data:

print(model.stan_code)

# %%
# stanhier's own programs are other ones, which are faster and have the same posterior. ``engine="textbook"`` samples
# this one; it is compiled for each formula and its priors, and was not run for this page:
#
# .. code-block:: python
#
#    print(fit.agreement(model.sample(engine="textbook", seed=1)))
