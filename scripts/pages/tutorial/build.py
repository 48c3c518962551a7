"""
4 Build the hierarchy
=====================

How much should one person's data say of another's? There are three answers, and a way to choose.
"""

import stanhier as sh

data = sh.datasets.sleepstudy()

# %%
# Three kinds of pooling
# ----------------------
# *Complete pooling*: one line for all, as if all rows were of one person. *No pooling*: people have nothing to do
# with each other. *Partial pooling*: people come from one population, and how alike they are is estimated.

three = sh.pooling("reaction ~ days", data, group="subject", seed=1)
three.plot()

# %%
# **What to look for.** The vertical line is complete pooling. Of the two estimates of each person, the one with
# partial pooling is closer to the common mean. The fewer rows a person has, and the further out, the more it moves.
#
# **What is bad.** Estimates that do not move at all, with few rows in each group: then ``sigma_alpha`` is so large
# that nothing is shared. Or estimates that collapse to one value: then the groups do not differ, or the prior says
# so.

three.compare()[["elpd", "se", "elpd_diff", "dse", "weight"]]

# %%
# ``elpd`` is how well a model predicts an observation that it has not seen, summed over all of them; more is better.
# ``elpd_diff`` is the difference to the best model, and ``dse`` its standard error. A difference of several standard
# errors is a clear one. Complete pooling is far behind: people do differ.
#
# Slopes that vary
# ----------------
# The last page showed people whose slope differs. So let it vary too. ``Model`` takes every formula:

before = three.fits["partial pooling"]
model = sh.Model("reaction ~ days + (1 + days | subject)", data)
fit = model.sample(seed=1)
fit.summary(var_names=["alpha", "beta", "sd_subject", "cor_subject", "sigma"])

# %%
# ``alpha`` and ``beta`` are the line of the population; ``sd_subject`` says how much people differ in intercept and
# slope, and ``cor_subject`` how these go together. ``sigma`` is smaller than before: part of the "noise" was people's
# own slopes.

sh.compare({"intercepts vary": before, "slopes too": fit})[
    ["elpd", "se", "elpd_diff", "dse", "weight"]
]

# %%
# The second model predicts better, by about two standard errors of the difference. The warning names a row that
# surprises the model so much that its estimate is unsure; :doc:`/howto/comparing` says what to do then.

fit.plot_shrinkage()

# %%
# **What to look for.** Each arrow is a person. It starts at the line that their own rows alone give and ends at the
# estimate of the model; the ellipses hold 50 % and 90 % of the population. Arrows point inwards, and extreme people
# move most.
#
# **What is bad.** Arrows across the picture: then people's own rows say next to nothing, and the result is the
# population's. Points far outside of the outer ellipse: the population is not normal, or a row is wrong.

fit.plot_prediction("days", by="subject")

# %%
# **What to look for.** Now each person has their own slope, and the points lie around the lines without runs.
#
# **What is bad.** One person's points still far from their line. Look at subjects 308 and 332 alone:

fit.plot_prediction("days", by="subject", groups=[308, 332])

# %%
# **What to look for.** Single points outside of the wide band: one in ten is expected there, and a line that passes
# near all the others is a good one.
#
# **What is bad.** A point so far out that no line explains it, such as that of subject 332 on day 6: it pulls the line
# and widens ``sigma`` for everybody. Responses with such outliers are what ``family="student_t"`` is for.
#
# Next: :doc:`predict`.
