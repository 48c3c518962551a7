"""School results: pupils in classes in schools, three levels, and what a league table of schools is worth.

Tests of 953 pupils of 90 classes in 48 primary schools of inner London (Mortimore et al. 1988). How many points in
mathematics does a school add, once pupils of equal ability and background are compared?
"""

from pathlib import Path

import _common
import pandas as pd

import stanhier as sh

FORMULA = "math ~ center(raven) + C(social) + (1 | school / class)"


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Share the variation out among schools, classes and pupils, rank the schools, and let slopes vary."""
    data = sh.datasets.jsp()
    print(
        "1 Define. Classes are numbered anew in each school; `school / class` says that a class is one of its school.\n"
        "raven is a test of ability when the pupils came, social the class of their fathers' occupation:\n"
    )
    model = sh.Model(FORMULA, data)
    print(model, "\n")

    print("2 Sample.\n")
    fit = model.sample(seed=seed)
    print(fit, "\n")

    print("3 Examine.\n")
    scales = ["sd_school", "sd_school:class", "sigma"]
    print(fit.summary(var_names=["alpha", "beta", *scales]), "\n")
    print(fit.diagnose(), "\n")
    print(
        "Published for this model (Faraway 2016, Extending the Linear Model with R, 2nd edition; lme4, REML): raven\n"
        "0.584, with a standard error of 0.032; standard deviations of schools 1.80, of classes 1.02, of pupils\n"
        "5.25.\n"
    )
    print("Share of the variance that is left after ability and background:\n")
    print(fit.icc(), "\n")
    print("The best and the last schools by their average pupil, and what they add (points, 90 % intervals):\n")
    added = fit.group_summary("school", kind="deviation")
    table = pd.DataFrame(
        {
            "pupils": data["school"].value_counts(),
            "raw mean": data.groupby("school")["math"].mean().round(1),
            "adds": added["mean"].round(1),
            "lower": added["lower"].round(1),
            "upper": added["upper"].round(1),
        }
    )
    table.insert(2, "raw place", table["raw mean"].rank(ascending=False).astype(int))
    table["place"] = table["adds"].rank(ascending=False).astype(int)
    table = table.sort_values("raw mean", ascending=False)
    print(pd.concat([table.head(4), table.tail(4)]), "\n")
    print("What a league table is worth: places with intervals, and the probability of being among the best five:\n")
    print(fit.group_ranks("school", top=5).head(6), "\n")

    print("4 Build the hierarchy. Does ability matter alike in all schools? Let its slope vary:\n")
    slopes = sh.Model("math ~ center(raven) + C(social) + (1 + center(raven) | school) + (1 | school:class)", data)
    both = {"intercepts vary": fit, "slopes too": slopes.sample(seed=seed)}
    print(both["slopes too"].summary(var_names=["sd_school", "cor_school"]), "\n")
    comparison = sh.compare(both)
    print(comparison[["elpd", "se", "elpd_diff", "dse"]], "\n")
    print("And what is wrong with it still:\n")
    print(both["slopes too"].check(), "\n")
    print(
        "No test has more than 40 points, and the best pupils stand there: see the upper end of\n"
        "school_results_ppc.png. That makes residuals skewed and, for the able, small. It may also be why slopes\n"
        "differ: in a school that brings everybody to the top, ability matters less. A harder test would tell.\n"
    )
    fit = both["slopes too"]

    print("5 Predict a pupil of average ability, social class 4, in a class that is known, a new one, a new school:\n")
    new = pd.DataFrame({"raven": data["raven"].mean(), "social": 4, "school": [1, 1, 99], "class": [1, 9, 1]})
    print(new.join(fit.predict(new, kind="mean", new_groups="sample").round(1)).round(1), "\n")

    _common.save(fit.plot_shrinkage("school"), folder / "school_results_shrinkage.png")
    _common.save(both["intercepts vary"].icc().plot(), folder / "school_results_shares.png")
    _common.save(fit.plot_ranks("school"), folder / "school_results_ranks.png")
    _common.save(fit.plot_ppc(), folder / "school_results_ppc.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
