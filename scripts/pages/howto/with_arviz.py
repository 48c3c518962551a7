"""
Use ArviZ with a fit
====================

``fit.idata`` is the tree of datasets that ArviZ's functions take. What they ask for is made when they ask.
"""

import arviz as az

import stanhier as sh

data = sh.datasets.sleepstudy()
fit = sh.Model("reaction ~ days + (1 + days | subject)", data).sample(seed=1)
print(list(fit.idata.children))

# %%
# ``log_likelihood``, ``posterior_predictive``, ``prior`` and ``prior_predictive`` are not in that list, and yet
# there:

print(az.loo(fit.idata))

# %%
# ``elpd_loo`` is that of ``fit.loo()``. ``p_loo`` is not: of Gaussian models ``log_likelihood`` holds the density of
# each row given the other rows of its group, the group's effects integrated out, so ArviZ does not count these
# effects.
#
# A copy that lists them, to select from or to write to a file:

tree = fit.idata_with("log_likelihood", "prior")
print(list(tree.children))

# %%
# ArviZ's statistics and pictures work on it:

print(az.summary(fit.idata, var_names=["alpha", "beta", "sigma"], kind="diagnostics"))

# %%

az.plot_rank(fit.idata, var_names=["alpha", "sigma"])

# %%
# **What to look for.** Four lines, one for each chain, that wander around 0: ranks are spread evenly over the chains.
# The p value is of a test that they are; below the limit beside it, a chain differs.
#
# **What is bad.** A line that leaves the others for long: this chain has been somewhere else.
#
# Draws as arrays
# ---------------
# The posterior is an xarray dataset with your labels, so that a question becomes a line:

posterior = fit.posterior
own = posterior["effect_subject"].sel(effect="days")
slopes = posterior["beta"].sel(predictor="days") + own
(slopes > 15).mean(("chain", "draw")).to_series().sort_values().tail(3)

# %%
# These are the probabilities that a person loses more than 15 ms a day.
#
# ``summary``, ``loo`` and ``compare`` of stanhier are ArviZ's, with the leave-one-out densities in closed form where
# there are such.
