"""
Groups that are new
===================

A label that the fit has not seen is refused, unless you say what to do.
"""

import pandas as pd

import stanhier as sh

data = sh.datasets.sleepstudy()
known, late = data[data["subject"] != 372], data[data["subject"] == 372]
fit = sh.Model("reaction ~ days + (1 + days | subject)", known).sample(seed=1)

# %%
# Nothing is known of the group
# -----------------------------
# Its effects are drawn from the population, one for each draw of the posterior, the same for all rows of the group.
# So the interval holds what groups differ by.

new = pd.DataFrame({"days": [0, 5, 9], "subject": 372})
new.join(fit.predict(new, new_groups="sample").round(0))

# %%
# A few of its rows are there
# ---------------------------
# The first three days of this person have been measured. ``update_group`` adds them without sampling again:

fit3 = fit.update_group(late[late["days"] < 3])
new.join(fit3.predict(new).round(0))

# %%
# The intervals shrink, most near the days that were seen. The later days, which the fit has not seen, were:

late[late["days"].isin([5, 9])]

# %%
# How it works, in one sentence: given the parameters that all share, the posterior of one group's effects is known
# exactly, and the draws of these parameters are weighted by how well they predict the new rows. If the rows change
# them too much for that, a warning says to sample again. Of other families than the Gaussian the effects are drawn by
# weights too.
#
# Are such predictions any good?
# ------------------------------
# Leave out whole groups:

print(fit.loo(by="subject"))

# %%
# ``fit.kfold(by="subject", k=10)`` does so by sampling again, where leave-one-out says that it is not reliable.
