"""Stan programs written by hand, through cmdstanpy. The compiled program is kept, as cmdstanpy does."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from typing import Any

import cmdstanpy
import numpy as np

from scripts.benchmarks.case import ROOT, Case
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP, NotApplicableError, stan_terms

__all__ = ["Stan", "data_of", "named_draws", "program_of"]

PROGRAMS = ROOT / "scripts" / "benchmarks" / "stan"
COMPILED = ROOT / "scripts" / "benchmarks" / "output" / "stan"


def program_of(case: Case, kind: str) -> Path:
    """The program for a case; a regression without groups has only one, which counts as the centred one."""
    if case.terms:
        return PROGRAMS / f"{stan_terms.program_of(case, kind)}.stan"
    if case.group is None:
        if kind != "centred":
            raise NotApplicableError("no groups, so there is only one program")
        return PROGRAMS / "linear.stan"
    return PROGRAMS / f"{'varying' if case.known_se is None else 'known_se'}_{kind}.stan"


def data_of(case: Case) -> dict[str, Any]:
    """The data of the program for a case."""
    if case.terms:
        return stan_terms.data_of(case)
    data: dict[str, Any] = {"N": len(case.y), "y": case.y, "intercept_prior": list(case.intercept)}
    if case.group is not None:
        data |= {"J": len(case.levels), "jj": case.codes + 1, "sigma_alpha_prior": case.sigma_alpha}
    if case.known_se is None:
        data |= {"K": case.X.shape[1], "X": case.X, "beta_prior": list(case.beta), "sigma_prior": case.sigma}
    else:
        data["se"] = case.known_se
    return data


class Stan:
    """A textbook program, centred or not."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def prepare(self, case: Case) -> tuple[cmdstanpy.CmdStanModel, dict[str, Any]]:
        logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
        program = program_of(case, self._kind)
        COMPILED.mkdir(parents=True, exist_ok=True)
        kept = COMPILED / program.name
        if not kept.exists() or kept.read_text() != program.read_text():
            copyfile(program, kept)
        return cmdstanpy.CmdStanModel(stan_file=kept), data_of(case)

    def run(self, prepared: tuple[cmdstanpy.CmdStanModel, dict[str, Any]], seed: int) -> tuple[dict[str, Any], int]:
        model, data = prepared
        with tempfile.TemporaryDirectory() as folder:
            fit = model.sample(
                data,
                chains=CHAINS,
                iter_warmup=WARMUP,
                iter_sampling=DRAWS,
                seed=seed,
                show_progress=False,
                output_dir=folder,
            )
            return fit.stan_variables(), int(fit.divergences.sum())

    def draws(self, result: tuple[dict[str, Any], int], case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        named = named_draws(result[0])
        return stan_terms.common_draws(named, case) if case.terms else named, result[1]


def named_draws(variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Variables whose draws come chain after chain, with the chains as the first axis."""
    return {name: values.reshape(CHAINS, DRAWS, *values.shape[1:]) for name, values in variables.items()}
