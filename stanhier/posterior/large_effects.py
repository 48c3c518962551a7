"""Effects of so many groups that the posterior goes without: who asks for them hears how they are had."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from stanhier.basics.words import quoted
from stanhier.engines.parameters import Parameter

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["said_of_large", "telling"]


def said_of_large(own: Parameter, n_draws: int, most: int) -> str:
    """Say why effects are not in the posterior, and how they are had.

    Parameters
    ----------
    own : Parameter
        The effects of a factor.
    n_draws, most : int
        Draws, and values that the posterior holds of a parameter at most.
    """
    groups, size = len(own.coords[0]), own.size // max(len(own.coords[0]), 1)
    effects = f", {size} effects" if size > 1 else ""
    factor = "" if own.factor is None else quoted(own.factor, 60)
    levels = f"{factor}, levels" if factor else "levels"
    return (
        f"'{own.name}' is not in the posterior: {n_draws:,} draws of {groups:,} groups{effects} are more than {most:,} "
        f"values. fit.group_draws({levels}=[...]) gives those of some groups, fit.group_summary({factor}) sums up all."
    )


def telling(dataset: "xr.Dataset", left_out: Mapping[str, str]) -> "xr.Dataset":
    """Give the same data set, which says of variables that are left out why they are.

    Parameters
    ----------
    dataset : xarray.Dataset
    left_out : mapping of str
        By name, what is said.
    """
    made: xr.Dataset = _dataset_class()(dataset.data_vars, dataset.coords, dataset.attrs)
    object.__setattr__(made, "_left_out", dict(left_out))
    return made


@cache
def _dataset_class() -> Any:
    """Give the class of such data sets, made here because xarray is slow to import."""
    import xarray as xr

    class Dataset(xr.Dataset):  # type: ignore[no-untyped-call]
        __slots__ = ("_left_out",)

        def __getitem__(self, key: Any) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError:
                said = self._said_of(key)
                if said is None:
                    raise
                raise KeyError(said) from None

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                said = None if name.startswith("_") else self._said_of(name)
                if said is None:
                    raise
                raise AttributeError(said) from None

        def _said_of(self, name: Any) -> str | None:
            return self._known.get(name) if isinstance(name, str) else None

        @property
        def _known(self) -> dict[str, str]:
            try:
                known: dict[str, str] = object.__getattribute__(self, "_left_out")
            except AttributeError:  # of what xarray makes of it, by selecting for instance
                return {}
            return known

        def __reduce__(self) -> tuple[Any, ...]:
            plain = xr.Dataset(self.data_vars, self.coords, self.attrs)
            return telling, (plain, self._known)

    return Dataset
