"""Parquet files, by path or pattern, read with PyArrow: measured, the fastest and leanest of the readers."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted
from stanhier.data.libraries import parquet
from stanhier.data.sources.source import ArrowSource, batch_rows, needed
from stanhier.data.wrong_data import no_parquet_files, wrong_path

__all__ = ["parquet_files", "parquet_source"]


def parquet_source(path: str | os.PathLike[str]) -> ArrowSource:
    """Open Parquet files.

    Parameters
    ----------
    path : path
        Of a file, of a folder of files, or a pattern such as "data/*.parquet".

    Returns
    -------
    ArrowSource

    Raises
    ------
    DataError
        If there is no such file, one is no Parquet file, or PyArrow is not installed.
    """
    text = os.fspath(path)
    wrong = wrong_path(text)
    if wrong is not None:
        raise wrong
    files = parquet_files(text)
    dataset = needed("pyarrow.dataset", "parquet", f"Reading {quoted(text)}")
    try:
        # The files' names are kept as they are: a column must not appear because of a folder's name.
        opened = dataset.dataset(files, format="parquet")
    except (OSError, ValueError, TypeError) as err:
        raise DataError(
            f"{quoted(text)} cannot be read as Parquet: {' '.join(str(err).split())} A file of another "
            "format is read into a data frame first, with pd.read_csv or the like."
        ) from err

    def read(parts: Iterable[Any], columns: list[str]) -> Iterator[Any]:
        # Little is read ahead, and no file as a whole, which PyArrow does unless told otherwise: memory stays small
        # whatever the size of the files, at a fifth of the processor's time.
        pieces = dataset.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        try:
            for part in parts:
                yield from part.to_batches(
                    columns=columns,
                    batch_size=batch_rows(columns),
                    batch_readahead=4,
                    fragment_readahead=1,
                    fragment_scan_options=pieces,
                )
        except (OSError, ValueError, TypeError) as err:
            raise DataError(
                f"{quoted(text)} cannot be read to its end: {' '.join(str(err).split())}. Are all files whole, and "
                "their columns of the same types?"
            ) from err

    def batches(columns: list[str]) -> Iterator[Any]:
        return read([opened], columns)

    def unhurried(columns: list[str]) -> Iterator[Any]:
        # Of a whole dataset up to 1 GB is read ahead while nobody takes it, whatever is said of that above.
        groups = (group for file in opened.get_fragments() for group in file.split_by_row_group())
        return read((dataset.FileSystemDataset([group], opened.schema, group.format) for group in groups), columns)

    pattern = f"{text.rstrip('/')}/**/*.parquet" if Path(text).is_dir() else text
    return ArrowSource(f"Parquet, {text}", opened.schema, batches, parquet(pattern), unhurried)


def parquet_files(text: str) -> list[str]:
    """List the files of a path or pattern.

    Raises
    ------
    DataError
        If there are none.
    """
    try:
        if Path(text).is_dir():
            found = sorted(str(file) for file in Path(text).rglob("*.parquet"))
        elif Path(text).is_file():
            found = [text]
        else:
            found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207  pathlib's has no absolute patterns
    except (OSError, ValueError):  # no path of any file: too long, or with signs that none has
        found = []
    if not found:
        raise no_parquet_files(text)
    return found
