"""The fits of many models: given as they finish, looked up by name, summed up in one table."""

import logging
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.progress import progress_bar
from stanhier.basics.warned import warn
from stanhier.basics.words import listed, quoted
from stanhier.fit import Fit
from stanhier.many.asked import AskedModels, described
from stanhier.many.folder import FitFolder
from stanhier.many.summed import LISTED, SummedUp, what_is_wrong
from stanhier.model import Model
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.parameter_table import ParameterTable
from stanhier.stan.executors import before_exit

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["ManyFits"]

_log = logging.getLogger(__name__)

STOPPED = "stopped early"
"""The state of a run that an error, an interruption or `stop` has ended before its end."""

_at_work: "WeakSet[ManyFits]" = WeakSet()


class ManyFits:
    """Fits of many models by name; made by `fit_many`.

    Work goes on while you iterate, which gives each fit as it finishes; whatever else you ask for is answered when all
    models are done.

    Parameters
    ----------
    outcomes : generator
        Gives for each model, in the order in which they finish, its name and its fit (None where it is in the folder
        since earlier) with its summary, or its error.
    folder : FitFolder or None
        Where the fits are; None keeps them in memory.
    models : AskedModels
        Those that the outcomes are of.
    progress : bool
        Whether to show a bar.
    """

    def __init__(
        self,
        outcomes: "Generator[tuple[str, Fit[Model] | None, SummedUp | Exception]]",
        *,
        folder: FitFolder | None,
        models: AskedModels,
        progress: bool,
    ) -> None:
        self._outcomes = outcomes
        _at_work.add(self)
        self._folder = folder
        self._models = models
        self._progress = progress
        self._bar: tqdm[Any] | None = None
        self._summed: dict[str, SummedUp] = {}
        self._fits: dict[str, Fit[Model]] = {}
        self._failures: dict[str, Exception] = {}
        self._finished: list[str] = []
        self._state = "not started"
        self._stopped_by: BaseException | None = None

    def __iter__(self) -> Iterator[tuple[str, Fit[Model]]]:
        """Give name and fit of each model that could be fitted: those that are done, then the others as they finish.

        When all are done, they come in the order of the models.
        """
        if self._is_over:
            yield from ((name, self._fit(name)) for name in self._in_order(self._summed))
            return
        place = 0
        while True:
            while place < len(self._finished):
                name = self._finished[place]
                place += 1
                yield name, self._fit(name)
            fresh = self._advance()
            if fresh is None:
                return
            name, fit = fresh
            if fit is not None:  # not kept where there is a folder, so it is given now or never without loading it
                place += 1
                yield name, fit

    @in_our_words()
    def collect(self) -> "ManyFits":
        """Fit all models.

        Returns
        -------
        ManyFits
            This one.

        Raises
        ------
        StanhierError
            If no more models could be asked for, when all that were are done: it names the last one.

        Warns
        -----
        SamplingWarning
            One for all: which models failed, and which fits cannot be trusted; and, whenever it is asked, that the
            run ended early.
        """
        if self._is_over:
            if self._state == STOPPED:
                self._warn()
        else:
            self._work()
        return self

    def __getitem__(self, name: object) -> Fit[Model]:
        """Give the fit of a model.

        Raises
        ------
        StanhierError
            If there is no model of that name, or it could not be fitted.
        """
        self._work()
        text = self._models.name_of(name)
        if text in self._failures:
            error = self._failures[text]
            raise StanhierError(f"There is no fit of {quoted(text)}: {described(error)}") from error
        if text not in self._summed:
            ended = f" {self._early_end}" if self._state == STOPPED else ""
            there = listed(self._in_order(self._summed), LISTED) or "none"
            raise StanhierError(f"There is no fit of {quoted(text)}; there are {there}.{ended}")
        return self._fit(text)

    def __contains__(self, name: object) -> bool:
        return self._models.name_of(name) in self.collect()._summed

    def __len__(self) -> int:
        return len(self.collect()._summed)

    @property
    def names(self) -> list[str]:
        """Names of the models that could be fitted, in the order of the models."""
        return list(self._in_order(self.collect()._summed))

    @property
    def failures(self) -> dict[str, Exception]:
        """What went wrong, by the names of the models that could not be made or sampled.

        Where an error ended the run early, that is here too, as "stopped early".
        """
        self.collect()
        failures = self._in_order(self._failures)
        if isinstance(self._stopped_by, Exception):
            failures[STOPPED if STOPPED not in self._models.places else f"({STOPPED})"] = self._stopped_by
        return failures

    @property
    def problems(self) -> dict[str, tuple[str, ...]]:
        """What `Fit.diagnose` says of the fits that cannot be trusted, by name."""
        return {name: one.problems for name, one in self._in_order(self.collect()._summed).items() if one.problems}

    @in_our_words()
    def summary(self) -> pd.DataFrame:
        """Summarise all fits in one table.

        Returns
        -------
        pandas.DataFrame
            One row for each fit and parameter but the effects of groups, in the order of the models: mean, sd, lower
            and upper end of the central 90 % interval, median, R-hat, bulk and tail effective sample size.

        References
        ----------
        Vehtari et al. (2021), doi:10.1214/20-BA1221.
        """
        summed = self._in_order(self.collect()._summed)
        return ParameterTable.together({name: one.table for name, one in summed.items()})

    @property
    def _is_over(self) -> bool:
        return self._state in ("complete", STOPPED)

    @property
    def _early_end(self) -> str:
        """Why the run ended early."""
        why = "stop() was called" if self._stopped_by is None else described(self._stopped_by)
        return why if STOPPED in why else f"fit_many() stopped early: {why.rstrip('.')}. What was finished is kept."

    def _in_order[T](self, by_name: Mapping[str, T]) -> dict[str, T]:
        return {name: by_name[name] for name in sorted(by_name, key=self._models.places.__getitem__)}

    def _work(self) -> None:
        while self._advance() is not None:
            pass

    def _fit(self, name: str) -> Fit[Model]:
        if self._folder is None:
            return self._fits[name]
        return self._folder.load(name, self._models.contexts.get(name, {}))

    def _advance(self) -> tuple[str, Fit[Model] | None] | None:
        """Wait for the next model; give its name and, if it is new, its fit. None when there are no more."""
        if self._is_over:
            return None
        if self._state == "not started" and self._progress:
            self._bar = progress_bar(self._models.total, "fit")
        self._state = "under way"
        try:
            name, fit, outcome = next(self._outcomes)
        except StopIteration:
            self._end("complete")
            self._warn()
            return None
        except BaseException as err:
            self._stopped_by = err
            self._end(STOPPED)
            raise
        if isinstance(outcome, Exception):
            self._failures[name] = outcome
            _log.info("%r could not be fitted: %s", name, outcome)
        else:
            self._summed[name] = outcome
            self._finished.append(name)
            if fit is not None and self._folder is None:
                self._fits[name] = fit
        if self._bar is not None:
            self._bar.update()
            if self._failures:
                self._bar.set_postfix_str(f"{len(self._failures)} failed", refresh=False)
        return name, fit

    @in_our_words()
    def stop(self) -> None:
        """End what is under way; what has finished remains, and the run is one that stopped early."""
        self._outcomes.close()
        self._end(self._state if self._is_over else STOPPED)

    def _end(self, state: str) -> None:
        self._state = state
        if self._bar is not None:
            self._bar.close()

    def _warn(self) -> None:
        said = [self._early_end] if self._state == STOPPED else []
        said += what_is_wrong(self._in_order(self._summed), self._in_order(self._failures))
        if said:
            warn("\n".join(said), SamplingWarning)

    def __repr__(self) -> str:
        known = "" if self._models.total is None else f" of {self._models.total:,}"
        said = [f"ManyFits, {self._state}: {len(self._summed):,}{known} fitted"]
        if self._state == STOPPED:
            said.append(f"  {self._early_end}")
        doubtful = [name for name, one in self._in_order(self._summed).items() if one.problems]
        if doubtful:
            said.append(f"  {len(doubtful):,} not to be trusted: {listed(doubtful, LISTED)}")
        if self._failures:
            said.append(f"  {len(self._failures):,} failed: {listed(self._in_order(self._failures), LISTED)}")
        if self._folder is not None:
            said.append(f"  in {self._folder.path}")
        return "\n".join(said)

    def __del__(self) -> None:
        if getattr(self, "_state", None) == "not started":
            warn(
                "fit_many() has fitted nothing, since nothing was asked of it: iterate over what it returns, or call "
                "its collect().",
                SamplingWarning,
            )


@before_exit
def _stop_all() -> None:
    for fits in list(_at_work):
        if fits._state == "under way":
            fits.stop()
