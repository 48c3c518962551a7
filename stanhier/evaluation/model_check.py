"""What a check of a model comes to: a verdict with what to try next, and the table behind it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.tables import Table, decimals
from stanhier.basics.verdicts import verdict_html
from stanhier.evaluation.checks.finding import Finding

__all__ = ["ModelCheck", "verdict_on"]

_COLUMNS = ["check", "of", "observed", "expected_lower", "expected_upper", "p", "level", "ok"]


_TOLD_BY = {
    "kind of response": ("skewness of residuals", "tails of residuals", "LOO-PIT", "skewness", "min", "max"),
    "skewness of residuals": ("tails of residuals", "LOO-PIT", "skewness", "min", "max"),
    "tails of residuals": ("skewness of residuals", "LOO-PIT", "skewness", "min", "max"),
}
"""Checks that fail for the same reason as a surer one, and are then in the table alone."""


@dataclass(frozen=True)
class ModelCheck:
    """Whether a model describes its data.

    Attributes
    ----------
    problems : tuple of str
        What is wrong and what to try next, the surest first and each cause once; empty where nothing was found.
    notes : tuple of str
        What is worth knowing and no fault of the model: priors that decide, rows that decide, a single chain.
    not_checked : tuple of str
        Checks that could not be made, and why.
    table : pandas.DataFrame
        One row a check: `check`, `of` (column, factor or parameter), `observed` and the central 90 % of what the model
        lets expect, where these are numbers, `p`, the `level` that p has to be above, and `ok`.
    sensitivity : pandas.DataFrame
        By parameter how much the posterior changes where the `prior`, or the `likelihood`, is raised to a power, as
        `arviz.psense_summary` has it; above 0.05 it is worth a look. No rows where that was not looked at.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    not_checked: tuple[str, ...]
    table: pd.DataFrame
    sensitivity: pd.DataFrame

    @property
    def ok(self) -> bool:
        """Whether no check found a problem."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """In a sentence, what there is to say."""
        if not len(self.table):
            return "Nothing of the model could be checked."
        if self.ok:
            return "No problems found in the model."
        return f"{len(self.problems)} {'problem' if len(self.problems) == 1 else 'problems'} found in the model."

    @property
    def facts(self) -> str:
        """What was checked."""
        kinds = ", ".join(dict.fromkeys(self.table["check"]))
        n = len(self.table)
        return f"{n} {'check' if n == 1 else 'checks'}: {kinds}." if n else ""

    @property
    def remarks(self) -> list[str]:
        """Notes, and what was not checked."""
        left_out = [f"Not checked: {'; '.join(self.not_checked)}."] if self.not_checked else []
        return [*(f"Note: {note}" for note in self.notes), *left_out]

    def __str__(self) -> str:
        facts = [self.facts] if self.facts else []
        return "\n".join([self.verdict, *(f"- {one}" for one in self.problems), *self.remarks, *facts])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show it in a notebook, as the report does."""
        return verdict_html(self.verdict, self.problems, [one for one in [*self.remarks, self.facts] if one])


def verdict_on(
    findings: Sequence[Finding], notes: Sequence[str], not_checked: Sequence[str], sensitivity: pd.DataFrame
) -> ModelCheck:
    """Put findings together."""
    # Nothing is known of a check without a result, as of residuals that are all the same.
    findings = [one for one in findings if np.isnan(one.level) or not np.isnan(one.p)]
    failed = sorted((one for one in findings if not one.ok), key=lambda one: np.nan_to_num(one.p / one.level))
    told: set[str] = set()
    problems = []
    for one in failed:
        if one.check not in told:
            problems.append(one.problem)
            told.update(_TOLD_BY.get(one.check, ()))
    rows = [(one.check, one.of, one.observed, one.lower, one.upper, one.p, one.level, one.ok) for one in findings]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    width = (table["expected_upper"] - table["expected_lower"]).where(lambda one: one > 0, table["observed"].abs())
    own = [decimals(one) for one in width.to_numpy(dtype=float)]
    places: dict[Hashable, Any] = {"observed": own, "expected_lower": own, "expected_upper": own}
    places |= {"p": 4, "level": 4}
    scaled = Table.of(sensitivity, dict.fromkeys(sensitivity.columns, 3))
    return ModelCheck(tuple(problems), tuple(notes), tuple(not_checked), Table.of(table, places), scaled)
