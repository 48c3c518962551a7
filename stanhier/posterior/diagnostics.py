"""Whether the draws can be trusted, in words: ArviZ's statistics and thresholds, and what to do next."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stanhier.basics.tables import ROUNDED_DOWN, readable
from stanhier.basics.verdicts import verdict_html
from stanhier.basics.words import some_of
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Coordinates
from stanhier.engines.parameters import Role
from stanhier.posterior.convergence import bfmi, convergence
from stanhier.stan.faults import listed_faults

__all__ = ["Diagnosis", "SamplingWarning", "diagnose", "watched"]

RHAT_MAX = 1.01
ESS_PER_CHAIN = 100
BFMI_MIN = 0.3
PARETO_K_MAX = 0.7


class SamplingWarning(UserWarning):
    """The draws cannot be trusted as they are."""


@dataclass(frozen=True)
class Diagnosis:
    """What the diagnostics say.

    Attributes
    ----------
    table : pandas.DataFrame
        R-hat, bulk and tail effective sample size of the parameters that all groups share, as `Fit.summary` has them,
        and of the intercept at the means of the predictors, which is what the sampler moved.
    divergences, treedepth_hits : int
        Number of draws that diverged, and that stopped at the greatest tree depth.
    bfmi : numpy.ndarray, shape (chains,)
        Estimated Bayesian fraction of missing information of each chain.
    problems : tuple of str
        What is wrong and what to do about it; empty when nothing is.
    method : str
        How the draws came about. Of an approximation there is nothing to check but its Pareto k.
    pareto_k : float or None
    """

    table: pd.DataFrame
    divergences: int
    treedepth_hits: int
    bfmi: np.ndarray
    problems: tuple[str, ...]
    method: str = "nuts"
    pareto_k: float | None = None

    @property
    def ok(self) -> bool:
        """Whether no diagnostic gives cause for concern. Of a single chain this says nothing of convergence."""
        return not self.problems

    @property
    def is_of_one_chain(self) -> bool:
        """Whether there is one chain of NUTS, of which R-hat, the agreement of chains, is unknown."""
        return self.method == "nuts" and len(self.bfmi) == 1

    @property
    def verdict(self) -> str:
        """In a sentence: how many problems there are, or that none was found."""
        if not self.ok:
            n = len(self.problems)
            return f"{n} problem{'' if n == 1 else 's'} found in {self._what}."
        if self.is_of_one_chain:
            return (
                "Nothing is wrong within the one chain; whether chains agree, which R-hat tells, is unknown: sample "
                "again with chains=4."
            )
        return f"No problems found in {self._what}."

    @property
    def _what(self) -> str:
        return "sampling" if self.method == "nuts" else "the approximation"

    @property
    def facts(self) -> str:
        """What the verdict rests on, in a sentence."""
        if self.pareto_k is not None:
            return f"Draws of an approximation ({self.method}) with Pareto k {self.pareto_k:.2f}."
        facts = [
            _fact("R-hat", "at most", self.table["r_hat"].max(), 3),
            _fact("bulk ESS", "at least", self.table["ess_bulk"].min(), ROUNDED_DOWN),
            _fact("tail ESS", "at least", self.table["ess_tail"].min(), ROUNDED_DOWN),
            f"{self.divergences} divergences",
            f"{self.treedepth_hits} draws at the greatest tree depth",
            _fact("E-BFMI", "at least", self.bfmi.min(), 2),
        ]
        return f"Of what all groups share: {'; '.join(facts)}."

    def __str__(self) -> str:
        verdict = self.verdict if self.ok else "Problems:\n" + "\n".join(f"- {p}" for p in self.problems)
        return f"{verdict}\n{self.facts}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show it in a notebook, as reports do."""
        return verdict_html(self.verdict, self.problems, [self.facts])


def diagnose(draws: Draws, numbers: dict[str, np.ndarray]) -> Diagnosis:
    """Check a run of NUTS.

    Parameters
    ----------
    draws : Draws
    numbers : dict of numpy.ndarray, shape (chains, draws)
        What is checked, as `watched` gives it.

    Returns
    -------
    Diagnosis

    References
    ----------
    Vehtari et al. (2021), Rank-normalization, folding, and localization: an improved R-hat, doi:10.1214/20-BA1221:
    R-hat below 1.01 and 100 effective draws per chain.
    Betancourt (2016), Diagnosing suboptimal cotangent disintegrations in HMC, arXiv:1604.00695: E-BFMI below 0.3.
    """
    if draws.pareto_k is not None:
        return _of_approximation(draws, list(numbers))
    stacked = np.stack(list(numbers.values()))
    table = pd.DataFrame(convergence(stacked), index=list(numbers), columns=["r_hat", "ess_bulk", "ess_tail"])
    divergences = int(draws.statistics["diverging"].sum())
    hits = int((draws.statistics["tree_depth"] >= draws.max_treedepth).sum())
    fractions = bfmi(draws.statistics["energy"])
    problems = tuple(_problems(table, divergences, hits, fractions, draws))
    return Diagnosis(table, divergences, hits, fractions, problems)


