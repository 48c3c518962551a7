"""The data dictionary: its keys are the names in the data blocks of the Stan programs."""

from dataclasses import replace
from typing import Any

import numpy as np

from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.gaussian.compression import Compressed, Strata
from stanhier.engines.gaussian.fast_marginal import MANY
from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.gaussian.weight_nodes import fewer_weights, products_of
from stanhier.engines.gaussian.whitening import Whitening
from stanhier.families.noise import Noise
from stanhier.priors.distributions import numbers
from stanhier.priors.numbers import FLAT, NORMAL, PriorNumbers

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
    n_scale, n_location = len(chosen.scale), len(chosen.location)
    # Relative to the offset, which can be large against a prior's width: a default prior's mean is the offset itself.
    relative = replace(priors.numbers, mu=priors.numbers.mu - priors.offset)
    in_theta = slice(0 if _in_phi(relative) else None)
    data: dict[str, Any] = {
        "N": compressed.n_rows,
        "P": n_location,
        "T": len(relative.mu[in_theta]),
        "S": int(noise.is_estimated),
        "theta_hat": priors.without_offset(whitening.location_hat[:, None])[in_theta, 0],
        "basis": priors.without_offset(whitening.basis)[in_theta],
        "share": whitening.share,
        "pull": whitening.pull,
        "c": whitening.c,
        "d": whitening.d,
        "rest": whitening.rest,
        "sigma_hat": whitening.sigma_hat,
        "u_hat": whitening.u_hat,
        "u_basis": whitening.u_basis.reshape(n_scale, n_scale),
        **{name: values[in_theta] for name, values in _prior_arrays("prior", relative).items()},
        **_prior_arrays("scale_prior", numbers(chosen.scale)),
    }
    del data["scale_prior_mu"]
    if whitening.soft is not None:
        data |= {
            "J": compressed.n_groups,
            "W_typical": whitening.weight_typical,
            "sigma_alpha_hat": whitening.sigma_alpha_hat,
            "softness": whitening.soft.softness,
            "C": len(whitening.scale_centre.weight_class),
            "squares_within": whitening.scale_centre.squares_within,
            "squares_between": whitening.scale_centre.squares_between,
            "W_class": whitening.scale_centre.weight_class,
            **_between(compressed.strata, whitening),
        }
    return data


def _in_phi(prior_numbers: PriorNumbers) -> bool:
    """Whether the priors are taken in whitened coordinates, where they are quadratic: theta costs a P by P product."""
    return len(prior_numbers.family) >= MANY and bool(np.isin(prior_numbers.family, (FLAT, NORMAL)).all())


def _between(strata: Strata, whitening: Whitening) -> dict[str, Any]:
    """Give the between part: rows of its strata, or sums of their products at weights that stand for these."""
    rows, residual = whitening.between, whitening.between_residual
    n_location = rows.shape[1]
    nodes = fewer_weights(strata, n_location)
    if nodes is None:
        return {
            "H": len(strata.weight),
            "M": 0,
            "B": len(rows),
            "W": strata.weight,
            "J_stratum": strata.n_groups,
            "v_hat": whitening.v_hat,
            "stratum": strata.stratum + 1,
            "between": rows,
            "between_residual": residual,
            "products": np.empty((n_location, 0)),
            "product_linear": np.empty((n_location, 0)),
            "product_rest": np.empty(0),
        }
    scales = (whitening.sigma_hat, whitening.sigma_alpha_hat)
    summed = products_of(strata, nodes, rows, residual, scales)
    return {
        "H": len(summed.weight),
        "M": len(summed.weight),
        "B": 0,
        "W": summed.weight,
        "J_stratum": summed.n_groups,
        "v_hat": summed.v_hat,
        "stratum": np.empty(0, dtype=int),
        "between": np.empty((0, n_location)),
        "between_residual": np.empty(0),
        "products": np.hstack(list(summed.quadratic)),
        "product_linear": summed.linear.T,
        "product_rest": summed.rest,
    }


def _prior_arrays(prefix: str, prior_numbers: PriorNumbers) -> dict[str, np.ndarray]:
    return {
        f"{prefix}_family": prior_numbers.family,
        f"{prefix}_nu": prior_numbers.nu,
        f"{prefix}_mu": prior_numbers.mu,
        f"{prefix}_sigma": prior_numbers.sigma,
    }
