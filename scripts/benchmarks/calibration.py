"""Whether the posteriors are right: every kind of model, calibrated by simulation.

Ranks of true values among posterior draws must be uniform. With hundreds of quantities some look odd by chance: the
level is shared among all of them, and a variant with a quantity that is flagged is run again with another seed and
more simulations, which alone decides.
"""

import json
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

import stanhier as sh
from scripts.benchmarks.quality import moments, smallest_ess
from scripts.benchmarks.tables import markdown, number
from scripts.benchmarks.variants import VARIANTS
from stanhier.evaluation.calibration import Calibration

__all__ = ["Calibrated", "calibrate", "calibration_section", "draw_calibration", "flagged", "read", "write"]

LEVEL = 0.01
"""Probability that anything is flagged although all is right."""
AGAIN = 3
"""How many times more simulations a flagged variant gets."""
FITS = 10
"""At most so many simulated data sets are also fitted as a user would, with four chains."""
SEED = 20
"""Of the first variant; the others count on from it by hundreds."""


@dataclass(frozen=True)
class Mixing:
    """How fits of simulated data with four chains of 1000 draws mix: each one's worst parameter.

    Attributes
    ----------
    ess : list of float
        Smallest bulk effective sample size.
    r_hat : list of float
        Largest R-hat.
    divergences : int
        In all fits.
    """

    ess: list[float]
    r_hat: list[float]
    divergences: int


@dataclass(frozen=True)
class Calibrated:
    """One run of one variant.

    Attributes
    ----------
    variant : str
    n, seed, warmup : int
        Simulations, their seed, and iterations of warm-up.
    seconds : float
        Of the calibration.
    load : float
        The machine's load average when it began.
    divergences, n_draws : int
    ranks : dict of list of int
        By quantity.
    mixing : Mixing or None
        None of a run that decides.
    """

    variant: str
    n: int
    seed: int
    warmup: int
    seconds: float
    load: float
    divergences: int
    n_draws: int
    ranks: dict[str, list[int]]
    mixing: Mixing | None = None

    @property
    def calibration(self) -> Calibration:
        """As the package gives it."""
        return Calibration(pd.DataFrame(self.ranks), self.n_draws, self.divergences)


