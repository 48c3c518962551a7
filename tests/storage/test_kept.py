"""Files of version 0.1.0 from before the rooms still load, and give what they gave then."""

import numpy as np
import pytest

from tests.tools.kept import FOLDER, KINDS, loaded, outcomes

EXPECTED = np.load(FOLDER / "expected.npz")


@pytest.mark.versions
@pytest.mark.parametrize("kind", KINDS)
def test_a_kept_fit_gives_what_it_gave(kind):
    found = outcomes(kind, loaded(kind))
    expected = {name.split("/", 1)[1]: EXPECTED[name] for name in EXPECTED.files if name.startswith(f"{kind}/")}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        scale = np.abs(values[np.isfinite(values)]).max(initial=0.0)
        # Quantiles of groups were solved for until 1e-5 of their probability was left, which is up to 3e-9 of the root.
        tolerance = 3e-9 if name in ("groups", "updated group") else 1e-10
        np.testing.assert_allclose(found[name], values, rtol=tolerance, atol=tolerance * scale, err_msg=name)


@pytest.mark.versions
@pytest.mark.parametrize("kind", KINDS)
def test_a_kept_fit_is_saved_and_loaded_again(kind, tmp_path):
    fit = loaded(kind)
    fit.save(tmp_path / "again.nc")
    again = loaded(kind, tmp_path / "again.nc")
    assert repr(again) == repr(fit)
    assert again.idata.identical(fit.idata)


def test_every_kind_is_kept():
    assert len(KINDS) == 10
