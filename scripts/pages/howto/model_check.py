"""
Does the model fit?
===================

``fit.diagnose()`` is about the sampler. Whether the model describes the data is another question, and perfect draws say
nothing about it.
"""

import stanhier as sh

sleep = sh.datasets.sleepstudy()
straight = sh.VaryingIntercept("reaction ~ days + (1 | subject)", sleep).sample(seed=1)

# %%
# A verdict in words
# ------------------

straight.check()

# %%
# Each line is something that data from this model would hardly show, and what to try next. Of models that are true,
# about one in a hundred is told of anything. The subjects differ in their slopes, which this model has not:

fit = sh.Model("reaction ~ days + (1 + days | subject)", sleep).sample(seed=1)
fit.check()

# %%
# What is left are a few measurements far from their lines. Student t responses bear these:

heavy = sh.Model("reaction ~ days + (1 + days | subject)", sleep, family="student_t").sample(
    seed=1
)
heavy.check()

# %%
# All checks, with what was expected, are in ``fit.check().table``. A model that passes is not true: it has no fault
# that these checks can see.
#
# A picture of it
# ---------------

fit.plot_ppc(kind="groups")

# %%
# **What to look for.** Points within their bars, nine of ten: each bar is what is expected of
# this group from the others.
#
# **What is bad.** Most points at the ends or outside: groups differ by more than a normal distribution has room for,
# or by something that could be a predictor of groups.
#
# How much is explained
# ---------------------

fit.r2()

# %%
# *Conditional* counts what is known of these subjects, *marginal* the predictors alone. How the rest is shared between
# subjects and noise:

fit.icc()

# %%
# A high share says nothing against the checks above: a wrong curve can explain most of the variance. To choose between
# models, :doc:`compare their predictions <comparing>`.
