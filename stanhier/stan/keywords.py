"""The keywords that are passed on to cmdstanpy: their names and kinds are its own, checked before Stan is started."""

import inspect
import os
import typing
import warnings
from collections.abc import Callable, Collection, Mapping
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from stanhier.basics.arguments import suggestion
from stanhier.basics.errors import StanhierError

__all__ = ["DEFAULT_CHAINS", "SAID", "THEIRS", "check_keywords"]

_MAY_BE_ZERO = {"iter_warmup", "seed", "adapt_init_phase", "adapt_metric_window", "adapt_step_size"}
_BELOW_ONE = {"adapt_delta"}
_METRICS = ("diag", "dense", "unit_e", "diag_e", "dense_e")
THEIRS = {
    **dict.fromkeys(("tune", "warmup", "burn", "burnin", "burn_in", "num_warmup", "n_warmup"), "iter_warmup"),
    **dict.fromkeys(("draws", "ndraws", "n_draws", "samples", "num_samples", "n_samples", "n_iter"), "iter_sampling"),
    **dict.fromkeys(("cores", "n_jobs", "num_cores"), "parallel_chains"),
    **dict.fromkeys(("num_chains", "n_chains", "nchains"), "chains"),
    **dict.fromkeys(("target_accept", "delta"), "adapt_delta"),
    **dict.fromkeys(("random_seed", "random_state", "rng_seed", "rng"), "seed"),
    **dict.fromkeys(("progressbar", "progress_bar", "progress"), "show_progress"),
    "max_depth": "max_treedepth",
    "initvals": "inits",
}
"""What other packages call the keywords of `CmdStanModel.sample`."""
_METHODS = "The sampler is Stan's NUTS; model.optimize(), laplace(), pathfinder() and variational() approximate."
_IDATA = "fit.idata is what ArviZ takes, with log_likelihood and more, made when asked for."
SAID = {
    **dict.fromkeys(
        ("iter", "iterations", "niter"),
        "Draws of each chain are iter_sampling=, those before them iter_warmup=; elsewhere iter= counts both.",
    ),
    **dict.fromkeys(
        ("control", "nuts", "nuts_kwargs", "nuts_sampler_kwargs"),
        "What it holds is given by name: adapt_delta=, max_treedepth= and the like.",
    ),
    **dict.fromkeys(
        ("nuts_sampler", "backend", "sampler", "step", "method", "algorithm", "inference_method"), _METHODS
    ),
    **dict.fromkeys(("return_inferencedata", "idata_kwargs"), _IDATA),
    "compute_convergence_checks": "They cost little and are always made: fit.diagnose().",
    "discard_tuned_samples": "save_warmup=True keeps the draws of warmup, in the files of output_dir=.",
    **dict.fromkeys(("verbose", "quiet", "silent"), "show_progress=False says nothing while it works."),
    **dict.fromkeys(("priors", "prior", "family", "weights", "formula"), "It is given with the model, sh.Model(...)."),
}
"""What is said of those that it has no name for."""
DEFAULT_CHAINS = 4
"""What cmdstanpy runs when nobody says how many."""


def check_keywords(
    method: str,
    keywords: Mapping[str, Any],
    *,
    theirs: str,
    hidden: Collection[str],
    own: Collection[str] = (),
    habits: Mapping[str, str] | None = None,
) -> None:
    """Refuse what cmdstanpy does not take, or not with this value.

    Parameters
    ----------
    method : str
        What the user called.
    keywords : mapping
        What the user gave.
    theirs : str
        The method of `cmdstanpy.CmdStanModel` that gets them.
    hidden : collection of str
        Keywords of that method that are not the user's to give.
    own : collection of str
        Keywords of what the user called that are not cmdstanpy's, and may have been meant.
    habits : mapping of str, optional
        What other packages call these.

    Raises
    ------
    StanhierError
        It names the keyword, its value and the rule.
    """
    kinds = _kinds(theirs)
    allowed = sorted(set(kinds) - set(hidden))
    for name, value in keywords.items():
        if name not in allowed:
            meant = (habits or {}).get(name) or (THEIRS.get(name) if theirs == "sample" else None)
            said = f"Did you mean '{meant}'?" if meant in (*own, *allowed) else suggestion(name, [*own, *allowed])
            if theirs == "sample" and f"{name}s" not in own:  # else it is a slip in a keyword of the function itself
                said = SAID.get(name, said)
            raise StanhierError(f"{method}() has no keyword '{name}'. {said}")
        if value is not None:
            _check_value(method, name, value, kinds[name], keywords)


