"""The log likelihood of all rows together, where it is not the sum of the rows' own log densities.

Each row given the others of its group is what leave-one-out needs; power scaling (Kallioinen et al. 2024,
doi:10.1007/s11222-023-10366-5) raises the likelihood of the whole to a power.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["joint_log_likelihood", "with_joint"]

MAX_TOGETHER = 500
"""Effects that are integrated out together at most, which takes the cube of their number for each draw."""


def joint_log_likelihood(model: Regression, draws: Draws) -> np.ndarray:
    """Give the log likelihood of all rows, shape (chains, draws), of a Gaussian model with groups.

    The effects of all groups are integrated out: log p(y | population, standard deviations, correlations).

    Raises
    ------
    StanhierError
        If too many effects have rows in common.
    """
    design = model.rows
    codes = _apart(design)
    most = max(_effects_of_sets(design, codes))
    if most > MAX_TOGETHER:
        raise StanhierError(
            f"The log likelihood of all rows would integrate out {most:,} effects together (at most {MAX_TOGETHER}), "
            "so power scaling of the likelihood is not available for this model; that of the prior is."
        )
    total = np.zeros(draws.n_draws)
    for _, left_out, _ in model.engine.set_densities(design, codes, int(codes.max()) + 1, draws):
        total += left_out.sum(axis=1)
    return total.reshape(draws.shape)


def _apart(design: InMemoryDesign) -> np.ndarray:
    """Give for each row its set, of the smallest sets that share no group: of one factor these are the groups."""
    from scipy import sparse

    first = design.groupings[0].codes
    sizes = [len(grouping.levels) for grouping in design.groupings]
    starts = np.cumsum([0, *sizes])
    rows = np.concatenate([first] * len(sizes))
    columns = np.concatenate([g.codes + start for g, start in zip(design.groupings, starts, strict=False)])
    joined = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(starts[-1], starts[-1]))
    _, component = sparse.csgraph.connected_components(joined, directed=False)
    return np.unique(component[first], return_inverse=True)[1]


def _effects_of_sets(design: InMemoryDesign, codes: np.ndarray) -> np.ndarray:
    """Count for each set what is integrated out: its groups' effects, or its rows where these are fewer."""
    counts = np.zeros(int(codes.max()) + 1, dtype=int)
    for grouping in design.groupings:
        set_of_level = np.full(len(grouping.levels), -1)
        set_of_level[grouping.codes] = codes
        counts += len(grouping.effects) * np.bincount(set_of_level[set_of_level >= 0], minlength=len(counts))
    return np.minimum(counts, np.bincount(codes))


def with_joint(rows: "xr.Dataset", joint: Callable[[], np.ndarray]) -> "xr.DataTree":
    """Give the group log_likelihood of rows given others, which power scaling reads as a likelihood all the same.

    ArviZ's leave-one-out takes each row's density; its power scaling stacks the densities of all rows into one array
    and sums it. So stacked they have one element more: by how much the joint log likelihood exceeds their sum.

    Parameters
    ----------
    rows : xarray.Dataset
        With the variable `y` of dimensions chain, draw, row.
    joint : callable
        Gives the joint log likelihood, shape (chains, draws); called when it is first needed.

    Returns
    -------
    xarray.DataTree
        Its `to_dataset()`, and so a copy, is a plain one of the rows.
    """
    import xarray as xr

    n_rows, samples = rows.sizes["row"], {dim: rows[dim] for dim in ("chain", "draw")}
    once = cache(lambda: xr.DataArray(joint(), dims=("chain", "draw"), coords=samples))

    class Dataset(xr.Dataset):  # type: ignore[no-untyped-call]
        __slots__ = ()

        def to_stacked_array(self, *args: Any, **kwargs: Any) -> Any:
            if self.sizes.get("row") != n_rows:
                raise StanhierError(
                    "Of some of the rows alone power scaling would need a likelihood that this group does not have: it "
                    "holds densities of rows given the others of their group."
                )
            plain = xr.Dataset(dict(self.data_vars), coords=self.coords)
            return plain.assign(together=once() - plain["y"].sum("row")).to_stacked_array(*args, **kwargs)

    class DataTree(xr.DataTree):  # type: ignore[no-untyped-call]
        __slots__ = ()

        @property
        def ds(self) -> Any:  # type: ignore[override]
            return Dataset(dict(self.data_vars), coords=self.coords, attrs=self.attrs)

    return DataTree(dataset=rows, name="log_likelihood")
