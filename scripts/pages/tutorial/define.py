"""
1 Define
========

The sleep study (Belenky et al. 2003): 18 people slept three hours a night, and their reaction time was measured
every day. Each row is one person on one day. The question: by how much does a day of short sleep slow people down,
and how much do people differ?
"""

# %%
# The data
# --------
# A table with one row for each observation is all that is needed. ``subject`` is a number here; it is used as a
# label.

import matplotlib.pyplot as plt

import stanhier as sh

data = sh.datasets.sleepstudy()
data.head()

# %%
# Look at them first. Each thin line is a person.

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for _, rows in data.groupby("subject"):
    axes.plot(rows["days"], rows["reaction"], color="tab:blue", alpha=0.5)
_ = axes.set(xlabel="days of short sleep", ylabel="reaction time (ms)")

# %%
# **What to look for.** Nearly all go up, from different heights: people differ in level by some 100 ms. The simplest
# model that says so has one slope for all and an intercept for each person. Whether that is enough will be seen.
#
# **What would be bad.** A line that is far from all others by a factor (a unit mixed up?), curves that bend, or a
# spread that grows with the level. A straight line with noise of one size would then be the wrong start.
#
# The model
# ---------
# In a formula, ``~`` separates the response from what explains it. ``(1 | subject)`` says that the intercept, ``1``,
# varies by ``subject``. This is the notation of the R package lme4.

model = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data)
print(model)

# %%
# That is the whole model. ``alpha[subject]`` is the level of each person on day 0. The levels come from a population
# with mean ``mu_alpha`` and standard deviation ``sigma_alpha``; ``beta`` is the slope in ms a day; ``sigma`` is what
# one measurement differs from its person's line.
#
# This is what *hierarchical* means: how alike people are is itself estimated. If they are alike, ``sigma_alpha`` is
# small and each learns much from the others.
#
# The priors
# ----------
# None were given, so the model has default ones, which are wide and scaled to the data. The printed model shows them,
# and so does ``model.priors``. What do they say of reaction times, before any data are seen?

model.plot_prior()

# %%
# **What to look for.** Each small panel is a prior. The last one draws data from all of them together, beside the
# observed data. The prior should cover the data with room to spare.
#
# **What would be bad.** Observed data outside of what the prior draws: then the prior contradicts the data. Or draws
# that are wider than anything by orders of magnitude: then the prior says nothing, which costs little with 180 rows
# and much with ten. Negative reaction times are no catastrophe: the normal distribution has no border at 0, and the
# data will rule them out.
#
# Next: :doc:`sample`.
