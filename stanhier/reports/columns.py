"""What a report says of the data: of each column its role, and its values in a line."""

from collections.abc import Iterator

import pandas as pd

from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.reports.group_tables import size_words

__all__ = ["columns"]


def columns(fit: Fitted[Regression]) -> Iterator[tuple[str, str, str]]:
    """Give name, role and a summary of every column that the model uses, and of combinations that are groups.

    Parameters
    ----------
    fit : Fitted
    """
    design, rows = fit.model.design, fit.model.in_memory
    noise = {} if design.row_noise is None else {design.row_noise.column: design.row_noise.words.removesuffix("s")}
    beside = {**noise, design.trials_name: "trials", design.offset_name: "offset"}
    named = [name for name in beside if name is not None]
    others = dict.fromkeys([*design.formula.columns, *design.formula.factor_columns, *named])
    terms = {grouping.name: term for term, grouping in enumerate(design.groupings)}
    for name in list(others) if rows is None else list(rows.frame.columns):
        roles = []
        if name in design.formula.predictor_columns:
            roles.append("predictor")
        if name in design.formula.factor_columns:
            roles.append("group")
        if name in named:
            roles.append(beside[name])
        if name in terms:
            words = size_words(fit, terms[name])
        elif rows is not None:
            labels = name in design.formula.labels or "group" in roles
            words = _column_words(rows.frame[name], labels=labels)
        else:
            words = _unseen_words(fit, str(name))
        yield str(name), " and ".join(roles) if roles else "response", words
    for grouping in design.groupings:
        if len(grouping.factors) > 1:
            yield grouping.name, "group", size_words(fit, terms[grouping.name])


def _unseen_words(fit: Fitted[Regression], name: str) -> str:
    """Say what is known of a column whose rows are not in memory."""
    design, moments = fit.model.design, fit.model.engine.moments
    if name == design.formula.response_column:
        return f"mean {moments.mean[-1]:.4g}, sd {moments.sd[-1]:.4g}"
    if name in design.columns.names:
        k = design.columns.names.index(name)
        return f"mean {moments.mean[k]:.4g}, sd {moments.sd[k]:.4g}"
    if name in design.kinds and isinstance(design.kinds[name].dtype, pd.CategoricalDtype):
        levels = design.kinds[name].cat.categories
        more = f" and {len(levels) - 4:,} more" if len(levels) > 4 else ""
        return f"{len(levels):,} values: {', '.join(map(str, levels[:4]))}{more}"
    return "not in memory"


def _column_words(column: pd.Series, *, labels: bool) -> str:
    if labels or isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind not in "if":
        counts = column.value_counts()
        first = ", ".join(f"{label} ({count:,})" for label, count in counts.iloc[:4].items())
        more = f" and {len(counts) - 4:,} more" if len(counts) > 4 else ""
        return f"{len(counts):,} {'value' if len(counts) == 1 else 'values'}: {first}{more}"
    values = column.to_numpy(dtype=float)
    spread = f", sd {values.std(ddof=1):.4g}" if len(values) > 1 else ""
    return f"mean {values.mean():.4g}{spread}, from {values.min():.4g} to {values.max():.4g}"
