"""Many centres, few events: a trial in 8 clinics, some of which have nobody who was cured by the other treatment.

A drug against an infection, in a cream, beside the cream alone (Beitler & Landis 1985). It might as well be a new
button on 8 sites, some with a handful of orders: so many successes of so many, by treatment and centre.
"""

from pathlib import Path

import _common
import numpy as np
import pandas as pd

import stanhier as sh


def model_of(data: pd.DataFrame, formula: str) -> sh.Model:
    """Make a model of so many successes of so many patients."""
    return sh.Model(formula, data, family="binomial", trials="patients")


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Estimate the effect of the drug, ask whether it differs between clinics, and plan a ninth one."""
    data = sh.datasets.clinics()
    print("Cured, of so many, by clinic:\n")
    print(data.pivot_table(index="clinic", columns="treatment", values=["successes", "patients"]).astype(int), "\n")
    print(
        "In clinics 5 and 6 nobody was cured without the drug: a ratio of odds is infinite there, and an analysis\n"
        "clinic by clinic has no answer. Throwing all patients together has one, and ignores that clinics 2, 3\n"
        "and 8 cure more than half of theirs, and clinics 4 to 7 few.\n"
    )

    print("1 Define. Clinics differ in how many they cure, and in what the drug does:\n")
    model = model_of(data, "successes ~ treatment + (1 + treatment | clinic)")
    print(model, "\n")

    print("2 Sample.\n")
    fit = model.sample(seed=seed)
    print(fit, "\n")

    print("3 Examine.\n")
    names = ["alpha", "beta", "sd_clinic", "cor_clinic"]
    print(fit.summary(var_names=names), "\n")
    print(fit.diagnose(), "\n")
    effect = fit.posterior["beta"].sel(predictor="treatment[T.drug]")
    print(f"The drug helps in the average clinic with probability {float((effect > 0).mean()):.2f}.\n")
    print(
        "Its effect in each clinic, log odds, from the most patients to the fewest, who move it little from the mean:\n"
    )
    own = fit.group_summary("clinic").xs("treatment[T.drug]", level="effect")
    own.insert(0, "patients", data.groupby("clinic")["patients"].sum())
    print(own.sort_values("patients", ascending=False).round(2), "\n")

    print("4 Build the hierarchy. Two simpler ones: an equal effect in all clinics, and no clinics at all:\n")
    equal = model_of(data, "successes ~ treatment + (1 | clinic)").sample(seed=seed)
    together = model_of(data, "successes ~ treatment").sample(seed=seed)
    fits = {"effects vary": fit, "equal effects": equal, "no clinics": together}
    for name, one in fits.items():
        beta = one.posterior["beta"]
        print(f"{name}: log odds ratio {float(beta.mean()):.2f}, sd {float(beta.std()):.2f}")
    print(
        "\nPublished for equal effects (the manual of SAS, procedure NLMIXED; maximum likelihood): 0.74, with a\n"
        "standard error of 0.30, and a variance between clinics of 1.96, whose root is 1.40. Without the clinics\n"
        "the effect looks smaller than in any of them: what differs between clinics blurs it.\n"
    )
    print("How well each foretells the counts of a clinic that it has not seen:\n")
    clinics = {"effects vary": "clinic", "equal effects": "clinic", "no clinics": data["clinic"]}
    comparison = sh.compare({name: one.loo(by=clinics[name], refit=True, seed=seed) for name, one in fits.items()})
    print(comparison[["elpd", "se", "elpd_diff", "dse"]], "\n")
    print("Clinics must be in it; whether effects vary cannot be told from eight of them, and both may be used.\n")

    print(
        "5 Predict. How much more probable is it to be cured with the drug? In these clinics on average, and in each:\n"
    )
    print(fit.comparisons("treatment"), "\n")
    by_clinic = fit.comparisons("treatment", by="clinic")
    print(by_clinic, "\n")
    new = pd.DataFrame({"clinic": 9, "treatment": ["control", "drug"], "patients": 50})
    counts = fit.predict_draws(new, kind="response", new_groups="sample").to_numpy().reshape(-1, 2)
    print("A ninth clinic, with 50 patients on each treatment, cures so many of them (90 % intervals):\n")
    print(new.join(fit.predict(new, kind="response", new_groups="sample", prob=0.9).round(1)), "\n")
    print(f"More of those with the drug, with probability {np.mean(counts[:, 1] > counts[:, 0]):.2f}.\n")

    _common.save(by_clinic.plot(), folder / "many_centres_effects.png")
    _common.save(fit.plot_forest(), folder / "many_centres_forest.png")
    _common.save(fit.plot_posterior(var_names=["beta", "sd_clinic"]), folder / "many_centres_posterior.png")
    _common.save(fit.plot_prediction("treatment", by="clinic"), folder / "many_centres_prediction.png")
    _common.save(fit.plot_ppc(), folder / "many_centres_ppc.png")
    return fit


if __name__ == "__main__":
    _common.run(main, __doc__)
