"""
Make results repeat
===================

The same seed, the same draws, to the last bit; and what that depends on.
"""

import stanhier as sh

data = sh.datasets.sleepstudy()
model = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data)
first, second = model.sample(seed=7), model.sample(seed=7)
print(bool((first.posterior == second.posterior).all().to_array().all()))

# %%
# What the draws depend on
# ------------------------
# * The seed, the data, the model, the keywords of ``sample``.
# * Not the number of processors, nor which chains run at the same time.
# * Not the order of the rows, but for the last digits: sums in another order are rounded in another way.
# * The version of CmdStan and of stanhier, and the compiler. Across these, results agree within their Monte Carlo
#   errors, not digit by digit.
#
# How many digits to report
# -------------------------
# Another seed is the simplest answer. What changes is not known:

one, other = model.sample(seed=1), model.sample(seed=2)
names = ["mu_alpha", "beta", "sigma_alpha", "sigma"]
table = one.summary(var_names=names)[["mean", "mcse_mean"]]
table.assign(other_seed=other.summary(var_names=names)["mean"]).round(3)

# %%
# ``mcse_mean`` is the standard error of the mean that comes from the number of draws. Tables show two digits of the
# uncertainty for that reason. ``agreement`` puts it into words:

print(one.agreement(other).verdict)

# %%
# What to write down
# ------------------
# The formula, the priors (``print(model)`` has both), the seed, and the versions of stanhier and CmdStan. A saved fit
# has all of it, and ``fit.report("report.html")`` prints it. That is also where to find the seed of a fit that was
# made without ``seed=``: one was drawn and kept.
