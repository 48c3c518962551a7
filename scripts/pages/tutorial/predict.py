"""
5 Predict
=========

A model of people is there to say something about a person: one whom it knows, or one whom it has never seen.
"""

import pandas as pd

import stanhier as sh

data = sh.datasets.sleepstudy()
fit = sh.Model("reaction ~ days + (1 + days | subject)", data).sample(seed=1)

# %%
# Whom, and what
# --------------
# New rows need the predictors and the grouping columns. Subject 308 is in the data, subject 999 is not.

new = pd.DataFrame({"days": [10, 10], "subject": [308, 999]})
new.join(fit.predict(new, kind="mean", new_groups="sample").round(0))

# %%
# That is the *mean* on day 10: where the line of the person is. For somebody unknown it is much less certain, for it
# must hold all people whom the population may send.
#
# A single measurement scatters around the line. That is ``kind="response"``:

new.join(fit.predict(new, kind="response", new_groups="sample").round(0))

# %%
# Choose by the question. "How slow will 308 be on average?" is the mean. "Will the next test be above 500 ms?" is a
# response. Without ``new_groups="sample"``, an unknown label is an error: most often it is a typing mistake.
#
# The picture for somebody new
# ----------------------------

fit.plot_prediction("days")

# %%
# **What to look for.** The line and the narrow band are the average person. The wide band is a new measurement of a
# new person: about 90 % of the points should be within it.
#
# **What is bad.** Far more than one in ten points outside, or all of them well inside. And a band drawn beyond the
# data: day 10 is the day after the last one; day 30 would be a guess that no picture warns of.
#
# Questions of your own
# ---------------------
# ``predict_draws`` gives the draws themselves. The probability that the next test of each is slower than 500 ms on
# day 10:

draws = fit.predict_draws(new, kind="response", new_groups="sample")
(draws > 500).mean(("chain", "draw")).to_series().set_axis(new["subject"])

# %%
# Are predictions of new people any good?
# ---------------------------------------
# Leave out each person in turn, sample again without them, and predict all of their rows. That is the honest test of
# a prediction for somebody new; with ``by="subject"`` whole people are left out, not rows.

before = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data).sample(seed=1)
folds = {
    "intercepts vary": before.kfold(by="subject", k=18, seed=1),
    "slopes too": fit.kfold(by="subject", k=18, seed=1),
}
sh.compare(folds)[["elpd", "se", "elpd_diff", "dse"]]

# %%
# Keep it
# -------
# ``fit.save("sleepstudy.nc")`` writes one file, and ``sh.load("sleepstudy.nc")`` gives it back.
# ``fit.report("sleepstudy.html")`` writes a page to send to somebody.
#
# That was the whole way. From here: :doc:`/howto/index` has one page for each question that comes next, and
# :doc:`/gallery/index` whole analyses.
