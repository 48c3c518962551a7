"""What tests share."""

from pathlib import Path

import pytest

from stanhier.cmdstan import install


@pytest.fixture(scope="session")
def cmdstan_home() -> Path:
    """A ready CmdStan home that stanhier built, in the ordinary cache, where ``scripts/setup`` has put it."""
    return install(progress=False)
