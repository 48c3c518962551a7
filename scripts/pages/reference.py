"""The reference: what is public, found in the package itself, and a page for it.

Public are the names in `stanhier.__all__`, the classes that public functions give back, what of these classes has no
underscore, but for the few names that the package keeps for itself, and the functions of `stanhier.datasets`.
"""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_origin

import numpy as np
import pandas as pd

import stanhier as sh
from stanhier.priors.distributions import Prior

__all__ = ["INTERNAL", "members", "public_objects", "results", "write_reference"]

INTERNAL = {
    "Regression": "around_zero in_logarithms in_memory on_rows parameters rows with_engine",
    "Model": "made_before",
    "Fitted": "add_groups again draws warn_if_unreliable",
    "Prior": "in_digits",
    "LKJ": "marginal_shape",
    "Family": "beside_sigma check cumulative draw has_sigma is_gaussian log_density mean slopes",
}
"""Names without an underscore that are for the package itself, by the class that has them first."""

BASES = (BaseException, pd.DataFrame, np.ndarray)
"""What these have is documented elsewhere."""

SPECIAL = ("LinearRegression", "VaryingIntercept")
"""Models whose methods are those of `Model`."""
PRIOR = f"{Prior.__module__}.{Prior.__qualname__}"
GROUPS = {
    "Models": ("LinearRegression", "Model", "VaryingIntercept"),
    "Fits": ("Fit", "load"),
    "Several fits": ("compare", "fit_many", "plot_compare", "pooling", "sbc"),
}
TOGETHER = {
    "priors": "Priors",
    "families": "Families of responses",
    "errors": "Errors and warnings",
}
"""Pages of several short entries, and their titles."""


def members(cls: type) -> dict[str, Any]:
    """Give the public methods and properties of a class by name, its bases' too, sorted."""
    found = {}
    for name in sorted(dir(cls)):
        owner = next((base for base in cls.__mro__ if name in vars(base)), None)
        if name.startswith("_") or owner is None or not owner.__module__.startswith("stanhier"):
            continue
        member = inspect.getattr_static(cls, name)
        is_code = callable(member) or hasattr(member, "__get__")
        if is_code and not any(
            name in INTERNAL.get(base.__name__, "").split() for base in cls.__mro__
        ):
            found[name] = member
    return found


def results() -> dict[str, type]:
    """Give the classes that public functions and methods give back and that are no public names themselves."""
    found: dict[str, type] = {}
    waiting = [getattr(sh, name) for name in sh.__all__]
    while waiting:
        for function in _functions(waiting.pop()):
            given = inspect.signature(function).return_annotation
            cls = get_origin(given) or given
            if (
                not inspect.isclass(cls)
                or not cls.__module__.startswith("stanhier")
                or issubclass(cls, BASES)
            ):
                continue
            if cls.__name__ not in {*found, *sh.__all__, *INTERNAL}:
                found[cls.__name__] = cls
                waiting.append(cls)
    return dict(sorted(found.items()))


def _functions(thing: Any) -> Iterator[Callable[..., Any]]:
    if not inspect.isclass(thing):
        yield thing
        return
    for member in members(thing).values():
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        yield getattr(function, "__func__", function)


def public_objects() -> dict[str, str]:
    """Give what must be documented, as `stanhier.Fit.loo`, and the page that has it."""
    found = {}
    for name, thing in {
        **{name: getattr(sh, name) for name in sh.__all__},
        **results(),
    }.items():
        page = page_of(name, thing)
        found[full_name(name, thing)] = page
        if inspect.isclass(thing) and page not in TOGETHER and name not in SPECIAL:
            found |= {f"{full_name(name, thing)}.{member}": page for member in members(thing)}
    found |= {f"{PRIOR}.{member}": "priors" for member in members(Prior)}
    return found | dict.fromkeys(tables(), "datasets")


def tables() -> dict[str, Any]:
    """Give the functions of `stanhier.datasets` by their full names."""
    return {
        f"stanhier.datasets.{name}": getattr(sh.datasets, name) for name in sh.datasets.__all__
    }


def page_of(name: str, thing: Any) -> str:
    """Give the name of the page that has a public name."""
    for base, page in (
        ("Prior", "priors"),
        ("Family", "families"),
        ("BaseException", "errors"),
    ):
        if inspect.isclass(thing) and base in {cls.__name__ for cls in thing.__mro__}:
            return page
    return (
        name if name in sh.__all__ else f"results/{name}"
    )  # some differ in capitals alone, as pooling and Pooling


