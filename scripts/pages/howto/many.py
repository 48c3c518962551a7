"""
Many fits
=========

One model for each product, clinic or bootstrap sample: ``sh.fit_many`` keeps all processors busy and sums up.
"""

import pandas as pd

import stanhier as sh

data = sh.datasets.sleepstudy()

# %%
# A model for the rows of each label
# ----------------------------------
# Here a line for each person, as if they had nothing to do with each other:

fits = sh.fit_many("reaction ~ days", data, by="subject", seed=1)
table = fits.summary()
table.head(6).round(2)

# %%
# Work is done while you ask: ``for name, fit in fits`` gives them as they finish, ``fits["308"]`` is one of them.
# What could not be made or sampled is in ``fits.failures`` and stops no other; what should not be trusted is in
# ``fits.problems``.

print(len(fits), fits.failures, fits.problems)

# %%
# Any models
# ----------
# Models by name, or functions that make them. A generator is asked for the next one when there is room, so that not
# all need to be in memory at once. Twenty bootstrap samples:

import functools

samples = (
    (
        k,
        functools.partial(
            sh.LinearRegression,
            "reaction ~ days",
            data.sample(frac=1, replace=True, random_state=k),
        ),
    )
    for k in range(20)
)
slopes = pd.Series(
    {name: fit.posterior["beta"].mean().item() for name, fit in sh.fit_many(samples, seed=1)}
)
print(f"slope {slopes.mean():.1f}, sd over samples {slopes.std():.1f} ms a day")

# %%
# Things to know
# --------------
# * ``folder="fits"`` keeps each fit as a file. The same call again goes on where it was stopped.
# * ``executor=`` takes any of ``concurrent.futures``, or that of a cluster:
#   ``dask.distributed.Client(...).get_executor()``.
# * Draws depend on ``seed`` and the name of the model, not on where or in which order they are made.
# * Thousands of groups of one kind are most often better off in *one* model in which they share what they have in
#   common: see :doc:`groups`.
