"""
Let intercepts and slopes vary by group
=======================================

A term in parentheses says what varies, and by what.
"""

import stanhier as sh

data = sh.datasets.sleepstudy()
fit = sh.Model("reaction ~ days + (1 + days | subject)", data).sample(seed=1)

# %%
# .. list-table::
#    :header-rows: 1
#
#    * - term
#      - what varies by the groups of g
#    * - ``(1 | g)``
#      - the intercept
#    * - ``(1 + x | g)`` or ``(x | g)``
#      - the intercept and the slope of x, which may be correlated
#    * - ``(0 + x | g)``
#      - the slope alone
#    * - ``(x || g)``
#      - both, without a correlation
#
# Write the slope that all share too: ``days + (1 + days | subject)``. Without it, its mean is taken to be 0, and
# printing the model says so.
#
# What the groups come to, and how far they are from the population
# -----------------------------------------------------------------
# ``group_summary`` gives each group's own intercept and slope; ``group_effects`` their deviations from the
# population.

fit.group_summary("subject").head(6).round(1)

# %%

fit.group_effects("subject", [308, 309]).round(1)

# %%
# Intercepts are where the predictors are 0. With a predictor like ``year`` that is far from all data; subtract a
# round number in the formula, ``I(year - 2000)``, or use ``center(year)``. Where the slope of such a predictor varies,
# do so wherever it stands: the standard deviation of intercepts far from all data has a prior too, which would keep the
# slopes together, and a ``PriorWarning`` says so.
#
# Do slopes vary at all?
# ----------------------
# Two ways to ask. How large is their standard deviation, beside the slope itself?

fit.summary(var_names=["beta", "sd_subject"])

# %%
# And does the model predict better for it?

simple = sh.Model("reaction ~ days + (1 | subject)", data).sample(seed=1)
sh.compare({"intercepts": simple, "intercepts and slopes": fit})[["elpd", "elpd_diff", "dse"]]

# %%
# It does, by about two standard errors of the difference. The warning is about a single row; :doc:`comparing`
# explains it.
#
# How do they go together?
# ------------------------

fit.plot_correlations()

# %%
# **What to look for.** The posterior, in blue, narrower than the prior, in grey. Here strong correlations are ruled
# out, and whether there is a weak one 18 people do not tell. Leaving it out, ``(days || subject)``, would change
# little else.
#
# **What is bad.** A posterior that looks like the prior: the groups say nothing, and predictions of new groups depend
# on the ``LKJ`` that you chose. Or one pressed against -1 or 1: most often an intercept far from the data, where
# centring the predictor helps to read it.
#
# When to stop
# ------------
# * A factor with fewer than five or so groups says next to nothing of ``sd``: the prior does. Put it among the
#   predictors instead, ``C(g)``, or give ``sd`` a prior that you can defend.
# * A slope can vary by a group only where x varies within the groups.
# * Each slope that varies adds a standard deviation and its correlations. Add those that the design of the study asks
#   for.
