import numpy as np

from stanhier.engines.multilevel.layout import TermShape
from stanhier.engines.rows.chains import find_chains

A = np.repeat(np.arange(3), 8)
B = np.repeat(np.arange(12), 2)
ROW = np.arange(24)
CROSSED = np.tile(np.arange(4), 6)


def _found(*codes, slopes=()):
    terms = [
        TermShape(int(code.max()) + 1, (2,), (-1, 0)) if t in slopes else TermShape(int(code.max()) + 1, (1,), (-1,))
        for t, code in enumerate(codes)
    ]
    constants = [np.array([True, False]) if t in slopes else np.array([True]) for t in range(len(codes))]
    return find_chains(terms, codes, constants), terms


def test_nested_terms_form_a_chain_whatever_their_order():
    chains, terms = _found(A, ROW, B)
    assert chains.above == (-1, 2, 0)
    assert chains.units == [[1, 2, 0]]
    assert (chains.parents[2] == np.repeat([0, 1, 2], 4)).all()
    parent = chains.parent_effects(terms)
    assert (parent[:3] == 0).all()
    assert (parent[3:27] == 27 + B + 1).all()
    assert (parent[27:] == np.repeat([1, 2, 3], 4)).all()


def test_crossed_terms_do_not():
    chains, _ = _found(CROSSED, B)
    assert chains.above == (-1, -1)
    assert chains.units == [[0], [1]]


def test_terms_with_slopes_do_not():
    chains, _ = _found(A, B, slopes=(1,))
    assert chains.above == (-1, -1)


def test_a_term_has_one_finer_term_in_its_chain():
    other = A * 2 + (ROW % 2)
    chains, _ = _found(A, B, other)
    assert chains.above == (-1, 0, -1)


def test_levels_without_rows_have_a_parent_all_the_same():
    terms, constants = [TermShape(3, (1,), (-1,)), TermShape(12, (1,), (-1,))], [np.array([True])] * 2
    chains = find_chains(terms, [A[:-2], B[:-2]], constants)
    assert chains.above == (-1, 0)
    assert chains.parents[1][-1] == 0
