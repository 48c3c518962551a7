"""The picture of a model comparison."""

import inspect
from collections.abc import Mapping
from typing import Any

from stanhier.basics.arguments import in_our_words, suggestion
from stanhier.basics.errors import StanhierError
from stanhier.plots.figures import Size, arviz_figure, checked_size, picture
from stanhier.plots.shared import label_width, short

__all__ = ["plot_compare"]


@in_our_words()
@picture
def plot_compare(table: Any, *, figsize: Size | None = None, **kwargs: Any) -> Any:
    """Plot a comparison of models: the difference of each from the best in expected log predictive density.

    Parameters
    ----------
    table : pandas.DataFrame
        What `stanhier.compare` gives: one row per model, best first, with `elpd_diff` and `dse`.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    **kwargs
        Other keywords of `arviz.plot_compare`.

    Returns
    -------
    Panels
        Of one with points and bars of one standard error of the difference; `collection` is ArviZ's PlotCollection.

    Raises
    ------
    StanhierError
        If the table is not one of a comparison, or `figsize` is no size.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC,
    doi:10.1007/s11222-016-9696-4.
    """
    import arviz as az

    chosen_size = checked_size(figsize, "plot_compare")
    missing = [name for name in ("elpd_diff", "dse") if name not in getattr(table, "columns", ())]
    if missing:
        raise StanhierError(
            f"plot_compare(): the table has no column '{missing[0]}'; give what stanhier.compare() gives."
        )
    labels = [short(name) for name in table.index]
    size = (4.6 + label_width(labels), 1.6 + 0.35 * len(labels)) if chosen_size is None else chosen_size
    _check_keywords(az.plot_compare, kwargs)
    axes = arviz_figure(
        az.plot_compare,
        table.set_axis(labels, axis=0),
        backend=kwargs.pop("backend", "matplotlib"),
        figure_kwargs={"figsize": size, "layout": "constrained", **kwargs.pop("figure_kwargs", {})},
        **kwargs,
    )
    for ax in axes:
        ax.set_title("")
        ax.set_xlabel(
            "difference in expected log predictive density\n"
            "from the best model (left is worse; bars: one standard error)"
        )
        ax.set_ylim(0.4, len(labels) + 0.6)
    return axes


def _check_keywords(draw: Any, keywords: Mapping[str, Any]) -> None:
    """Refuse keywords that ArviZ's function does not name: as ways to map models to looks, it would not find them."""
    parameters = inspect.signature(draw).parameters.values()
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name != "cmp_df"]
    for name in keywords:
        if name not in {*names, "figure_kwargs"}:
            raise StanhierError(f"plot_compare() has no keyword '{name}'. {suggestion(name, ['figsize', *names])}")
