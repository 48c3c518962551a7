"""
Missing values
==============

A model of rows with missing values is refused, and says in which columns they are, so that nobody loses rows without
knowing.
"""

import warnings

import numpy as np

import stanhier as sh

data = sh.datasets.orthodont()
data.loc[[2, 30, 31], "distance"] = np.nan
data.loc[50, "age"] = np.nan
try:
    sh.Model("distance ~ age + (1 | child)", data)
except sh.DataError as error:
    print(error)

# %%
# Leave these rows out
# --------------------

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always", sh.MissingWarning)
    model = sh.Model("distance ~ age + (1 | child)", data, missing="drop")
print(said[0].message)

# %%
# The printed model and the report say it too. A child of whom one measurement is missing keeps the others; its level is
# learnt from these, and from the other children.

fit = model.sample(seed=1)
fit.summary(var_names=["alpha", "beta", "sigma"])

# %%
# **When that is right.** If whether a value is missing does not depend on what it would have been, once the predictors
# and the group are known. Then the rows that are left tell what there is to tell.
#
# **What is bad.** Values that are missing because they are high: no model of the rows that are left can know.
#
# Fill the missing responses
# --------------------------
# Rows whose response alone is missing can be predicted, like new ones, with the uncertainty that they have:

lacking = data[data["distance"].isna()]
lacking.join(fit.predict(lacking, kind="response").round(1))

# %%
# Predict rows with missing predictors
# ------------------------------------
# ``missing="nan"`` gives a row of NaN for each, and so as many rows as there were:

fit.predict(data.loc[49:51], missing="nan").round(1)

# %%
# Missing predictors are not filled. Where many are, fill them several times by another package, fit each with
# :doc:`many`, and put the draws together.
