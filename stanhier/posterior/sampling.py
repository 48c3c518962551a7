"""What it takes to sample a model elsewhere: the program's data and the way back from its draws, but no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from stanhier.engines.draws import Draws
from stanhier.engines.engine import Coordinates
from stanhier.engines.regression import Regression
from stanhier.posterior.diagnostics import Diagnosis, diagnose, watched
from stanhier.stan.nuts import run_nuts
from stanhier.stan.rendered import RenderedProgram

__all__ = ["SamplingTask", "sample", "sample_and_diagnose"]

_ONE_PROCESS = {"parallel_chains": 1, "force_one_process_per_chain": False}
"""Chains take turns in one process, since the other processors have tasks of their own; the draws are the same."""


@dataclass(frozen=True)
class SamplingTask:
    """A model reduced to what its sampling needs: a few kilobytes, whatever the number of rows.

    Attributes
    ----------
    program : str or RenderedProgram
    data : dict
        What the program receives.
    coordinates : Coordinates
    keywords : mapping
        As for `Model.sample`.
    """

    program: str | RenderedProgram
    data: dict[str, Any]
    coordinates: Coordinates
    keywords: Mapping[str, Any]

    @classmethod
    def of(cls, model: Regression, keywords: Mapping[str, Any]) -> Self:
        """Reduce a model; its chains take turns unless the keywords say otherwise.

        Parameters
        ----------
        model : Regression
        keywords : mapping
            As for `Model.sample`.
        """
        alone = keywords.get("chains") == 1 or "parallel_chains" in keywords
        defaults = {"show_progress": False, **({} if alone else _ONE_PROCESS)}
        engine = model.engine
        return cls(engine.program, engine.data(), engine.coordinates, {**defaults, **keywords})


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
    return task.coordinates.draws(raw)


def sample_and_diagnose(task: SamplingTask) -> tuple[Draws, Diagnosis]:
    """Draw from the posterior, and check the draws where they were made.

    Raises
    ------
    StanhierError
        As `Model.sample`.
    """
    draws = sample(task)
    return draws, diagnose(draws, watched(draws, task.coordinates))
