"""Penicillin (Davies & Goldsmith 1972): 6 samples, each tested on all of 24 plates, so two factors that are crossed.

A test measures how wide a zone the sample keeps free of bacteria. Samples differ, plates differ, and what is left is
the test itself: three sources of variation, which the model tells apart.
"""

from pathlib import Path

import _common
import pandas as pd

import stanhier as sh

PRIORS = {"sd": {"sample": sh.HalfStudentT(3, 3)}}
"""Samples may differ by some millimetres, or by far more."""


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Tell the variation of plates, samples and tests apart, and predict plates and samples that are new."""
    data = sh.datasets.penicillin()
    print("1 Define. The intercept varies by plates and by samples; neither is within the other:\n")
    model = sh.Model("diameter ~ 1 + (1 | plate) + (1 | sample)", data, priors=PRIORS)
    print(model, "\n")

    print("2 Sample.\n")
    fit = model.sample(seed=seed)
    print(fit, "\n")

    print("3 Examine.\n")
    print(fit.summary(var_names=["alpha", "sd_plate", "sd_sample", "sigma"]), "\n")
    print(fit.diagnose(), "\n")
    variances = {
        "samples": fit.posterior["sd_sample"].sel(effect="Intercept") ** 2,
        "plates": fit.posterior["sd_plate"].sel(effect="Intercept") ** 2,
        "tests": fit.posterior["sigma"] ** 2,
    }
    total = sum(variances.values())
    print("Share of the variance, in per cent, with a 90 % interval:\n")
    for name, variance in variances.items():
        lower, median, upper = (100 * variance / total).quantile([0.05, 0.5, 0.95]).to_numpy()
        print(f"{name:8} {median:3.0f} ({lower:.0f} to {upper:.0f})")
    print(
        "\nSix samples say little of how much samples vary, and all three shares are vague for that reason alone; but "
        "what\neach sample is, on an average plate, is known well (mm):\n"
    )
    print(fit.group_summary("sample").round(2), "\n")

    print("4 Build the hierarchy. Without the plates, their differences would pass for noise of the tests:\n")
    without = sh.Model("diameter ~ 1 + (1 | sample)", data, priors=PRIORS).sample(seed=seed)
    comparison = sh.compare({"plates and samples": fit, "samples alone": without})
    print(comparison[["elpd", "se", "elpd_diff", "dse"]], "\n")

    print(
        "5 Predict: sample A on plate a, on a new plate, and a new sample on plate a, which keeps the plate's effect:\n"
    )
    new = pd.DataFrame({"plate": ["a", "new", "a"], "sample": ["A", "A", "new"]})
    table = fit.predict(new, kind="response", new_groups="sample", prob=0.9)
    print(new.join(table.round(1)), "\n")

    _common.save(fit.plot_forest("plate", kind="deviation"), folder / "penicillin_plates.png")
    _common.save(fit.plot_shrinkage("plate"), folder / "penicillin_shrinkage.png")
    _common.save(fit.plot_posterior(var_names=["sd_plate", "sd_sample", "sigma"]), folder / "penicillin_scales.png")
    _common.save(fit.plot_ppc(), folder / "penicillin_ppc.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