def calibrate(*, simulations: int, warmup: int, names: Sequence[str] = tuple(VARIANTS)) -> list[Calibrated]:
    """Calibrate variants, then once more those with a flagged quantity."""
    # With one seed for all, variants that share a prior would share its draws.
    seeds = {name: SEED + 100 * k for k, name in enumerate(VARIANTS)}
    first = []
    for name in names:
        one = _run(name, simulations, seeds[name], warmup)
        first.append(replace(one, mixing=_mixing(name, min(FITS, simulations // 10), seeds[name], warmup)))
        print(f"  {name}: {one.seconds:.1f} s, smallest p-value {one.calibration.p_values.min():.2g}", flush=True)
    again = []
    for name in dict.fromkeys(name for name, _ in flagged(first)):
        print(f"  {name}: again, with {AGAIN} times as many", flush=True)
        again.append(_run(name, AGAIN * simulations, seeds[name] + 1, warmup))
    return first + again


def flagged(runs: Sequence[Calibrated]) -> list[tuple[str, str]]:
    """Variants and quantities whose ranks are too odd to be one of this many that are uniform."""
    p_values = [(run.variant, name, p) for run in runs for name, p in run.calibration.p_values.items()]
    return [(variant, str(name)) for variant, name, p in p_values if p < LEVEL / len(p_values)]


def _run(name: str, n: int, seed: int, warmup: int) -> Calibrated:
    load, clock = os.getloadavg()[0], time.perf_counter()
    found = sh.sbc(VARIANTS[name](), n=n, seed=seed, iter_warmup=warmup)
    seconds = time.perf_counter() - clock
    ranks = {str(quantity): values.tolist() for quantity, values in found.ranks.items()}
    return Calibrated(name, n, seed, warmup, seconds, load, found.divergences, found.n_draws, ranks)


def _mixing(name: str, fits: int, seed: int, warmup: int) -> Mixing:
    model = VARIANTS[name]()
    responses = model.sample_prior(fits, seed=seed)["prior_predictive"]["y"].to_numpy()[0]
    ess, r_hat, divergences = [], [], 0
    for k, response in enumerate(responses):
        simulated = model.on_rows(model.rows.with_observed(response))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sh.SamplingWarning)  # what it says is counted here
            fit = simulated.sample(seed=seed + k, iter_warmup=warmup, show_progress=False)
        # Numbers that vary alone: of correlation matrices those below the diagonal, within blocks.
        draws = {one.name: one.scalars(fit.posterior[one.name].to_numpy()) for one in fit.model.parameters}
        ess.append(smallest_ess(draws)[0])
        r_hat.append(moments(draws).r_hat)
        divergences += int(fit.draws.statistics["diverging"].sum())
    return Mixing(ess, r_hat, divergences)


def write(runs: Sequence[Calibrated], path: Path) -> None:
    """Keep runs as JSON: settings, p-values by quantity, and the ranks that these are of, a line for each quantity."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = []
    for run in runs:
        p_values = {name: float(f"{p:.4g}") for name, p in run.calibration.p_values.items()}
        ranks = {name: " ".join(map(str, values)) for name, values in run.ranks.items()}
        records.append(asdict(run) | {"p_values": p_values, "ranks": ranks})
    path.write_text(json.dumps(records, indent=1) + "\n")


def read(path: Path) -> list[Calibrated]:
    """Read what `write` wrote; nothing where there is no file."""
    if not path.exists():
        return []
    return [_from_record(record) for record in json.loads(path.read_text())]


def _from_record(record: Mapping[str, Any]) -> Calibrated:
    kept = {name: value for name, value in record.items() if name != "p_values"}
    ranks = {name: [int(rank) for rank in ranks.split()] for name, ranks in record["ranks"].items()}
    mixing = None if record["mixing"] is None else Mixing(**record["mixing"])
    return Calibrated(**{**kept, "ranks": ranks, "mixing": mixing})


def _split(runs: Sequence[Calibrated]) -> tuple[list[Calibrated], list[Calibrated]]:
    """First runs, and those that decide."""
    return [run for run in runs if run.mixing is not None], [run for run in runs if run.mixing is None]


def calibration_section(runs: Sequence[Calibrated], picture: str) -> str:
    """Write the section of the page."""
    first, again = _split(runs)
    quantities = sum(len(run.ranks) for run in first)
    odd, still = flagged(first), flagged(again)
    rows = []
    for run in first:
        p_values = run.calibration.p_values
        assert run.mixing is not None
        rows.append(
            [
                run.variant,
                number(run.seconds),
                str(run.divergences),
                f"{p_values.min():.2g} ({p_values.idxmin()})",
                "**flagged**" if run.variant in {variant for variant, _ in odd} else "uniform",
                number(median(run.mixing.ess)),
                number(min(run.mixing.ess)),
                f"{max(run.mixing.r_hat):.3f}",
                str(run.mixing.divergences),
            ]
        )
    header = ["variant", "s", "divergences", "smallest p-value of its quantities", "ranks"]
    header += ["smallest ESS: median", "least", "largest R-hat", "divergences (4 chains)"]
    parts = [
        _introduction(first[0], quantities, min(r.load for r in first), max(r.load for r in first)),
        f"![Distribution of the ranks minus uniform, by variant]({picture})",
        markdown(header, rows),
    ]
    for variant, quantity in odd:
        decided = next(run for run in again if run.variant == variant)
        verdict = "**fails again**" if (variant, quantity) in still else "uniform"
        parts.append(
            f"{variant}, {quantity}: flagged, so run again with seed {decided.seed} and {decided.n} simulations: "
            f"p-value {decided.calibration.p_values[quantity]:.2g}, {verdict}."
        )
    return "\n\n".join(parts)


def _introduction(run: Calibrated, quantities: int, least: float, most: float) -> str:
    assert run.mixing is not None
    return f"""## Calibration

Each variant (`variants.py`): {run.n} sets of parameters from the prior, data from the model with them, one chain of
{run.warmup:,} + 1,000 draws for each, and the rank of each true value among every tenth draw (`stanhier.sbc`; Talts et
al. 2018, arXiv:1804.06788); seeds {run.seed} and up. The p-value is that of the whole distribution of the ranks at
once, exact (Säilynoja et al. 2022, doi:10.1007/s11222-022-10090-6). Of {quantities} quantities those below
{LEVEL / quantities:.1e} are flagged, so that with probability {1 - LEVEL:.0%} none is if all is right; a variant with
a flag runs again. In the picture the dark band holds the line of one quantity with 95% probability, the light one the
lines of all with {1 - LEVEL:.0%}. On the right, {len(run.mixing.ess)} of the data sets fitted as a user would, with
four chains: the worst parameter of each. Load average when a variant began: {least:.1f} to {most:.1f}."""


KINDS = {
    "sigma_alpha": "C1",
    "sd_": "C1",
    "sigma": "C2",
    "alpha[": "C3",
    "effect_": "C3",
    "cor_": "C4",
    "": "C0",
}
TITLES = {
    "C0": "intercept, slopes",
    "C1": "sds of groups",
    "C2": "sigma",
    "C3": "group effects",
    "C4": "correlations",
}


def draw_calibration(runs: Sequence[Calibrated], path: Path) -> Path:
    """Draw the first run of each variant: its quantities' distribution of ranks minus uniform, with bands."""
    import matplotlib.pyplot as plt

    first, _ = _split(runs)
    quantities = sum(len(run.ranks) for run in first)
    columns = min(5, len(first))
    shape = (-(-len(first) // columns), columns)
    figure, axes = plt.subplots(
        *shape,
        figsize=(2.5 * columns, 1.8 * shape[0] + 0.8),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    lines = {}
    for ax, run in zip(axes.flat, first, strict=False):
        found = run.calibration
        for prob, alpha in ((1 - LEVEL / quantities, 0.12), (0.95, 0.25)):
            bands = found.bands(next(iter(run.ranks)), prob=prob)
            ax.fill_between(bands["rank"], bands["lower"], bands["upper"], color="0.4", alpha=alpha, linewidth=0)
        for name in run.ranks:
            bands = found.bands(name)
            color = next(color for kind, color in KINDS.items() if name.startswith(kind))
            (lines[TITLES[color]],) = ax.plot(bands["rank"], bands["difference"], color=color, linewidth=1)
        ax.set_title(run.variant, fontsize=8)
        ax.tick_params(labelsize=7)
    for ax in axes.flat[len(first) :]:
        ax.set_visible(False)
    figure.supxlabel("rank of the true value among posterior draws (scaled)", fontsize=9)
    figure.supylabel(f"ECDF of {first[0].n} ranks minus uniform", fontsize=9)
    figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=len(lines), fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path
