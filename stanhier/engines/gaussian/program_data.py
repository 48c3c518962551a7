"""The data dictionary: its keys are the names in the data blocks of the Stan programs."""

from dataclasses import replace
from typing import Any

import numpy as np

from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.gaussian.whitening import Whitening
from stanhier.families.noise import Noise
from stanhier.priors.distributions import numbers
from stanhier.priors.numbers import PriorNumbers

__all__ = ["location_priors", "stan_data"]


def location_priors(chosen: ChosenPriors, origin: np.ndarray) -> LocationPriors:
    """Relate the quantities that have priors to the location parameters that the rows see.

    Parameters
    ----------
    chosen : ChosenPriors
    origin : numpy.ndarray, shape (K + 1,)
        What compression subtracted from [X y].

    Returns
    -------
    LocationPriors
        Of P = K + 1 parameters with an intercept, else K.
    """
    prior_numbers = numbers(chosen.location)
    transform = np.eye(len(chosen.location))
    offset = np.zeros(len(chosen.location))
    if chosen.intercept is not None:
        offset[0] = origin[-1]
        if not chosen.intercept.centered:
            transform[0, 1:] = -origin[:-1]
    return LocationPriors(prior_numbers, offset, transform)


def stan_data(
    compressed: Compressed, whitening: Whitening, chosen: ChosenPriors, priors: LocationPriors, noise: Noise
) -> dict[str, Any]:
    """Build what the compiled program receives.

    Returns
    -------
    dict
        Integers, floats and arrays; the names and sizes are documented in the program's data block.
    """
    n_scale = len(chosen.scale)
    # Relative to the offset, which can be large against a prior's width: a default prior's mean is the offset itself.
    relative = replace(priors.numbers, mu=priors.numbers.mu - priors.offset)
    data: dict[str, Any] = {
        "N": compressed.n_rows,
        "P": len(chosen.location),
        "S": int(noise.is_estimated),
        "theta_hat": priors.without_offset(whitening.location_hat[:, None])[:, 0],
        "basis": priors.without_offset(whitening.basis),
        "share": whitening.share,
        "pull": whitening.pull,
        "c": whitening.c,
        "d": whitening.d,
        "rest": whitening.rest,
        "sigma_hat": whitening.sigma_hat,
        "u_hat": whitening.u_hat,
        "u_basis": whitening.u_basis.reshape(n_scale, n_scale),
        **_prior_arrays("prior", relative),
        **_prior_arrays("scale_prior", numbers(chosen.scale)),
    }
    del data["scale_prior_mu"]
    if whitening.soft is not None:
        strata = compressed.strata
        data |= {
            "J": compressed.n_groups,
            "H": len(strata.weight),
            "B": len(strata.rows),
            "W": strata.weight,
            "J_stratum": strata.n_groups,
            "v_hat": whitening.v_hat,
            "stratum": strata.stratum + 1,
            "between": whitening.between,
            "between_residual": whitening.between_residual,
            "W_typical": whitening.weight_typical,
            "sigma_alpha_hat": whitening.sigma_alpha_hat,
            "softness": whitening.soft.softness,
            "C": len(whitening.scale_centre.weight_class),
            "squares_within": whitening.scale_centre.squares_within,
            "squares_between": whitening.scale_centre.squares_between,
            "W_class": whitening.scale_centre.weight_class,
        }
    return data


def _prior_arrays(prefix: str, prior_numbers: PriorNumbers) -> dict[str, np.ndarray]:
    return {
        f"{prefix}_family": prior_numbers.family,
        f"{prefix}_nu": prior_numbers.nu,
        f"{prefix}_mu": prior_numbers.mu,
        f"{prefix}_sigma": prior_numbers.sigma,
    }
