"""Five simulated groups with different means: varying intercepts, and a prediction for a group that is known."""

from pathlib import Path

import _common
import numpy as np
import pandas as pd

import stanhier as sh


def simulate() -> tuple[pd.DataFrame, np.ndarray]:
    """Make the rows, and the group means behind them."""
    np.random.seed(10)
    sizes = np.random.randint(10, 20, size=5)
    means, rows = [], []
    for group, size in enumerate(sizes):
        a = np.random.rand() * 5
        means.append(a)
        rows.append(pd.DataFrame({"group": f"group {group + 1}", "y": a + np.random.randn(size)}))
    return pd.concat(rows, ignore_index=True), np.array(means)


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Fit varying intercepts with a known sigma, compare them with the truth and predict."""
    data, means = simulate()
    model = sh.VaryingIntercept(
        "y ~ 1 + (1 | group)",
        data,
        priors={"mu_alpha": sh.Normal(0, 10), "sigma_alpha": sh.HalfCauchy(5)},
        sigma=1.0,
    )
    print(model, "\n")
    fit = model.sample(chains=4, iter_warmup=1000, iter_sampling=1000, seed=seed)
    print(fit.summary(), "\n")
    print(fit.diagnose(), "\n")

    alpha = fit.posterior["alpha"]
    table = pd.DataFrame(
        {
            "rows": data["group"].value_counts().sort_index().to_numpy(),
            "true mean": means,
            "sample mean": data.groupby("group")["y"].mean().to_numpy(),
            "posterior mean": alpha.mean(("chain", "draw")).to_numpy(),
        },
        index=alpha["group"].to_numpy(),
    )
    print(table.round(2), "\n")
    print("The mean of group 2, and the next observation in it:")
    new = pd.DataFrame({"group": ["group 2"]})
    both = {kind: fit.predict(new, kind=kind, prob=0.9) for kind in ("mean", "response")}
    print(pd.concat(both).droplevel(1).round(2), "\n")
    _common.save(fit.plot_ppc(), folder / "grouped_data_ppc.png")
    _common.save(fit.plot_trace(var_names=["mu_alpha", "sigma_alpha", "alpha"]), folder / "grouped_data_trace.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
