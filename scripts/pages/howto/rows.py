"""
Rows in Parquet, DuckDB, Polars, Dask or Spark
==============================================

``data`` is whatever holds the rows. They are read once, block by block, and need not fit in memory; the posterior
is the one of all rows.
"""

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

import stanhier as sh

# %%
# Four files of 50,000 made-up trips each:

folder = Path(mkdtemp())
rng = np.random.default_rng(1)
of_sites = rng.normal(0, 2, 300)
for part in range(4):
    trips = pd.DataFrame(
        {"km": rng.uniform(1, 30, 50_000), "site": rng.integers(0, 300, 50_000)}
    )
    trips["minutes"] = (
        4 + 1.5 * trips["km"] + of_sites[trips["site"]] + rng.normal(0, 6, 50_000)
    )
    trips.to_parquet(folder / f"part{part}.parquet")
formula = "minutes ~ km + (1 | site)"

# %%
# Parquet files
# -------------
# A file, a folder, or a pattern. Needs ``pyarrow``: ``pip install 'stanhier[parquet]'``.

fit = sh.VaryingIntercept(formula, f"{folder}/*.parquet").sample(seed=1)
fit.summary(var_names=["mu_alpha", "beta", "sigma_alpha", "sigma"])

# %%
# DuckDB
# ------
# Any query. The work before the model, such as joins and filters, stays where it is best done.

import duckdb

query = duckdb.sql(f"SELECT * FROM '{folder}/*.parquet' WHERE km > 2")
fit = sh.VaryingIntercept(formula, query).sample(seed=1)
print(f"{fit.posterior['beta'].mean().item():.6f}")

# %%
# Polars
# ------

import polars as pl

lazy = pl.scan_parquet(f"{folder}/*.parquet").filter(pl.col("km") > 2)
fit = sh.VaryingIntercept(formula, lazy).sample(seed=1)
print(f"{fit.posterior['beta'].mean().item():.6f}")

# %%
# Dask
# ----
# The rows are compressed where they are; a few kilobytes come back from each worker. Workers need stanhier, nothing
# else.

import dask.dataframe as dd

frame = dd.read_parquet(str(folder))
fit = sh.VaryingIntercept(formula, frame[frame["km"] > 2]).sample(seed=1)
print(f"{fit.posterior['beta'].mean().item():.6f}")

# %%
# Three times the same number, since it is the same posterior from the same rows.
#
# Spark and Ibis
# --------------
# Likewise, with a PySpark data frame or an Ibis table. This was not run for this page, since it needs a Spark
# installation:
#
# .. code-block:: python
#
#    frame = spark.read.parquet("trips/").filter("km > 2")
#    fit = sh.VaryingIntercept("minutes ~ km + (1 | site)", frame).sample(seed=1)
#
# What works, and what needs the rows
# -----------------------------------
# Summaries, diagnoses, predictions, summaries of groups, files and reports work. Leave-one-out, posterior predictive
# checks and pictures of the data look at rows one by one, and say that these are not in memory. Draw a sample of the
# rows and fit that, to check the model:

parts = [pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))]
some = pd.concat(part.sample(2000, random_state=1) for part in parts)
sh.VaryingIntercept(formula, some).sample(seed=1).plot_ppc(kind="density")

# %%
# **What to look for.** The black line, these rows, among the blue ones, drawn from the model.
#
# **What is bad.** A black line that leaves them. With so many rows all errors of the model are plain to see, and its
# intervals are narrow around a wrong answer.
#
# Predictions
# -----------
# Rows that are not in memory are predicted block by block too, into a file:

written = fit.predict(f"{folder}/part0.parquet", to=folder / "predictions.parquet")
pd.read_parquet(written).head(3).round(1)

# %%
# Of yes or no and counts, rows that are alike are counted together; up to 5 million different ones are taken.
