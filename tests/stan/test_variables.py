"""Variables of a program out of a table of draws."""

import numpy as np

from stanhier.stan.variables import named_variables


def test_variables_have_their_own_shape_first_index_fastest():
    names = [
        "lp__",
        "alpha",
        "beta[1]",
        "beta[2]",
        "L[1,1]",
        "L[2,1]",
        "L[1,2]",
        "L[2,2]",
        "L[1,3]",
        "L[2,3]",
        "z_g[1]",
    ]
    table = np.arange(2 * 3 * len(names), dtype=float).reshape(2, 3, -1)
    found = named_variables(table, names)
    assert list(found) == ["alpha", "beta", "L", "z_g"]
    np.testing.assert_array_equal(found["alpha"], table[:, :, 1])
    np.testing.assert_array_equal(found["beta"], table[:, :, 2:4])
    assert found["L"].shape == (2, 3, 2, 3)
    np.testing.assert_array_equal(found["L"][:, :, 1, 2], table[:, :, 9])
    np.testing.assert_array_equal(found["L"][:, :, 0, 1], table[:, :, 6])
    assert found["z_g"].shape == (2, 3, 1)


def test_a_program_without_parameters_has_no_variables():
    assert named_variables(np.zeros((1, 2, 2)), ["lp__", "accept_stat__"]) == {}
