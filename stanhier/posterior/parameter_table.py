"""The parameters of a fit in numbers, without group effects: what there is room for when fits are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from stanhier.engines.draws import Draws
from stanhier.posterior.diagnostics import Diagnosis, convergence

__all__ = ["COLUMNS", "ParameterTable"]

COLUMNS = ("mean", "sd", "lower", "median", "upper", "r_hat", "ess_bulk", "ess_tail")
PROBABILITIES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class ParameterTable:
    """One row for each parameter.

    Attributes
    ----------
    names : tuple of str
        Parameters, as in `Fit.summary`.
    values : numpy.ndarray, shape (parameters, 8)
        By `COLUMNS`: mean, sd, median and central 90 % interval, R-hat, bulk and tail effective sample size.
    """

    names: tuple[str, ...]
    values: np.ndarray

    @classmethod
    def of(cls, draws: Draws, diagnosis: Diagnosis, names: Sequence[str], origin: np.ndarray, *, known: bool) -> Self:
        """Summarise draws.

        Parameters
        ----------
        draws : Draws
        diagnosis : Diagnosis
            Of these draws.
        names : sequence of str, length P
            Labels of the location parameters.
        origin : numpy.ndarray, shape (K + 1,)
            What compression subtracted from [X y].
        known : bool
            Whether sigma is known, and so no parameter.
        """
        locations = np.moveaxis(draws.location, -1, 0)
        checks = diagnosis.table.loc[list(names)].to_numpy(copy=True)
        if len(names) == len(origin):  # with an intercept: here the one at x = 0, as the user knows it
            locations = locations.copy()
            # In this order, to the bit what the posterior has: R-hat rests on ranks, which a last bit can change.
            locations[0] = locations[0] + origin[-1] - draws.location[:, :, 1:] @ origin[:-1]
            if len(names) > 1:
                checks[0] = convergence(locations[:1])[0]
        rows, labels = [*locations], list(names)
        for name, scale in (("sigma_alpha", draws.sigma_alpha), ("sigma", None if known else draws.sigma)):
            if scale is not None:
                rows.append(scale)
                labels.append(name)
        if len(labels) > len(names):
            checks = np.vstack([checks, diagnosis.table.reindex(labels[len(names) :]).to_numpy()])
        flat = np.stack(rows).reshape(len(rows), -1)
        moments = [flat.mean(axis=1), flat.std(axis=1, ddof=1)]
        return cls(tuple(labels), np.column_stack([*moments, *np.quantile(flat, PROBABILITIES, axis=1), checks]))

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain lists."""
        return {"names": list(self.names), "values": self.values.tolist()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Make it from what `as_dict` gives."""
        return cls(tuple(plain["names"]), np.array(plain["values"], dtype=float).reshape(-1, len(COLUMNS)))

    @staticmethod
    def together(tables: "Mapping[str, ParameterTable]") -> pd.DataFrame:
        """Put the tables of several fits into one, by the fits' names."""
        index = pd.MultiIndex.from_tuples(
            [(fit, name) for fit, table in tables.items() for name in table.names], names=["fit", "parameter"]
        )
        values = [table.values for table in tables.values()]
        return pd.DataFrame(np.vstack(values) if values else None, index=index, columns=list(COLUMNS), dtype=float)
