"""The fits of many models: given as they finish, looked up by name, summed up in one table."""

import logging
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.warned import warn
from stanhier.fit import Fit
from stanhier.many.folder import FitFolder
from stanhier.many.summed import SummedUp
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.parameter_table import ParameterTable
from stanhier.stan.executors import before_exit

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["ManyFits"]

_log = logging.getLogger(__name__)

LISTED = 5

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
    contexts : mapping
        For models that have functions of the user's own, these functions; it fills as models are asked for.
    total : int or None
        Number of models, if it is known.
    progress : bool
        Whether to show a bar.
    """

    def __init__(
        self,
        outcomes: "Generator[tuple[str, Fit[Any] | None, SummedUp | Exception]]",
        *,
        folder: FitFolder | None,
        contexts: Mapping[str, Mapping[str, Any]],
        total: int | None,
        progress: bool,
    ) -> None:
        self._outcomes = outcomes
        _at_work.add(self)
        self._folder = folder
        self._contexts = contexts
        self._total = total
        self._progress = progress
        self._bar: tqdm[Any] | None = None
        self._summed: dict[str, SummedUp] = {}
        self._fits: dict[str, Fit[Any]] = {}
        self._failures: dict[str, Exception] = {}
        self._finished: list[str] = []
        self._state = "not started"

    def __iter__(self) -> Iterator[tuple[str, Fit[Any]]]:
        """Give name and fit of each model that could be fitted: those that are done, then the others as they finish."""
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

    def collect(self) -> "ManyFits":
        """Fit all models.

        Returns
        -------
        ManyFits
            This one.

        Warns
        -----
        SamplingWarning
            One for all: which models failed, and which fits cannot be trusted.
        """
        while self._advance() is not None:
            pass
        return self

    def __getitem__(self, name: object) -> Fit[Any]:
        """Give the fit of a model.

        Raises
        ------
        StanhierError
            If there is no model of that name, or it could not be fitted.
        """
        self.collect()
        text = str(name)
        if text in self._failures:
            raise StanhierError(f"There is no fit of {text!r}: {self._failures[text]}") from self._failures[text]
        if text not in self._summed:
            raise StanhierError(f"There is no fit of {text!r}; there are {_listed(self._finished)}.")
        return self._fit(text)

    def __contains__(self, name: object) -> bool:
        return str(name) in self.collect()._summed

    def __len__(self) -> int:
        return len(self.collect()._summed)

    @property
    def names(self) -> list[str]:
        """Names of the models that could be fitted, in the order in which they finished."""
        return list(self.collect()._finished)

    @property
    def failures(self) -> dict[str, Exception]:
        """What went wrong, by the names of the models that could not be fitted."""
        return dict(self.collect()._failures)

    @property
    def problems(self) -> dict[str, tuple[str, ...]]:
        """What `Fit.diagnose` says of the fits that cannot be trusted, by name."""
        return {name: one.problems for name, one in self.collect()._summed.items() if one.problems}

    def summary(self) -> pd.DataFrame:
        """Summarise all fits in one table.

        Returns
        -------
        pandas.DataFrame
            One row for each fit and parameter but the effects of groups: mean, sd, lower and upper end of the central
            90 % interval, median, R-hat, bulk and tail effective sample size.

        References
        ----------
        Vehtari et al. (2021), doi:10.1214/20-BA1221.
        """
        return ParameterTable.together({name: one.table for name, one in self.collect()._summed.items()})

    def _fit(self, name: str) -> Fit[Any]:
        if self._folder is None:
            return self._fits[name]
        return self._folder.load(name, self._contexts.get(name, {}))

    def _advance(self) -> tuple[str, Fit[Any] | None] | None:
        """Wait for the next model; give its name and, if it is new, its fit. None when there are no more."""
        if self._state in ("complete", "stopped"):
            return None
        if self._state == "not started" and self._progress:
            self._bar = _progress_bar(self._total)
        self._state = "under way"
        try:
            name, fit, outcome = next(self._outcomes)
        except StopIteration:
            self._end("complete")
            self._warn()
            return None
        except BaseException:
            self._end("stopped")
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

    def stop(self) -> None:
        """End what is under way; what has finished remains."""
        self._outcomes.close()
        self._end("stopped" if self._state == "under way" else self._state)

    def _end(self, state: str) -> None:
        self._state = state
        if self._bar is not None:
            self._bar.close()

    def _warn(self) -> None:
        said = []
        if self._failures:
            name, error = next(iter(self._failures.items()))
            said.append(
                f"{len(self._failures)} of {len(self._failures) + len(self._summed)} models could not be fitted: "
                f"{_listed(self._failures)}; see `.failures`. Of {name!r}: {error}"
            )
        doubtful = {name: one.problems for name, one in self._summed.items() if one.problems}
        if doubtful:
            name, problems = next(iter(doubtful.items()))
            said.append(
                f"The draws of {len(doubtful)} of {len(self._summed)} fits cannot be trusted: {_listed(doubtful)}; see "
                f"`.problems`. Of {name!r}: {problems[0]}"
            )
        if said:
            warn("\n".join(said), SamplingWarning)

    def __repr__(self) -> str:
        known = "" if self._total is None else f" of {self._total:,}"
        said = [f"ManyFits, {self._state}: {len(self._summed):,}{known} fitted"]
        doubtful = [name for name, one in self._summed.items() if one.problems]
        if doubtful:
            said.append(f"  {len(doubtful):,} not to be trusted: {_listed(doubtful)}")
        if self._failures:
            said.append(f"  {len(self._failures):,} failed: {_listed(self._failures)}")
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


def _listed(names: Iterable[str]) -> str:
    every = [repr(name) for name in names]
    return ", ".join(every[:LISTED]) + (f" and {len(every) - LISTED:,} more" if len(every) > LISTED else "")


def _progress_bar(total: int | None) -> "tqdm[Any]":
    with warnings.catch_warnings():
        # Without ipywidgets a notebook's bar is text, which does as well.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm
    return tqdm(total=total, unit="fit", desc="stanhier")


@before_exit
def _stop_all() -> None:
    for fits in list(_at_work):
        fits.stop()
