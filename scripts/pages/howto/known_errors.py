"""
Known standard errors, and weights
==================================

Rows need not be equally precise. Say what is known of it.
"""

import numpy as np

import stanhier as sh

# %%
# .. list-table::
#    :header-rows: 1
#
#    * - what is known
#      - say
#      - then a row is
#    * - the standard error of each row
#      - ``se="column"``
#      - normal(η, se), and there is no ``sigma``
#    * - one standard deviation of all rows
#      - ``sigma=2.5``
#      - normal(η, 2.5)
#    * - how precise rows are beside each other
#      - ``weights="column"``
#      - normal(η, σ / √w), with σ estimated
#
# All three are for Gaussian responses. So many of so many have their own precision: give ``trials=`` instead.
#
# Estimates of others: a meta-analysis
# ------------------------------------
# Thirteen trials of a vaccine (Colditz et al. 1994), each an odds ratio; the standard error of its logarithm follows
# from the counts.

trials = sh.datasets.bcg()
ill, ill_control = trials["cases_vaccinated"], trials["cases_control"]
well, well_control = trials["vaccinated"] - ill, trials["control"] - ill_control
trials["effect"] = np.log(ill * well_control / (well * ill_control))
trials["se"] = np.sqrt(1 / ill + 1 / well + 1 / ill_control + 1 / well_control)

model = sh.VaryingIntercept("effect ~ 1 + (1 | trial)", trials, se="se")
fit = model.sample(seed=1)
fit.summary(var_names=["mu_alpha", "sigma_alpha"])

# %%
# ``sigma_alpha`` is what trials differ by beyond their standard errors. If it were 0, this would be the weighted mean
# of the trials, which is called a fixed-effect meta-analysis.

fit.plot_shrinkage()

# %%
# **What to look for.** Trials with large standard errors move far towards the mean, precise ones stay.
#
# **What is bad.** An effect that goes with the standard error: small trials that all show more than large ones. Then
# some with less were perhaps not published.
#
# A row that is a mean of many
# ----------------------------
# When rows are means, one of 40 is worth more than one of 4. Weight them by how many there were. Of the pupils of
# :doc:`ranking` let only the means of their classes be known:

pupils = sh.datasets.jsp()
classes = pupils.groupby(["school", "class"], as_index=False).agg(
    math=("math", "mean"), raven=("raven", "mean"), pupils=("pupil", "size")
)
weighted = sh.Model("math ~ raven + (1 | school)", classes, weights="pupils").sample(seed=1)
weighted.summary(var_names=["beta", "sd_school", "sigma"])

# %%
# ``sigma`` is that of a row of weight 1, a class of a single pupil. It is near what pupils of one class differ by, 5.3
# points, which these rows do not show; it is more, since classes differ too.
#
# A weight of 40 is one row that is as precise as a mean of 40, not 40 rows. Where a row stands for many that are alike,
# give those.
