"""
Which groups are best
=====================

A league table sorts groups by an estimate. Small groups end up at both of its ends, by chance. Rank what is known
instead, and say how sure the places are.
"""

import pandas as pd

import stanhier as sh

# %%
# Tests in mathematics (points of 40) of 953 pupils in 48 schools, and how able the pupils were when they came
# (Mortimore et al. 1988). Schools are compared for pupils of equal ability.

pupils = sh.datasets.jsp()
model = sh.Model("math ~ center(raven) + (1 | school / class)", pupils)
fit = model.sample(seed=1)

# %%
# Places, with their intervals
# ----------------------------
# Each draw of the posterior has an order of its own. ``rank`` is the average place, 1 the highest; ``top_5`` is the
# probability of being among the best five.

fit.group_ranks("school", top=5).head(8)

# %%
# Not one of them is surely among the five. Beside it the places by plain means:

means = pupils.groupby("school")["math"].mean()
places = pd.DataFrame(
    {"pupils": pupils["school"].value_counts(), "place by mean": means.rank(ascending=False)}
)
places.join(fit.group_ranks("school", top=5)).sort_values("place by mean").head(5).round(2)

# %%
# The school with the highest mean has 7 pupils, able ones: of its own it says little, and its place may be almost any.

fit.plot_ranks("school", top=5)

# %%
# **What to look for.** Intervals that do not overlap. Here the first few and the last few can be told apart; of two
# schools in between nobody knows which is better.
#
# **What is bad.** A decision by place alone, such as closing the last school.
#
# Compared where?
# ---------------
# With slopes that vary, the order of groups depends on where one looks. ``at=`` says where; the mean of the predictors
# is the default. For less able pupils:

slopes = sh.Model("math ~ raven + (1 + raven | school)", pupils).sample(seed=1)
fit_at = {
    raven: slopes.group_ranks("school", top=5, at={"raven": raven}).head(4)
    for raven in (15, 35)
}
fit_at[15]

# %%
# And for the ablest:

fit_at[35]