def _check_value(method: str, name: str, value: Any, kind: frozenset[type], keywords: Mapping[str, Any]) -> None:
    several = name in ("seed", "chain_ids", "step_size") and isinstance(value, list | tuple)
    n_chains = DEFAULT_CHAINS if keywords.get("chains") is None else keywords["chains"]
    if several and len(value) != n_chains:
        raise _refuse(method, name, value, f"one value, or one for each of the {n_chains} chains")
    for one in value if several else [value]:
        rule = _broken_rule(name, one, kind)
        if rule is not None:
            raise _refuse(method, name, one, rule)
    if several and name == "chain_ids" and len(set(value)) < n_chains:
        raise _refuse(method, name, value, "different numbers: each chain writes a file of its own under its number")


def _broken_rule(name: str, value: Any, kind: frozenset[type]) -> str | None:
    """Give the rule that the value breaks, if any."""
    if name == "inits":
        number = _number(value, Real)
        return (
            None
            if 0 <= number < np.inf
            else (
                "a number, the radius of the box that chains start in, in units of about one posterior standard "
                "deviation around the mode; starts by parameter are not needed in those coordinates"
            )
        )
    if name == "metric":
        return None if isinstance(value, str) and value in _METRICS else f"one of {', '.join(_METRICS)}"
    if name == "inv_metric":
        kinds = (str, os.PathLike, np.ndarray, Mapping, list)
        return None if isinstance(value, kinds) else "a file, an array, a mapping with 'inv_metric', or a list of such"
    if name == "output_dir":
        return _unusable_folder(value)
    if kind == {bool}:
        return None if isinstance(value, bool | np.bool_) else "True or False"
    if name == "time_fmt":
        return None if isinstance(value, str) and "/" not in value else "a format for strftime, without a slash"
    if name == "sig_figs":
        return None if 1 <= _number(value, Integral) <= 18 else "an integer from 1 to 18"
    if int in kind and float not in kind:
        least = 0 if name in _MAY_BE_ZERO else 1
        number = _number(value, Integral)
        if not number >= least:
            return f"an integer of at least {least}"
        return "less than 2**32" if name == "seed" and number >= 2**32 else None
    if float in kind:
        most = 1 if name in _BELOW_ONE else np.inf
        rule = "a number between 0 and 1" if name in _BELOW_ONE else "a positive number"
        return None if 0 < _number(value, Real) < most else rule
    return None


def _number(value: Any, kind: type) -> float:
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    return float(value) if is_number else float("nan")


def _unusable_folder(value: Any) -> str | None:
    if not isinstance(value, str | os.PathLike):
        return "the path of a folder"
    folder = Path(os.path.realpath(Path(value).expanduser()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        return f"a folder that is there or can be made ({err.strerror}: {folder})"
    return None if os.access(folder, os.W_OK) else f"a folder that can be written, which {folder} cannot"


def _refuse(method: str, name: str, value: Any, rule: str) -> StanhierError:
    """Word the error for a keyword whose value breaks a rule."""
    shown = " ".join(repr(value).split())
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return StanhierError(f"{method}({name}={shown}): '{name}' must be {rule}.")


@cache
def _kinds(theirs: str) -> dict[str, frozenset[type]]:
    """Read the names and types of the keywords from cmdstanpy itself."""
    with warnings.catch_warnings():
        # Without ipywidgets a notebook's progress bars are text, which does as well.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from cmdstanpy import CmdStanModel

    call: Callable[..., Any] = getattr(CmdStanModel, theirs)
    parameters = [p for name, p in inspect.signature(call).parameters.items() if name != "self"]
    return {p.name: frozenset(typing.get_args(p.annotation) or [p.annotation]) - {type(None)} for p in parameters}
