"""The parameters of a fit in numbers, without group effects: what there is room for when fits are many."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from stanhier.basics.tables import ROUNDED_DOWN, Table, all_decimals
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Coordinates
from stanhier.engines.parameters import Role
from stanhier.posterior.diagnostics import Diagnosis

__all__ = ["COLUMNS", "ParameterTable"]

COLUMNS = ("mean", "sd", "lower", "median", "upper", "r_hat", "ess_bulk", "ess_tail")
PROBABILITIES = (0.05, 0.5, 0.95)
_SPREAD = (Role.GROUP_SD, Role.GROUP_COR, Role.NOISE)


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
    def of(cls, draws: Draws, diagnosis: Diagnosis, coordinates: Coordinates) -> Self:
        """Summarise draws.

        Parameters
        ----------
        draws : Draws
        diagnosis : Diagnosis
            Of these draws.
        coordinates : Coordinates
            Of the engine that made them.
        """
        values, inventory = coordinates.population(draws), coordinates.parameters
        labels: list[str] = []
        rows: list[np.ndarray] = []
        checks: list[np.ndarray] = []
        spread = [parameter for parameter in inventory if parameter.role in _SPREAD]
        for parameter in [*inventory.location, *spread]:
            numbers = np.moveaxis(parameter.scalars(values[parameter.name]), -1, 0)
            known = diagnosis.table.loc[parameter.scalar_names].to_numpy()
            labels += parameter.scalar_names
            rows += [*numbers]
            checks += [*known]
        flat = np.stack(rows).reshape(len(rows), -1)
        moments = [flat.mean(axis=1), flat.std(axis=1, ddof=1)]
        quantiles = np.quantile(flat, PROBABILITIES, axis=1)
        return cls(tuple(labels), np.column_stack([*moments, *quantiles, np.stack(checks)]))

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain lists."""
        return {"names": list(self.names), "values": self.values.tolist()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Make it from what `as_dict` gives."""
        return cls(tuple(plain["names"]), np.array(plain["values"], dtype=float).reshape(-1, len(COLUMNS)))

    @staticmethod
    def together(tables: "Mapping[str, ParameterTable]") -> Table:
        """Put the tables of several fits into one, by the fits' names."""
        index = pd.MultiIndex.from_tuples(
            [(fit, name) for fit, table in tables.items() for name in table.names], names=["fit", "parameter"]
        )
        values = [table.values for table in tables.values()]
        numbers = pd.DataFrame(np.vstack(values) if values else None, index=index, columns=list(COLUMNS), dtype=float)
        places: dict[Hashable, Any] = dict.fromkeys(COLUMNS[:5], all_decimals(numbers["sd"].to_numpy()))
        places |= {"r_hat": 3, "ess_bulk": ROUNDED_DOWN, "ess_tail": ROUNDED_DOWN}
        return Table.of(numbers, places)
