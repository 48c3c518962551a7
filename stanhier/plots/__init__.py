"""Pictures of models and fits, on ArviZ and matplotlib; nothing is shown on screen unasked and no setting is changed.

Intervals are central (equal-tailed), a thin line of 90 %, as `Fit.predict` gives, around a thick one of 50 %: two
levels in one line as in Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models.
Points are medians; densities are ArviZ's kernel estimates.
"""

from stanhier.plots.chains import pair, trace
from stanhier.plots.comparison import plot_compare
from stanhier.plots.correlations import correlations
from stanhier.plots.effects import effects
from stanhier.plots.factors import group_sizes
from stanhier.plots.forest import forest
from stanhier.plots.parameters import posterior, prior, prior_posterior
from stanhier.plots.pooling import pooling
from stanhier.plots.prediction import prediction
from stanhier.plots.predictive import ppc
from stanhier.plots.ranks import ranks
from stanhier.plots.scales import linear_words
from stanhier.plots.shared import MAX_GROUPS
from stanhier.plots.shares import shares
from stanhier.plots.shrinkage import shrinkage
from stanhier.plots.typical import made_from

__all__ = [
    "MAX_GROUPS",
    "correlations",
    "effects",
    "forest",
    "group_sizes",
    "linear_words",
    "made_from",
    "pair",
    "plot_compare",
    "pooling",
    "posterior",
    "ppc",
    "prediction",
    "prior",
    "prior_posterior",
    "ranks",
    "shares",
    "shrinkage",
    "trace",
]
