"""Running Stan: keywords checked, data in, whitened draws out, nothing left behind."""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stanhier.basics.errors import SamplingError, StanhierError
from stanhier.stan.calling_cmdstanpy import calling_cmdstanpy
from stanhier.stan.chains_line import line_of_chains
from stanhier.stan.faults import RAISED_BY_CMDSTANPY, ChainFiles, Fault, listed_faults
from stanhier.stan.interrupt import chains_end_on_interrupt, end_chains
from stanhier.stan.keywords import check_keywords
from stanhier.stan.rendered import RenderedProgram, program_of
from stanhier.stan.run_folder import run_folder
from stanhier.stan.variables import named_variables

__all__ = ["NOT_FOR_USERS", "RawDraws", "run_nuts", "somebody_is_looking", "with_depth_reached"]

# What cmdstanpy offers that has no meaning for a model that is already written.
NOT_FOR_USERS = {
    "data": "the model has its data",
    "fixed_param": "the parameters are what is to be sampled",
    "threads_per_chain": "the programs do not use threads within a chain",
    "save_latent_dynamics": "it is called save_diagnostics now",
}
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
    """What one run of NUTS gave, in the program's own parameters.

    Attributes
    ----------
    z : numpy.ndarray, shape (chains, draws, P)
        Whitened location parameters; P is 0 of a program that has none.
    z_scale : numpy.ndarray, shape (chains, draws, L)
        Whitened scales.
    statistics : dict of numpy.ndarray, shape (chains, draws)
        The sampler's statistics by ArviZ's names.
    seed : int
    max_treedepth : int
    cmdstan : str
        Version of the CmdStan that ran.
    failed_chains : dict of str
        Why chains that were started are not among these, by their numbers.
    variables : dict of numpy.ndarray, shape (chains, draws) + that of the variable
        Of a program that was written for one model: all its variables.
    """

    z: np.ndarray
    z_scale: np.ndarray
    statistics: dict[str, np.ndarray]
    seed: int
    max_treedepth: int
    cmdstan: str
    failed_chains: dict[int, str] = field(default_factory=dict)
    variables: dict[str, np.ndarray] = field(default_factory=dict)


def run_nuts(
    program: str | RenderedProgram,
    data: Mapping[str, Any],
    keywords: Mapping[str, Any],
    *,
    keep_finished: bool = False,
) -> RawDraws:
    """Sample a program with NUTS through cmdstanpy.

    Parameters
    ----------
    program : str or RenderedProgram
        The name of a shipped program, or one that was written for one model.
    data : mapping
        Its data, by the names in its data block.
    keywords : mapping
        For `cmdstanpy.CmdStanModel.sample`.
    keep_finished : bool
        Whether to be content with the chains that finished, if any did.

    Returns
    -------
    RawDraws

    Raises
    ------
    StanhierError
        If a keyword is unknown or has a value that it cannot have.
    SamplingError
        If a chain does not finish: which, and why.
    """
    arguments = _checked(keywords)
    shown = bool(arguments.pop("show_progress"))
    faults: dict[int, Fault] = {}
    with run_folder(data) as (folder, data_file):
        arguments.setdefault("output_dir", str(folder))
        model = program_of(program).model()
        executable = Path(str(model.exe_file))
        files = ChainFiles.planned(model.name, arguments)
        with calling_cmdstanpy(), chains_end_on_interrupt(executable):
            try:
                with line_of_chains(model, arguments, shown=shown):
                    fit = model.sample(data=str(data_file), show_progress=False, **arguments)
                fit.draws()  # read from the files now, while they can be examined if that fails
            except RAISED_BY_CMDSTANPY as err:
                if not files.started:
                    raise StanhierError(f"cmdstanpy refuses these keywords of sample(): {err}") from err
                end_chains(executable, words=files.stem)
                faults = files.faults(err, arguments.get("timeout"))
                fit = _finished(files, faults, err, keep=keep_finished)
        raw = _read(fit, arguments, faults)
        if isinstance(program, RenderedProgram):
            raw = replace(raw, variables=named_variables(np.swapaxes(fit.draws(), 0, 1), fit.column_names))
        return raw


def _finished(files: ChainFiles, faults: Mapping[int, Fault], err: Exception, *, keep: bool) -> Any:
    """Give the chains that finished, or the error that says why the others did not."""
    from cmdstanpy import from_csv

    if not faults:
        raise SamplingError(f"What Stan wrote to {files.folder} cannot be read: {err}") from err
    finished = [chain for chain in files.chains if chain not in faults]
    if keep and finished:
        return from_csv([str(files.csv(chain)) for chain in finished], method="sample")
    remedies = dict.fromkeys(fault.remedy for fault in faults.values() if fault.remedy)
    if finished and not keep:
        remedies[f"sample(..., keep_finished=True) is content with the {len(finished)} that finished"] = None
    advice = f" What to do: {'; '.join(remedies)}." if remedies else ""
    raise SamplingError(
        f"{len(faults)} of {len(files.chains)} chains did not finish, {len(finished)} did. "
        f"{listed_faults(faults)}{advice}"
    ) from err


def _checked(keywords: Mapping[str, Any]) -> dict[str, Any]:
    for name, reason in NOT_FOR_USERS.items():
        if name in keywords:
            raise StanhierError(f"sample() does not take '{name}': {reason}.")
    check_keywords("sample", keywords, theirs="sample", hidden=NOT_FOR_USERS, own=("engine", "keep_finished"))
    # Of several values, one per chain, cmdstanpy takes no tuple.
    arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in keywords.items()}
    if arguments.get("show_progress") is None:
        arguments["show_progress"] = somebody_is_looking()
    if arguments.get("seed") is None:
        arguments["seed"] = secrets.randbelow(2**31)
    return arguments


def somebody_is_looking() -> bool:
    """Tell whether a progress bar has a terminal or a notebook to move in; in a log it is only noise."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _read(fit: Any, arguments: Mapping[str, Any], faults: Mapping[int, Fault]) -> RawDraws:
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
    max_treedepth = int(config["max_depth"])
    version = ".".join(str(config[f"stan_version_{part}"]) for part in ("major", "minor", "patch"))
    return RawDraws(
        z=_columns(draws, names, "z["),
        z_scale=_columns(draws, names, "z_scale["),
        statistics=with_depth_reached(statistics, max_treedepth),
        seed=int(seed[0] if isinstance(seed, list) else seed),
        max_treedepth=max_treedepth,
        cmdstan=version,
        failed_chains={chain: fault.reason for chain, fault in faults.items()},
    )


def with_depth_reached(statistics: Mapping[str, np.ndarray], max_treedepth: int) -> dict[str, np.ndarray]:
    """Add ArviZ's "reached_max_treedepth", which its own diagnosis asks for, to the statistics of NUTS.

    Parameters
    ----------
    statistics : mapping of numpy.ndarray, shape (chains, draws)
        By ArviZ's names; without "tree_depth", as those of an approximation, nothing is added.
    max_treedepth : int

    Returns
    -------
    dict of numpy.ndarray, shape (chains, draws)
    """
    reached = {"reached_max_treedepth": statistics["tree_depth"] >= max_treedepth} if "tree_depth" in statistics else {}
    return {**statistics, **reached}


def _columns(draws: np.ndarray, names: tuple[str, ...], prefix: str) -> np.ndarray:
    return np.ascontiguousarray(draws[:, :, [k for k, name in enumerate(names) if name.startswith(prefix)]])
