"""What is known of the residual standard deviation: nothing, one number, one for each row, or that there is none."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, Self

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.magnitudes import LARGEST, SMALLEST
from stanhier.basics.words import quoted
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise:
    """The residual standard deviation of a response, or the scale of a Student t one.

    Attributes
    ----------
    kind : {"estimated", "fixed", "known", "none"}
        A parameter of the model, a number that the user has fixed, the standard error of each row; or responses have no
        such thing.
    fixed : float or None
        That number, in units of the response.
    """

    kind: Literal["estimated", "fixed", "known", "none"]
    fixed: float | None = None

    @classmethod
    def of(cls, sigma: Any, se: Any, family: Family = GAUSSIAN) -> Self:
        """Read the arguments `sigma` and `se` of a model.

        Parameters
        ----------
        sigma : float or None
        se : str, array or None
            Standard errors; what they are is checked with the rows.
        family : Family

        Raises
        ------
        DataError
            If both are given, or `sigma` is no positive number that double precision can calculate with; if either is
            given and responses are not Gaussian.
        """
        if not family.is_gaussian:
            for name, given in (("sigma", sigma), ("se", se)):
                if given is not None:
                    why = "its scale is estimated" if family.has_sigma else "its responses have no such parameter"
                    raise DataError(f'`{name}` is for family="gaussian" alone; this family is "{family.name}", {why}.')
            return cls("estimated" if family.has_sigma else "none")
        if sigma is None:
            return cls("estimated" if se is None else "known")
        if se is not None:
            raise DataError("Give `sigma` or `se`, not both: each says what the residual standard deviation is.")
        if isinstance(sigma, bool) or not isinstance(sigma, Real):
            raise DataError(f"`sigma` must be a number or None, not {type(sigma).__name__}.")
        if not float(sigma) > 0 or not np.isfinite(float(sigma)):
            raise DataError(f"`sigma` must be positive and finite; it is {quoted(sigma)}.")
        if not SMALLEST <= float(sigma) <= LARGEST:
            raise DataError(f"`sigma` must be between {SMALLEST:g} and {LARGEST:g}; it is {quoted(sigma)}.")
        return cls("fixed", float(sigma))

    @property
    def is_estimated(self) -> bool:
        """Whether sigma is a parameter."""
        return self.kind == "estimated"

    @property
    def unit(self) -> float | None:
        """What sigma is where it is no parameter; 1 where rows are weighted by their standard errors."""
        return 1.0 if self.kind == "known" else self.fixed
