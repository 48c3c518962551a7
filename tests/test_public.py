import subprocess
import sys

import pytest

import stanhier as sh


def test_public_names_are_sorted_and_all_there():
    assert sh.__all__ == sorted(sh.__all__)
    assert set(sh.__all__) == set(sh._HOMES)
    for name in sh.__all__:
        assert getattr(sh, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sh.nothing


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, stanhier; print([m for m in ('arviz', 'cmdstanpy', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_error_is_a_stanhier_error():
    for name in sh.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(sh, name), sh.StanhierError)
