"""The rows that are to be predicted: those of the fit, new ones in memory, or new ones block by block."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from stanhier.basics.errors import DataError, StanhierError
from stanhier.data.missing import checked_missing
from stanhier.data.sources import OrderedSource, Source, in_order, open_source
from stanhier.data.wrong_data import called
from stanhier.design.absent import refuse_absent
from stanhier.design.new_rows import NewRows
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.predictable import KINDS

__all__ = ["WantedRows"]

LEAST_ROWS = 1 << 15
"""Rows of a block that is predicted, at least, if there are more."""

_WITHOUT_LABELS = (
    ' Where it is not known, new["{name}"] = None with new_groups="sample" stands for a group that nothing is known '
    "of; group_effects=False predicts without groups."
)


@dataclass(frozen=True)
class WantedRows:
    """Rows to be predicted, and how they are encoded.

    Attributes
    ----------
    fit : Fitted
    new : object
        New data; None for the rows of the fit.
    source : OrderedSource or None
        Where the new data are, if not in memory.
    method : str
        What was called, for messages.
    group_effects : bool
    missing_labels : bool
        Whether a label of a group may be missing.
    missing : {"error", "nan"}
        Whether other missing values are an error, or their rows only marked.
    """

    fit: Fitted[Regression]
    new: Any
    source: OrderedSource | None
    method: str
    group_effects: bool
    missing_labels: bool
    missing: str

    @classmethod
    def of(
        cls, fit: Fitted[Regression], new: Any, method: str, *, group_effects: bool, new_groups: str, missing: str
    ) -> "WantedRows":
        """Open new data, if they are not in memory.

        Raises
        ------
        DataError
            If they cannot be read, or have no order; if the rows of the fit are wanted, and not in memory.
        StanhierError
            If `missing` is something else.
        """
        checked_missing(missing, "nan")
        if new is None and fit.model.in_memory is None:
            raise DataError(
                f"{method}() without new data predicts the rows of the fit, and these are not in memory: they were "
                f"compressed as they came. Give the rows, {method}(new), as a data frame or as the path or lazy frame "
                "that the model was made of."
            )
        source: Source | None = None
        if new is not None:
            source = _opened(new, method)
        ordered = None if source is None else in_order(source, method)
        return cls(fit, new, ordered, method, group_effects, new_groups == "sample", missing)

    def encoded(self) -> NewRows:
        """Encode rows that are in memory; without groups where their effects are not added.

        Raises
        ------
        DataError
            If a column is missing or cannot be used.
        """
        if self.new is not None:
            return self._encoded(self.new)
        rows = self.fit.model.rows.as_new
        return rows if self.group_effects else replace(rows, groups=())

    def blocks(self) -> Iterator[NewRows]:
        """Encode the rows block by block.

        Raises
        ------
        DataError
            If a column is missing or cannot be used.
        """
        source, first = self.source, 0
        if source is None:
            yield self.encoded()
            return
        for frame in _together(source.blocks(self._columns(source))):
            try:
                rows = self._encoded(frame, first=first, library=source.library.as_argument("new"))
            except DataError as err:
                since = f" Rows are counted from row {first:,} of {source.name}." if first else ""
                raise DataError(f"{err}{since}") from err
            yield rows
            first += len(frame)

    def at_once(self, most: int, n_draws: int) -> NewRows:
        """Encode all rows, of which there may be so many; more are not read.

        Raises
        ------
        DataError
            If a column is missing or cannot be used.
        StanhierError
            If there are too many.
        """
        source = self.source
        if source is None:
            rows = self.encoded()
            if rows.n_rows > most:
                raise self._too_many(f"{rows.n_rows:,}", most, n_draws)
            return rows
        columns = self._columns(source)
        frames, size = [source.empty(columns)], 0
        for frame in source.blocks(columns):
            size += len(frame)
            if size > most:
                raise self._too_many(f"more than {most:,}", most, n_draws)
            frames.append(frame)
        # The first has the kinds of the columns for where there are no rows.
        whole = pd.concat(frames[1:], ignore_index=True) if size else frames[0]
        return self._encoded(whole, library=source.library.as_argument("new"))

    def _too_many(self, n_rows: str, most: int, n_draws: int) -> StanhierError:
        return StanhierError(
            f"{self.method}() would give {n_draws:,} draws of {n_rows} rows, more than fit comfortably in memory; ask "
            f"for at most {most:,} rows at a time, or use predict(), which summarises."
        )

    def _encoded(self, data: Any, **more: Any) -> NewRows:
        with called("new"):
            return self.fit.model.design.encode(
                data,
                with_groups=self.group_effects,
                with_effects=self.group_effects,
                missing_labels=self.missing_labels,
                missing=self.missing,
                of_missing=f' With {self.method}(missing="nan") these rows are NaN.',
                of_labels=_WITHOUT_LABELS,
                **more,
            )

    def _columns(self, source: Source) -> list[str]:
        """List the columns of a source that are read."""
        design = self.fit.model.design
        needed = design.needed(with_groups=self.group_effects, with_effects=self.group_effects)
        refuse_absent(needed, list(source.columns), design.formula, source.name, of_labels=_WITHOUT_LABELS)
        wanted = list(dict.fromkeys([*needed, *design.columns_beside(source.columns)]))
        return wanted or list(source.columns[:1])  # without predictors the number of rows is still wanted


def _opened(new: Any, method: str) -> Source | None:
    """Open new data, if they are not in memory."""
    try:
        with called("new"):
            return open_source(new)
    except DataError:
        if not isinstance(new, str) or new not in KINDS:
            raise
        raise DataError(
            f'{method}("{new}"): the first argument is `new`, rows to predict; what to predict goes by name: '
            f'{method}(kind="{new}") for the rows of the fit, {method}(new, kind="{new}") for others.'
        ) from None


def _together(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Put small blocks together, since each takes some time whatever its size."""
    waiting: list[pd.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(map(len, waiting)) >= LEAST_ROWS:
            yield pd.concat(waiting, ignore_index=True) if len(waiting) > 1 else frame
            waiting = []
    if waiting:
        yield pd.concat(waiting, ignore_index=True)
