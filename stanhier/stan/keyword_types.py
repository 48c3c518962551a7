"""The keywords that are passed on to cmdstanpy, with their types, for editors and type checkers.

They are cmdstanpy's own, but for those that have no meaning for a model that is written already; a test compares them.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, TypedDict

import numpy as np

__all__ = [
    "LaplaceKeywords",
    "OptimizeKeywords",
    "PathfinderKeywords",
    "RefitKeywords",
    "SampleKeywords",
    "VariationalKeywords",
]


class _Common(TypedDict, total=False):
    sig_figs: int | None
    save_profile: bool
    show_console: bool
    refresh: int | None
    time_fmt: str
    timeout: float | None


class RefitKeywords(_Common, total=False):
    """Those of `CmdStanModel.sample` but for the seed, which whoever samples several times chooses for each."""

    chains: int | None
    parallel_chains: int | None
    chain_ids: int | Sequence[int] | None
    inits: float | None
    iter_warmup: int | None
    iter_sampling: int | None
    save_warmup: bool
    thin: int | None
    max_treedepth: int | None
    metric: str | None
    step_size: float | Sequence[float] | None
    adapt_engaged: bool
    adapt_delta: float | None
    adapt_init_phase: int | None
    adapt_metric_window: int | None
    adapt_step_size: int | None
    output_dir: str | PathLike[str] | None
    save_diagnostics: bool
    show_progress: bool | None
    force_one_process_per_chain: bool | None
    inv_metric: str | PathLike[str] | np.ndarray | Mapping[str, Any] | Sequence[Any] | None


class SampleKeywords(RefitKeywords, total=False):
    """Those of `CmdStanModel.sample`."""

    seed: int | Sequence[int] | None


class _Lbfgs(_Common, total=False):
    init_alpha: float | None
    tol_obj: float | None
    tol_rel_obj: float | None
    tol_grad: float | None
    tol_rel_grad: float | None
    tol_param: float | None
    history_size: int | None


class OptimizeKeywords(_Lbfgs, total=False):
    """Those of `CmdStanModel.optimize`."""

    seed: int | None
    algorithm: str | None
    iter: int | None
    require_converged: bool


class LaplaceKeywords(_Common, total=False):
    """Those of `CmdStanModel.laplace_sample`."""

    seed: int | None
    draws: int | None


class PathfinderKeywords(_Lbfgs, total=False):
    """Those of `CmdStanModel.pathfinder`."""

    seed: int | None
    draws: int | None
    num_paths: int | None
    max_lbfgs_iters: int | None
    num_single_draws: int | None
    num_elbo_draws: int | None
    num_threads: int | None


class VariationalKeywords(_Common, total=False):
    """Those of `CmdStanModel.variational`."""

    seed: int | None
    draws: int | None
    save_diagnostics: bool
    algorithm: str | None
    iter: int | None
    grad_samples: int | None
    elbo_samples: int | None
    eta: float | None
    adapt_engaged: bool
    adapt_iter: int | None
    tol_rel_obj: float | None
    eval_elbo: int | None
    require_converged: bool
