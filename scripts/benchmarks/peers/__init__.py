"""What is compared: each peer prepares a case once and then runs it, as its own documentation does.

A peer's module is imported only in the process that runs it, so the others need not be installed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from scripts.benchmarks.case import Case

__all__ = ["PEERS", "NotApplicableError", "Peer", "PeerInfo", "chosen", "load"]

CHAINS = 4
WARMUP = 1000
DRAWS = 1000


class NotApplicableError(Exception):
    """The peer cannot fit this model."""


class Peer(Protocol):
    """How a peer is driven."""

    def prepare(self, case: Case) -> Any:
        """Do what a user does once for a model, and what the peer's documentation lets them keep."""

    def run(self, prepared: Any, seed: int) -> Any:
        """Sample until all draws are in memory. This is what is timed."""

    def draws(self, result: Any, case: Case) -> tuple[Mapping[str, np.ndarray], int | None]:
        """Give the draws by common names, shape (chains, draws, ...), and the number of divergences.

        Names are `alpha` (intercept, or those of the groups in the order of `case.levels`), `mu_alpha`, `sigma_alpha`,
        `beta`, `sigma` and `nu`; a point estimate has no chains and draws. Of a case with terms, `alpha` is the
        intercept of the population, and each factor g has `sd_g`, `cor_g` (`Term.pairs`) and `effect_g` (levels,
        effects), around the population; an axis of length one may be left out.
        """


@dataclass(frozen=True)
class PeerInfo:
    """What is known of a peer without importing it.

    Attributes
    ----------
    title : str
    module : str
    make : str
        Name of the class, with arguments `options`.
    package : str
        Distribution whose version is given.
    options : tuple
    own_environment : bool
        Whether it runs in stanhier's environment; the others run in the peers' environment.
    point : bool
        Whether it gives a point estimate instead of draws.
    """

    title: str
    module: str
    make: str
    package: str
    options: tuple[Any, ...] = ()
    own_environment: bool = False
    point: bool = False


PEERS = {
    "stanhier": PeerInfo("stanhier", "with_stanhier", "Stanhier", "stanhier", own_environment=True),
    "stan_centred": PeerInfo(
        "Stan by hand, centred", "with_cmdstanpy", "Stan", "cmdstanpy", ("centred",), own_environment=True
    ),
    "stan_noncentred": PeerInfo(
        "Stan by hand, non-centred", "with_cmdstanpy", "Stan", "cmdstanpy", ("noncentred",), own_environment=True
    ),
    "stanli_centred": PeerInfo("stanli, centred", "with_stanli", "Stanli", "stanli", ("centred",)),
    "stanli_noncentred": PeerInfo("stanli, non-centred", "with_stanli", "Stanli", "stanli", ("noncentred",)),
    "pymc": PeerInfo("PyMC, own sampler", "with_pymc", "PyMC", "pymc"),
    "nutpie": PeerInfo("PyMC, nutpie", "with_pymc", "Nutpie", "nutpie"),
    "numpyro": PeerInfo("NumPyro", "with_numpyro", "NumPyro", "numpyro"),
    "bambi": PeerInfo("Bambi", "with_bambi", "Bambi", "bambi"),
    "mixedlm": PeerInfo("statsmodels (point estimate)", "with_statsmodels", "Point", "statsmodels", point=True),
}


def load(name: str) -> Peer:
    """Import a peer."""
    info = PEERS[name]
    make: Callable[..., Peer] = getattr(import_module(f"scripts.benchmarks.peers.{info.module}"), info.make)
    return make(*info.options)


def chosen(wanted: str | None) -> list[str]:
    """The peers that a comma-separated list names; `stan` stands for both programs of Stan, and so on.

    Raises
    ------
    ValueError
        If a name fits none.
    """
    if wanted is None:
        return list(PEERS)
    names = []
    for word in wanted.split(","):
        fitting = [name for name in PEERS if name == word] or [name for name in PEERS if name.startswith(f"{word}_")]
        if not fitting:
            raise ValueError(f"no peer is called '{word}'; there are {', '.join(PEERS)}")
        names += [name for name in fitting if name not in names]
    return names
