"""Pictures of parameters: marginal densities, priors, and both beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.tables import decimals, readable
from stanhier.basics.words import listed
from stanhier.engines.regression import Regression
from stanhier.plots.figures import Panels, Size, checked_size, collection_on, grid_of_axes, panels_of, picture
from stanhier.plots.priors import prior_densities
from stanhier.plots.scales import ENDLESS, mean_noun, share_words
from stanhier.plots.shared import INNER, OTHER, POSTERIOR, ink, named, parameters, plain, quantity
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.predictive import sample_prior

__all__ = ["posterior", "prior", "prior_posterior"]

_PANEL_LABEL = 36


@in_our_words(name="plot_posterior")
@picture
def posterior(
    fit: Fitted[Regression],
    *,
    var_names: str | Sequence[str] | None = None,
    coords: Mapping[str, Any] | None = None,
    prob: float = 0.9,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot the marginal posterior density of each parameter with its median and central intervals.

    Parameters
    ----------
    fit : Fitted
    var_names, coords
        As for `trace`.
    prob : float
        Probability of the thin interval; the thick one has 50 %.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw, if it is one parameter.

    Returns
    -------
    Panels
        An array of axes, one per parameter, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If there is no such parameter or label, too many to draw, more than one for `ax`, or `figsize` is no size or
        goes with `ax`.
    """
    prob = checked_probability(prob, "plot_posterior")
    size = checked_size(figsize, "plot_posterior", ax=ax)
    chosen = parameters(fit, var_names, coords, "plot_posterior")
    axes = _panels(len(chosen), size, ax, "plot_posterior")
    _densities(axes, [draws for _, _, draws in chosen], prob)
    for (name, label, draws), panel in zip(chosen, axes, strict=True):
        median, lower, upper = _rounded(*np.quantile(draws, [0.5, (1 - prob) / 2, (1 + prob) / 2]))
        panel.set_title(quantity(name, label, _PANEL_LABEL), fontsize=9)
        panel.set_xlabel(f"median {median}, {100 * prob:g} %: {lower} to {upper}", fontsize=9)
        _bare(panel)
    return axes


@in_our_words(name="plot_prior_posterior")
@picture
def prior_posterior(
    fit: Fitted[Regression],
    *,
    var_names: str | Sequence[str] | None = None,
    coords: Mapping[str, Any] | None = None,
    figsize: Size | None = None,
    ax: Any = None,
) -> Any:
    """Plot each parameter's posterior density over its prior's: what the data added.

    The axis shows the posterior and its surroundings, so a vague prior appears as a low, nearly level line. Priors are
    drawn from their formulas; that of an intercept at the mean of the predictors is turned into one at 0 by 20,000
    draws. Group effects have no prior of their own.

    Parameters
    ----------
    fit : Fitted
    var_names, coords
        As for `trace`.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw, if it is one parameter.

    Returns
    -------
    Panels
        An array of axes, one per parameter, with `.figure` and `.savefig(path)`.

    Raises
    ------
    StanhierError
        If there is no such parameter or label, too many to draw, more than one for `ax`, or `figsize` is no size or
        goes with `ax`.
    """
    size = checked_size(figsize, "plot_prior_posterior", ax=ax)
    priors = prior_densities(fit.model)
    chosen = parameters(fit, var_names, coords, "plot_prior_posterior")
    chosen = [(name, label, draws) for name, label, draws in chosen if (name, label) in priors]
    if not chosen:
        raise StanhierError("plot_prior_posterior(): none of these parameters has a prior of its own.")
    axes = _panels(len(chosen), size, ax, "plot_prior_posterior")
    # ArviZ's own picture of both estimates the prior from draws and shows all of it: of a vague prior that leaves the
    # posterior a spike, and flat priors have no draws.
    _densities(axes, [draws for _, _, draws in chosen])
    for k, ((name, label, draws), panel) in enumerate(zip(chosen, axes, strict=True)):
        known = priors[name, label]
        lower, upper = known.window(*(float(v) for v in np.quantile(draws, [0.001, 0.999])))
        grid = np.linspace(lower, upper, 400)
        if known.proper:
            panel.plot(grid, known.pdf(grid), color=OTHER, linestyle="--", label="prior")
        panel.set_xlim(lower, upper)
        panel.set_title(quantity(name, label, _PANEL_LABEL), fontsize=9)
        panel.set_xlabel(f"prior {plain(known.words)}", fontsize=9)
        if k == 0:
            panel.legend(frameon=False, fontsize=8, loc="upper right")
        _bare(panel)
    return axes


