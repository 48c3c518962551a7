"""The data dictionary: its keys are the names in the data block of multilevel.stan."""

from typing import Any

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.multilevel.marginal import MarginalPosterior
from stanhier.engines.multilevel.scales import ScalePriors
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.engines.multilevel.whitening import Whitening

__all__ = ["stan_data"]


@one_blas_thread()
def stan_data(
    statistics: Statistics, whitening: Whitening, scale_priors: ScalePriors, posterior: MarginalPosterior
) -> dict[str, Any]:
    """Build what the compiled program receives.

    Parameters
    ----------
    statistics : Statistics
    whitening : Whitening
        Of these statistics and priors.
    scale_priors : ScalePriors
    posterior : MarginalPosterior
        In coordinates of the whitening's axes.

    Returns
    -------
    dict
        Integers, floats and arrays; the names and sizes are documented in the program's data block.
    """
    scales, terms = whitening.scales, statistics.terms
    blocks = [(t + 1, size) for t, term in enumerate(terms) for size in term.blocks]
    numbers, location = scale_priors.numbers, posterior.location
    q = terms[statistics.eliminated].q
    return {
        "N": statistics.n_rows,
        "P": statistics.n_location,
        "M": statistics.n_dense,
        "T": len(terms),
        "H": len(posterior.n_groups),
        "S": int(scales.estimated),
        "B": len(blocks),
        "Qn": scales.n_sds,
        "Cn": scales.n_correlations,
        "n_t": scales.n_student,
        "q": np.array([term.q for term in terms]),
        "J": np.array([term.n_levels for term in terms]),
        "e": statistics.eliminated + 1,
        "block_term": np.array([term for term, _ in blocks]),
        "block_size": np.array([size for _, size in blocks]),
        "eta": np.array(scale_priors.eta),
        "G0": posterior.G0,
        "n_groups": posterior.n_groups,
        "R": statistics.strata.R.reshape(-1, q),
        "moments": posterior.moments,
        "prior_rows": location.rows,
        "prior_residual": location.residual,
        "prior_precision": location.precision,
        "t_prior": location.student,
        "t_nu": location.nu,
        "u_hat": whitening.u_hat,
        "u_basis": whitening.u_basis,
        "softness": whitening.softness,
        "sigma_known": 1.0 if scale_priors.sigma is None else scale_priors.sigma,
        "scale_prior_family": numbers.family,
        "scale_prior_nu": numbers.nu,
        "scale_prior_sigma": numbers.sigma,
    }
