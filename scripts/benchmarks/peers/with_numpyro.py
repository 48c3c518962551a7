"""NumPyro: chains in parallel on as many devices; the MCMC object, with what it has compiled, is kept."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpyro
import numpyro.distributions as dist

numpyro.set_host_device_count(4)  # before JAX is used

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from numpyro.infer import MCMC, NUTS  # noqa: E402
from numpyro.infer.reparam import LocScaleReparam  # noqa: E402

from scripts.benchmarks.case import Case, Term  # noqa: E402
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP  # noqa: E402

__all__ = ["NumPyro"]


class NumPyro:
    """The non-centred model."""

    def prepare(self, case: Case) -> tuple[MCMC, tuple[Any, ...]]:
        if case.terms:
            return _mcmc(_model_of_terms(case)), (case.y,)
        n_groups = 0 if case.group is None else len(case.levels)

        def model(X: Any, codes: Any, se: Any, y: Any) -> None:
            if n_groups:
                mu_alpha = numpyro.sample("mu_alpha", dist.Normal(*case.intercept))
                sigma_alpha = numpyro.sample("sigma_alpha", dist.HalfCauchy(case.sigma_alpha))
                with (
                    numpyro.plate("group", n_groups),
                    numpyro.handlers.reparam(config={"alpha": LocScaleReparam(centered=0)}),
                ):
                    alpha = numpyro.sample("alpha", dist.Normal(mu_alpha, sigma_alpha))
                mean = alpha[codes]
            else:
                mean = numpyro.sample("alpha", dist.Normal(*case.intercept))
            if case.predictors:
                beta = numpyro.sample("beta", dist.Normal(*case.beta).expand([X.shape[1]]).to_event(1))
                mean = mean + X @ beta
            noise = se if case.sigma is None else numpyro.sample("sigma", dist.HalfCauchy(case.sigma))
            numpyro.sample("y", dist.Normal(mean, noise), obs=y)

        return _mcmc(model), (case.X, case.codes if n_groups else None, case.known_se, case.y)

    def run(self, prepared: tuple[MCMC, tuple[Any, ...]], seed: int) -> tuple[dict[str, np.ndarray], int]:
        mcmc, data = prepared
        mcmc.run(jax.random.PRNGKey(seed), *data, extra_fields=("diverging",))
        draws = {name: np.asarray(values) for name, values in mcmc.get_samples(group_by_chain=True).items()}
        return draws, int(np.sum(mcmc.get_extra_fields()["diverging"]))

    def draws(self, result: tuple[dict[str, np.ndarray], int], case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        names = ["mu_alpha", "sigma_alpha", "alpha", "beta", "sigma", "nu"]
        names += [f"{kind}_{term.name}" for term in case.terms for kind in ("sd", "cor", "effect")]
        return {name: result[0][name] for name in names if name in result[0]}, result[1]


def _mcmc(model: Callable[..., None]) -> MCMC:
    return MCMC(NUTS(model), num_warmup=WARMUP, num_samples=DRAWS, num_chains=CHAINS, progress_bar=False)


def _model_of_terms(case: Case) -> Callable[[Any], None]:
    columns = [case.effect_columns(term) for term in case.terms]

    def model(y: Any) -> None:
        mean = numpyro.sample("alpha", dist.Normal(*case.intercept))
        if case.predictors:
            beta = numpyro.sample("beta", dist.Normal(*case.beta).expand([len(case.predictors)]).to_event(1))
            mean = mean + case.X @ beta
        for term, (levels, codes), z in zip(case.terms, case.factors, columns, strict=True):
            mean = mean + jnp.sum(_effects(term, len(levels))[codes] * z, axis=1)
        numpyro.sample("y", _response(case, mean), obs=y)

    return model


def _response(case: Case, mean: Any) -> dist.Distribution:
    """How responses vary around the linear predictor."""
    if case.family == "bernoulli":
        return dist.Bernoulli(logits=mean)
    if case.family == "poisson":
        return dist.Poisson(jnp.exp(mean))
    sigma = numpyro.sample("sigma", dist.HalfCauchy(case.sigma))
    if case.nu is not None:
        return dist.StudentT(numpyro.sample("nu", dist.Gamma(*case.nu)), mean, sigma)
    return dist.Normal(mean, sigma)


def _effects(term: Term, n_levels: int) -> Any:
    """The effects of a term, one row for each level."""
    q = len(term.effects)
    sd = numpyro.sample(f"sd_{term.name}", dist.HalfCauchy(jnp.array(term.sd)).to_event(1))
    offset = numpyro.sample(f"offset_{term.name}", dist.Normal(0, 1).expand([n_levels, q]).to_event(2))
    if q == 1:
        effects = offset * sd
    else:
        factor = numpyro.sample(f"factor_{term.name}", dist.LKJCholesky(q, 1.0))
        numpyro.deterministic(f"cor_{term.name}", (factor @ factor.T)[term.pairs])
        effects = offset @ (sd[:, None] * factor).T
    return numpyro.deterministic(f"effect_{term.name}", effects)
