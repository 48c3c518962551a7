"""
2 Sample
========

The posterior distribution says which values of the parameters go with model and data. Stan draws from it.
"""

import stanhier as sh

data = sh.datasets.sleepstudy()
model = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data)
fit = model.sample(seed=1)
fit

# %%
# ``sample`` runs four chains from four random starts. Each finds its way in 1000 steps that are thrown away, and then
# makes 1000 draws. With a ``seed`` the same draws come again. The first call on a machine takes longer: Stan's
# programs are compiled once.
#
# ``fit.posterior`` has the draws, with your labels as coordinates. It is an `xarray <https://docs.xarray.dev>`_
# dataset:

fit.posterior["alpha"].sel(subject=308).mean().item()

# %%
# Do the chains agree?
# --------------------
# This is the first thing to know. A trace plot has the distribution of each parameter on the left, a line for each
# chain, and the draws one after the other on the right.

fit.plot_trace(var_names=["mu_alpha", "sigma_alpha", "beta", "sigma"])

# %%
# **What to look for.** On the left, four curves on top of each other. On the right, four bands of noise that cannot
# be told apart: no trend, no long excursions, nothing that sticks.
#
# **What is bad.** A chain that lies apart from the others, or drifts. Here are some that were given far too little
# time: no warm-up to speak of, and steps that were never tuned.

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", sh.SamplingWarning)
    bad = model.sample(
        seed=1,
        iter_warmup=0,
        adapt_engaged=False,
        step_size=0.02,
        max_treedepth=2,
        iter_sampling=200,
    )
bad.plot_trace(var_names=["mu_alpha", "sigma_alpha"])

# %%
# **What is bad.** All of it: the chains wander, each somewhere else, and the curves on the left disagree. Averages over
# such draws mean nothing, however many digits are printed. stanhier says so by itself:

print(bad.diagnose())

# %%
# The good fit:

print(fit.diagnose())

# %%
# What each number means is on the page :doc:`/howto/diagnosis`.
#
# Next: :doc:`examine`.