def full_name(name: str, thing: Any) -> str:
    """Give the name under which Sphinx imports it, and by which pages link to it."""
    return f"stanhier.{name}" if name in sh.__all__ else f"{thing.__module__}.{name}"


def first_sentence(thing: Any) -> str:
    """Give the first line of a docstring, in reStructuredText."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def write_reference(folder: Path) -> None:
    """Write the pages."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    named = {name: getattr(sh, name) for name in sh.__all__}
    given = results()
    placed = {name for names in GROUPS.values() for name in names}
    left = [name for name in named if name not in placed and page_of(name, named[name]) == name]
    more = {"More": tuple(left)} if left else {}
    lines = ["Reference", "=========", "", "Every public name, from the docstrings.", ""]
    pages = []
    for title, names in {**GROUPS, **more, "What they give back": tuple(given)}.items():
        entries = {name: {**named, **given}[name] for name in names}
        linked = {
            f":doc:`{name} <{page_of(name, thing)}>`": thing for name, thing in entries.items()
        }
        lines += [title, "-" * len(title), "", *table(linked)]
        pages += [page_of(name, thing) for name, thing in entries.items()]
        for name, thing in entries.items():
            write(folder / f"{page_of(name, thing)}.rst", entry(name, thing))
    for page, title in TOGETHER.items():
        entries = {name: thing for name, thing in named.items() if page_of(name, thing) == page}
        listed = {
            f":py:obj:`{name} <stanhier.{name}>`": thing for name, thing in entries.items()
        }
        lines += [title, "-" * len(title), "", *table(listed)]
        pages.append(page)
        body = [
            line for name, thing in entries.items() for line in entry(name, thing, title=False)
        ]
        if page == "priors":
            heading = "What all of them have"
            shared = [
                line
                for name, member in members(Prior).items()
                for line in directive(f"{PRIOR}.{name}", member)
            ]
            body += [heading, "-" * len(heading), "", *shared]
        write(folder / f"{page}.rst", [title, "=" * len(title), "", *body])
    listed = {
        f":py:obj:`{path.rpartition('.')[2]} <{path}>`": one for path, one in tables().items()
    }
    lines += ["Data", "----", "", *table(listed)]
    pages.append("datasets")
    write(folder / "datasets.rst", page_of_tables())
    lines += [".. toctree::", "   :hidden:", "", *(f"   {page}" for page in pages)]
    write(folder / "index.rst", lines)


def entry(name: str, thing: Any, *, title: bool = True) -> list[str]:
    """Give the lines on one public name: its docstring, and those of its methods."""
    full = full_name(name, thing)
    head = [name, "=" * len(name), ""] if title else []
    if not inspect.isclass(thing):
        return [*head, f".. autofunction:: {full}", ""]
    own = [path for path in public_objects() if path.startswith(f"{full}.")]
    listed = members(thing)
    body = [f".. autoclass:: {full}", ""]
    if title and own:
        rows = {
            f":py:obj:`{path.rpartition('.')[2]} <{path}>`": listed[path.rpartition(".")[2]]
            for path in own
        }
        body += [".. rubric:: Methods and properties", "", *table(rows)]
    for path in own:
        body += directive(path, listed[path.rpartition(".")[2]])
    if name in SPECIAL:
        body += ["Its methods and properties are those of :doc:`Model`.", ""]
    return [*head, *body]


def page_of_tables() -> list[str]:
    """Give the lines of the page on the tables that the package carries."""
    words = (inspect.getdoc(sh.datasets) or "").splitlines()
    entries = [line for path in tables() for line in (f".. autofunction:: {path}", "")]
    return ["Data", "====", "", *words, "", *entries]


def directive(path: str, member: Any) -> list[str]:
    """Give the lines that document a method or a property."""
    is_method = callable(member) or isinstance(member, classmethod | staticmethod)
    return [f".. {'automethod' if is_method else 'autoattribute'}:: {path}", ""]


def table(rows: dict[str, Any]) -> list[str]:
    """Give a table of names and what they are for."""
    cells = [f"   * - {name}\n     - {first_sentence(thing)}" for name, thing in rows.items()]
    return [".. list-table::", "   :widths: 30 70", "   :class: names", "", *cells, ""]


def write(path: Path, lines: list[str]) -> None:
    """Write lines."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
