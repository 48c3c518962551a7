"""Every prior of a model: by parameter, as users type them, as numbers, and draws from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.engines.prior_names import PRIOR_KEYS
from stanhier.priors.correlations import LKJ, CorrelationPrior
from stanhier.priors.distributions import LocationPrior, Prior

__all__ = ["ChosenPriors"]


@dataclass(frozen=True)
class ChosenPriors:
    """Every prior of a model.

    Attributes
    ----------
    parameters : Inventory
        Those that have priors: all but the groups' effects, whose population is their prior.
    by_name : dict of tuple of Prior
        For each parameter as many priors as it is numbers; of correlations one for each block of two effects or more.
    """

    parameters: Inventory
    by_name: dict[str, tuple[Prior, ...]]

    def of(self, parameters: list[Parameter]) -> list[Prior]:
        """Give the priors of some parameters, number by number."""
        return [prior for parameter in parameters for prior in self.by_name[parameter.name]]

    @property
    def intercept(self) -> LocationPrior | None:
        """The prior of the population's intercept; None where the model has none."""
        parameter = self.parameters.of(Role.INTERCEPT)
        if parameter is None:
            return None
        (prior,) = self.by_name[parameter.name]
        assert isinstance(prior, LocationPrior)
        return prior

    @property
    def location(self) -> list[Prior]:
        """Priors of the location parameters, the intercept first."""
        return self.of(self.parameters.location)

    @property
    def scale(self) -> list[Prior]:
        """Priors of the estimated scales, in the order of the inventory."""
        return self.of(self.parameters.scales)

    @property
    def by_scalar(self) -> dict[str, Prior]:
        """Priors by the name of each single number; those of a factor's correlations by the name of all of them."""
        return {
            name: prior
            for parameter in self.parameters
            for name, prior in zip(_names(parameter), self.by_name[parameter.name], strict=False)
        }

    def as_dict(self) -> dict[str, Any]:
        """Give the priors as users type them: by parameter, of several numbers a dict by label.

        Of the factors of a model: `sd` by factor and effect, `cor` by factor.
        """
        typed: dict[str, Any] = {}
        for parameter in self.parameters:
            priors = self.by_name[parameter.name]
            own = _by_label(parameter, priors)
            if parameter.term is None:
                typed[parameter.name] = own
            else:
                typed.setdefault(PRIOR_KEYS[parameter.role], {})[parameter.factor] = own
        return typed

    def correlation_shapes(self, blocks: Sequence[Sequence[int]]) -> np.ndarray:
        """Give the `eta` of every block of effects, term by term; 1 of a block of one effect, which has no correlation.

        Parameters
        ----------
        blocks : sequence of sequence of int
            Sizes of the blocks of each term.

        Returns
        -------
        numpy.ndarray, shape (B,)
        """
        shapes = []
        for term, sizes in enumerate(blocks):
            parameter = self.parameters.of(Role.GROUP_COR, term)
            given = iter(() if parameter is None else self.by_name[parameter.name])
            shapes += [_eta(next(given)) if size > 1 else 1.0 for size in sizes]
        return np.array(shapes)

    def draws(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """Draw every parameter that has a prior.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int
            Number of draws, S.

        Returns
        -------
        dict of numpy.ndarray
            By parameter, as the posterior has it: shape (S,), (S, labels), and of correlations (S, q, q), whole
            matrices with 0 between effects of different blocks.

        Raises
        ------
        PriorError
            If a prior is flat.
        """
        return {p.name: _drawn(p, self.by_name[p.name], rng, size) for p in self.parameters}


def _names(parameter: Parameter) -> list[str]:
    return [parameter.name] if parameter.role is Role.GROUP_COR else parameter.scalar_names


def _by_label(parameter: Parameter, priors: tuple[Prior, ...]) -> Any:
    """Give what a user types for one parameter."""
    if parameter.role is Role.GROUP_COR or parameter.labels is None:
        return priors[0]
    return dict(zip(parameter.labels, priors, strict=True))


def _eta(prior: Prior) -> float:
    assert isinstance(prior, LKJ)
    return prior.eta


def _drawn(parameter: Parameter, priors: tuple[Prior, ...], rng: np.random.Generator, size: int) -> np.ndarray:
    if parameter.role is not Role.GROUP_COR:
        columns = [prior.rvs(rng, size) for prior in priors]
        return np.stack(columns, axis=-1).reshape(size, *parameter.shape)
    matrices = np.zeros((size, *parameter.shape))
    given, start = iter(priors), 0
    for width in parameter.blocks:
        block = slice(start, start + width)
        matrices[:, block, block] = _correlations(next(given), rng, size, width) if width > 1 else 1.0
        start += width
    return matrices


def _correlations(prior: Prior, rng: np.random.Generator, size: int, q: int) -> np.ndarray:
    assert isinstance(prior, CorrelationPrior)
    return prior.rvs(rng, size, q)
