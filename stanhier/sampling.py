"""Running Stan: keywords checked, data in, whitened draws out, nothing left behind."""

import difflib
import inspect
import logging
import secrets
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from stanhier.errors import SamplingError, StanhierError
from stanhier.interrupt import chains_end_on_interrupt
from stanhier.program import Program

__all__ = ["RawDraws", "quiet_cmdstanpy", "run_nuts"]

ADAPT_DELTA = 0.9
"""Target acceptance rate: at Stan's 0.8 a few draws in ten thousand diverge where sigma_alpha is all but 0."""

# What cmdstanpy offers that has no meaning for a model that is already written.
_REFUSED = {
    "data": "the model has its data",
    "fixed_param": "the parameters are what is to be sampled",
    "threads_per_chain": "the programs do not use threads within a chain",
}
_POSITIVE = ("chains", "parallel_chains", "iter_sampling", "thin", "max_treedepth", "refresh")
_NOT_NEGATIVE = ("iter_warmup", "seed")
_STATISTICS = {
    "lp__": "lp",
    "accept_stat__": "acceptance_rate",
    "stepsize__": "step_size",
    "treedepth__": "tree_depth",
    "n_leapfrog__": "n_steps",
    "divergent__": "diverging",
    "energy__": "energy",
}


@dataclass(frozen=True)
class RawDraws:
    """What one run of NUTS gave, in the program's own whitened parameters.

    Attributes
    ----------
    z : numpy.ndarray, shape (chains, draws, P)
    z_scale : numpy.ndarray, shape (chains, draws, L)
    statistics : dict of numpy.ndarray, shape (chains, draws)
        The sampler's statistics by ArviZ's names.
    seed : int
    max_treedepth : int
    cmdstan : str
        Version of the CmdStan that ran.
    """

    z: np.ndarray
    z_scale: np.ndarray
    statistics: dict[str, np.ndarray]
    seed: int
    max_treedepth: int
    cmdstan: str


def run_nuts(program: str, data: Mapping[str, Any], keywords: Mapping[str, Any]) -> RawDraws:
    """Sample a shipped program with NUTS through cmdstanpy.

    Parameters
    ----------
    program : str
        Name of the program.
    data : mapping
        Its data, by the names in its data block.
    keywords : mapping
        For `cmdstanpy.CmdStanModel.sample`.

    Returns
    -------
    RawDraws

    Raises
    ------
    StanhierError
        If a keyword is unknown or has a value that it cannot have.
    SamplingError
        If Stan stops, with its own words.
    """
    arguments = _checked(dict(keywords))
    from cmdstanpy import write_stan_json

    with tempfile.TemporaryDirectory(prefix="stanhier-") as folder:
        data_file = Path(folder) / "data.json"
        write_stan_json(str(data_file), dict(data))
        arguments.setdefault("output_dir", folder)
        model = Program(program).model()
        with quiet_cmdstanpy(), chains_end_on_interrupt(Path(str(model.exe_file))):
            try:
                fit = model.sample(data=str(data_file), **arguments)
            except (ValueError, TypeError) as err:
                raise StanhierError(f"cmdstanpy refuses these keywords: {err}") from err
            except (RuntimeError, TimeoutError) as err:
                raise SamplingError(f"Stan stopped before the draws were complete. {err}") from err
        return _read(fit, arguments)


def _checked(keywords: dict[str, Any]) -> dict[str, Any]:
    allowed = _sample_keywords()
    for name in keywords:
        if name in _REFUSED:
            raise StanhierError(f"sample() does not take '{name}': {_REFUSED[name]}.")
        if name not in allowed:
            close = difflib.get_close_matches(name, allowed, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else f" It takes: {', '.join(sorted(allowed))}."
            raise StanhierError(f"sample() has no keyword '{name}'.{hint}")
    for name in ("timeout", *_POSITIVE, *_NOT_NEGATIVE):
        _check_number(name, keywords.get(name), least=0 if name in _NOT_NEGATIVE else 1)
    inits = keywords.get("inits")
    if inits is not None and (isinstance(inits, bool) or not isinstance(inits, Real) or float(inits) < 0):
        raise StanhierError(
            f"sample(inits={inits!r}): give a number, the radius of the box that chains start in, in units of about "
            "one posterior standard deviation around the mode; starts by parameter are not needed in those coordinates."
        )
    if keywords.get("show_progress") is None:
        keywords["show_progress"] = _somebody_is_looking()
    if keywords.get("adapt_delta") is None and keywords.get("adapt_engaged") is not False:
        keywords["adapt_delta"] = ADAPT_DELTA
    if keywords.get("seed") is None:
        keywords["seed"] = secrets.randbelow(2**31)
    return keywords


def _somebody_is_looking() -> bool:
    """Tell whether a progress bar has a terminal or a notebook to move in; in a log it is only noise."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _check_number(name: str, value: Any, *, least: int) -> None:
    if value is None:
        return
    if name == "seed" and isinstance(value, list | tuple):
        for one in value:
            _check_number(name, one, least=least)
        return
    kind = Real if name == "timeout" else Integral
    number = float(value) if isinstance(value, kind) and not isinstance(value, bool) else float("nan")
    if not number >= least:
        what = f"{'a number' if name == 'timeout' else 'an integer'} of at least {least}"
        raise StanhierError(f"sample({name}={value!r}): '{name}' must be {what}.")
    if name == "seed" and number >= 2**32:
        raise StanhierError(f"sample(seed={value!r}): 'seed' must be less than 2**32.")


@cache
def _sample_keywords() -> frozenset[str]:
    with warnings.catch_warnings():
        # Without ipywidgets a notebook's progress bars are text, which does as well.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from cmdstanpy import CmdStanModel

    return frozenset(inspect.signature(CmdStanModel.sample).parameters) - {"self"} - set(_REFUSED)


@contextmanager
def quiet_cmdstanpy() -> Iterator[None]:
    """Keep cmdstanpy's running notes off the screen: a fit gives its own, single warning."""
    from cmdstanpy.utils import get_logger

    # A filter of this call's own, not the logger's level: other calls may run at the same time in other threads.
    def errors_only(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    logger = get_logger()
    logger.addFilter(errors_only)
    try:
        yield
    finally:
        logger.removeFilter(errors_only)


def _read(fit: Any, arguments: Mapping[str, Any]) -> RawDraws:
    draws = np.swapaxes(fit.draws(), 0, 1)
    names = fit.column_names
    statistics = {}
    for k, name in enumerate(names):
        if name in _STATISTICS:
            values = draws[:, :, k]
            statistics[_STATISTICS[name]] = (
                values.astype(bool)
                if name == "divergent__"
                else values.astype(int)
                if name in ("treedepth__", "n_leapfrog__")
                else np.ascontiguousarray(values)
            )
    seed = arguments["seed"]
    config = fit.metadata.cmdstan_config
    version = ".".join(str(config[f"stan_version_{part}"]) for part in ("major", "minor", "patch"))
    return RawDraws(
        z=_columns(draws, names, "z["),
        z_scale=_columns(draws, names, "z_scale["),
        statistics=statistics,
        seed=int(seed[0] if isinstance(seed, list | tuple) else seed),
        max_treedepth=int(config["max_depth"]),
        cmdstan=version,
    )


def _columns(draws: np.ndarray, names: tuple[str, ...], prefix: str) -> np.ndarray:
    return np.ascontiguousarray(draws[:, :, [k for k, name in enumerate(names) if name.startswith(prefix)]])
