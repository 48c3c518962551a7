"""What the pictures share: labels, intervals, densities, and the choice of parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.parameters import Inventory, Parameter, Role, correlated_pairs
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.meant import which_is_meant
from stanhier.posterior.selection import labelled_part

__all__ = [
    "INNER",
    "MAX_GROUPS",
    "MAX_LABEL",
    "OTHER",
    "POSTERIOR",
    "REFERENCE",
    "Intervals",
    "choose",
    "density",
    "flat",
    "ink",
    "interval_probabilities",
    "interval_words",
    "intervals",
    "label_width",
    "named",
    "parameters",
    "plain",
    "quantity",
    "short",
]

MAX_GROUPS = 50
"""Groups that a picture shows one by one."""

MAX_LABEL = 44
"""Characters of a label; the middle of a longer one is left out, since long names often differ at their ends."""

INNER = 0.5
"""Probability of the thick part of an interval."""

# Blue and orange are told apart by colour-blind readers too; the rest is grey.
POSTERIOR, OTHER, REFERENCE = "C0", "C1", "0.5"


@dataclass(frozen=True)
class Intervals:
    """Medians and central intervals of several quantities, each of shape (Q,).

    Attributes
    ----------
    median, lower, upper, inner_lower, inner_upper : numpy.ndarray
    """

    median: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    inner_lower: np.ndarray
    inner_upper: np.ndarray

    def __getitem__(self, which: np.ndarray) -> "Intervals":
        return Intervals(
            self.median[which], self.lower[which], self.upper[which], self.inner_lower[which], self.inner_upper[which]
        )


def plain(text: Any) -> str:
    """Give a label that matplotlib draws as it is: dollars are no formulas, and a leading underscore hides nothing."""
    label = str(text).replace("$", r"\$")
    return f" {label}" if label.startswith("_") else label


def short(text: Any, most: int = MAX_LABEL) -> str:
    """Give a label of bounded length, on one line."""
    label = " ".join(str(text).split())
    if len(label) > most:
        tail = most // 3
        label = f"{label[: most - tail - 1].rstrip()}…{label[-tail:].lstrip()}"
    return plain(label)


def label_width(labels: Sequence[str]) -> float:
    """Give the inches that the longest of the labels takes at the usual size."""
    return 0.085 * max((len(label) for label in labels), default=0)


def ink() -> Any:
    """Give the colour of observed data: that of text, so that it is seen on dark backgrounds too."""
    import matplotlib as mpl

    return mpl.rcParams["text.color"]


def flat(array: Any) -> np.ndarray:
    """Give draws as shape (chains * draws, values)."""
    values = array.to_numpy()
    return np.asarray(values.reshape(values.shape[0] * values.shape[1], -1))


def interval_probabilities(prob: float) -> list[float]:
    """Give the probabilities of the quantiles that `Intervals` are: with `prob`, an inner one of one half (or less)."""
    inner = min(INNER, prob)
    return [0.5, (1 - prob) / 2, (1 + prob) / 2, (1 - inner) / 2, (1 + inner) / 2]


def intervals(draws: np.ndarray, prob: float) -> Intervals:
    """Summarise draws of shape (S, Q) by medians and central intervals of `prob` and of one half (or less)."""
    return Intervals(*np.quantile(draws, interval_probabilities(prob), axis=0))


def interval_words(prob: float) -> str:
    """Name the two intervals that are drawn, by their probabilities."""
    return f"{100 * min(INNER, prob):g} % and {100 * prob:g} % intervals"


def density(draws: np.ndarray, *, beyond: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Estimate a density with ArviZ's kernel estimate.

    Parameters
    ----------
    draws : numpy.ndarray
    beyond : bool
        Whether it goes on beyond the least and greatest value, as of few data; else it is corrected at these ends, as
        of many draws that may be bounded.

    Returns
    -------
    x, density : numpy.ndarray
    """
    options = {"bound_correction": False, "extend": True, "extend_fct": 0.6} if beyond else {}
    x, values, _ = array_stats().kde(np.ravel(draws), **options)
    return np.asarray(x), np.asarray(values)


def quantity(name: str, label: Any = None, most: int = MAX_LABEL) -> str:
    """Name a parameter as `summary()` does: `sigma`, `beta[days]`."""
    return short(name if label is None else f"{name}[{label}]", most)