def watched(draws: Draws, coordinates: Coordinates) -> dict[str, np.ndarray]:
    """Give what is checked: what the sampler moved, and the intercept at predictors of 0, as the user knows it.

    Group effects are not among it: given the other parameters they are drawn independently, or the sampler moves them
    in coordinates that hardly depend on the others. Their effective sample sizes were at least 0.87 of the smallest one
    of the other parameters in fits of 8 and 60 groups, and each costs as much time as one of these.

    Parameters
    ----------
    draws : Draws
    coordinates : Coordinates
        Of the engine that made them.
    """
    numbers, parameters = coordinates.sampled(draws), coordinates.parameters
    intercept = parameters.of(Role.INTERCEPT)
    if intercept is None or parameters.of(Role.SLOPES) is None:
        return numbers
    at_zero = coordinates.population(draws)[intercept.name]
    if np.array_equal(at_zero, numbers[intercept.name]):
        return numbers
    at_means = numbers.pop(intercept.name)
    return {intercept.name: at_zero, f"{intercept.name} (predictors at their means)": at_means, **numbers}


def _of_approximation(draws: Draws, names: list[str]) -> Diagnosis:
    """Judge an approximation by its Pareto k: Yao et al. (2018), Yes, but did it work?, arXiv:1802.02538."""
    assert draws.pareto_k is not None
    table = pd.DataFrame({"r_hat": np.nan, "ess_bulk": np.nan, "ess_tail": np.nan}, index=names)
    problems = []
    if not draws.pareto_k <= PARETO_K_MAX:
        problems.append(
            f"The {draws.method} approximation is far from the posterior (Pareto k {draws.pareto_k:.2f}, above "
            f"{PARETO_K_MAX}); use model.sample(), which draws from the posterior itself."
        )
    return Diagnosis(table, 0, 0, np.full(1, np.nan), tuple(problems), draws.method, draws.pareto_k)


def _problems(table: pd.DataFrame, divergences: int, hits: int, bfmi: np.ndarray, draws: Draws) -> list[str]:
    chains, n_draws = draws.shape
    total = chains * n_draws
    problems = []
    failed = draws.failed_chains
    if failed:
        problems.append(
            f"{len(failed)} of {chains + len(failed)} chains did not finish, and their draws are missing. "
            f"{listed_faults(failed)} If they failed where the posterior is difficult, the others avoid that part."
        )
    if n_draws < 4:
        return [*problems, f"{n_draws} draws per chain are too few to check anything; ask for more with iter_sampling."]
    if divergences:
        problems.append(
            f"{divergences} of {total} draws diverged, so parts of the posterior may be missed; sample again with "
            "adapt_delta=0.95 or closer to 1, or give narrower priors."
        )
    bad = table.index[table["r_hat"] > RHAT_MAX]
    if len(bad):
        worst, greatest = table["r_hat"].idxmax(), table["r_hat"].max()
        places = 3 if round(greatest, 3) > RHAT_MAX else 6  # or 1.0103 would be 1.010, which is not above 1.01
        problems.append(
            f"R-hat is above {RHAT_MAX} for {some_of(bad.tolist())} (greatest {greatest:.{places}f}, {worst}): "
            "the chains have not mixed; sample longer with iter_warmup and iter_sampling, and look at fit.plot_trace()."
        )
    needed = ESS_PER_CHAIN * chains
    for kind, column in (("Bulk", "ess_bulk"), ("Tail", "ess_tail")):
        bad = table.index[table[column] < needed]
        if len(bad):
            problems.append(
                f"{kind} effective sample size is below {needed} for {some_of(bad.tolist())} (least "
                f"{readable(table[column].min(), ROUNDED_DOWN)}); "
                "ask for more draws with iter_sampling."
            )
    if hits:
        problems.append(
            f"{hits} of {total} draws stopped at the greatest tree depth of {draws.max_treedepth}, which is slow "
            "rather than wrong; raise max_treedepth if it stays."
        )
    low = np.flatnonzero(bfmi < BFMI_MIN)
    if len(low):
        chains_listed = ", ".join(str(k + 1) for k in low)
        problems.append(
            f"E-BFMI is below {BFMI_MIN} in chain {chains_listed} (least {bfmi.min():.2f}): the tails may not be "
            "explored; sample longer, or give proper, narrower priors to the scales."
        )
    return problems


def _fact(name: str, bound: str, value: float, places: int) -> str:
    return f"{name} unknown" if np.isnan(value) else f"{name} {bound} {readable(value, places)}"
