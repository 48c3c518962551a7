"""Names that files use, and that their modules no longer have."""

from pathlib import Path

from scripts.names import missing

NAMES = """
import numpy as np, nowhere
import stanhier as sh
from stanhier.basics import errors, threads
from stanhier.basics.errors import DataError, NoError
from .tools import fifty_digits

def test(threads):
    from stanhier.basics.other import thing
    assert threads.gone and np.gone and nowhere.gone and errors.DataError.gone
    return lambda: sh.Model + sh.Modle + fifty_digits.mp + fifty_digits.sixty

with pytest.raises(AttributeError, match="gone"):
    sh.gone

sh.made_up = threads.n_threads() + threads.many
"""


def test_names_that_are_gone_are_found(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_something.py").write_text(NAMES)
    assert missing(tmp_path / "tests" / "test_something.py", tmp_path) == [
        "tests/test_something.py:5: stanhier.basics.errors has no NoError",
        "tests/test_something.py:9: stanhier.basics.other has no thing",
        "tests/test_something.py:11: stanhier has no Modle",
        "tests/test_something.py:11: tests.tools.fifty_digits has no sixty",
        "tests/test_something.py:16: stanhier.basics.threads has no many",
    ]
