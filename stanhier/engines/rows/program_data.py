"""The data dictionary: its keys are the names in the data block of explicit_effects.stan."""

from typing import Any

import numpy as np

from stanhier.engines.multilevel.layout import eliminated_term
from stanhier.engines.multilevel.location_priors import location_terms
from stanhier.engines.rows.cells import Cells
from stanhier.engines.rows.likelihood import GAUSSIAN, NEGATIVE_BINOMIAL, STUDENT
from stanhier.engines.rows.reference import Problem
from stanhier.engines.rows.rising_logs import rising_logs
from stanhier.engines.rows.whitening import Whitening

__all__ = ["stan_data"]


def stan_data(problem: Problem, whitening: Whitening, eta: tuple[float, ...]) -> dict[str, Any]:
    """Build what the compiled program receives.

    Parameters
    ----------
    problem : Problem
    whitening : Whitening
        Of this problem.
    eta : tuple of float
        LKJ priors of the blocks, term by term.

    Returns
    -------
    dict
        Integers, floats and arrays; the names and sizes are documented in the program's data block.
    """
    cells, terms, places, effects = problem.cells, problem.terms, whitening.places, whitening.effects
    location = location_terms(problem.location, whitening.location_hat, whitening.basis)
    blocks = [(t + 1, size) for t, term in enumerate(terms) for size in term.blocks]
    Z, z_column = _columns_of_effects(problem)
    counts = _counts(cells)
    # What says nothing of any row is left out: gradients wait for memory where rows are many.
    n = np.empty(0) if cells.family in (NEGATIVE_BINOMIAL, STUDENT) or (cells.n == 1).all() else cells.n
    offset = cells.offset if cells.offset.any() else np.empty(0)
    info = [H[:, *np.tril_indices(H.shape[1])].ravel() for H in effects.info]
    P = len(whitening.location_hat)
    coupling = [C.reshape(term.n_effects, P) for term, C in zip(terms, effects.coupling, strict=True)]
    return {
        "family": cells.family,
        "N": cells.n_cells,
        "P": P,
        "T": len(terms),
        "B": len(blocks),
        "Qn": places.n_sds,
        "Cn": places.n_correlations,
        "A": len(places.auxiliary),
        "n_t": places.n_student,
        "E": places.n_effects,
        "I": sum(len(part) for part in info),
        "K": Z.shape[1],
        "D": len(counts),
        "has_n": int(len(n) > 0),
        "has_offsets": int(len(offset) > 0),
        "q": np.array([term.q for term in terms], dtype=int),
        "J": np.array([term.n_levels for term in terms], dtype=int),
        "block_term": np.array([term for term, _ in blocks], dtype=int),
        "block_size": np.array([size for _, size in blocks], dtype=int),
        "eta": np.array(eta, dtype=float),
        "X": cells.X @ whitening.basis,
        "Z": Z,
        "z_column": z_column,
        "g": np.array([code + 1 for code in cells.codes], dtype=int).reshape(len(terms), cells.n_cells),
        "sorted": eliminated_term(terms) + 1,
        "y": cells.y,
        "n": n,
        "offsets": offset,
        "phi_hat": np.linalg.solve(whitening.basis, whitening.location_hat),
        "counts": counts,
        "info": np.concatenate([np.empty(0), *info]),
        "pulled": np.concatenate([np.empty(0), *(c.ravel() for c in effects.pulled)]),
        "coupling": np.ascontiguousarray(np.vstack([np.empty((0, P)), *coupling]).T),
        "above": np.array(effects.chains.above, dtype=int) + 1,
        "parent": effects.chains.parent_effects(terms),
        "b_hat": np.concatenate([np.empty(0), *(b.ravel() for b in effects.b_hat)]),
        "sigma_hat": effects.sigma_hat,
        "prior_rows": location.rows,
        "prior_residual": location.residual,
        "prior_precision": location.precision,
        "t_prior": location.student,
        "t_nu": location.nu,
        "u_hat": whitening.scales.u_hat,
        "u_basis": whitening.scales.u_basis,
        "softness": whitening.scales.softness,
        "sigma_known": 1.0 if problem.sigma is None else problem.sigma,
        "scale_prior_family": problem.scales.family,
        "scale_prior_nu": problem.scales.nu,
        "scale_prior_mu": problem.scales.mu,
        "scale_prior_sigma": problem.scales.sigma,
    }


def _columns_of_effects(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Give the columns that effects are multiplied by, each once, shape (M, K), and of each effect which, from 1.

    0 stands for the constant, which is not stored.
    """
    found: dict[int, int] = {}
    columns: list[np.ndarray] = []
    which = []
    cells = problem.cells
    for term, Z, is_constant in zip(problem.terms, cells.Z, cells.constants, strict=True):
        for column, values, constant in zip(term.columns, Z.T, is_constant, strict=True):
            if constant:
                which.append(0)
                continue
            if column not in found:
                found[column] = len(columns) + 1
                columns.append(values)
            which.append(found[column])
    return np.column_stack([np.empty((cells.n_cells, 0)), *columns]), np.array(which, dtype=int)


def _counts(cells: Cells) -> np.ndarray:
    """Give what the family needs beside the rows."""
    if cells.family == GAUSSIAN:
        return np.array([float(cells.n_rows), cells.squares])
    if cells.family == NEGATIVE_BINOMIAL:
        return np.concatenate(rising_logs(*cells.counted))
    if cells.nu is not None:
        return np.array([cells.nu])
    return np.empty(0)
