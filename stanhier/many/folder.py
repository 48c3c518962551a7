"""A folder of saved fits by the names of their models: what was fitted already is found again."""

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.files import PART, write_whole
from stanhier.basics.locks import file_lock
from stanhier.basics.paths import checked_path
from stanhier.basics.words import shortened
from stanhier.fit import Fit
from stanhier.loading import load
from stanhier.model import Model
from stanhier.storage.hdf import opened, text_attribute
from stanhier.storage.netcdf import contents_of

__all__ = ["FitFolder", "file_of", "identity_of"]

_log = logging.getLogger(__name__)

NOTE = "stanhier_many"
"""Attribute of a file that tells which model and keywords it is a fit of, and sums it up."""
SHOWN = 60
"""Characters of a file's name that are the model's name, as far as these are letters and digits."""
_OWN_PART = re.compile(rf"\.[A-Za-z0-9_]*-[0-9a-f]{{16}}\.nc\.[0-9a-f]+{re.escape(PART)}")


class FitFolder:
    """Fits as netCDF files, written whole or not at all.

    Parameters
    ----------
    path : path
        Made if it is not there.

    Raises
    ------
    StanhierError
        If it cannot be made or written.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        given = checked_path(path, "fit_many(folder=...) needs the path of a folder")
        try:
            self.path = given.expanduser().absolute()
        except RuntimeError as err:  # the home of a user that there is not
            raise StanhierError(f"The folder {shortened(str(given))} cannot be used: {err}") from err
        with self._clear_errors():
            self.path.mkdir(parents=True, exist_ok=True)

    def file(self, name: str) -> Path:
        """Name the file of a fit: readable, harmless whatever the model's name, and different for each."""
        readable = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:SHOWN]
        return self.path / f"{readable}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}.nc"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from fitting into the folder, and remove what a killed one has left half-written.

        Raises
        ------
        StanhierError
            If another process does so now.
        """
        from filelock import Timeout

        with self._clear_errors():
            lock = file_lock(self.path / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout as err:
                raise StanhierError(
                    f"Another fit_many() is fitting into {self.path}; wait for it, or give another folder."
                ) from err
        try:
            for left in self.path.glob(f".*{PART}"):
                if _OWN_PART.fullmatch(left.name):  # a fit that somebody saves here now is none of ours
                    left.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def note(self, name: str, identity: str) -> dict[str, Any] | None:
        """Give what is known of a fit that is there, if it is of this model with these keywords."""
        path = self.file(name)
        with self._clear_errors():
            if not path.is_file():
                return None
        try:
            with opened(path) as file:
                note: dict[str, Any] = json.loads(text_attribute(file, NOTE))
            same = bool(note["identity"] == identity)
        except (OSError, KeyError, TypeError, ValueError) as err:
            _log.warning("%s is damaged (%s): fitting %r anew.", path, err, name)
            return None
        if not same:
            _log.info("%s is of another model, other data or other keywords: fitting %r anew.", path, name)
        return note if same else None

    def write(self, name: str, contents: bytes) -> None:
        """Put a file in its place, by renaming it."""
        path = self.file(name)
        with self._clear_errors():
            write_whole(path, contents)

    def load(self, name: str, context: Mapping[str, Any]) -> Fit[Model]:
        """Load a fit; `context` as for `stanhier.load`."""
        return load(self.file(name), context=context)

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise StanhierError(
                f"The folder {shortened(str(self.path))} cannot be used: {err.strerror or err}. What is in it is kept; "
                "see to the folder and its disk, or give another one, and call fit_many() again."
            ) from err


def file_of(fit: Fit[Model], note: Mapping[str, Any]) -> bytes:
    """Give the contents of the file of a fit.

    Parameters
    ----------
    fit : Fit
    note : mapping
        With the key `identity`.
    """
    return b"".join(contents_of(fit, {NOTE: json.dumps(note)}))


def identity_of(model: Model, keywords: Mapping[str, Any]) -> str:
    """Tell models and keywords apart: formula, rows, priors and whatever else changes the posterior or its draws."""
    said = (type(model).__name__, model.formula, model.sigma, model.stages, sorted(model.priors.items()))
    digest = hashlib.sha256(repr((said, sorted(keywords.items()))).encode())
    if not model.family.is_gaussian:
        digest.update(repr((model.family, model.design.categories)).encode())
    rows = model.in_memory
    if rows is not None:
        for name, column in rows.frame.items():
            digest.update(f"{name}:{column.dtype}".encode())
            digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
        digest.update(np.ascontiguousarray(rows.y).tobytes())
        noise = None if rows.row_noise is None else rows.row_noise.values
        for beside in (noise, rows.offset, rows.trials):
            digest.update(b"" if beside is None else np.ascontiguousarray(beside).tobytes())
    # What functions of the user's own make of the columns; rounded, since machines differ in the last digits.
    for statistics in model.engine.fingerprint():
        digest.update(" ".join(f"{value:.8e}" for value in statistics).encode())
    return digest.hexdigest()
