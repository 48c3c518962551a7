"""Sleep study: how reaction times grow with days of short sleep, in 18 subjects who differ."""

from pathlib import Path

import _common
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import stanhier as sh


def read() -> pd.DataFrame:
    """Read the reaction times (ms) by day and subject; the file's head tells where they are from."""
    return pd.read_csv(_common.HERE / "data" / "sleepstudy.csv", comment="#")


def draw_predictions(fit: sh.Fit, data: pd.DataFrame) -> plt.Figure:
    """Draw each subject's data with the line and the interval for new observations."""
    figure, axes = plt.subplots(3, 6, figsize=(12, 7), sharex=True, sharey=True, layout="constrained")
    days = np.arange(10)
    for ax, (subject, rows) in zip(axes.flat, data.groupby("subject"), strict=True):
        new = pd.DataFrame({"days": days, "subject": subject})
        mean = fit.predict(new, kind="mean")["mean"]
        response = fit.predict(new, kind="response", prob=0.9)
        ax.fill_between(days, response["lower"], response["upper"], alpha=0.25, linewidth=0)
        ax.plot(days, mean)
        ax.plot(rows["days"], rows["reaction"], "o", markersize=3, color="0.2")
        ax.set_title(f"subject {subject}", fontsize=9)
    figure.supxlabel("days of short sleep")
    figure.supylabel("reaction time (ms): data, mean and 90 % interval for a new test")
    return figure


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Fit one line for all, then an intercept for each subject; say what changed and draw it."""
    data = read()
    pooled = sh.LinearRegression("reaction ~ days", data).sample(seed=seed)
    print("One line for all subjects:\n")
    print(pooled.summary(), "\n")

    fit = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data).sample(seed=seed)
    print("An intercept for each subject:\n")
    print(fit.summary(var_names=["mu_alpha", "sigma_alpha", "beta", "sigma"]), "\n")
    print(fit.diagnose(), "\n")

    for name in ("sigma", "beta"):
        before, after = pooled.posterior[name], fit.posterior[name]
        change = "sd" if name == "beta" else "mean"
        print(
            f"Posterior {change} of {name}: {float(getattr(before, 'std' if change == 'sd' else 'mean')()):.1f} -> "
            f"{float(getattr(after, 'std' if change == 'sd' else 'mean')()):.1f} ms"
        )
    print(
        "Much of what one line calls noise is lasting differences between people; once each has an own intercept,\n"
        "the noise shrinks and the slope is known better.\n"
    )
    _common.save(fit.plot_forest(), folder / "sleepstudy_forest.png")
    _common.save(fit.plot_trace(), folder / "sleepstudy_trace.png")
    _common.save(draw_predictions(fit, data), folder / "sleepstudy_predictions.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