@in_our_words(name="plot_prior", called_on="model")
@picture
def prior(
    model: Regression,
    *,
    var_names: str | Sequence[str] | None = None,
    draws: int = 1000,
    seed: int = 1,
    figsize: Size | None = None,
) -> Any:
    """Plot every prior, and what they say together about the response: the prior predictive distribution.

    Parameters
    ----------
    model : Model
    var_names : str or sequence of str, optional
        The parameters whose priors are drawn; by default all, and what they say together.
    draws, seed : int
        For `model.sample_prior`, of which the last panel shows 50 draws beside the observed response, or of yes or no
        the proportions in all of them.
    figsize : (float, float), optional
        Width and height of the new figure, in inches.

    Returns
    -------
    Panels
        An array of axes with `.figure` and `.savefig(path)`: one per prior; where all are proper and the rows in
        memory, and no parameter is named, a last one with the prior predictive distribution.

    Raises
    ------
    StanhierError
        If no prior is proper, so that there is nothing to draw, there is no such parameter, or `figsize` is no size.
    """
    size = checked_size(figsize, "plot_prior")
    every = prior_densities(model)
    names = model.chosen.parameters.population
    chosen = names if var_names is None else named(var_names, names, "plot_prior")
    priors = {key: known for key, known in every.items() if known.proper and key[0] in chosen}
    if not priors:
        which = "every prior" if var_names is None else f"every prior of {listed(chosen)}"
        raise StanhierError(f"plot_prior(): {which} is flat, so there is no density to draw.")
    predictive = var_names is None and model.in_memory is not None and len(priors) == len(every)
    axes = grid_of_axes(len(priors) + predictive, figsize=size)
    for ((name, label), known), panel in zip(priors.items(), axes, strict=False):
        grid = np.linspace(*known.range, 400)
        height = known.pdf(grid)
        panel.fill_between(grid, height, color=OTHER, alpha=0.25, linewidth=0)
        panel.plot(grid, height, color=OTHER)
        panel.set_xlim(grid[0], grid[-1])
        panel.set_ylim(bottom=0)
        panel.set_title(quantity(name, label, _PANEL_LABEL), fontsize=9)
        panel.set_xlabel(plain(known.words), fontsize=9)
        _bare(panel)
    if predictive:
        tree = sample_prior(model, draws=draws, seed=seed)
        values = tree["prior_predictive"].to_dataset()["y"].to_numpy().reshape(-1, model.design.n_rows)
        _predictive_panel(axes[-1], values, model)
    return axes


