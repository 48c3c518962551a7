"""The typed keywords are cmdstanpy's own, no more and no fewer."""

import inspect

import pytest

from stanhier.posterior import approximation
from stanhier.stan import keyword_types, nuts

METHODS = {
    "sample": (keyword_types.SampleKeywords, nuts.NOT_FOR_USERS),
    "optimize": (keyword_types.OptimizeKeywords, approximation.NOT_FOR_USERS),
    "laplace_sample": (keyword_types.LaplaceKeywords, approximation.NOT_FOR_USERS),
    "pathfinder": (keyword_types.PathfinderKeywords, approximation.NOT_FOR_USERS),
    "variational": (keyword_types.VariationalKeywords, approximation.NOT_FOR_USERS),
}


@pytest.mark.versions
@pytest.mark.parametrize("method", METHODS)
def test_the_keywords_are_cmdstanpys(method):
    from cmdstanpy import CmdStanModel

    typed, hidden = METHODS[method]
    theirs = set(inspect.signature(getattr(CmdStanModel, method)).parameters) - {"self"}
    assert set(typed.__annotations__) == theirs - set(hidden)


def test_refitting_chooses_the_seed():
    typed = set(keyword_types.SampleKeywords.__annotations__)
    assert typed - set(keyword_types.RefitKeywords.__annotations__) == {"seed"}
