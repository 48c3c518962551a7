import numpy as np
import pytest

from stanhier.engines.rows.cells import merged
from stanhier.engines.rows.likelihood import (
    GAUSSIAN,
    LOGIT,
    NEGATIVE_BINOMIAL,
    POISSON,
    PROBIT,
    STUDENT,
    derivatives,
)
from tests.tools.explicit_rows import AUXILIARY, log_likelihood, simulated

FAMILIES = (GAUSSIAN, LOGIT, PROBIT, POISSON, NEGATIVE_BINOMIAL, STUDENT)


def _merged(family, rows, largest=0):
    X, terms, y, n, offset = rows
    return merged(family, X, [t[0] for t in terms], [t[1] for t in terms], y, largest=largest, n=n, offset=offset)


def _eta(cells_or_rows, seed):
    rng = np.random.default_rng(seed)
    X, Z, codes, offset = cells_or_rows
    eta = offset + X @ rng.standard_normal(X.shape[1])
    for z, code in zip(Z, codes, strict=True):
        eta += (z * rng.standard_normal((30, z.shape[1]))[code]).sum(axis=1)
    return eta


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("discrete", [True, False])
def test_likelihood_of_cells_is_that_of_rows_up_to_a_constant(family, discrete):
    rows = simulated(family, "crossed", discrete=discrete, n_rows=200)
    X, terms, y, n, offset = rows
    cells = _merged(family, rows)
    aux = np.array(AUXILIARY.get(family, []))
    found = []
    for seed in (1, 2):
        eta = _eta((X, [t[0] for t in terms], [t[1] for t in terms], offset), seed)
        of_cells = _eta((cells.X, cells.Z, cells.codes, cells.offset), seed)
        ours = derivatives(family, of_cells, cells.y, cells.n, aux).value
        found.append(log_likelihood(family, y, eta, n, aux).sum() - ours)
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    assert (cells.n_cells < 100) == (discrete and family not in (NEGATIVE_BINOMIAL, STUDENT))


def test_squares_around_means_complete_the_gaussian_likelihood():
    rows = simulated(GAUSSIAN, "one", discrete=True)
    X, terms, y, n, offset = rows
    cells = _merged(GAUSSIAN, rows)
    eta = _eta((X, [terms[0][0]], [terms[0][1]], offset), 1)
    of_cells = _eta((cells.X, cells.Z, cells.codes, cells.offset), 1)
    whole = (n * (y - eta) ** 2).sum()
    assert (cells.n * (cells.y - of_cells) ** 2).sum() + cells.squares == pytest.approx(whole, rel=1e-12)
    assert cells.n_rows == len(y)


def test_cells_are_sorted_by_the_largest_factor():
    cells = _merged(LOGIT, simulated(LOGIT, "crossed"), largest=1)
    assert (np.diff(cells.codes[1]) >= 0).all()


def test_poisson_rows_of_other_offsets_merge_to_one_exposure():
    ones, codes = np.ones((4, 1)), np.zeros(4, dtype=int)
    offset = np.log([1.0, 2.0, 3.0, 4.0])
    cells = merged(POISSON, ones, [ones], [codes], np.array([1.0, 0.0, 2.0, 5.0]), largest=0, offset=offset)
    assert cells.n == pytest.approx([10.0])
    assert cells.y == pytest.approx([8.0])
    assert cells.offset == pytest.approx([0.0])


def test_means_of_a_response_far_from_zero_keep_their_digits():
    ones, codes = np.ones((3, 1)), np.zeros(3, dtype=int)
    cells = merged(GAUSSIAN, ones, [ones], [codes], 1e9 + np.array([0.0, 1.0, 2.0]), largest=0)
    assert cells.squares == pytest.approx(2.0, rel=1e-12)


def test_negative_zero_is_zero():
    ones, codes = np.ones((2, 1)), np.zeros(2, dtype=int)
    cells = merged(LOGIT, np.array([[0.0], [-0.0]]), [ones], [codes], np.array([0.0, 1.0]), largest=0)
    assert cells.n_cells == 1
    assert cells.n == pytest.approx([2.0])
