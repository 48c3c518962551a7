"""The same formula fitted with complete, no and partial pooling: what came of it, compared and drawn."""

from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd

from stanhier import plots
from stanhier.basics.arguments import in_our_words
from stanhier.basics.words import quoted
from stanhier.evaluation.comparison import compare
from stanhier.fit import Fit
from stanhier.many.pooled_tables import COMPLETE, PARTIAL
from stanhier.model import Model
from stanhier.plots.scales import linear_words

__all__ = ["Pooling"]


@dataclass(frozen=True)
class Pooling:
    """Three fits of the same formula, from no differences between groups to unrelated groups.

    Attributes
    ----------
    fits : dict of Fit
        By the names "complete pooling", "no pooling" and "partial pooling".
    estimates : pandas.DataFrame
        One row per group: its number of rows `n`, and for each fit the median and the central interval of the group's
        mean, where `at` says: `complete`, `complete_lower`, `complete_upper`, `no`, `no_lower`, `no_upper`, `partial`,
        `partial_lower`, `partial_upper`, in units of the response, or of the linear predictor where the family has a
        link (log odds, probit, log of the mean), at an offset of 0.
    prob : float
        Probability of the intervals.
    tables : dict of pandas.DataFrame
        By effect, "Intercept" or the column whose slope varies, what `estimates` is of the first.
    at : str
        Where the predictors are: "at the mean of the predictors"; empty where there are none.
    """

    fits: dict[str, Fit[Model]]
    estimates: pd.DataFrame
    prob: float
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    at: str = ""

    @property
    def group(self) -> str:
        """The grouping column."""
        return str(self.estimates.index.name)

    @in_our_words()
    def compare(
        self,
        *,
        by: Literal["row", "group"] = "row",
        method: str = "stacking",
        reference: str | None = None,
        round_to: int | str | None = "auto",
    ) -> pd.DataFrame:
        """Compare the three by leave-one-out cross-validation.

        Parameters
        ----------
        by : {"row", "group"}
            What is left out. With "group" all three are sampled again, in the same ten folds of groups (fewer where
            there are fewer groups): nothing but its prior tells no pooling of a group that was left out, which
            weighted draws cannot show.
        method, reference, round_to
            As for `stanhier.compare`.

        Returns
        -------
        pandas.DataFrame
        """
        results: dict[str, Any] = dict(self.fits)
        if by == "group":
            partial = self.fits[PARTIAL]
            (grouping,) = partial.model.rows.groupings
            labels = pd.Series(np.asarray(grouping.levels[grouping.codes]), name=grouping.name)
            for name, fit in self.fits.items():
                left_out: Any = "group" if fit is partial else labels
                results[name] = fit.kfold(by=left_out, k=min(len(grouping.levels), 10), seed=partial.draws.seed)
        return compare(results, by=by, method=method, reference=reference, round_to=round_to)

    plot = plots.pooling

    @property
    def _title(self) -> str:
        design = self.fits[COMPLETE].model.design
        scale = "" if design.family.link == "identity" else linear_words(design)
        at = f", {' '.join(filter(None, [scale, self.at]))}" if scale or self.at else ""
        return f"Pooling of {quoted(design.formula.text)} over {len(self.estimates)} groups of '{self.group}'{at}"

    @property
    def _shown(self) -> dict[str, pd.DataFrame]:
        """The tables to show, by their titles."""
        return self.tables if len(self.tables) > 1 else {"": self.estimates}

    def __repr__(self) -> str:
        return "\n".join([self._title, *(f"{effect}\n{table}".lstrip("\n") for effect, table in self._shown.items())])

    def _repr_html_(self) -> str:
        """Show it in a notebook, with the numbers that it prints."""
        pieces = [f"<p>{escape(self._title)}</p>"]
        for effect, table in self._shown.items():
            pieces += [f"<p><strong>{escape(effect)}</strong></p>"] if effect else []
            pieces.append(_html(table))
        return "\n".join(pieces)


def _html(table: pd.DataFrame) -> str:
    show: Any = getattr(table, "_repr_html_", None)
    return (show() if show is not None else None) or f"<pre>{escape(str(table))}</pre>"  # where pandas shows text alone
