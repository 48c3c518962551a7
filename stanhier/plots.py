"""Pictures of a fit, thin over ArviZ and matplotlib; nothing is shown on screen unasked."""

from typing import TYPE_CHECKING, Any

import numpy as np

from stanhier.errors import StanhierError

if TYPE_CHECKING:
    from stanhier.fit import Fit

__all__ = ["MAX_GROUPS", "forest", "trace"]

MAX_GROUPS = 50
"""Groups that a picture shows one by one."""


def trace(fit: "Fit", **kwargs: Any) -> Any:
    """Plot the distribution and the trace of each parameter, group effects left out unless `var_names` names them.

    Parameters
    ----------
    fit : Fit
    **kwargs
        The keywords of `arviz.plot_trace_dist`.

    Returns
    -------
    arviz_plots.PlotCollection
        Save it with `.savefig(path)`.
    """
    import arviz as az

    kwargs.setdefault("backend", "matplotlib")
    if "var_names" not in kwargs:
        kwargs["var_names"] = [
            name for name in map(str, fit.posterior.data_vars) if not (fit.model.grouped and name == "alpha")
        ]
    return az.plot_trace_dist(fit.idata, **kwargs)


def forest(fit: "Fit", *, prob: float = 0.9, ax: Any = None) -> Any:
    """Plot the groups' intercepts, sorted, with their intervals; without groups, the coefficients.

    Beyond 50 groups the intervals are drawn as a band without labels, so that hundreds stay readable.

    Parameters
    ----------
    fit : Fit
    prob : float
        Probability of the central intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    StanhierError
        If `prob` is not between 0 and 1.
    """
    import matplotlib.pyplot as plt

    if not 0 < prob < 1:
        raise StanhierError(f"plot_forest(prob={prob!r}): 'prob' must be a number between 0 and 1.")
    labels, values, title = _estimates(fit)
    tail = (1 - prob) / 2
    lower, middle, upper = np.quantile(values, [tail, 0.5, 1 - tail], axis=0)
    order = np.argsort(middle) if fit.model.grouped else np.arange(len(middle))[::-1]
    positions = np.arange(len(order))
    few = len(order) <= MAX_GROUPS
    if ax is None:
        height = 1.2 + 0.24 * len(order) if few else 6.0
        _, ax = plt.subplots(figsize=(6.4, max(height, 2.4)), layout="constrained")
    ax.hlines(positions, lower[order], upper[order], color="C0", linewidth=2.0 if few else 0.8, alpha=1 if few else 0.5)
    ax.plot(middle[order], positions, "o", color="C0", markersize=5 if few else 2)
    if fit.model.grouped:
        mu = float(fit.posterior["mu_alpha"].median())
        ax.axvline(mu, color="0.5", linestyle="--", linewidth=1, label="mu_alpha")
        ax.legend(loc="lower right", frameon=False)
    else:
        ax.axvline(0, color="0.5", linestyle="--", linewidth=1)
    if few:
        ax.set_yticks(positions, [labels[k] for k in order])
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(order):,} groups, sorted")
    ax.set_xlabel(f"{title} (median and {100 * prob:g} % interval)")
    ax.margins(y=0.02 if not few else 0.05)
    return ax


def _estimates(fit: "Fit") -> tuple[list[str], np.ndarray, str]:
    posterior = fit.posterior
    if fit.model.grouped:
        if "alpha" not in posterior:
            raise StanhierError("There are too many groups to draw them one by one; choose some with fit.predict().")
        alpha = posterior["alpha"]
        return [str(v) for v in alpha[alpha.dims[-1]].to_numpy()], _flat(alpha), f"alpha[{alpha.dims[-1]}]"
    columns: list[np.ndarray] = []
    labels: list[str] = []
    for name in ("alpha", "beta"):
        if name in posterior:
            columns.append(_flat(posterior[name]))
            labels += [name] if name == "alpha" else [str(v) for v in posterior["predictor"].to_numpy()]
    if not columns:
        raise StanhierError("The model has no coefficients to draw.")
    return labels, np.column_stack(columns), "coefficient"


def _flat(array: Any) -> np.ndarray:
    values = array.to_numpy()
    return np.asarray(values.reshape(values.shape[0] * values.shape[1], -1))
