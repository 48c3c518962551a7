"""What a model knows of its data, wherever the rows are: names, groups, and the same encoding for new data."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.data.frames import (
    as_frame,
    clean_columns,
    column_names,
    require_columns,
)
from stanhier.data.kinds import refuse_infinite
from stanhier.data.libraries import Library, library_of
from stanhier.data.missing import LeftOut, checked_missing, refuse_missing
from stanhier.data.row_numbers import column_numbers, refuse_not_counts
from stanhier.design.absent import refuse_absent
from stanhier.design.blocks import Reducer
from stanhier.design.columns import Columns
from stanhier.design.encoding import evaluate
from stanhier.design.groupings import Grouping, NewGroups, levels_above, new_groups
from stanhier.design.new_rows import NewRows, noise_of, without_gaps
from stanhier.design.response import events
from stanhier.design.rows import column_matrix
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.families.noise import RowNoise
from stanhier.formula.parse import ParsedFormula

__all__ = ["Design"]


_WITHOUT_LABEL = ' With new_groups="sample" a row whose label is missing is one of an unknown group.'


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a model knows of its data.

    Attributes
    ----------
    formula : ParsedFormula
    columns : Columns
        What has been learnt from the data, so that new data are encoded alike.
    groupings : tuple of Grouping
        The factors by which effects vary, in the order of the formula.
    row_noise : RowNoise or None
        How the noise of rows differs, by standard errors or weights, with their column if there is one.
    family : Family
        How responses vary around the linear predictor.
    has_offset : bool
        Whether something known is added to the linear predictor.
    offset_name, trials_name : str or None
        The columns of offsets and of numbers of trials, if there are such columns.
    trials_constant : int or None
        The number of trials where it is the same in all rows.
    categories : tuple or None
        The two categories of a response that is no number; the second is the event.
    left_out : LeftOut or None
        Rows that were left out for missing values, if any were.
    """

    formula: ParsedFormula
    columns: Columns
    groupings: tuple[Grouping, ...]
    row_noise: RowNoise | None = None
    family: Family = GAUSSIAN
    has_offset: bool = False
    offset_name: str | None = None
    trials_name: str | None = None
    trials_constant: int | None = None
    categories: tuple[Any, Any] | None = None
    left_out: LeftOut | None = None

    @property
    def predictors(self) -> tuple[str, ...]:
        """Names of the columns of X, length K."""
        return self.columns.predictors

    @property
    def group(self) -> Grouping | None:
        """The factor of a model with nothing but one varying intercept; None of any other."""
        return self.groupings[0] if self.formula.group is not None else None

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows, N."""

    @property
    @abstractmethod
    def kinds(self) -> pd.DataFrame:
        """The columns of the model: any number of rows, but the kinds and levels of the data of the fit."""

    @property
    @abstractmethod
    def response_spec(self) -> ModelSpec:
        """What formulaic has learnt for the response."""

    @abstractmethod
    def reduce[P, R](self, reducer: Reducer[P, R]) -> R:
        """Give what an engine makes of the rows."""

    def levels_above(self, term: int, other: int) -> np.ndarray | None:
        """Find in which level of another factor each of a factor's lies, as classes lie in schools, shape (J,).

        None where they do not. Rows tell it; where these are not in memory, labels such as "north:3" do.
        """
        return levels_above(self.groupings[term], self.groupings[other])

    def encode(
        self,
        data: pd.DataFrame | Mapping[str, Any],
        *,
        with_groups: bool = True,
        with_effects: bool = True,
        missing_labels: bool = False,
        missing: str = "error",
        first: int = 0,
        library: Library | None = None,
        of_missing: str = "",
        of_labels: str = "",
    ) -> NewRows:
        """Encode new data as those of the fit.

        Parameters
        ----------
        data : pandas.DataFrame or mapping of arrays
            Needs the predictors and the grouping column; the response is not looked at. Standard errors, weights,
            offsets and numbers of trials are taken where they are there.
        with_groups : bool
            Whether the grouping column is looked at.
        with_effects : bool
            Whether what the effects of groups multiply is looked at; if not, the columns are the population's alone.
        missing_labels : bool
            Whether labels of groups may be missing, such a row being of an unknown group of its own.
        missing : {"error", "nan"}
            Whether other missing values are an error, or their rows only marked.
        first : int
            Position of the first row, where these are a block of more.
        library : Library, optional
            What holds the user's data, for messages, where that is not what holds these rows.
        of_missing : str
            What else messages are to say of missing values, after a blank.
        of_labels : str
            What else they are to say of a column of groups that is not there, as `refuse_absent` takes it.

        Returns
        -------
        NewRows

        Raises
        ------
        DataError
            If a column is missing, has missing values, another kind than in the fit, or an unknown category.
        """
        library = library_of(data).as_argument("new") if library is None else library
        used = self.formula.predictor_columns if with_effects else self.formula.population_columns
        wanted = self.needed(with_groups=with_groups, with_effects=with_effects)
        known = column_names(data)
        refuse_absent(wanted, known, self.formula, "the new data", of_labels=of_labels)
        beside = self.columns_beside(known or ())
        frame = as_frame(data, list(dict.fromkeys([*wanted, *beside])))
        require_columns(frame, wanted)
        looked_at = [*(used if missing_labels else wanted), *beside]
        gaps = None
        if checked_missing(missing, "nan"):
            frame, gaps = without_gaps(frame[list(dict.fromkeys([*wanted, *beside]))], looked_at)
            if gaps is not None and gaps.all():
                return self._unknown_rows(frame.index, gaps, with_groups=with_groups)
        labels = {*wanted} - {*used}
        refuse_missing(frame, looked_at, library, further=of_missing, labels=labels, of_labels=_WITHOUT_LABEL)
        clean = clean_columns(frame, used, calculated=self.formula.calculated, like=self.kinds, library=library)
        columns = column_matrix(self.columns if with_effects else self.columns.population, clean, self.formula)
        labelled = self.groupings if with_groups else ()
        groups = tuple(new_groups(frame, grouping, library, first) for grouping in labelled)
        noise = None if self.row_noise is None else noise_of(self.row_noise, frame, beside)
        offset = column_numbers(frame, self.offset_name) if self.offset_name in beside else None
        trials = self._trials(frame, beside)
        return NewRows(columns, len(self.predictors), groups, noise, frame.index, offset, trials, first, gaps)

    def _unknown_rows(self, index: pd.Index, gaps: np.ndarray, *, with_groups: bool) -> NewRows:
        """Give rows of which none is without missing values, with numbers in their place."""
        zeros, ones = np.zeros(len(index)), np.ones(len(index))
        nobody = NewGroups(np.zeros(len(index), dtype=int), pd.Index([]))
        return NewRows(
            columns=np.zeros((len(index), self.columns.n_columns)),
            n_predictors=len(self.predictors),
            groups=tuple(nobody for _ in self.groupings) if with_groups else (),
            row_noise=None if self.row_noise is None else self.row_noise.of(ones),
            index=index,
            offset=zeros if self.has_offset else None,
            trials=ones if self.family.takes_trials else None,
            missing=gaps,
        )

    def needed(self, *, with_groups: bool = True, with_effects: bool = True) -> list[str]:
        """List the columns that new data must have; the arguments are those of `encode`."""
        used = self.formula.predictor_columns if with_effects else self.formula.population_columns
        return list(dict.fromkeys([*used, *(self.formula.factor_columns if with_groups else ())]))

    def columns_beside(self, known: Sequence[Any]) -> list[str]:
        """List the columns that stand beside the formula, where the model has them and new data have them too."""
        noise = None if self.row_noise is None else self.row_noise.column
        names = (noise, self.offset_name, self.trials_name)
        return [name for name in names if name is not None and name in known]

    def _trials(self, frame: pd.DataFrame, columns: list[str]) -> np.ndarray | None:
        """Give the numbers of trials of new rows, where they are known."""
        if self.trials_constant is not None:
            return np.full(len(frame), float(self.trials_constant))
        if self.trials_name not in columns:
            return None
        trials = column_numbers(frame, self.trials_name)
        refuse_not_counts(trials, f"Column '{self.trials_name}'")
        return trials

    def encode_response(self, data: pd.DataFrame | Mapping[str, Any]) -> np.ndarray:
        """Give the response of new data as numbers, shape (N,).

        Raises
        ------
        DataError
            If a column is missing, has missing values or is of another kind than in the fit.
        """
        frame, library = as_frame(data, self.formula.columns), library_of(data)
        require_columns(frame, self.formula.columns)
        refuse_missing(frame, self.formula.columns, library)
        clean = clean_columns(
            frame, self.formula.columns, calculated=self.formula.calculated, like=self.kinds, library=library
        )
        if self.categories is not None:
            return events(clean[self.formula.response_column], self.categories, self.formula.response)
        # What a transformation of the response learned from the rows of the fit holds for new rows too.
        matrix = evaluate(self.response_spec, clean, self.formula)
        return refuse_infinite(matrix.to_numpy(dtype=float)[:, 0], self.formula.response)
