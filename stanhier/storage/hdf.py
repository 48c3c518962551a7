"""HDF5 files, looked at before anything of them is read: numbers and text of their own, no more than fits into them.

Such a file can be made to stand for far more than its size: texts that share one piece, values that were never written,
compressed ones, values that are in other files. A file of a fit has none of these, so what is in it takes no more room
in memory than on the disk, and that is what is allowed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stanhier.storage.checksum import check
from stanhier.storage.heaps import check_heaps

if TYPE_CHECKING:
    import h5py

__all__ = [
    "MOST_ADDED",
    "Room",
    "array",
    "check_attributes",
    "check_group",
    "check_texts",
    "is_dimension",
    "opened",
    "text_attribute",
]

MOST_OBJECTS = 20_000
"""Groups, arrays and attributes of a file, together."""
MOST_ADDED = 1000
"""Arrays in groups that were added to a fit, each of which takes xarray some milliseconds."""
AT_ONCE = 32
"""Texts that are read together: if they share one piece, this is how often it is in memory before that is noticed."""
SMALL = 2**26
"""Bytes that may always be read at once."""

_DIMENSION = "This is a netCDF dimension but not a netCDF variable"


class Room:
    """What may still be read of a file.

    Parameters
    ----------
    size : int
        Bytes of the file.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._bytes = size
        self._objects = MOST_OBJECTS

    def take(self, n_bytes: int, what: str) -> None:
        """Count bytes.

        Raises
        ------
        ValueError
            If there cannot be as many.
        """
        self._bytes -= n_bytes
        if self._bytes < 0:
            raise ValueError(f"{what} is larger than the file can hold")

    def count(self, n_objects: int, what: str) -> None:
        """Count groups, arrays or attributes.

        Raises
        ------
        ValueError
            If there are too many.
        """
        self._objects -= n_objects
        if self._objects < 0:
            raise ValueError(f"{what} brings the file to more than {MOST_OBJECTS:,} parts")


@contextmanager
def opened(path: Path) -> Iterator["h5py.File"]:
    """Open a file to read it, after what HDF5 itself does not look at has been checked.

    Parameters
    ----------
    path : Path
        Of a regular file.

    Raises
    ------
    ValueError
        If it is damaged.
    OSError
        If it cannot be read, or is no HDF5 file.
    """
    import h5py

    check(path)
    check_heaps(path)
    with h5py.File(path, "r") as file:
        yield file


def check_group(group: "h5py.Group", room: Room, *, nested: bool) -> None:
    """Refuse a group with anything in it but arrays of numbers and text.

    Parameters
    ----------
    group : h5py.Group
    room : Room
        Of which its numbers take their share.
    nested : bool
        Whether it may have groups in it; these are not looked at.

    Raises
    ------
    ValueError
        If it refers to other places or files, or holds something else, or more than it can.
    """
    import h5py

    room.count(len(group), str(group.name))
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{group.name}/{name} is a link")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            _check_array(item, room)
        elif not isinstance(item, h5py.Group) or not nested:
            raise ValueError(f"{group.name}/{name} is no array")


def _check_array(dataset: "h5py.Dataset", room: Room) -> None:
    import h5py

    kind = dataset.dtype
    if kind.kind not in "iufbS" and h5py.check_string_dtype(kind) is None:
        raise ValueError(f"{dataset.name} holds {str(kind)[:80]} instead of numbers or text")
    if h5py.check_enum_dtype(kind) is not None:
        raise ValueError(f"{dataset.name} holds names for numbers")
    plan = dataset.id.get_create_plist()
    if plan.get_external_count() or plan.get_layout() == h5py.h5d.VIRTUAL:
        raise ValueError(f"{dataset.name} has its values in other files")
    if dataset.shape is None:
        raise ValueError(f"{dataset.name} is empty")
    if plan.get_nfilters():
        raise ValueError(f"{dataset.name} is compressed, as nothing in a file of a fit is")
    if not is_dimension(dataset):
        room.take(kind.itemsize * prod(dataset.shape), f"{dataset.name} of shape {dataset.shape}")


def is_dimension(dataset: "h5py.Dataset") -> bool:
    """Tell whether an array is only there to name a dimension: it has a length, and no values."""
    import h5py

    if not h5py.h5ds.is_scale(dataset.id) or "NAME" not in dataset.attrs:
        return False
    return text_attribute(dataset, "NAME").startswith(_DIMENSION)


def text_attribute(item: Any, name: str) -> str:
    """Read an attribute that is one text.

    Raises
    ------
    KeyError
        If it is not there.
    ValueError
        If it is something else.
    """
    import h5py

    if name not in item.attrs:
        raise KeyError(name)
    attribute = item.attrs.get_id(name)
    if attribute.shape != () or h5py.check_string_dtype(attribute.dtype) is None:
        raise ValueError(f"the attribute {name} of {item.name} is no text")
    value = item.attrs[name]
    return value.decode() if isinstance(value, bytes) else str(value)


def array(group: "h5py.Group", name: str) -> np.ndarray:
    """Read an array of numbers that has been checked.

    Raises
    ------
    ValueError
        If it is text.
    """
    dataset = group[name]
    if dataset.dtype.kind not in "iufb":
        raise ValueError(f"{dataset.name} holds text instead of numbers")
    values = np.asarray(dataset[()])
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def check_attributes(item: Any, room: Room) -> None:
    """Refuse attributes of a group or an array that are more than the file can hold.

    Raises
    ------
    ValueError
    """
    import h5py

    room.count(len(item.attrs), f"{item.name} with its attributes")
    for name in item.attrs:
        attribute = item.attrs.get_id(name)
        what = f"the attribute {str(name)[:80]} of {item.name}"
        kind, shape = attribute.dtype, attribute.shape
        size = 0 if shape is None else prod(shape)
        if h5py.check_string_dtype(kind) is not None and kind.kind == "O":
            if size > max(AT_ONCE, SMALL // room.size):
                raise ValueError(f"{what} has {size:,} texts")
            room.take(_length(item.attrs[name]), what)
        elif h5py.check_vlen_dtype(kind) is not None:
            if name != "DIMENSION_LIST" or shape != (getattr(item, "ndim", None),):
                raise ValueError(f"{what} holds lists")
        else:
            room.take(kind.itemsize * size, what)


def check_texts(dataset: "h5py.Dataset", room: Room) -> None:
    """Refuse an array of texts that are longer together than the file: they would be one piece, again and again.

    Raises
    ------
    ValueError
    """
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is None or dataset.dtype.kind != "O":
        return
    for where in _blocks(dataset.shape, AT_ONCE):
        room.take(_length(dataset[where]), str(dataset.name))


def _blocks(shape: tuple[int, ...], length: int) -> Iterator[tuple[Any, ...]]:
    """Give the places of an array, a few at a time."""
    if not shape:
        yield ()
        return
    for leading in np.ndindex(shape[:-1]):
        for start in range(0, shape[-1], length):
            yield (*leading, slice(start, start + length))


def _length(texts: Any) -> int:
    if isinstance(texts, str | bytes):
        return len(texts)
    return sum(len(text) for text in np.ravel(texts) if isinstance(text, str | bytes))
