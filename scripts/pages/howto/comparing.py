"""
Compare models
==============

Ask which model predicts what it has not seen; and say what "not seen" means.
"""

import stanhier as sh

data = sh.datasets.sleepstudy()
fits = {
    "one line": sh.LinearRegression("reaction ~ days", data).sample(seed=1),
    "intercepts": sh.VaryingIntercept("reaction ~ days + (1 | subject)", data).sample(seed=1),
    "slopes too": sh.Model("reaction ~ days + (1 + days | subject)", data).sample(seed=1),
}

# %%
# A new row of known groups
# -------------------------

table = sh.compare(fits)
table

# %%
# Each row is left out in turn, and predicted from the others (Vehtari, Gelman & Gabry 2017). ``elpd`` is the sum of
# the log densities; more is better. Look at ``elpd_diff`` beside ``dse``, its standard error: below two standard
# errors or so, do not call one model better. ``p`` is how many parameters the model uses, in effect.

sh.plot_compare(table)

# %%
# **What to look for.** The best model is at 0, the others to its left, each with one standard error of the difference.
#
# **What is bad.** Taking the first one where the bars of others reach 0: these are as good, and one is simpler.
#
# ``weight`` says how to mix the models' predictions for the best mixture. A weight is no probability that a model is
# true.
#
# A new group
# -----------
# A model can be good at new rows of known people and useless for new people. Leave out whole groups:

sh.compare(fits, by="subject")[["elpd", "se", "elpd_diff", "dse"]]

# %%
# With 18 people the differences are less sure. That is as it should be: there are 18 things to predict, not 180.
#
# When it warns
# -------------
# Leave-one-out is worked out from the draws of one fit by importance sampling. Where a row matters so much that this
# does not work (Pareto k above 0.7 or so), a warning says so. ``fit.kfold(k=10)`` samples again without each tenth of
# the rows, and needs no such weights; its results may take the place of fits in ``sh.compare``.

print(fits["slopes too"].loo())

# %%
# Which one to report
# -------------------
# The comparison ranks predictions. A model with a worse score may be the one that answers your question, such as a
# slope that a design of the study demands. And do not compare dozens: the best of many is best by luck.
