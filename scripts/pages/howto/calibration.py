"""
Check the sampler by simulation
===============================

Simulation-based calibration (Talts et al. 2018): draw parameters from the prior and data from the model, fit, and
see where the true values fall among the draws. If model and sampler agree, each place is equally likely.
"""

import stanhier as sh

data = sh.datasets.sleepstudy()
priors = {
    "mu_alpha": sh.Normal(300, 50),
    "beta": sh.Normal(10, 10),
    "sigma_alpha": sh.HalfNormal(50),
    "sigma": sh.HalfNormal(50),
}
model = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data, priors=priors)
calibration = sh.sbc(model, n=100, seed=1)
print(calibration)

# %%

calibration.plot()

# %%
# **What to look for.** Each line, the distribution of the ranks minus the uniform one, stays in its 95 % band. Of
# several lines one may touch the edge by chance; the verdict above allows for that.
#
# **What is bad.** A line that leaves the band. A hump (too many low ranks) means that the draws are too high; an S,
# that their spread is too small or too large.
#
# When to do it
# -------------
# * It needs proper priors that give possible data. That makes it a check of the priors too.
# * It says that the computation is right *for data like those that the prior draws*. It says nothing of whether your
#   data are like that: posterior predictive checks do.
# * A hundred simulations find gross errors, a thousand find small ones. Each costs about as much as starting a
#   process.
#
# stanhier's own programs are calibrated in this way when they are tested. Do it for an unusual design: one row a
# group, hundreds of predictors, priors far from the defaults.
#
# Another check: the textbook program
# -----------------------------------
# ``model.stan_code`` is the model as one would write it by hand in Stan, row by row. It can be sampled too, more
# slowly, and after a minute of compilation: ``textbook = model.sample(engine="textbook", seed=2)``. Then
# ``print(fit.agreement(textbook))`` compares the two, parameter by parameter, in Monte Carlo errors. So it looks,
# here with two fits by the fast program:

print(model.sample(seed=1).agreement(model.sample(seed=2)))
