"""Predictions of any number of rows as they come: into one frame, or straight into a Parquet file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.files import check_place, make_for_user
from stanhier.basics.paths import checked_path
from stanhier.basics.progress import counted
from stanhier.basics.words import quoted
from stanhier.data.sources import needed
from stanhier.data.sources.parquet import parquet_files
from stanhier.posterior.row_summaries import COLUMNS
from stanhier.stan.nuts import somebody_is_looking

__all__ = ["checked_target", "together", "written"]

_FAILED = "The predictions cannot be written to"
_OTHERS = {".csv", ".tsv", ".txt", ".json", ".xlsx", ".xls", ".feather", ".arrow", ".nc", ".gz", ".zip", ".db"}


def checked_target(to: Any, new: Any) -> Path:
    """Give the path of the file that predictions are written to, before any work is done.

    Parameters
    ----------
    to : path
    new : object
        The new data.

    Raises
    ------
    StanhierError
        If it is no path or that of another format, something else than a file is there, or the rows are read from it.
    DataError
        If PyArrow is not installed.
    """
    target = checked_path(to, "predict(to=) needs the path of a Parquet file")
    if target.suffix.lower() in _OTHERS:
        raise StanhierError(
            f"predict(to={quoted(str(to))}) writes Parquet; give a path that ends in .parquet, or write the frame that "
            f"predict() gives without to=."
        )
    check_place(target, failed=_FAILED)
    if isinstance(new, str | os.PathLike) and target.exists():
        for file in parquet_files(os.fspath(new)):
            if target.samefile(file):
                raise StanhierError(
                    f"predict(to={quoted(str(to))}) would write over rows that it reads; give another path."
                )
    needed("pyarrow.parquet", "parquet", "predict(to=)")
    return target


def together(blocks: Iterator[pd.DataFrame]) -> pd.DataFrame:
    """Give the predictions of all blocks in one frame, by the positions of the rows."""
    frames = list(counted(blocks, len, "row", shown=somebody_is_looking()))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS), dtype=float)


def written(blocks: Iterator[pd.DataFrame], target: Path) -> Path:
    """Write the predictions of blocks as they come, with the position of each row as the first column.

    Raises
    ------
    StanhierError
        If the file cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([("row", pa.int64()), *((name, pa.float64()) for name in COLUMNS)])

    def write(file: IO[bytes]) -> None:
        first = 0
        with parquet.ParquetWriter(file, schema) as writer:
            for frame in counted(blocks, len, "row", shown=somebody_is_looking()):
                columns = {"row": np.arange(first, first + len(frame)), **{name: frame[name] for name in COLUMNS}}
                writer.write_table(pa.table(columns, schema=schema))
                first += len(frame)

    make_for_user(target, write, failed=_FAILED)
    return target
