"""Replicated data beside observed where responses count, or are yes or no: ArviZ's rootogram and calibration curve."""

import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from stanhier.design.design import Design
from stanhier.plots.figures import collection_on, legend_above
from stanhier.plots.scales import ENDLESS, mean_words
from stanhier.plots.shared import POSTERIOR, REFERENCE, ink, quantity

__all__ = ["calibration", "rootogram"]

_MAX_BINS = 50
_TAIL = 0.005
_LINE = 52
"""Letters that fit below the axes."""
_BARE = {"grid": False, "xlabel": False, "ylabel": False, "title": False}


def rootogram(ax: Any, design: Design, replicated: np.ndarray, observed: np.ndarray, prob: float) -> Any:
    """Draw how often each count occurs, in replicated data and observed.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    design : Design
    replicated : numpy.ndarray, shape (S, N)
    observed : numpy.ndarray, shape (N,)
    prob : float
        Probability of the intervals.
    """
    import arviz as az

    replicated = np.minimum(replicated, ENDLESS)
    low, high, width = _bins(replicated, observed)
    drawn = np.floor((np.clip(np.stack([*replicated, observed]), low, high) - low) / width) * width + low
    marks = {
        "predictive_markers": {"color": POSTERIOR, "label": "replicated: mean", "marker": "_", "size": 40},
        "credible_interval": {"color": POSTERIOR, "alpha": 0.3, "width": 5, "label": f"{100 * prob:g} % interval"},
        "observed_markers": {"color": ink(), "label": "observed", "marker": "o", "size": 22},
    }
    _draw(
        az.plot_ppc_rootogram,
        ax,
        drawn[:-1].astype(np.int64),
        drawn[-1].astype(np.int64),
        prob,
        {**marks, **_BARE},
        point_estimate="mean",
    )
    said = [f"bins of {width:,}, at the least count of each"] if width > 1 else []
    said += ["the first holds all below too"] if (replicated < low).any() else []
    said += ["the last holds all above too"] if (replicated >= high + width).any() else []
    below = textwrap.fill(f"({'; '.join(said)})", _LINE) if said else ""
    ax.set_xlabel(f"{quantity(design.formula.response)}\n{below}".rstrip())
    ax.set_ylabel("rows (scale of square roots)")
    ax.set_ylim(bottom=0)
    ax.xaxis.get_major_locator().set_params(integer=True)
    _legend(ax, 3)
    return ax


def calibration(ax: Any, design: Design, replicated: np.ndarray, observed: np.ndarray, prob: float) -> Any:
    """Draw how often events occur among rows of which so many are predicted; the arguments are those of `rootogram`.

    Replications are of rows left out, each by itself: their means are what the events are compared with.
    """
    import arviz as az

    # Rows of one predicted probability keep their order: it must not be that in which the data were written.
    order = np.random.default_rng(0).permutation(len(observed))
    marks = {
        "lines": {"color": ink(), "width": 1.5, "label": "observed"},
        "credible_interval": {"color": POSTERIOR, "alpha": 0.3, "label": f"{100 * prob:g} % of replicated curves"},
        "reference_line": {"color": REFERENCE, "linestyle": "--", "width": 1},
    }
    bare = {name: off for name, off in _BARE.items() if name != "grid"}
    _draw(
        az.plot_ppc_pava,
        ax,
        replicated[:, order].astype(np.int64),
        observed[order].astype(np.int64),
        prob,
        {**marks, **bare},
    )
    ax.set_xlabel(f"predicted {mean_words(design)}\n(each row's from all others: leave-one-out)")
    ax.set_ylabel("proportion observed")
    ax.set_ylim(-0.02, 1.02)
    _legend(ax, 2)
    return ax


def _bins(replicated: np.ndarray, observed: np.ndarray) -> tuple[int, int, int]:
    """Give the least and the greatest count to draw, and the width of bins, 1, 2 or 5 times a power of ten.

    What few replications have beyond both the observed counts and the middle 99 % of the replicated ones goes into the
    bins at the ends.
    """
    ends = np.quantile(replicated, [_TAIL, 1 - _TAIL], method="nearest")
    low, high = min(ends[0], observed.min()), max(ends[1], observed.max())
    wanted = (high - low + 1) / _MAX_BINS
    power = 10 ** max(int(np.floor(np.log10(max(wanted, 1)))), 0)
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= wanted)
    start = int(low // width) * width
    return start, start + int((high - start) // width) * width, width


def _draw(
    draw: Callable[..., Any],
    ax: Any,
    replicated: np.ndarray,
    observed: np.ndarray,
    prob: float,
    visuals: dict[str, Any],
    **keywords: Any,
) -> None:
    """Let ArviZ draw into axes that are there already."""
    import xarray as xr

    rows = xr.Dataset({"y": (("chain", "draw", "row"), replicated[None])})
    tree = xr.DataTree.from_dict({"posterior_predictive": rows, "observed_data": xr.Dataset({"y": ("row", observed)})})
    collection = collection_on([ax], rows)
    with warnings.catch_warnings():
        # Of its own arrays when counts are few, and of counts that happen to be 0 and 1.
        warnings.filterwarnings("ignore", message="Found chain dimension to be longer")
        warnings.filterwarnings("ignore", message="Variables y in .* look binary")
        draw(tree, ci_prob=prob, plot_collection=collection, visuals=visuals, **keywords)


def _legend(ax: Any, columns: int) -> None:
    by_words = {words: handle for handle, words in zip(*ax.get_legend_handles_labels(), strict=True)}
    handles, words = list(by_words.values()), list(by_words)
    legend_above(ax, handles, words, columns=columns)
