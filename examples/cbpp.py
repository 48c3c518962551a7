"""A lung disease of cattle (Lesnoff et al. 2004): how many animals of 15 herds fell ill in each of four periods.

What is counted are animals newly infected, of so many that were at risk: a binomial response. Its probability has a
logit that changes with the period and varies by herds.
"""

from pathlib import Path

import _common
import numpy as np
import pandas as pd

import stanhier as sh

FORMULA = "incidence ~ C(period) + (1 | herd)"


def model_of(data: pd.DataFrame, formula: str = FORMULA) -> sh.Model:
    """Make the model: `size` are the trials, `incidence` the successes, if a disease may be called that."""
    return sh.Model(formula, data, family="binomial", trials="size")


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Tell how much herds differ in risk, and predict a herd that was lost from sight, and one that is new."""
    data = sh.datasets.cbpp()
    print("1 Define. So many of so many animals fall ill, with a probability that varies by herds:\n")
    model = model_of(data)
    print(model, "\n")

    print("2 Sample.\n")
    fit = model.sample(seed=seed)
    print(fit, "\n")

    print("3 Examine.\n")
    print(fit.summary(var_names=["alpha", "beta", "sd_herd"]), "\n")
    print(fit.diagnose(), "\n")
    print("All of this is in log odds. As ratios of odds, against the first period, with 90 % intervals:\n")
    for period, ratio in zip((2, 3, 4), np.exp(fit.posterior["beta"]).transpose("predictor", ...), strict=True):
        lower, median, upper = ratio.quantile([0.05, 0.5, 0.95]).to_numpy()
        print(f"period {period}: {median:.2f} ({lower:.2f} to {upper:.2f})")
    herds = pd.DataFrame({"herd": sorted(data["herd"].unique()), "period": 1})
    risk = fit.predict(herds, kind="mean").set_axis(herds["herd"]).sort_values("mean")
    first = data[data["period"] == 1].set_index("herd")
    risk.insert(0, "observed", first["incidence"] / first["size"])
    print(
        "\nThe risk of each herd in the first period: as counted, and with what its other periods and other herds tell:"
    )
    print(f"\n{risk[['observed', 'mean', 'lower', 'upper']].round(2)}\n")

    print("4 Build the hierarchy. Without herds, animals would fall ill independently of their neighbours:\n")
    without = model_of(data, "incidence ~ C(period)").sample(seed=seed)
    for name, one in {"herds vary": fit, "no herds": without}.items():
        alpha = one.posterior["alpha"]
        print(f"{name}: log odds in period 1 {float(alpha.mean()):.2f}, sd {float(alpha.std()):.2f}")
    print(
        "\nThe second is surer of the average herd than it may be: animals of one herd share its fate, and 15 herds\n"
        "tell less than 842 tests. How well each predicts all counts of a herd that it has not seen:\n"
    )
    comparison = sh.compare({"herds vary": fit, "no herds": without}, by="herd")
    print(comparison[["elpd", "se", "elpd_diff", "dse"]], "\n")

    print("5 Predict. Herd 8 was lost from sight after its first period, with 12 ill of 34; herd 99 is new:\n")
    new = pd.DataFrame({"herd": [8, 8, 8, 99, 99, 99, 99], "period": [2, 3, 4, 1, 2, 3, 4], "size": 20})
    for kind, of_what in (("mean", "risk of an animal"), ("response", "animals of 20 that fall ill")):
        table = fit.predict(new, kind=kind, new_groups="sample", prob=0.9)
        print(f"{of_what}:\n{new.join(table.round(2))}\n")
    counts = fit.predict_draws(new, kind="response", new_groups="sample").to_numpy()
    spared = (counts[..., new["herd"] == 99].sum(axis=-1) == 0).mean()
    print(f"The new herd stays healthy in all four periods with probability {spared:.2f}.\n")

    _common.save(fit.plot_forest(), folder / "cbpp_herds.png")
    _common.save(fit.plot_posterior(var_names=["alpha", "beta", "sd_herd"]), folder / "cbpp_posterior.png")
    _common.save(fit.plot_prediction("period"), folder / "cbpp_prediction.png")
    _common.save(fit.plot_ppc(), folder / "cbpp_ppc.png")
    _common.save(fit.plot_trace(var_names=["alpha", "sd_herd"]), folder / "cbpp_trace.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