def parameters(
    fit: Fitted[Regression],
    var_names: str | Sequence[str] | None,
    coords: Mapping[str, Any] | None,
    where: str,
    most: int = 60,
) -> list[tuple[str, Any, np.ndarray]]:
    """List the scalar parameters to draw.

    Parameters
    ----------
    fit : Fitted
    var_names : str or sequence of str, optional
        By default everything but the group effects.
    coords : dict, optional
        Labels to choose, such as `{"subject": ["308", "309"]}`.
    where : str
        The method, for messages.
    most : int
        Panels that a picture has at most.

    Returns
    -------
    list of (name, label or None, draws of shape (chains, draws))

    Raises
    ------
    StanhierError
        If there is no parameter or label of that name, or there are too many to draw.
    """
    chosen = choose(fit, var_names, coords, where)
    listed: list[tuple[str, Any, np.ndarray]] = []
    for name, array in chosen.data_vars.items():
        values = array.to_numpy()
        values = values.reshape(*values.shape[:2], -1)
        labels = _labels([array[dim].to_numpy() for dim in array.dims[2:]])
        listed += [(str(name), label, values[:, :, k]) for k, label in enumerate(labels)]
    if len(listed) > most:
        raise StanhierError(
            f"{where}(): {len(listed):,} parameters are too many for one picture (at most {most}); choose some with "
            "var_names= and coords=, or look at the groups with plot_forest()."
        )
    return listed


def named(
    var_names: str | Sequence[str], known: Sequence[str], where: str, parameters: Inventory | None = None
) -> list[str]:
    """Give the names of parameters as a list, each once, from one name or several.

    With `parameters`, of a picture that takes `coords` as well, an error says how to choose what may have been meant.

    Raises
    ------
    StanhierError
        If there are none, or one is not among those that are known.
    """
    try:
        names = [var_names] if isinstance(var_names, str) else list(dict.fromkeys(var_names))
    except TypeError as err:
        raise StanhierError(
            f"{where}(var_names={quoted(var_names)}): 'var_names' must be a name or a list of names: "
            f"{', '.join(known)}."
        ) from err
    for name in names:
        if name not in known:
            meant = "" if parameters is None else which_is_meant(name, parameters)
            raise StanhierError(
                f"{where}(): there is no parameter {quoted(name)}; they are: {', '.join(known)}.{meant}"
            )
    if not names:
        raise StanhierError(f"{where}(var_names=[]): no parameter is named; they are: {', '.join(known)}.")
    return names


def choose(
    fit: Fitted[Regression], var_names: str | Sequence[str] | None, coords: Mapping[str, Any] | None, where: str
) -> Any:
    """Give the chosen part of the posterior, an xarray.Dataset; see `parameters`. Each correlation is there once."""
    posterior = fit.posterior
    known = [str(name) for name in posterior.data_vars]
    inventory = fit.model.parameters
    names = inventory.population if var_names is None else named(var_names, known, where, inventory)
    chosen = posterior[names]
    dims = [str(dim) for dim in chosen.dims if dim not in ("chain", "draw")]
    there_are = f"the dimensions of {', '.join(names)} are: {', '.join(dims)}" if dims else "they have no labels"
    part = labelled_part(chosen, coords, dims, where=where, there_are=there_are)
    parameters = fit.model.parameters
    if not any(parameters[name].role is Role.GROUP_COR for name in names):
        return part
    apart = {
        name: _pairs(parameters[name], posterior[name], part[name])
        if parameters[name].role is Role.GROUP_COR
        else part[name]
        for name in names
    }
    apart = {name: array for name, array in apart.items() if array.size}
    if not apart:
        raise StanhierError(f"{where}(coords={quoted(coords)}): no correlation is of such a pair of effects.")
    return type(part)(apart).drop_vars([dim for dim in dims if dim.endswith("_other")], errors="ignore")


def _pairs(parameter: Parameter, whole: Any, part: Any) -> Any:
    """Give the correlations of matrices one by one, those of which the part holds one of their two places."""
    rows, columns = (set(part[dim].to_numpy().tolist()) for dim in parameter.dims)
    first, second = parameter.coords
    wanted = [
        k
        for k, (i, j) in enumerate(correlated_pairs(parameter.blocks))
        if (first[i] in rows and second[j] in columns) or (first[j] in rows and second[i] in columns)
    ]
    values = parameter.scalars(whole.to_numpy())[..., wanted]
    dim, labels = f"pair_of_{parameter.name}", [parameter.scalar_labels[k] for k in wanted]
    coords = {"chain": whole["chain"], "draw": whole["draw"], dim: labels}
    return type(whole)(values, dims=("chain", "draw", dim), coords=coords)


def _labels(along: Sequence[np.ndarray]) -> list[Any]:
    """Name numbers by their labels along some dimensions: None without any, of several a text."""
    if len(along) < 2:
        return [None] if not along else list(along[0])
    return [", ".join(map(str, labels)) for labels in product(*along)]
