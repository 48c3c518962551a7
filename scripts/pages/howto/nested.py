"""
Nested or crossed factors
=========================

Two factors are *nested* if each level of one occurs in one level of the other only, as classes in schools. They are
*crossed* if levels meet in many combinations, as samples and plates. The formula differs in one place.
"""

import pandas as pd

import stanhier as sh

# %%
# Crossed: a term for each
# ------------------------
# Six samples of penicillin, each tested on all of 24 plates.

penicillin = sh.datasets.penicillin()
crossed = sh.Model(
    "diameter ~ 1 + (1 | plate) + (1 | sample)",
    penicillin,
    priors={"sd": {"sample": sh.HalfStudentT(3, 3)}},
).sample(seed=1)
crossed.summary(var_names=["alpha", "sd_plate", "sd_sample", "sigma"])

# %%
# Three sources of variation, told apart: plates, samples, and the test itself.
#
# Nested: a slash, if labels are used again
# -----------------------------------------
# Every herd of this made-up table has animals 1 to 5, which are other animals in each herd. ``(1 | herd / animal)``
# is ``(1 | herd) + (1 | herd:animal)``.

import numpy as np

rng = np.random.default_rng(4)
weights = pd.DataFrame(
    [(herd, animal, week) for herd in range(12) for animal in range(1, 6) for week in range(4)],
    columns=["herd", "animal", "week"],
)
herds, animals = rng.normal(0, 8, 12), rng.normal(0, 4, (12, 6))
weights["kg"] = (
    60
    + 2.5 * weights["week"]
    + herds[weights["herd"]]
    + animals[weights["herd"], weights["animal"]]
    + rng.normal(0, 1.5, len(weights))
)
nested = sh.Model("kg ~ week + (1 | herd / animal)", weights).sample(seed=1)
nested.summary(var_names=["beta", "sd_herd", "sd_herd:animal", "sigma"])

# %%
# The truth was 2.5 a week, 8, 4 and 1.5. Inner groups are named by both labels:

nested.group_summary("herd:animal").head(3).round(1)

# %%
# If labels are unique already
# ----------------------------
# If the animals have numbers of their own throughout, ``(1 | herd) + (1 | animal)`` is the same model: nesting is a
# fact of the data then. **The mistake to avoid** is ``(1 | herd) + (1 | animal)`` with labels that are used again:
# animal 1 of all herds would be taken for one animal.

wrong = sh.Model("kg ~ week + (1 | herd) + (1 | animal)", weights).sample(seed=1)
wrong.summary(var_names=["sd_herd", "sd_animal", "sigma"])

# %%
# ``sigma`` has swallowed the animals. Printing a model shows how many levels each factor has; here 5 animals instead
# of 60 would have told.
#
# Predict
# -------
# A new animal of a known herd keeps the effect of the herd:

new = pd.DataFrame({"week": [4, 4], "herd": [3, 99], "animal": [77, 1]})
new.join(nested.predict(new, new_groups="sample").round(1))

# %%
# Herd 3 and any of its animals: a label of ``None`` is a group that nothing is known of.

any_animal = new.assign(animal=None)
any_animal.join(nested.predict(any_animal, new_groups="sample").round(1))
