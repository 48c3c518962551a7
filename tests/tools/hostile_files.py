"""Files of fits that somebody has prepared to fill memory, or to take for ever: ways to change a good one."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ATTACKS: dict[str, Callable[[Path], None]] = {}
PIECE = 2_000_000
DIMENSION = b"This is a netCDF dimension but not a netCDF variable.         9"


def attack(function: Callable[[Path], None]) -> Callable[[Path], None]:
    ATTACKS[function.__name__.replace("_", " ")] = function
    return function


def changed(change: Callable[[h5py.File], Any]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return apply


def share(path: Path, where: str, shape: tuple[int, ...]) -> None:
    """Write an array of texts of which each is the same long piece."""
    with h5py.File(path, "r+") as file:
        if where in file:
            del file[where]
        texts = np.full(int(np.prod(shape)), "x", dtype=object)
        texts[0] = "y" * PIECE
        made = file.create_dataset(where, data=texts.reshape(shape), dtype=h5py.string_dtype())
        offset = made.id.get_offset()
    with path.open("r+b") as raw:
        raw.seek(offset)
        reference = raw.read(16)
        raw.seek(offset)
        raw.write(reference * len(texts))


def describe(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    with h5py.File(path, "r+") as file:
        description = json.loads(file.attrs["stanhier"])
        change(description)
        file.attrs["stanhier"] = json.dumps(description)


def column_attribute(path: Path, name: str, value: Any) -> None:
    """Change an attribute of a column that has one of that name."""
    with h5py.File(path, "r+") as file:
        next(one for one in file["stanhier_data"].values() if name in one.attrs).attrs[name] = value


for _place in ("more/texts", "stanhier_data/column_0", "stanhier_draws/more", "sample_stats/lp", "posterior/more"):
    ATTACKS[f"texts that share one piece in {_place}"] = lambda path, _place=_place: share(path, _place, (100_000,))
ATTACKS["a table of texts that share one piece"] = lambda path: share(path, "more/texts", (300, 300))

for _place in ("more/values", "posterior/draw", "stanhier_draws/sigma", "stanhier_data/column_0"):
    for _shape in ((10**10,), (2**31, 2**31), (2**40, 2**40)):
        for _chunks in (None, tuple(min(n, 1000) for n in _shape)):
            if _chunks is None and _shape == (2**31, 2**31):
                continue  # HDF5 does not make it

            def never_written(path: Path, where: str = _place, shape: Any = _shape, chunks: Any = _chunks) -> None:
                with h5py.File(path, "r+") as file:
                    if where in file:
                        del file[where]
                    space = h5py.h5s.create_simple(shape)
                    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                    if chunks is not None:
                        plan.set_chunk(chunks)
                    plan.set_fill_value(np.array(1.0))
                    group = file.require_group(where.partition("/")[0])
                    name = where.partition("/")[2].encode()
                    h5py.h5d.create(group.id, name, h5py.h5t.NATIVE_DOUBLE, space, plan)

            ATTACKS[f"{_place} of {_shape}, {'chunks' if _chunks else 'one piece'}, never written"] = never_written


@attack
def chunks_that_expand(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_dataset("more/values", data=np.zeros(50_000_000), compression="gzip", chunks=(5_000_000,))


@attack
def draws_that_expand(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        shape = (2, 10_000_000)
        del file["stanhier_draws/sigma"]
        file.create_dataset("stanhier_draws/sigma", data=np.ones(shape), compression="gzip", chunks=(1, 5_000_000))


@attack
def a_dimension_of_any_length(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for where in ("stanhier_data/much", "more/much"):
            made = file.create_dataset(where, (2**50,), ">f4", chunks=(1000,))
            made.make_scale(DIMENSION)
        values = file.create_dataset("more/few", data=np.ones(3))
        values.attrs["a"] = 1


@attack
def an_attribute_of_many_texts(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_dataset("more/values", data=np.zeros(200_000))
        file["more"].attrs["many"] = ["x"] * 3000


@attack
def an_attribute_of_lists(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file.require_group("more")
        lists = np.empty(30, dtype=object)
        lists[:] = [np.arange(100)] * 30
        group.attrs.create("many", lists, dtype=h5py.vlen_dtype("i8"))


@attack
def many_tiny_groups(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for k in range(21_000):
            file.create_group(f"g{k}")


@attack
def many_tiny_arrays(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for k in range(2000):
            file[f"more/v{k}"] = np.int8(1)


@attack
def many_columns(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for k in range(2000):
            file[f"stanhier_data/column_{k + 10}"] = np.zeros(80)


@attack
def values_of_another_type(path: Path) -> None:
    """What netCDF tools take for truth values, numbers on another scale and dates."""
    with h5py.File(path, "r+") as file:
        for name in ("sigma", "sigma_alpha", "location"):
            file[f"stanhier_draws/{name}"].attrs.update(
                {"dtype": "bool", "units": "days since 2000-01-01", "scale_factor": np.nan, "_FillValue": 1.0}
            )
        file["sample_stats/energy"].attrs["dtype"] = "bool"


@attack
def dates_of_any_year(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["more/values"] = np.full(200_000, 2**62)
        file["more/values"].attrs["units"] = "days since 0001-01-01"


@attack
def groups_within_groups(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file
        for _ in range(3000):
            group = group.create_group("g")


@attack
def a_group_within_itself(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["more/again"] = file.create_group("more") if "more" not in file else file["more"]
        file["stanhier_draws/again"] = file["/"]


def _typed(kind: Any, **values: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file.create_dataset("more/values", (10,), dtype=kind, **values)

    return change


ATTACKS["a compound type"] = _typed(np.dtype([("a", "f8"), ("b", "S9")]))
ATTACKS["names for numbers"] = _typed(h5py.enum_dtype({"A": 1, "B": 2}))
ATTACKS["references"] = _typed(h5py.ref_dtype)
ATTACKS["references to regions"] = _typed(h5py.regionref_dtype)
ATTACKS["lists"] = _typed(h5py.vlen_dtype("f8"))
ATTACKS["arrays within an array"] = _typed(np.dtype(("f8", (1000, 1000))))
ATTACKS["text of a fixed, great length"] = _typed("S1000000000")
ATTACKS["complex numbers"] = _typed("c16")

for _number in (
    "U1000000000",
    "S1000000000",
    "object",
    "M8[s]",
    "(1000000,1000000)f8",
    "f8," * 9,
    "c16",
    "f8" * 10_000,
):
    ATTACKS[f"a column of the type {_number[:20]}"] = lambda path, _number=_number: column_attribute(
        path, "number", _number
    )

LABELS = {
    "lists": "[" * 60_000,
    "objects": '{"a":' * 9000,
    "a type": json.dumps({"dtype": "U100000000", "values": ["a"] * 9}),
    "categories": json.dumps({"dtype": "category", "values": ["a"] * 9}),
    "missing values": json.dumps({"dtype": "object", "values": [None] * 9}),
    "NaN": json.dumps({"dtype": "float64", "values": [*range(8), float("nan")]}),
    "numbers of any size": '{"dtype": "int64", "values": [' + "9" * 4000 + "]}",
    "a device": json.dumps({"dtype": "M8[s]", "values": list(range(9)), "zone": "dateutil//dev/zero"}),
    "a path": json.dumps({"dtype": "M8[s]", "values": list(range(9)), "zone": "/dev/zero"}),
    "a path upwards": json.dumps({"dtype": "M8[s]", "values": list(range(9)), "zone": "../../../dev/zero"}),
    "intervals of intervals": json.dumps(
        {"dtype": "interval", "closed": "left", "left": {"dtype": "interval"}, "right": {"dtype": "interval"}}
    ),
    "three": "3",
    "text": '"x"',
    "nothing": "null",
}
for _name, _text in LABELS.items():
    ATTACKS[f"labels that are {_name}"] = lambda path, _text=_text: column_attribute(path, "labels", _text)


@attack
def one_long_label_among_many(path: Path) -> None:
    """As an array of text of one width, these would take 400 GB."""
    n = 50_000
    labels = ["x" * PIECE, *map(str, range(n - 1))]
    with h5py.File(path, "r+", libver="latest") as file:
        columns = file["stanhier_data"]
        for name, column in list(columns.items()):
            attributes = {k: v for k, v in column.attrs.items() if k in ("column", "number", "labels")}
            if not attributes:
                continue
            del columns[name]
            rows = np.arange(n) if "labels" in attributes else np.sin(np.arange(n) * (len(name) + 0.7))
            columns[name] = rows
            if "labels" in attributes:
                attributes["labels"] = json.dumps({"dtype": "object", "values": labels})
            columns[name].attrs.update(attributes)
    describe(path, lambda said: said.update(stages=[n]))


def prepared(name: str, good: Path, folder: Path) -> Path:
    """Give a file that an attack has been done to."""
    path = folder / f"{list(ATTACKS).index(name)}.nc"
    path.write_bytes(good.read_bytes())
    ATTACKS[name](path)
    assert os.path.getsize(path) < 60_000_000  # noqa: PTH202
    return path
