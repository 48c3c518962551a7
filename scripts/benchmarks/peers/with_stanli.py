"""The same programs by hand, run by stanli's interpreter. The model, which holds the data, is kept."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import stanli

from scripts.benchmarks.case import Case
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP, stan_terms
from scripts.benchmarks.peers.with_cmdstanpy import data_of, named_draws, program_of

__all__ = ["Stanli"]


class Stanli:
    """A textbook program, centred or not."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def prepare(self, case: Case) -> Any:
        return stanli.Model(stan_file=str(program_of(case, self._kind)), data=data_of(case))

    def run(self, model: Any, seed: int) -> Any:
        return model.sample(chains=CHAINS, seed=seed, warmup=WARMUP, samples=DRAWS, refresh=0)

    def draws(self, fit: Any, case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        if case.terms:
            found = {name: np.asarray(fit[name]) for name in stan_terms.variables_of(case, self._kind)}
            return stan_terms.common_draws(named_draws(found), case), int(np.sum(fit.divergences))
        names = [] if case.group is None else ["mu_alpha", "sigma_alpha"]
        names += ["alpha"] + (["beta", "sigma"] if case.known_se is None else [])
        return named_draws({name: np.asarray(fit[name]) for name in names}), int(np.sum(fit.divergences))
