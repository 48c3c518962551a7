"""The errors that stanhier raises: one base class, a few children by what to look at."""

from stanhier.basics.words import shortened

__all__ = ["CmdStanError", "DataError", "FormulaError", "PriorError", "SamplingError", "StanhierError"]


class StanhierError(Exception):
    """Base of every error that stanhier raises on purpose.

    The message names the column, argument or file, says what was wrong with it and what to do.
    """

    _longest = 4000

    def __str__(self) -> str:
        # Names, labels and files are the users', or a stranger's: no length of them may bury what is said.
        return shortened(super().__str__(), self._longest)


class FormulaError(StanhierError):
    """The formula cannot be read, or asks for something that the model does not have."""


class DataError(StanhierError):
    """The data do not fit the model: a missing column, a missing value, a wrong type."""


class PriorError(StanhierError):
    """A prior does not fit its parameter, or its own parameters are out of range."""


class SamplingError(StanhierError):
    """Stan stopped, or was asked for something that it cannot run."""

    _longest = 20_000  # with what programs have said


class CmdStanError(StanhierError):
    """CmdStan, its compiler or its cache is missing, broken or out of reach."""

    _longest = 20_000  # with what programs have said
