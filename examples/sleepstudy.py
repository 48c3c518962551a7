"""Sleep study: how reaction times grow with days of short sleep, in 18 subjects who differ.

They slept three hours a night, and their reaction was timed every day (Belenky et al. 2003).
"""

from pathlib import Path

import _common

import stanhier as sh


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Fit one line for all, unrelated intercepts, and intercepts of one population; compare and draw them."""
    data = sh.datasets.sleepstudy()
    three = sh.pooling("reaction ~ days", data, group="subject", seed=seed)
    pooled, fit = three.fits["complete pooling"], three.fits["partial pooling"]
    print("One line for all subjects:\n")
    print(pooled.summary(), "\n")

    print("An intercept for each subject:\n")
    print(fit.summary(var_names=["mu_alpha", "sigma_alpha", "beta", "sigma"]), "\n")
    print(fit.diagnose(), "\n")
    print("How well each predicts a test that it has not seen (leave-one-out):\n")
    comparison = three.compare()
    print(comparison[["elpd", "se", "elpd_diff", "dse"]], "\n")

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
    _common.save(three.plot(), folder / "sleepstudy_pooling.png")
    _common.save(sh.plot_compare(comparison), folder / "sleepstudy_comparison.png")
    _common.save(fit.plot_forest(), folder / "sleepstudy_forest.png")
    _common.save(fit.plot_prediction("days", by="subject"), folder / "sleepstudy_predictions.png")
    _common.save(fit.plot_ppc(), folder / "sleepstudy_ppc.png")
    _common.save(fit.plot_trace(), folder / "sleepstudy_trace.png")
    fit.report(folder / "sleepstudy.html")
    print(f"Report: {folder / 'sleepstudy.html'}")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
