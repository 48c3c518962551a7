"""Sleep study, continued: 18 subjects who differ in how fast short sleep slows them down, not in their speed alone.

The data are those of the sleep study again (Belenky et al. 2003).
"""

from pathlib import Path

import _common
import pandas as pd

import stanhier as sh


def alone(data: pd.DataFrame) -> pd.Series:
    """Give the least-squares slope of each subject's own rows, in ms a day."""
    centred = data[["reaction", "days"]] - data.groupby("subject")[["reaction", "days"]].transform("mean")
    products = pd.DataFrame({"xy": centred["days"] * centred["reaction"], "xx": centred["days"] ** 2})
    sums = products.groupby(data["subject"]).sum()
    return sums["xy"] / sums["xx"]


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Let the slopes vary too, see what that explains, and predict people who are not in the data."""
    data = sh.datasets.sleepstudy()
    print(
        "1 Define. Intercepts and slopes of the subjects vary around those of the population, and may be correlated:\n"
    )
    model = sh.Model("reaction ~ days + (1 + days | subject)", data)
    print(model, "\n")

    print("2 Sample.\n")
    fit = model.sample(seed=seed)
    print(fit, "\n")

    print("3 Examine.\n")
    print(fit.summary(var_names=["alpha", "beta", "sd_subject", "cor_subject", "sigma"]), "\n")
    print(fit.diagnose(), "\n")
    slopes = fit.group_summary("subject").xs("days", level="effect")
    print(
        "The slopes of the subjects, in ms a day: from their own rows alone, and with what the others tell of them:\n"
    )
    table = pd.DataFrame({"own rows": alone(data), "posterior mean": slopes["mean"], "sd": slopes["sd"]})
    print(table.sort_values("own rows").round(1), "\n")

    print("4 Build the hierarchy. Beside the model whose intercepts alone vary:\n")
    before = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data).sample(seed=seed)
    both = {"intercepts vary": before, "intercepts and slopes vary": fit}
    for name, one in both.items():
        noise, slope = one.posterior["sigma"], one.posterior["beta"].sel(predictor="days")
        print(
            f"{name}: sigma {float(noise.mean()):.1f} ms; "
            f"slope of the population {float(slope.mean()):.1f}, sd {float(slope.std()):.1f} ms a day"
        )
    print(
        "\nThe panels of sleepstudy_predictions.png have lines of one slope, and runs of points above and below them.\n"
        "What looks like noise there is how people differ: once each has an own slope, the noise shrinks. The slope\n"
        "of the population is known less well than before: it is learnt from 18 people, not from 180 tests.\n"
    )
    columns = ["elpd", "se", "elpd_diff", "dse"]
    print("How well each predicts a test that it has not seen, of people whom it has (leave-one-out):\n")
    comparison = sh.compare(both)
    print(comparison[columns], "\n")
    print("And all tests of a person whom it has not seen (18 fits of each, every one without a subject):\n")
    people = sh.compare({name: one.kfold(by="subject", k=18, seed=seed) for name, one in both.items()})
    print(people[columns], "\n")

    print("5 Predict day 12, which nobody has reached: of the two most different subjects, and of somebody new:\n")
    steepest, flattest = table["posterior mean"].idxmax(), table["posterior mean"].idxmin()
    new = pd.DataFrame({"days": 12, "subject": [steepest, flattest, 999]})
    for kind, of_what in (("mean", "mean reaction time"), ("response", "single test")):
        print(f"{of_what}, ms:\n{new.join(fit.predict(new, kind=kind, new_groups='sample', prob=0.9).round(0))}\n")

    _common.save(fit.plot_shrinkage(), folder / "sleepstudy_slopes_shrinkage.png")
    _common.save(fit.plot_correlations(), folder / "sleepstudy_slopes_correlation.png")
    _common.save(fit.plot_forest(), folder / "sleepstudy_slopes_forest.png")
    lines = fit.plot_prediction("days", by="subject", figsize=(10, 5.5))
    _common.save(lines, folder / "sleepstudy_slopes_predictions.png")
    _common.save(sh.plot_compare(comparison), folder / "sleepstudy_slopes_comparison.png")
    _common.save(fit.plot_ppc(), folder / "sleepstudy_slopes_ppc.png")
    fit.report(folder / "sleepstudy_slopes.html")
    print(f"Report: {folder / 'sleepstudy_slopes.html'}")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
