"""
3 Examine
=========

The chains agree. Now: what do they say, and does the model describe the data?
"""

import stanhier as sh

data = sh.datasets.sleepstudy()
fit = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data).sample(seed=1)

# %%
# The numbers
# -----------

fit.summary(var_names=["mu_alpha", "beta", "sigma_alpha", "sigma"])

# %%
# ``mean`` and ``sd`` are those of the posterior: the estimate and its uncertainty. Between the two limits the
# parameter lies with a probability of 90 %; they are the 5 % and the 95 % quantile. The columns ``ess`` and ``r_hat``
# judge the sampling and ``mcse`` is the error that comes from the number of draws, which should be small beside
# ``sd``.
#
# In words: on day 0 the average person needs about a quarter of a second; each day of short sleep adds some 10 ms;
# people differ with a standard deviation of ``sigma_alpha``, and a single measurement with one of ``sigma``.

fit.plot_posterior(var_names=["mu_alpha", "beta", "sigma_alpha", "sigma"])

# %%
# **What to look for.** One smooth hump each. The thick bar holds half of the probability, the thin one 90 %.
#
# **What is bad.** Two humps: the model has two explanations, and the mean lies between them, where nothing is. A
# standard deviation piled up at 0 is not bad as such: the data go with groups that do not differ.
#
# Data or prior?
# --------------

fit.plot_prior_posterior(var_names=["mu_alpha", "beta", "sigma_alpha", "sigma"])

# %%
# **What to look for.** The posterior (narrow) far narrower than the prior (wide): the data have spoken.
#
# **What is bad.** Both of the same shape: the data say nothing of this parameter, and your answer is your prior. Or a
# posterior in the far tail of the prior: they contradict each other.
#
# The people
# ----------

fit.plot_forest()

# %%
# **What to look for.** One row a person, sorted; the thick bar 50 %, the thin one 90 %. With equally many rows the
# intervals are equally long.
#
# **What is bad.** Reading it as a ranking. Neighbours whose intervals overlap cannot be put in an order.
#
# Does the model describe the data?
# ---------------------------------
# Draw new data from the fitted model, for the same people and days, and compare.

fit.plot_ppc()

# %%
# **What to look for.** On the left, the black line (observed) among the blue ones (drawn). On the right, the mean of
# each person where the other people lead one to expect it, for about nine of ten.
#
# **What is bad.** A black line that leaves the blue ones: a second hump, a heavier tail, a border that data cannot
# cross. Here the observed data lean a little to the left and have a longer tail on the right than most of the drawn
# ones. Something is missing. ``check`` looks for such things by itself, and says what to try:

print(fit.check())

# %%
# The next picture shows it.

fit.plot_prediction("days", by="subject")

# %%
# **What to look for.** Points around their line, with no pattern.
#
# **What is bad.** Runs of points above or below the line, as for several people here: all lines have one slope, and
# some people plainly have another. That is not noise.
#
# Next: :doc:`build`.
