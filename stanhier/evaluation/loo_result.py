"""What leave-one-out finds: ArviZ's result, which also names the worst and says what was sampled again."""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.words import shortened
from stanhier.evaluation.left_out import LeftOut

__all__ = ["loo_result", "worst_of"]

_NAMED = 10
_PRINTED = 3


def worst_of(out: LeftOut, k: np.ndarray, elpd: np.ndarray, refitted: np.ndarray, limit: float) -> pd.DataFrame:
    """List the sets of rows whose weights have the heaviest tails: ten, or as many as are above the limit.

    Parameters
    ----------
    out : LeftOut
    k, elpd : numpy.ndarray, shape (n,)
    refitted : numpy.ndarray of bool, shape (n,)
    limit : float

    Returns
    -------
    pandas.DataFrame
        By the user's labels, the worst first: pareto_k, elpd, refitted.
    """
    high = np.where(np.isnan(k), np.inf, k)
    size = min(len(k), max(_NAMED, int((high > limit).sum())))
    first = np.argsort(-high, kind="stable")[:size]
    labels = out.labels[first].rename(out.coordinate.name)
    return pd.DataFrame({"pareto_k": k[first], "elpd": elpd[first], "refitted": refitted[first]}, index=labels)


def loo_result(**values: Any) -> Any:
    """Make a result.

    Parameters
    ----------
    **values
        The fields of ArviZ's `ELPDDataLOO`, and `worst`, `n_refitted`, `integration_k` and `noun`.
    """
    return _result_class()(**values)


def _again(values: dict[str, Any]) -> Any:
    return loo_result(**values)


@cache
def _result_class() -> Any:
    """Give the class of results, made here because ArviZ is slow to import."""
    from arviz_stats.utils import ELPDDataLOO

    base: Any = ELPDDataLOO

    @dataclass(kw_only=True, repr=False)
    class LeaveOneOut(ELPDDataLOO):
        """ArviZ's result, and the worst rows or groups.

        Attributes
        ----------
        worst : pandas.DataFrame
            The rows or groups of the highest Pareto k, by the labels that they have in the data: pareto_k, before any
            refit; elpd; refitted.
        n_refitted : int
            How many were left out by sampling again without them.
        integration_k : xarray.DataArray
            Pareto k of the importance sampling by which effects were integrated out; nan where there was none.
        noun : str
            What was left out: "rows" or "groups".
        """

        worst: pd.DataFrame
        n_refitted: int
        integration_k: Any
        noun: str

        def __str__(self) -> str:
            lines = [str(base.__str__(self))]
            if len(self.worst):
                some = self.worst["pareto_k"].iloc[:_PRINTED]
                listed = ", ".join(f"{shortened(str(label), 60)} ({value:.2f})" for label, value in some.items())
                before = " before refits" if self.n_refitted else ""
                lines.append(f"Highest Pareto k{before}, of {self.noun}: {listed}; .worst has more.")
            if self.n_refitted:
                what = self.noun if self.n_refitted > 1 else self.noun.removesuffix("s")
                lines.append(f"{self.n_refitted:,} {what} left out by sampling again.")
            return "\n".join(lines)

        __repr__ = __str__

        def __reduce__(self) -> tuple[Any, ...]:
            return _again, ({field.name: getattr(self, field.name) for field in fields(self)},)

    return LeaveOneOut
