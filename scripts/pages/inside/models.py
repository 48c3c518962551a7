r"""
The rows, compressed
====================

A Gaussian likelihood sees the rows through a few sums alone. This page works them out with numpy and shows that
nothing is lost.

Linear regression
-----------------
Let :math:`y_i \sim \mathrm{normal}(\alpha + x_i \beta, \sigma)` with :math:`K` predictors and :math:`N` rows. The
likelihood needs the residual sum of squares, a quadratic form in :math:`\theta = (\alpha, \beta)`. Factor the
matrix of all columns,

.. math:: [1 \; X \; y] = Q \begin{pmatrix} R & z \\ 0 & \rho \end{pmatrix},

where the columns of :math:`Q` are orthonormal. Lengths do not change under :math:`Q`, so

.. math:: \sum_i (y_i - \alpha - x_i \beta)^2 = {\lVert z - R \theta \rVert}^2 + \rho^2 ,

and the log likelihood is, up to a constant,

.. math:: -N \log \sigma - \frac{{\lVert z - R \theta \rVert}^2 + \rho^2}{2 \sigma^2} .

The triangle has :math:`K + 2` rows, whatever :math:`N` is. (Forming :math:`X^\top X` would do too, and lose half of
the digits.)
"""

import numpy as np

import stanhier as sh

data = sh.datasets.sleepstudy()
y, days = data["reaction"].to_numpy(), data["days"].to_numpy()
triangle = np.linalg.qr(np.column_stack([np.ones_like(y), days, y]), mode="r")
R, z, rho = triangle[:2, :2], triangle[:2, 2], triangle[2, 2]


def on_rows(theta, sigma):
    """Log likelihood from the 180 rows, up to a constant."""
    squares = (y - theta[0] - days * theta[1]) ** 2
    return -len(y) * np.log(sigma) - squares.sum() / (2 * sigma**2)


def compressed(theta, sigma):
    """The same from three rows."""
    squares = (z - R @ theta) ** 2
    return -len(y) * np.log(sigma) - (squares.sum() + rho**2) / (2 * sigma**2)


for theta, sigma in [((250, 10), 50), ((200, 30), 10), ((-5, 0.1), 300)]:
    print(f"{on_rows(theta, sigma):.9f}  {compressed(np.array(theta), sigma):.9f}")

# %%
# Intercepts that vary
# --------------------
# Now :math:`y_i \sim \mathrm{normal}(\alpha_{g_i} + x_i \beta, \sigma)` and :math:`\alpha_g \sim
# \mathrm{normal}(\mu_\alpha, \sigma_\alpha)`. Two things are known of each group: how its rows lie around their
# means, and where the means are.
#
# *Within groups*, the group's intercept cancels. Subtract the means of each group, factor as above, and all groups
# share one triangle. *Between groups*, the mean of the :math:`n_g` rows of group g is normal too, with the intercept
# integrated out:
#
# .. math::
#
#    {{}\bar{y}}_g \sim \mathrm{normal}(\mu_\alpha + {{}\bar{x}}_g \beta, \sqrt{\sigma_\alpha^2 + \sigma^2 / n_g}).
#
# Groups of the same size have the same standard deviation, so their means compress once more. Many different sizes are
# summed up at a few that stand for them: the density is a smooth function of the size, which its values at some
# Chebyshev points give to all digits. What Stan receives grows with the number of predictors; here, with one size,
# there are two triangles:

sleepers = data.groupby("subject")
within = data[["days", "reaction"]] - sleepers[["days", "reaction"]].transform("mean")
means = sleepers[["days", "reaction"]].mean()
within_triangle = np.linalg.qr(within.to_numpy(), mode="r")
means.insert(0, "one", 1.0)
between_triangle = np.linalg.qr(means.to_numpy(), mode="r")
print(within_triangle.round(1), between_triangle.round(1), sep="\n")

# %%
# The intercepts are not lost. Given the other parameters,
#
# .. math::
#
#    \alpha_g \sim \mathrm{normal}(m_g, \sqrt{v_g}), \qquad
#    \frac{1}{v_g} = \frac{1}{\sigma_\alpha^2} + \frac{n_g}{\sigma^2}, \qquad
#    m_g = v_g \left( \frac{\mu_\alpha}{\sigma_\alpha^2}
#    + \frac{n_g ({{}\bar{y}}_g - {{}\bar{x}}_g \beta)}{\sigma^2} \right),
#
# so each draw of the shared parameters gets an exact draw of all intercepts, after Stan has finished. :math:`m_g` is
# the famous weighted mean of the group's own rows and the population: *shrinkage*.
#
# Slopes that vary, several factors
# ---------------------------------
# Of the factor with most levels, each group keeps a small triangle of its own: as many rows as it has effects. What
# is below merges over groups. With :math:`R_g` the triangle of the group's own columns and :math:`\Lambda` the factor
# of the covariance of its effects, the group's part of the density depends on :math:`V_g = I + R_g \Lambda
# \Lambda^\top R_g^\top`, of the size of the number of effects. Groups of equal :math:`R_g` (the same days for all, as
# in the sleep study) count once.
#
# The effects of the other factors join the predictors, as columns whose prior standard deviation is learnt. Slopes
# and intercepts of the population have normal priors, or mixtures of normal ones, so they are integrated out as well.
# Stan is left with standard deviations and correlations: four dimensions for ``(1 + x | g)``, whatever the number of
# rows and groups.
#
# Pieces
# ------
# Two triangles merge: put one above the other and factor again. So rows may come in blocks, from files or from the
# workers of a cluster, in any order. That is how tables that do not fit in memory are fitted.

half = len(data) // 2
columns = np.column_stack([np.ones_like(y), days, y])
pieces = [np.linalg.qr(part, mode="r") for part in (columns[:half], columns[half:])]
merged = np.linalg.qr(np.vstack(pieces), mode="r")
off = np.abs(np.abs(merged) - np.abs(triangle)).max()
print(f"largest difference {off:.1e}, in numbers up to {np.abs(triangle).max():.0f}")

# %%
# Other families
# --------------
# A logit or a Poisson likelihood has no such sums. Rows that are alike are counted (ten rows with equal predictors
# and group are one row with ten trials), and the effects are sampled with everything else, in coordinates that suit
# them: see the next page, :doc:`whitening`.
#
# Sources: Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013; Gelman & Hill (2007), chapter 12; Chan, Golub &
# LeVeque (1983) on sums that merge.
