"""What is known of the noise around the linear predictor: of its scale sigma, and of how rows differ.

Where rows differ it is y_i ~ normal(eta_i, sigma / sqrt(w_i)): precision weights w say so, and so do known standard
errors, of which w is se**-2 and sigma 1.
"""

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal, Self

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.magnitudes import LARGEST, SMALLEST
from stanhier.basics.words import quoted
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN

__all__ = ["Noise", "RowNoise"]

_WORDS = {"se": "standard errors", "weights": "weights"}


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
    weighted : bool
        Whether rows have precision weights: sigma is that of a row of weight 1 then.
    """

    kind: Literal["estimated", "fixed", "known", "none"]
    fixed: float | None = None
    weighted: bool = False

    @classmethod
    def of(cls, sigma: Any, se: Any, weights: Any = None, family: Family = GAUSSIAN) -> Self:
        """Read the arguments `sigma`, `se` and `weights` of a model.

        Parameters
        ----------
        sigma : float or None
        se, weights : str, array or None
            Standard errors, or precision weights; what they are is checked with the rows.
        family : Family

        Raises
        ------
        DataError
            If `se` comes with one of the others, or `sigma` is no positive number that double precision can calculate
            with; if any is given and responses are not Gaussian.
        """
        if not family.is_gaussian:
            if weights is not None:
                raise DataError(_refusal_of_weights(family))
            for name, given in (("sigma", sigma), ("se", se)):
                if given is not None:
                    why = "its scale is estimated" if family.has_sigma else "its responses have no such parameter"
                    raise DataError(f'`{name}` is for family="gaussian" alone; this family is "{family.name}", {why}.')
            return cls("estimated" if family.has_sigma else "none")
        if se is not None and weights is not None:
            raise DataError(
                "Give `se` or `weights`, not both: known standard errors are weights of se**-2 with a sigma of 1."
            )
        if sigma is None:
            return cls("estimated" if se is None else "known", weighted=weights is not None)
        if se is not None:
            raise DataError("Give `sigma` or `se`, not both: each says what the residual standard deviation is.")
        if isinstance(sigma, bool) or not isinstance(sigma, Real):
            raise DataError(f"`sigma` must be a number or None, not {type(sigma).__name__}.")
        if not float(sigma) > 0 or not np.isfinite(float(sigma)):
            raise DataError(f"`sigma` must be positive and finite; it is {quoted(sigma)}.")
        if not SMALLEST <= float(sigma) <= LARGEST:
            raise DataError(f"`sigma` must be between {SMALLEST:g} and {LARGEST:g}; it is {quoted(sigma)}.")
        return cls("fixed", float(sigma), weights is not None)

    @property
    def is_estimated(self) -> bool:
        """Whether sigma is a parameter."""
        return self.kind == "estimated"

    @property
    def differs(self) -> bool:
        """Whether the noise of rows differs."""
        return self.kind == "known" or self.weighted

    @property
    def unit(self) -> float | None:
        """What sigma is where it is no parameter; 1 where rows are weighted by their standard errors."""
        return 1.0 if self.kind == "known" else self.fixed


@dataclass(frozen=True)
class RowNoise:
    """How the noise of rows differs: what the user says of each of them.

    Attributes
    ----------
    argument : {"se", "weights"}
        Known standard errors, or precision weights.
    column : str or None
        Where the data have them; None if they came as values.
    values : numpy.ndarray, shape (N,), or None
        As they were given, positive; None of rows that are not in memory.
    """

    argument: Literal["se", "weights"]
    column: str | None
    values: np.ndarray | None = None

    @classmethod
    def in_column(cls, se: str | None, weights: str | None) -> Self | None:
        """Give that of rows which have it in a column, of standard errors or of weights; None where neither is."""
        if se is not None:
            return cls("se", se)
        return None if weights is None else cls("weights", weights)

    @property
    def words(self) -> str:
        """What they are called."""
        return _WORDS[self.argument]

    @property
    def name(self) -> str:
        """What stands for them: the column, or the argument where there is none."""
        return self.argument if self.column is None else self.column

    @property
    def said(self) -> str:
        """What a model says of them in a line."""
        if self.argument == "se":
            return "standard errors known"
        return "weights given by row" if self.column is None else f"weights '{self.column}'"

    @property
    def weights(self) -> np.ndarray:
        """The precision weight of each row, w, shape (N,)."""
        assert self.values is not None
        return self.values if self.argument == "weights" else self.values**-2.0

    @property
    def relative_sds(self) -> np.ndarray:
        """The standard deviation of each row's noise in units of sigma, w**-0.5, shape (N,)."""
        assert self.values is not None
        return self.values if self.argument == "se" else self.values**-0.5

    def of(self, values: np.ndarray) -> Self:
        """Give that of other rows, with their values."""
        return replace(self, values=values)

    def take(self, rows: Any) -> Self:
        """Give that of some rows: by a mask, by positions, or a slice."""
        assert self.values is not None
        return replace(self, values=self.values[rows])

    def followed_by(self, other: Self) -> Self:
        """Give that of these rows and others behind them."""
        assert self.values is not None
        assert other.values is not None
        return replace(self, values=np.concatenate([self.values, other.values]))


_INSTEAD = {
    "bernoulli": '; counts of yes among several are family="binomial" with trials=',
    "binomial": "; numbers of trials are trials=",
    "poisson": "; the logarithm of an exposure is offset=",
    "negative_binomial": "; the logarithm of an exposure is offset=",
}


def _refusal_of_weights(family: Family) -> str:
    """Say what weights would be of responses that are not Gaussian."""
    return (
        "`weights` are precisions, of rows with a standard deviation of sigma / sqrt(weight), and so for "
        f'family="gaussian" alone; of family="{family.name}" they would count rows alike: repeat each row as often as '
        f"it occurs{_INSTEAD.get(family.name, '')}."
    )
