"""What draws are worth: effective sample sizes, and whether two posteriors are the same.

All statistics are ArviZ's: Vehtari et al. (2021), Rank-normalization, folding, and localization, doi:10.1214/20-BA1221.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

__all__ = ["Agreement", "Moments", "agreement", "moments", "point_distance", "smallest_ess"]

FALSE_ALARM = 1e-3
"""Probability that two correct posteriors are said to differ, over all their parameters together."""


def _stacked(draws: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """All parameters as one array, shape (parameters, chains, draws), and their labels."""
    names, parts = [], []
    for name in sorted(draws):
        values = draws[name]
        flat = np.moveaxis(values.reshape(*values.shape[:2], -1), 2, 0)
        names += [name] if len(flat) == 1 else [f"{name}[{i}]" for i in range(len(flat))]
        parts.append(flat)
    return names, np.concatenate(parts).astype(float)


def _array_stats() -> Any:
    from arviz_stats.base.array import array_stats

    return array_stats


def smallest_ess(draws: Mapping[str, np.ndarray]) -> tuple[float, str]:
    """The smallest bulk effective sample size over all parameters, group effects included, and whose it is."""
    names, values = _stacked(draws)
    ess = _array_stats().ess(values, chain_axis=1, draw_axis=2, method="bulk")
    worst = int(np.argmin(ess))
    return float(ess[worst]), names[worst]


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each parameter, with their Monte Carlo errors, and the largest R-hat."""

    names: list[str]
    mean: np.ndarray
    sd: np.ndarray
    mean_error: np.ndarray
    sd_error: np.ndarray
    r_hat: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        arrays = {k: getattr(self, k).tolist() for k in ("mean", "sd", "mean_error", "sd_error")}
        return {"names": self.names, "r_hat": self.r_hat, **arrays}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Moments":
        arrays = {k: np.array(data[k]) for k in ("mean", "sd", "mean_error", "sd_error")}
        return cls(names=list(data["names"]), r_hat=data["r_hat"], **arrays)


def moments(draws: Mapping[str, np.ndarray]) -> Moments:
    """Summarise draws; arrays have the shape (chains, draws, ...)."""
    names, values = _stacked(draws)
    stats = _array_stats()
    axes = {"chain_axis": 1, "draw_axis": 2}
    return Moments(
        names,
        values.mean(axis=(1, 2)),
        values.std(axis=(1, 2), ddof=1),
        stats.mcse(values, **axes, method="mean"),
        stats.mcse(values, **axes, method="sd"),
        float(np.max(stats.rhat(values, **axes))),
    )


@dataclass(frozen=True)
class Agreement:
    """Whether two posteriors agree within Monte Carlo error.

    Attributes
    ----------
    agrees : bool
    worst : float
        The largest difference of a mean or a standard deviation, in units of its Monte Carlo error.
    limit : float
        What `worst` stays below, except with probability `FALSE_ALARM`, where the posteriors are the same.
    where : str
        The parameter and the moment that differ most.
    sd_ratios : tuple of float
        The smallest and the largest ratio of standard deviations, the second posterior's over the first's.
    """

    agrees: bool
    worst: float
    limit: float
    where: str
    sd_ratios: tuple[float, float] | tuple[()] = ()


def agreement(a: Moments, b: Moments) -> Agreement:
    """Compare means and standard deviations of all parameters that both have, which must be all."""
    if a.names != b.names:
        missing = sorted(set(a.names) ^ set(b.names))
        return Agreement(agrees=False, worst=float("inf"), limit=0.0, where=f"only one has {', '.join(missing[:3])}")
    z_mean = np.abs(a.mean - b.mean) / np.hypot(a.mean_error, b.mean_error)
    z_sd = np.abs(a.sd - b.sd) / np.hypot(a.sd_error, b.sd_error)
    z = np.concatenate([z_mean, z_sd])
    # Bonferroni: each of the comparisons may be wrong with an equal share of the probability.
    limit = float(norm.isf(FALSE_ALARM / 2 / len(z)))
    if not np.isfinite(z).all():
        return Agreement(agrees=False, worst=float("inf"), limit=limit, where="a moment is not finite")
    ratios = b.sd / a.sd
    worst = int(np.argmax(z))
    where = f"{'mean' if worst < len(a.names) else 'sd'} of {a.names[worst % len(a.names)]}"
    return Agreement(bool(z[worst] <= limit), float(z[worst]), limit, where, (float(ratios.min()), float(ratios.max())))


def point_distance(estimate: Mapping[str, np.ndarray], posterior: Moments) -> tuple[float, str]:
    """The largest distance of a point estimate from the posterior mean, in posterior standard deviations."""
    index = {name: i for i, name in enumerate(posterior.names)}
    worst, where = 0.0, ""
    for name, value in estimate.items():
        flat = np.ravel(value)
        labels = [name] if len(flat) == 1 else [f"{name}[{i}]" for i in range(len(flat))]
        for label, one in zip(labels, flat, strict=True):
            i = index[label]
            distance = abs(float(one) - posterior.mean[i]) / posterior.sd[i]
            if distance > worst:
                worst, where = float(distance), label
    return worst, where
