"""Linear regression on 100 simulated points whose line is known."""

from pathlib import Path

import _common
import numpy as np

import stanhier as sh


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Fit y = 2 x + noise, print what came out and save the trace plot."""
    np.random.seed(42)
    X = np.random.randn(100)
    y = 2 * X + np.random.randn(100)

    model = sh.LinearRegression(
        "y ~ x",
        {"x": X, "y": y},
        priors={"alpha": sh.Normal(0, 10), "beta": sh.Normal(0, 10), "sigma": sh.HalfCauchy(5)},
    )
    print(model, "\n")
    fit = model.sample(chains=4, iter_warmup=1000, iter_sampling=1000, seed=seed)
    print(fit.summary(), "\n")
    print(fit.diagnose(), "\n")

    beta = fit.posterior["beta"].sel(predictor="x")
    lower, upper = beta.quantile([0.05, 0.95]).to_numpy()
    print(f"True slope 2; posterior {float(beta.mean()):.2f}, 90 % interval {lower:.2f} to {upper:.2f}.")
    _common.save(fit.plot_prediction("x"), folder / "linear_regression_prediction.png")
    _common.save(fit.plot_posterior(), folder / "linear_regression_posterior.png")
    _common.save(fit.plot_trace(), folder / "linear_regression_trace.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
