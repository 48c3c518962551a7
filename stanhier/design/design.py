"""What a model knows of its data, wherever the rows are: names, groups, and the same encoding for new data."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError
from stanhier.data.frames import (
    as_frame,
    clean_columns,
    clean_group,
    column_names,
    require_columns,
)
from stanhier.data.kinds import kind_of_labels, refuse_infinite
from stanhier.data.libraries import library_of
from stanhier.data.missing import refuse_missing
from stanhier.data.standard_errors import positive_numbers
from stanhier.design.absent import refuse_nul
from stanhier.design.blocks import Reducer
from stanhier.design.encoding import evaluate, predictor_matrix
from stanhier.formula.parse import ParsedFormula

__all__ = ["Design", "Grouping", "NewRows"]


@dataclass(frozen=True)
class Grouping:
    """The grouping factor: labels become codes once, and stay as coordinates.

    Attributes
    ----------
    name : str
        The grouping column.
    levels : pandas.Index, length J
        Labels, sorted (a categorical keeps its own order); only those that occur.
    """

    name: str
    levels: pd.Index

    def __post_init__(self) -> None:
        refuse_nul(self.levels, self.name)


@dataclass(frozen=True)
class NewRows:
    """New data, encoded as the data of the fit were.

    Attributes
    ----------
    X : numpy.ndarray, shape (N, K)
        Predictors, no intercept column.
    codes : numpy.ndarray of int, shape (N,), or None
        Positions of the groups; J and beyond are new groups, in the order of `new_levels`.
    new_levels : pandas.Index
        Groups that the fit has not seen.
    se : numpy.ndarray, shape (N,), or None
        Standard errors, where the model has them and the new data name them.
    index : pandas.Index
        Row labels of the new data.
    """

    X: np.ndarray
    codes: np.ndarray | None
    new_levels: pd.Index
    se: np.ndarray | None
    index: pd.Index


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a model knows of its data.

    Attributes
    ----------
    formula : ParsedFormula
    predictors : tuple of str, length K
        Names of the columns of X.
    group : Grouping or None
    se_name : str or None
        The column of known standard errors, if there is one.
    spec : formulaic.ModelSpec
        What formulaic has learnt from the data, so that new data are encoded alike.
    """

    formula: ParsedFormula
    predictors: tuple[str, ...]
    group: Grouping | None
    se_name: str | None
    spec: ModelSpec

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

    def encode(self, data: pd.DataFrame | Mapping[str, Any], *, with_groups: bool = True) -> NewRows:
        """Encode new data as those of the fit.

        Parameters
        ----------
        data : pandas.DataFrame or mapping of arrays
            Needs the predictors and the grouping column; the response is not looked at.
        with_groups : bool
            Whether the grouping column is looked at.

        Returns
        -------
        NewRows

        Raises
        ------
        DataError
            If a column is missing, has missing values, another kind than in the fit, or an unknown category.
        """
        library = library_of(data)
        group = [self.group.name] if self.group is not None and with_groups else []
        wanted = list(dict.fromkeys([*self.formula.predictor_columns, *group]))
        errors = list(self._error_columns(data))
        frame = as_frame(data, list(dict.fromkeys([*wanted, *errors])))
        require_columns(frame, wanted)
        refuse_missing(frame, [*wanted, *errors], library)
        clean = clean_columns(
            frame,
            self.formula.predictor_columns,
            calculated=self.formula.calculated,
            like=self.kinds,
            library=library,
        )
        X = predictor_matrix(self.spec, clean, self.formula)
        codes, new_levels = None, pd.Index([])
        if self.group is not None and with_groups:
            labels = clean_group(frame, self.group.name, library)
            _refuse_other_kind(labels, self.group)
            codes = np.asarray(self.group.levels.get_indexer(pd.Index(labels)))
            unseen = codes < 0
            if unseen.any():
                new_codes, new_levels = pd.factorize(labels[unseen], sort=True)
                codes[unseen] = len(self.group.levels) + new_codes
        se = None
        if self.se_name is not None and self.se_name in frame.columns:
            se = positive_numbers(frame, self.se_name)
        return NewRows(X, codes, new_levels, se, frame.index)

    def _error_columns(self, data: Any) -> tuple[str, ...]:
        """Give the column of standard errors, where the model has one and new data have it too."""
        return (self.se_name,) if self.se_name is not None and self.se_name in (column_names(data) or ()) else ()

    def encode_response(self, data: pd.DataFrame | Mapping[str, Any]) -> np.ndarray:
        """Give the response of new data as the model would see it, shape (N,).

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
        # What a transformation of the response learned from the rows of the fit holds for new rows too.
        matrix = evaluate(self.response_spec, clean, self.formula)
        return refuse_infinite(matrix.to_numpy(dtype=float)[:, 0], self.formula.response)


def _refuse_other_kind(labels: pd.Series, group: Grouping) -> None:
    here, before = kind_of_labels(pd.Index(labels)), kind_of_labels(group.levels)
    if len(labels) and here != before:
        raise DataError(
            f"Column '{group.name}' holds {here} here (such as {labels.iloc[0]!s:.40}), but held {before} (such as "
            f"{group.levels[0]!s:.40}) when the model was made, so that no group would be known; convert it."
        )
