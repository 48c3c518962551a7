"""Eight schools (Rubin 1981): coaching effects with known standard errors, pooled by a hierarchical model.

Rubin, D. B. (1981), Estimation in parallel randomized experiments, Journal of Educational Statistics 6(4), 377-401,
doi:10.3102/10769986006004377, table 1.
"""

from pathlib import Path

import _common

import stanhier as sh


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Fit the effects with partial pooling, print and draw them."""
    data = sh.datasets.eight_schools()
    model = sh.VaryingIntercept(
        "effect ~ 1 + (1 | school)",
        data,
        se="se",
        priors={"mu_alpha": sh.Normal(0, 5), "sigma_alpha": sh.HalfCauchy(5)},
    )
    print(model, "\n")
    fit = model.sample(chains=4, iter_warmup=1000, iter_sampling=1000, seed=seed)
    print(fit.summary(), "\n")
    print(fit.diagnose(), "\n")

    posterior = fit.posterior
    better = (posterior["alpha"].sel(school="A") > posterior["alpha"].sel(school="C")).mean()
    print(
        f"School A gained 31 points more than C. The probability that coaching works better there: {float(better):.2f}."
    )
    _common.save(fit.plot_forest(), folder / "eight_schools_forest.png")
    _common.save(fit.plot_shrinkage(), folder / "eight_schools_shrinkage.png")
    _common.save(fit.plot_prior_posterior(), folder / "eight_schools_prior_posterior.png")
    _common.save(fit.plot_trace(), folder / "eight_schools_trace.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
