"""What to say where `data` is something else than rows with named columns."""

import glob
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted

__all__ = ["called", "is_of_xarray", "no_parquet_files", "refuse_other", "wrong_path"]

_READERS = {
    ".csv": "pd.read_csv({path})",
    ".tsv": "pd.read_csv({path}, sep='\\t')",
    ".tab": "pd.read_csv({path}, sep='\\t')",
    ".txt": "pd.read_csv({path}, sep=...)",
    ".dat": "pd.read_csv({path}, sep=...)",
    ".data": "pd.read_csv({path}, sep=...)",
    ".xls": "pd.read_excel({path})",
    ".xlsx": "pd.read_excel({path})",
    ".ods": "pd.read_excel({path})",
    ".json": "pd.read_json({path})",
    ".jsonl": "pd.read_json({path}, lines=True)",
    ".ndjson": "pd.read_json({path}, lines=True)",
    ".feather": "pd.read_feather({path})",
    ".arrow": "pd.read_feather({path})",
    ".ipc": "pd.read_feather({path})",
    ".orc": "pd.read_orc({path})",
    ".dta": "pd.read_stata({path})",
    ".sav": "pd.read_spss({path})",
    ".sas7bdat": "pd.read_sas({path})",
    ".xpt": "pd.read_sas({path})",
    ".h5": "pd.read_hdf({path})",
    ".hdf5": "pd.read_hdf({path})",
    ".pkl": "pd.read_pickle({path})",
    ".pickle": "pd.read_pickle({path})",
    ".html": "pd.read_html({path})[0]",
    ".xml": "pd.read_xml({path})",
    ".rds": "pyreadr.read_r({path})[None]",
    ".rdata": "pyreadr.read_r({path})['name']",
    ".duckdb": "duckdb.connect({path}).sql('SELECT * FROM ...')",
    ".db": "duckdb.sql(\"SELECT * FROM sqlite_scan({path}, '...')\")",
    ".sqlite": "duckdb.sql(\"SELECT * FROM sqlite_scan({path}, '...')\")",
    ".nc": "xr.open_dataset({path}).to_dataframe().reset_index()",
}
"""What reads a file of another format, by the end of its name in small letters."""
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_WANTED = "`data` must be a data frame or a dict of arrays"


def wrong_path(text: str) -> DataError | None:
    """Give the error where text is no path of Parquet files, as far as its look tells.

    Parameters
    ----------
    text : str

    Returns
    -------
    DataError or None
        None if it may be a path or pattern of Parquet files.
    """
    if not text.strip():
        return DataError(f"{_WANTED}, or a path of Parquet files, not an empty text.")
    if "\n" in text or "\0" in text:
        how = "; text in the format CSV is read with pd.read_csv(io.StringIO(...))" if "\n" in text else ""
        return DataError(f"`data` is a text of several lines, or with unprintable characters, and no path{how}.")
    if len(text) > 4096 or any(len(part.encode(errors="replace")) > 255 for part in Path(text).parts):
        return DataError(f"{_WANTED}, not a text of {len(text):,} characters ({text!r:.40}...), too long for a path.")
    if "~" in text and not text.startswith("~") and not _exists(text):
        return DataError(f"`data` is {quoted(text)}, a formula: the formula comes first, then `data`.")
    end = _ending(text)
    if end in _READERS:
        there, how = "", _READERS[end].format(path=repr(text))
        if glob.has_magic(text):
            how = f"pd.concat([{_READERS[end].format(path='file')} for file in glob.glob({text!r})])"
        elif not _exists(text):
            there = ", and there is no such file"
        return DataError(
            f"`data` is {quoted(text)}{there}; paths are taken of Parquet files alone. Read it into a data frame: "
            f"data={how}."
        )
    if "://" in text:
        return DataError(
            f"`data` is {quoted(text)}, an address; paths are taken of files on this machine alone. Read it into a "
            f"data frame, data=pd.read_parquet({text!r})."
        )
    return None


