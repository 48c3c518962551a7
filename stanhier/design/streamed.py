"""The design of a model whose rows are not in memory."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError
from stanhier.data.sources import Source, open_source
from stanhier.data.sources.source import require_source_columns
from stanhier.design.block_encoding import Compress, Encoding, encoding_of
from stanhier.design.encoding import predictor_names
from stanhier.design.in_memory import Design, Grouping, build_design
from stanhier.design.learning import learn
from stanhier.engines.gaussian.compression import Compressed, compressed_from
from stanhier.formula.parse import ParsedFormula

__all__ = ["StreamedDesign", "StreamedGrouping", "design_from", "design_of", "streamed_design"]


class _NotInMemory:
    """Stands where a design in memory has its rows."""

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        raise DataError(
            "This step needs the rows of the model one by one, and they are not in memory: they were compressed as "
            "they came. predict(new_data) takes the rows of any data frame; for this step, read as many rows as fit "
            "into memory into a data frame, and make the model of them."
        )


_ABSENT: Any = _NotInMemory()


@dataclass(frozen=True)
class StreamedGrouping(Grouping):
    """The grouping factor without the codes of the rows."""

    codes: np.ndarray = field(init=False, repr=False, compare=False, default=_ABSENT)


@dataclass(frozen=True, kw_only=True)
class StreamedDesign(Design):
    """What a model knows of data whose rows are not in memory.

    Attributes
    ----------
    encoding : Encoding
    compressed : Compressed
    """

    frame: pd.DataFrame = field(init=False, repr=False, compare=False, default=_ABSENT)
    y: np.ndarray = field(init=False, repr=False, compare=False, default=_ABSENT)
    se: np.ndarray | None = field(init=False, repr=False, compare=False, default=_ABSENT)
    encoding: Encoding
    compressed: Compressed

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return self.compressed.n_rows

    @property
    def in_memory(self) -> bool:
        """Whether the rows themselves are here."""
        return False

    @property
    def has_errors(self) -> bool:
        """Whether the standard error of each observation is known."""
        return self.se_name is not None

    @property
    def kinds(self) -> pd.DataFrame:
        """The columns of the model: a few rows with the kinds and levels of all."""
        return self.encoding.learnt.kinds

    @property
    def response_spec(self) -> ModelSpec:
        """What formulaic has learnt for the response."""
        return self.encoding.response_spec

    def compress(self) -> Compressed:
        """Give the sufficient statistics of the rows, made when these were gone over."""
        return self.compressed


def design_of(formula: ParsedFormula, data: Any, *, se: str | Any | None = None) -> Design:
    """Build the design of a model from data in memory, or from any source of rows.

    Parameters
    ----------
    formula : ParsedFormula
    data : object
        A data frame or mapping of arrays in memory; Parquet files or a lazy frame, as `open_source` takes them; or a
        streamed design that was made before.
    se : str or array of shape (N,), optional
        Known standard errors.

    Returns
    -------
    Design

    Raises
    ------
    DataError, FormulaError
        As `build_design` and `streamed_design`.
    """
    if isinstance(data, StreamedDesign):
        return data
    source = open_source(data)
    if source is None:
        return build_design(formula, data, se=se)
    return streamed_design(formula, source, se=se)


def streamed_design(formula: ParsedFormula, source: Source, *, se: str | Any | None = None) -> StreamedDesign:
    """Build the design of a model from rows that are never all in memory.

    The rows are gone over once; where the formula has categories or `center`, `scale` and the like, those columns are
    gone over once before.

    Parameters
    ----------
    formula : ParsedFormula
    source : Source
    se : str, optional
        The column of known standard errors.

    Returns
    -------
    StreamedDesign

    Raises
    ------
    DataError
        If there are no rows; if a column is missing, of a kind that cannot be used, or has missing or infinite values;
        if `se` is no column.
    FormulaError
        If the formula needs the rows all at once, or cannot be evaluated.
    """
    if se is not None and not isinstance(se, str):
        raise DataError("`se` must be the name of a column where the rows of `data` are not in memory.")
    wanted = dict.fromkeys([*formula.columns, *(name for name in (formula.group, se) if name is not None)])
    require_source_columns(source, wanted)
    encoding = encoding_of(formula, learn(formula, source))
    piece, tally = source.reduce(tuple(wanted), Compress(encoding, se))
    tally.refuse()
    assert piece is not None
    levels = None
    if formula.group is not None:
        order = np.argsort(piece.labels.to_numpy(), kind="stable")
        levels = pd.Index(piece.labels[order].tolist()) if piece.labels.dtype == object else piece.labels[order]
        piece = replace(piece, labels=levels, weights=piece.weights[order], means=piece.means[order])
    return design_from(encoding, compressed_from(piece), levels, se)


def design_from(encoding: Encoding, compressed: Compressed, levels: pd.Index | None, se: str | None) -> StreamedDesign:
    """Put a streamed design together: from rows just compressed, or from a saved fit.

    Parameters
    ----------
    encoding : Encoding
    compressed : Compressed
    levels : pandas.Index or None
        Labels of the groups.
    se : str or None

    Returns
    -------
    StreamedDesign
    """
    formula = encoding.formula
    group = None
    if formula.group is not None:
        assert levels is not None
        group = StreamedGrouping(formula.group, levels)
    return StreamedDesign(
        formula=formula,
        predictors=predictor_names(encoding.spec),
        group=group,
        se_name=se,
        spec=encoding.spec,
        encoding=encoding,
        compressed=compressed,
    )