def _predictive_panel(panel: Any, replicated: np.ndarray, model: Regression) -> None:
    """Draw what the priors say of the response, of S data sets, shape (S, N).

    They are quantile functions: densities of data sets on scales that differ by powers of ten do not fit one panel. Of
    yes or no it is the proportion of events in each data set, in bars.
    """
    y, trials = model.rows.observed, model.rows.trials
    panel.set_title("response: drawn from the priors, observed (black)", fontsize=8)
    if mean_noun(model.family) == "probability":
        number = len(y) if trials is None else trials.sum()
        panel.hist(replicated.sum(axis=1) / number, np.linspace(0, 1, 21), color=OTHER, alpha=0.5)
        panel.axvline(y.sum() / number, color=ink(), linewidth=2)
        panel.set_xlabel(share_words(model.design), fontsize=9)
        panel.set_ylabel("data sets", fontsize=9)
        return
    replicated = replicated[:: max(1, len(replicated) // 50)][:50]
    if model.family.is_discrete:
        replicated = np.minimum(replicated, ENDLESS)
    share = (np.arange(200) + 0.5) / 200
    method: Literal["lower", "linear"] = "lower" if model.family.is_discrete else "linear"
    panel.plot(np.quantile(replicated, share, axis=1, method=method), share, color=OTHER, linewidth=0.6, alpha=0.5)
    panel.plot(np.quantile(y, share, method=method), share, color=ink(), linewidth=2)
    low, high = np.quantile(replicated, [0.02, 0.98], method=method)
    low, high = min(low, y.min()), max(high, y.max())
    if model.family.is_discrete and high > 20 * max(y.max(), 1.0):
        threshold = 10.0 ** np.ceil(np.log10(max(float(y.max()), 1.0)))  # else labels of powers below it stand on 0
        panel.set_xscale("symlog", linthresh=threshold, linscale=1.5)
    panel.set_xlim(low, high)
    panel.set_xlabel(quantity(model.design.formula.response), fontsize=9)
    panel.set_ylabel("share of rows below", fontsize=9)


def _panels(number: int, size: tuple[float, float] | None, ax: Any, where: str) -> Any:
    if ax is None:
        return grid_of_axes(number, figsize=size)
    if number != 1:
        raise StanhierError(f"{where}(ax=...): one pair of axes holds one parameter, not {number}; choose it.")
    return panels_of([ax])


def _densities(axes: Panels, draws: Sequence[np.ndarray], prob: float | None = None) -> None:
    """Let ArviZ draw the densities of parameters, their medians and intervals of `prob` and of one half.

    Parameters
    ----------
    axes : Panels
    draws : sequence of numpy.ndarray, shape (chains, draws)
    prob : float, optional
        Without it there are densities alone.
    """
    import arviz as az
    import xarray as xr

    variables = xr.Dataset({f"panel {k}": (("chain", "draw"), one) for k, one in enumerate(draws)})
    tree = xr.DataTree.from_dict({"posterior": variables})
    line = {"color": ink(), "clip_on": False, "solid_capstyle": "butt", "zorder": 3}
    nothing = dict.fromkeys(("dist", "credible_interval", "point_estimate", "point_estimate_text"), False)
    nothing |= dict.fromkeys(("title", "remove_axis"), False)
    density = {"dist": {"color": POSTERIOR, "label": "posterior"}, "face": {"color": POSTERIOR, "alpha": 0.25}}
    layers: list[tuple[float, dict[str, Any]]] = [(INNER, density)]
    if prob is not None:
        median = {"color": ink(), "size": 36, "clip_on": False, "zorder": 4}
        layers += [(prob, {"credible_interval": {**line, "width": 1.5}})]
        layers += [(min(INNER, prob), {"credible_interval": {**line, "width": 4}, "point_estimate": median})]
    collection = collection_on(axes, variables)
    for inside, visuals in layers:
        az.plot_dist(
            tree,
            kind="kde",
            ci_kind="eti",
            ci_prob=inside,
            point_estimate="median",
            plot_collection=collection,
            visuals={**nothing, **visuals},
        )


def _bare(panel: Any) -> None:
    panel.set_yticks([])
    for side in ("left", "right", "top"):
        panel.spines[side].set_visible(False)
    panel.set_ylim(bottom=0)
    panel.locator_params(axis="x", nbins=5)


def _rounded(median: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Round to the digits that the interval's width makes worth reading: less than 1 % of it."""
    places = decimals((upper - lower) / 10)
    shown = [readable(value, places).replace("-", "−") for value in (median, lower, upper)]
    return shown[0], shown[1], shown[2]