def no_parquet_files(text: str) -> DataError:
    """Give the error where a path leads to no Parquet files."""
    if _exists(text) and Path(text).is_dir():
        ends = sorted({_ending(file.name) for file in Path(text).iterdir() if file.is_file()} & set(_READERS))
        reader = ""
        if ends:
            one = _READERS[ends[0]].format(path="file")
            reader = f"; it has files that end in '{ends[0]}', of which {one} reads one"
        return DataError(f"`data` is {quoted(text)}, a folder in which no file ends in '.parquet'{reader}.")
    home = " (write the home folder out instead of ~)" if text.startswith("~") else ""
    return DataError(f"`data` is {quoted(text)}, and there is no such Parquet file, folder or pattern of files{home}.")


def is_of_xarray(data: Any) -> bool:
    """Tell an object of xarray's, some of which are mappings, without importing xarray."""
    return type(data).__module__.split(".")[0] == "xarray"


def refuse_other(data: Any) -> NoReturn:
    """Refuse what is no rows with named columns, and say what makes a data frame of it.

    Raises
    ------
    DataError
    """
    remedy = _remedy(data)
    raise DataError(f"{_WANTED}, not {_named(data)}{': ' if remedy else ''}{remedy}.")


def _remedy(data: Any) -> str:
    kind, module = type(data).__name__, type(data).__module__.split(".")[0]
    if data is None:
        return "methods with inplace=True give None back, so call them first, and give the frame itself"
    if isinstance(data, pd.Series) or (kind == "Series" and hasattr(data, "to_frame")):
        return "give the frame with all columns of the formula, or data.to_frame() if it is the only one"
    if "GroupBy" in kind or "Resampler" in kind:
        return "give the frame itself; groups stand in the formula, as (1 | name)"
    if is_of_xarray(data) and kind in ("Dataset", "DataArray"):
        return f"data.to_{'dataframe' if kind == 'Dataset' else 'series'}().reset_index()"
    if is_of_xarray(data):
        return "a group of it as data['name'].to_dataset().to_dataframe().reset_index()"
    if isinstance(data, np.ndarray) and data.dtype.names is None:
        return "an array has no names of columns; give them with pd.DataFrame(data, columns=[...])"
    if isinstance(data, np.ndarray | list | tuple):
        return "make one with pd.DataFrame(data)"
    if isinstance(data, str | Path):
        end = _ending(str(data))
        reader = _READERS.get(end, "pd.read_parquet({path})").format(path=repr(str(data)))
        return f"read it into one with {reader}"
    if isinstance(data, bytes):
        return "text in the format CSV is read with pd.read_csv(io.BytesIO(data))"
    if isinstance(data, type):
        return "make an object of it"
    if kind == "DuckDBPyConnection":
        return "a connection is no rows; give data.sql('SELECT * FROM ...')"
    readers = ("toPandas", "df", "collect", "read_all", "to_table", "compute", "to_pandas")
    for name in readers if module not in ("builtins", "stanhier") else ():
        if callable(getattr(data, name, None)):
            return f"data.{name}() reads it into one"
    return "make one with pd.DataFrame(list(data))" if isinstance(data, set | Iterator) else ""


def _named(data: Any) -> str:
    if data is None:
        return "None"
    if isinstance(data, type):
        return f"the class {data.__name__}"
    kind, module = type(data).__name__, type(data).__module__.split(".")[0]
    inside = f" of {type(data[0]).__name__}" if isinstance(data, list | tuple) and data else ""
    of = "" if module == "builtins" else f" of {module.lstrip('_')}"
    return f"{kind}{inside}{of}"


def _ending(text: str) -> str:
    path = Path(text.lower())
    return Path(path.stem).suffix if path.suffix in _PACKED else path.suffix


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except OSError:  # a name that no file can have
        return False


@contextmanager
def called(name: str) -> Iterator[None]:
    """Have messages about rows call them by the name of the argument: where models are made it is `data`."""
    try:
        yield
    except DataError as err:
        err.args = (re.sub(r"\bdata=(?=pd\.|duckdb\.)", f"{name}=", str(err).replace("`data`", f"`{name}`")),)
        raise
