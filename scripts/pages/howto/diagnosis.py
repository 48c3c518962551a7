"""
Read the diagnosis
==================

``fit.diagnose()`` says in words whether the draws can be trusted. Here is what stands behind each of its words.
"""

import stanhier as sh

data = sh.datasets.sleepstudy()
model = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data)
fit = model.sample(seed=1)
print(fit.diagnose())

# %%
# .. list-table::
#    :header-rows: 1
#
#    * - number
#      - what it is
#      - worry if
#      - then
#    * - R-hat
#      - how much chains differ from each other, beside their own spread
#      - above 1.01
#      - sample longer, ``iter_warmup=2000, iter_sampling=2000``; if it stays, the model explains the data in several
#        ways
#    * - bulk and tail ESS
#      - how many independent draws these are worth, for means, and for the ends of intervals
#      - below 100 a chain
#      - sample longer
#    * - divergences
#      - steps at which the sampler went wrong: some region is too narrow for it
#      - there are any
#      - ``adapt_delta=0.95``; if they stay, see where they are with ``plot_pair``, and think about the priors of scales
#    * - greatest tree depth
#      - steps that were cut short
#      - there are many
#      - a matter of speed: ``max_treedepth=12``
#    * - E-BFMI
#      - whether the sampler reaches the tails
#      - below 0.3
#      - tighter priors of scales, or another model
#
# Thresholds are those of Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), doi:10.1214/20-BA1221, as ArviZ has
# them.
#
# A bad one
# ---------
# Sixty steps after a warm-up of ten:

import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    bad = model.sample(seed=1, iter_warmup=10, iter_sampling=60)
print(caught[0].message)

# %%
# A fit like this one says so by itself, once, when it is made. Its summary shows which parameters suffer; the columns
# at the end are about the sampling:

bad.summary(var_names=["mu_alpha", "sigma_alpha", "beta", "sigma"])

# %%
# Pairs of parameters
# -------------------

fit.plot_pair(var_names=["mu_alpha", "beta", "sigma_alpha"])

# %%
# **What to look for.** Clouds. A narrow ridge is a strong correlation, often of an intercept with the slope of a
# predictor far from 0: harmless here, since the sampler works in other coordinates.
#
# **What is bad.** A funnel, or divergent draws (marked) gathered at one place.
#
# The diagnosis is about the sampler, not about the model: perfect draws from a wrong model are perfect draws. For the
# model there are :doc:`its check <model_check>`, ``plot_ppc`` and :doc:`comparisons <comparing>`.
