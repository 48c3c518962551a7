r"""
What whitening does
===================

NUTS walks through the posterior in steps of one size for each coordinate. It has an easy time where the posterior
looks alike in all directions, and a hard one in ridges and funnels. The same posterior may be either, depending on
the coordinates.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import stanhier as sh

# %%
# A ridge
# -------
# A predictor far from 0 ties intercept and slope together. Here is the sleep study with calendar days instead of days
# of the study: the intercept is the reaction time at day 0 of the calendar, 200 days before anything was measured.

data = sh.datasets.sleepstudy()
data["date"] = data["days"] + 200
fit = sh.VaryingIntercept("reaction ~ date + (1 | subject)", data).sample(seed=1)
location = np.stack([fit.posterior[name].to_numpy().ravel() for name in ("mu_alpha", "beta")])
print(f"correlation {np.corrcoef(location)[0, 1]:.5f}")

# %%
# stanhier takes :math:`\theta = \hat\theta + L^{-\top} u`, where :math:`\hat\theta` is the compressed least-squares
# solution and :math:`L L^\top` how sharply the data know it, and lets Stan walk in :math:`u`. The change of variables
# is linear: its Jacobian is a constant, and priors apply to :math:`\theta` as they were given. Below, the draws of
# the posterior in both coordinates.

precision = np.linalg.inv(np.cov(location))
factor = np.linalg.cholesky(precision)
whitened = factor.T @ (location - location.mean(axis=1, keepdims=True))

figure, (before, after) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
before.plot(*location, ".", markersize=2, alpha=0.4)
before.set(
    xlabel="intercept at day 0 (ms)", ylabel="slope (ms a day)", title="as the formula has it"
)
after.plot(*whitened, ".", markersize=2, alpha=0.4, color="tab:orange")
_ = after.set(
    xlabel="$u_1$",
    ylabel="$u_2$",
    title="whitened",
    aspect="equal",
    xlim=(-4.5, 4.5),
    ylim=(-4.5, 4.5),
)

# %%
# On the left, steps that suit the narrow direction are thousands of times too short for the long one. On the right,
# one size of steps suits all. (For the picture the covariance of the draws was used; the package takes that of the
# likelihood at the mode, which it knows before the first draw.)
#
# A funnel
# --------
# Effects of groups have a standard deviation that is unknown. Where it is small, all effects must be; where it is
# large, they may be anything. Eight schools (Rubin 1981), one school's effect against the standard deviation of all
# of them:

schools = pd.DataFrame(
    {
        "school": list("ABCDEFGH"),
        "effect": [28.0, 8, -3, 7, -1, 1, 18, 12],
        "se": [15.0, 10, 16, 11, 9, 11, 10, 18],
    }
)
fit = sh.VaryingIntercept("effect ~ 1 + (1 | school)", schools, se="se").sample(seed=1)
spread = fit.posterior["sigma_alpha"].to_numpy().ravel()
effect = (fit.posterior["alpha"].sel(school="C") - fit.posterior["mu_alpha"]).to_numpy().ravel()

figure, (funnel, integrated) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
funnel.plot(effect, np.log(spread), ".", markersize=2, alpha=0.4)
funnel.set(
    xlabel="effect of school C",
    ylabel=r"log $\sigma_\alpha$",
    title="effects sampled",
    ylim=(-5, 4.5),
)
mean = fit.posterior["mu_alpha"].to_numpy().ravel()
integrated.plot(mean, spread, ".", markersize=2, alpha=0.4, color="tab:orange")
_ = integrated.set(
    xlabel=r"$\mu_\alpha$", ylabel=r"$\sigma_\alpha$", title="effects integrated out"
)

# %%
# On the left is what a program that samples the effects has to get through: a neck that is arbitrarily narrow. Steps
# that are short enough for it take for ever elsewhere; longer ones diverge in it, and the draws miss small standard
# deviations. With the effects integrated out there is no neck, and the right picture is all that is left to explore.
# The draws on the left were made afterwards, exactly.
#
# Scales
# ------
# A standard deviation that may be 0 has a border there, and its logarithm has a long tail instead. In between is a
# coordinate that is a logarithm where the scale is well above 0 and straight near 0. How soft it is is chosen from
# the profile of the posterior, so that the posterior of each scale is nearly symmetric; scales and correlations are
# then whitened together at the mode, as the location was.
#
# Families whose effects are sampled
# ----------------------------------
# Near the joint mode of location and effects, the likelihood of group g is a quadratic form with information
# :math:`H_g`. With :math:`M_g = I + \Lambda^\top H_g \Lambda` and its factor, effects are written as their
# conditional mean given location and scales, plus a normal variable scaled by :math:`M_g`. Where a group's data say
# much, that is the centred form; where they say little, the non-centred one; and anything between, group by group.
# Were the likelihood Gaussian, the new variables would be independent and standard normal. They nearly are, and what
# they are not NUTS makes up for: the density is the exact one.
