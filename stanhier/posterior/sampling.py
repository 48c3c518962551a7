"""What it takes to sample a model elsewhere: the program's data and the way back from its draws, but no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from stanhier.engines.draws import Draws, from_raw
from stanhier.engines.gaussian.whitening import Whitening
from stanhier.posterior import labelled as datasets
from stanhier.posterior.diagnostics import Diagnosis, diagnose
from stanhier.stan.nuts import run_nuts

if TYPE_CHECKING:
    from stanhier.models import Model

__all__ = ["SamplingTask", "sample", "sample_and_diagnose"]

_ONE_PROCESS = {"parallel_chains": 1, "force_one_process_per_chain": False}
"""Chains take turns in one process, since the other processors have tasks of their own; the draws are the same."""


@dataclass(frozen=True)
class SamplingTask:
    """A model reduced to what its sampling needs: a few kilobytes, whatever the number of rows.

    Attributes
    ----------
    program : str
    data : dict
        What the program receives.
    whitening : Whitening
    grouped : bool
    sigma : float or None
        The known residual standard deviation, if it is.
    names : tuple of str, length P
        Labels of the location parameters.
    keywords : mapping
        As for `Model.sample`.
    """

    program: str
    data: dict[str, Any]
    whitening: Whitening
    grouped: bool
    sigma: float | None
    names: tuple[str, ...]
    keywords: Mapping[str, Any]

    @classmethod
    def of(cls, model: "Model", keywords: Mapping[str, Any]) -> Self:
        """Reduce a model; its chains take turns unless the keywords say otherwise.

        Parameters
        ----------
        model : Model
        keywords : mapping
            As for `Model.sample`.
        """
        alone = keywords.get("chains") == 1 or "parallel_chains" in keywords
        return cls(
            model.program,
            model.stan_data,
            model.whitening,
            model.grouped,
            model.sigma,
            datasets.location_names(model),
            {"show_progress": False, **({} if alone else _ONE_PROCESS), **keywords},
        )


def sample(task: SamplingTask) -> Draws:
    """Draw from the posterior.

    Raises
    ------
    StanhierError
        As `Model.sample`.
    """
    keywords = dict(task.keywords)
    keep_finished = bool(keywords.pop("keep_finished", False))
    raw = run_nuts(task.program, task.data, keywords, keep_finished=keep_finished)
    return from_raw(raw, task.whitening, grouped=task.grouped, sigma=task.sigma)


def sample_and_diagnose(task: SamplingTask) -> tuple[Draws, Diagnosis]:
    """Draw from the posterior, and check the draws where they were made.

    Raises
    ------
    StanhierError
        As `Model.sample`.
    """
    draws = sample(task)
    return draws, diagnose(draws, list(task.names))
