"""What the tests of this room share."""

from pathlib import Path

import pytest

from tests.tools.driver_tools import make_programs


@pytest.fixture(scope="module")
def programs(cmdstan_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_programs(cmdstan_home, tmp_path_factory)
