"""
Comparisons, slopes and averages
================================

Coefficients are on the scale of the linear predictor, and with interactions no single one answers a question. What
people ask for is a difference between predictions: predict the rows, change one column, predict again, and average.
"""

import pandas as pd

import stanhier as sh

cattle = sh.datasets.cbpp()
model = sh.Model("incidence ~ C(period) + (1 | herd)", cattle, family="binomial", trials="size")
fit = model.sample(seed=1)

# %%
# Comparisons
# -----------
# How much less probable is it to fall ill in the later periods than in the first? In probabilities, averaged over the
# herds of the data:

fit.comparisons("period")

# %%
# Each row is a difference of averages, with its interval and ``pd``, the probability that it has the sign that it has
# in most draws. Ratios of risks, and ratios of odds, are other questions:

fit.comparisons("period", comparison="ratio")

# %%
# Numbers are compared one unit apart; ``contrast=10``, ``contrast=(0, 9)``, ``contrast="sd"`` say otherwise.
# Categories are compared with the first one, or with ``contrast="pairwise"`` each with each.

fit.comparisons("period", contrast="pairwise").plot()

# %%
# **What to look for.** Points and intervals on one side of the line at 0.
#
# **What is bad.** Reading an interval that crosses 0 as "no difference": it holds all differences that it covers.
#
# Averages by groups of rows
# --------------------------
# ``predictions`` averages predictions; ``by=`` says over which rows:

fit.predictions(by="period")

# %%
# The average group
# -----------------
# All of this is about the herds that are in the data. ``group_effects=False`` is about a herd whose effects are 0.
# Behind a link that is not the mean of all herds: effects of equal size up and down do not cancel there.

fit.predictions(by="period", group_effects=False)

# %%
# For a herd that nobody has seen, give rows with a new label: that has the spread of herds in its interval.

new = pd.DataFrame({"period": [1, 2, 3, 4], "herd": 99, "size": 1})
fit.predictions(by="period", new=new, new_groups="sample")

# %%
# Slopes
# ------
# ``slopes`` gives the change for a small step of a number. In a linear model without interactions that is the
# coefficient; with ``x * z``, ``log(x)`` or a link it depends on where one stands, and is averaged over the rows.

sleep = sh.datasets.sleepstudy()
curved = sh.Model("reaction ~ days + I(days**2) + (1 | subject)", sleep).sample(seed=1)
curved.slopes("days", by="days")

# %%
# The draws behind each table are its ``draws``, with dimensions chain, draw and estimate. How probable is it that the
# risk is at least halved from the first period to the second?

ratios = fit.comparisons("period", comparison="ratio").draws
float((ratios.isel(estimate=0) < 0.5).mean())
