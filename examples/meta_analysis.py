"""Meta-analysis: 13 trials of a vaccine that disagree, and a reason for it.

Tuberculosis among people who were vaccinated with BCG and people who were not (Colditz et al. 1994). Each trial has an
estimate, a log odds ratio, and a standard error that its counts give; the trials differ by more than that.
"""

from pathlib import Path

import _common
import numpy as np
import pandas as pd

import stanhier as sh

PRIORS = {"mu_alpha": sh.Normal(0, 2), "sigma_alpha": sh.HalfNormal(1)}
"""Odds ratios from 1/50 to 50, and trials that differ by a factor of some units: wide for a vaccine."""


def log_odds_ratios(trials: pd.DataFrame) -> pd.DataFrame:
    """Give the log odds ratio of each trial and its standard error, by the usual large-sample formulas."""
    cells = pd.DataFrame(
        {
            "ill_vaccinated": trials["cases_vaccinated"],
            "well_vaccinated": trials["vaccinated"] - trials["cases_vaccinated"],
            "ill_control": trials["cases_control"],
            "well_control": trials["control"] - trials["cases_control"],
        }
    )
    logs = np.log(cells)
    effect = logs["ill_vaccinated"] - logs["well_vaccinated"] - logs["ill_control"] + logs["well_control"]
    return trials.assign(effect=effect, se=np.sqrt((1 / cells).sum(axis=1)))


def odds_ratio(draws: np.ndarray) -> str:
    """Say median and 95 % interval of odds ratios whose logarithms these are."""
    lower, median, upper = np.exp(np.quantile(draws, [0.025, 0.5, 0.975]))
    return f"{median:.2f} ({lower:.2f} to {upper:.2f})"


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Pool the trials, explain their differences by latitude, and predict the next trial."""
    data = log_odds_ratios(sh.datasets.bcg())
    print("The trials, from the largest effect to the smallest (log odds ratios; below 0 the vaccine helps):\n")
    print(data.sort_values("effect")[["trial", "latitude", "effect", "se"]].round(2).to_string(index=False), "\n")

    print("1 Define. `se=` says what is known of each estimate; what trials differ beyond it is sigma_alpha:\n")
    model = sh.VaryingIntercept("effect ~ 1 + (1 | trial)", data, se="se", priors=PRIORS)
    print(model, "\n")

    print("2 Sample.\n")
    fit = model.sample(seed=seed)
    print(fit, "\n")

    print("3 Examine.\n")
    print(fit.summary(var_names=["mu_alpha", "sigma_alpha"], prob=0.95), "\n")
    print(fit.diagnose(), "\n")
    mean = fit.posterior["mu_alpha"].to_numpy().ravel()
    print(f"Odds ratio of the average trial, with a 95 % interval: {odds_ratio(mean)}.")
    print(
        "Published for these trials (van Houwelingen, Arends & Stijnen 2002, Statistics in Medicine 21, 589-624;\n"
        "maximum likelihood): 0.48 (0.34 to 0.67), and a variance between trials of 0.30, whose root is 0.55. The\n"
        "posterior is a little wider: that the standard deviation is not known counts.\n"
    )

    print("4 Build the hierarchy. The vaccine works better far from the equator; let latitude explain the trials:\n")
    latitude = sh.VaryingIntercept("effect ~ center(latitude) + (1 | trial)", data, se="se", priors=PRIORS)
    by_latitude = latitude.sample(seed=seed)
    print(by_latitude.summary(var_names=["mu_alpha", "beta", "sigma_alpha"], prob=0.95), "\n")
    print(
        "Published (as above): -0.0327 a degree, with a standard error of 0.0034, and a variance of 0.004 left.\n"
        "With 13 trials that variance is known badly: maximum likelihood takes the best single value, near 0, and\n"
        "is too sure of the slope for that. The posterior weighs all values.\n"
    )
    comparison = sh.compare({"trials vary": fit, "latitude explains": by_latitude}, by="trial")
    print("How well each foretells a trial that it has not seen:\n")
    print(comparison[["elpd", "se", "elpd_diff", "dse"]], "\n")

    print("5 Predict the effect in a new trial, at three latitudes (odds ratios with 95 % intervals):\n")
    places = pd.DataFrame({"latitude": [10.0, 30.0, 50.0], "trial": "new"})
    effects = by_latitude.predict_draws(places, kind="mean", new_groups="sample").to_numpy().reshape(-1, len(places))
    for degrees, draws in zip(places["latitude"], effects.T, strict=True):
        print(f"{degrees:.0f} degrees: {odds_ratio(draws)}; it helps with probability {np.mean(draws < 0):.2f}")
    without = fit.predict_draws(places[:1], kind="mean", new_groups="sample").to_numpy().ravel()
    print(
        f"\nAnd if nothing is known of its place: {odds_ratio(without)}. That is what heterogeneity means: the average"
    )
    print("effect is known well, and says little of the next trial.\n")

    _common.save(fit.plot_shrinkage(), folder / "meta_analysis_shrinkage.png")
    picture = by_latitude.plot_prediction("latitude")
    picture.errorbar(data["latitude"], data["effect"], yerr=1.645 * data["se"], fmt="none", color="0.5", linewidth=0.8)
    _common.save(picture, folder / "meta_analysis_latitude.png")
    _common.save(fit.plot_forest(), folder / "meta_analysis_forest.png")
    _common.save(fit.plot_prior_posterior(), folder / "meta_analysis_prior_posterior.png")
    return by_latitude


if __name__ == "__main__":
    _common.run(main, __doc__)
