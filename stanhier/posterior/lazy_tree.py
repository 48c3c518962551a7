"""A tree of groups, some of which are made when they are first asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from stanhier.basics.errors import StanhierError
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LazyGroups", "Recipe", "lazy_tree"]

_STATISTICS, _DENSITIES = "sample_stats", "log_likelihood"


@dataclass(frozen=True)
class Recipe:
    """How a group is made.

    Parameters
    ----------
    lack : callable
        Says why the group cannot be made of a regression and its draws; None if it can.
    make : callable
        Makes it.
    node : callable, optional
        Puts what was made into a tree's node that is more than a plain one.
    """

    lack: Callable[[Regression, Draws], str | None]
    make: Callable[[Regression, Draws], "xr.Dataset"]
    node: Callable[[Regression, Draws, "xr.Dataset"], "xr.DataTree"] | None = None


@dataclass(frozen=True)
class LazyGroups:
    """Groups of one fit that can be made, and those that have been: each is made once.

    Of the fit they hold the regression and the draws alone: in no circle with it, both are gone when it is.
    """

    model: Regression
    draws: Draws
    recipes: Mapping[str, Recipe]
    _made: "dict[str, xr.DataTree]" = field(default_factory=dict)

    def lack(self, name: str) -> str | None:
        """Say why a group that has a recipe cannot be made, if it cannot."""
        return self.recipes[name].lack(self.model, self.draws)

    def can_make(self, name: object) -> bool:
        """Tell whether there is such a group."""
        return isinstance(name, str) and name in self.recipes and (name in self._made or self.lack(name) is None)

    def give(self, name: str) -> "xr.DataTree":
        """Give a group that can be made."""
        import xarray as xr

        if name not in self._made:
            recipe = self.recipes[name]
            made = recipe.make(self.model, self.draws)
            node = xr.DataTree(made, name=name) if recipe.node is None else recipe.node(self.model, self.draws, made)
            self._made[name] = node
        return self._made[name]


def lazy_tree(tree: "xr.DataTree | Mapping[str, xr.Dataset]", groups: LazyGroups) -> "xr.DataTree":
    """Give a tree that has more groups than it lists.

    Parameters
    ----------
    tree : xarray.DataTree, or mapping of xarray.Dataset by name
        What it lists, which takes precedence. The groups of a tree move into the new one.
    groups : LazyGroups

    Returns
    -------
    xarray.DataTree
        It gives the lazy groups to whoever asks for one by name, as ArviZ does. Whatever goes over all that a tree
        lists (printing, `sel`, `map_over_datasets`, `to_netcdf`, comparisons, pickling) finds what was in `tree`,
        however often groups were asked for. Copies have the same lazy groups; results of `sel` and the like, and
        pickles, have none.
    """
    import xarray as xr

    if isinstance(tree, xr.DataTree):
        lazy: Any = _tree_class()(dataset=tree.to_dataset(), name=tree.name)
        lazy.children = tree.children
    else:
        lazy = _tree_class()()
        kinds = {_STATISTICS: _statistics_class(groups)}
        lazy.children = {name: kinds.get(name, xr.DataTree)(group) for name, group in tree.items()}
    lazy._lazy = groups
    result: xr.DataTree = lazy
    return result


def _statistics_class(groups: LazyGroups) -> "type[xr.DataTree]":
    """Give the class of the node that ArviZ asks for densities of rows where a tree has no group of these.

    By name it looks there last, for those of old files, and then says no more than that there are none.
    """
    import xarray as xr

    class DataTree(xr.DataTree):  # type: ignore[no-untyped-call]
        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            lack = groups.lack(_DENSITIES) if name == _DENSITIES and name in groups.recipes else None
            if lack is None:
                return super().__getattr__(name)
            works = "What needs none works, such as az.psense(fit.idata), of the priors."
            raise StanhierError(f"idata has no group '{name}': {lack} {works}")

        def __reduce__(self) -> tuple[Any, ...]:
            return xr.DataTree.from_dict, (self.to_dict(),)

    return DataTree


class _Children(Mapping[str, Any]):
    """The children of a tree: those that it has, and unlisted ones."""

    def __init__(self, listed: Mapping[str, Any], lazy: LazyGroups) -> None:
        self._listed = listed
        self._lazy = lazy

    def __getitem__(self, name: str) -> Any:
        if name not in self._listed and self._lazy.can_make(name):
            return self._lazy.give(name)
        return self._listed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._listed or self._lazy.can_make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def __repr__(self) -> str:
        return repr(self._listed)


@cache
def _tree_class() -> "type[xr.DataTree]":
    """Give the class of lazy trees, made here because xarray is slow to import; it shows itself as its base does."""
    import xarray as xr

    children_of_base: Any = xr.DataTree.children

    class DataTree(xr.DataTree):  # type: ignore[no-untyped-call]
        __slots__ = ("_lazy",)

        _lazy: LazyGroups | None

        def __new__(cls, *_: Any, **__: Any) -> Self:
            new = super().__new__(cls)
            new._lazy = None
            return new

        @property
        def children(self) -> Mapping[str, Any]:
            listed: Mapping[str, Any] = children_of_base.__get__(self)
            return listed if self._lazy is None else _Children(listed, self._lazy)

        @children.setter
        def children(self, children: Mapping[str, Any]) -> None:
            children_of_base.__set__(self, children)

        @children.deleter
        def children(self) -> None:
            children_of_base.__delete__(self)

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                lack = self._lack(name)
                if lack is None:
                    raise
                raise AttributeError(f"idata has no group '{name}': {lack}") from None

        def __getitem__(self, key: str) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError:
                lack = self._lack(key)
                if lack is None:
                    raise
                raise KeyError(f"idata has no group '{key}': {lack}") from None

        def _lack(self, name: str) -> str | None:
            return self._lazy.lack(name) if self._lazy is not None and name in self._lazy.recipes else None

        def copy(self, *, inherit: bool = True, deep: bool = False) -> Self:
            return self._and_lazy(super().copy(inherit=inherit, deep=deep))

        def __copy__(self) -> Self:
            return self._and_lazy(super().__copy__())

        def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
            return self._and_lazy(super().__deepcopy__(memo))

        def _and_lazy(self, copied: Self) -> Self:
            copied._lazy = self._lazy
            return copied

        def __reduce__(self) -> tuple[Any, ...]:
            # What was put in: a pickle of a tree need not hold the model, nor this class be found by its name.
            return xr.DataTree.from_dict, (self.to_dict(),)

    return DataTree
