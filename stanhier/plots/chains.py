"""Pictures of the draws themselves: traces and pairs, by ArviZ."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.engines.parameters import Role, correlated_pairs
from stanhier.engines.regression import Regression
from stanhier.plots.figures import Size, arviz_figure, checked_size, picture
from stanhier.plots.shared import MAX_LABEL, choose, ink, parameters, quantity, short
from stanhier.posterior.fitted import Fitted

__all__ = ["pair", "trace"]

_MAX_TRACES = 40
_FEW_GROUPS = 8
_MAX_PAIRS = 10
_PAIR_LABEL = 17


@in_our_words(name="plot_trace")
@picture
def trace(
    fit: Fitted[Regression],
    *,
    var_names: str | Sequence[str] | None = None,
    coords: Mapping[str, Any] | None = None,
    figsize: Size | None = None,
    **kwargs: Any,
) -> Any:
    """Plot the distribution and the trace of each parameter, chain by chain; black ticks mark divergent draws.

    Parameters
    ----------
    fit : Fitted
    var_names : str or sequence of str, optional
        The parameters; by default all but the group effects, and these too of factors of up to 8 groups, as far as 40
        rows hold them.
    coords : mapping, optional
        Labels to choose, for example `{"subject": ["308", "309"]}` together with `var_names="alpha"`.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    **kwargs
        Other keywords of `arviz.plot_trace_dist`.

    Returns
    -------
    Panels
        Of the axes, density and trace in turn; `collection` is ArviZ's PlotCollection.

    Raises
    ------
    StanhierError
        If there is no such parameter or label, there are too many to draw, or `figsize` is no size.
    """
    import arviz as az

    size = checked_size(figsize, "plot_trace")
    if var_names is None and coords is None:
        var_names = _with_few_groups(fit)
    listed = parameters(fit, var_names, coords, "plot_trace", most=_MAX_TRACES)
    size = (9.0, 0.5 + 1.7 * len(listed)) if size is None else size
    axes = arviz_figure(
        az.plot_trace_dist,
        _tree(fit, var_names, coords, "plot_trace"),
        compact=kwargs.pop("compact", False),
        backend=kwargs.pop("backend", "matplotlib"),
        labeller=kwargs.pop("labeller", _labeller(MAX_LABEL)),
        figure_kwargs={"figsize": size, "layout": "constrained", **kwargs.pop("figure_kwargs", {})},
        **kwargs,
    )
    if len(axes) == 2 * len(listed):
        for k, (name, label, _) in enumerate(listed):
            left, right = axes[2 * k], axes[2 * k + 1]
            left.set_xlabel("")
            left.set_title(quantity(name, label), loc="left", fontsize=10)
            right.set_ylabel("")
            right.set_xlabel("draw" if k == len(listed) - 1 else "")
    return axes


def _with_few_groups(fit: Fitted[Regression]) -> list[str]:
    """Name what all groups share, and the effects of factors of few groups, the smallest first."""
    inventory = fit.model.parameters
    names, room = list(inventory.population), _MAX_TRACES - sum(one.size for one in inventory.without_effects())
    for own in sorted(inventory.all_of(Role.EFFECTS), key=lambda own: own.size):
        if len(own.coords[0]) <= _FEW_GROUPS and own.size <= room:
            names.append(own.name)
            room -= own.size
    return names


@in_our_words(name="plot_pair")
@picture
def pair(
    fit: Fitted[Regression],
    *,
    var_names: str | Sequence[str] | None = None,
    coords: Mapping[str, Any] | None = None,
    figsize: Size | None = None,
    **kwargs: Any,
) -> Any:
    """Plot the draws of each two parameters against each other; divergent draws are marked.

    Parameters
    ----------
    fit : Fitted
    var_names, coords
        As for `trace`; up to 10 parameters.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    **kwargs
        Other keywords of `arviz.plot_pair`.

    Returns
    -------
    Panels
        Of the axes; `collection` is ArviZ's PlotMatrix.

    Raises
    ------
    StanhierError
        If there is no such parameter or label, fewer than two parameters or too many to draw, or `figsize` is no size.
    """
    import arviz as az

    chosen_size = checked_size(figsize, "plot_pair")
    listed = parameters(fit, var_names, coords, "plot_pair", most=_MAX_PAIRS)
    if len(listed) < 2:
        raise StanhierError("plot_pair(): a pair needs two parameters at least; name more with var_names=.")
    side = max(4.0, 1.8 * len(listed))
    size = (side, side) if chosen_size is None else chosen_size
    diverged = bool(np.any(fit.draws.statistics.get("diverging", False)))
    visuals = {
        "scatter": {"size": 4, "alpha": 0.25},
        "divergence": {"size": 14, "color": ink(), "alpha": 0.8} if diverged else False,
        **kwargs.pop("visuals", {}),
    }
    axes = arviz_figure(
        az.plot_pair,
        _tree(fit, var_names, coords, "plot_pair"),
        backend=kwargs.pop("backend", "matplotlib"),
        labeller=kwargs.pop("labeller", _labeller(_PAIR_LABEL, _pairs(fit))),
        visuals=visuals,
        figure_kwargs={"figsize": size, "layout": "constrained", **kwargs.pop("figure_kwargs", {})},
        **kwargs,
    )
    for ax in axes:
        if len(ax.lines) == 1 and not ax.collections:  # the densities: their height has no meaning beside the rest
            ax.tick_params(axis="y", left=False, labelleft=False)
    return axes


def _tree(fit: Fitted[Regression], var_names: Any, coords: Any, where: str) -> Any:
    """Give ArviZ the chosen parameters and the divergences, no more."""
    import xarray as xr

    chosen = choose(fit, var_names, coords, where)
    groups = {"posterior": chosen}
    if "diverging" in fit.draws.statistics:
        groups["sample_stats"] = fit.idata["sample_stats"].to_dataset()
    return xr.DataTree.from_dict(groups)


def _labeller(most: int, pairs: Mapping[tuple[str, str], Sequence[str]] | None = None) -> Any:
    """Name parameters as `summary()` does, of so many letters a line.

    Parameters
    ----------
    most : int
    pairs : mapping, optional
        The effects of each correlation by its name and label. With them, be they none, what is longer has a line for
        each label, so that none is left out.
    """
    from arviz_base.labels import BaseLabeller

    class Labeller(BaseLabeller):
        def make_label_vert(self, var_name: str | None, sel: Mapping[Any, Any], isel: Mapping[Any, Any]) -> str:  # noqa: ARG002
            name, parts = str(var_name), [str(v) for v in sel.values()]
            label = ", ".join(parts) if parts else None
            if label is None or pairs is None or len(f"{name}[{label}]") <= most:
                return quantity(name, label, most)
            if len(f"[{label}]") <= most:
                return f"{quantity(name, most=most)}\n{quantity(f'[{label}]', most=most)}"
            labels = [short(part, most - 2) for part in pairs.get((name, label), parts)]
            return f"{quantity(name, most=most)}\n[{',\n'.join(labels)}]"

        make_label_flat = make_label_vert

    return Labeller()


def _pairs(fit: Fitted[Regression]) -> dict[tuple[str, str], tuple[str, str]]:
    """Give the two effects of each correlation, by its name and label."""
    found = {}
    for one in fit.model.parameters.all_of(Role.GROUP_COR):
        rows, columns = one.coords
        for (i, j), label in zip(correlated_pairs(one.blocks), one.scalar_labels, strict=True):
            found[one.name, label] = (str(rows[i]), str(columns[j]))
    return found
