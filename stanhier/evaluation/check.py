"""Whether a model describes its data: a verdict on the model, as `diagnose()` is one on the sampler."""

import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.words import some_of
from stanhier.design.other_families import said_of_exposure, said_of_other_family
from stanhier.engines.regression import Regression
from stanhier.evaluation.checks.collinear import collinear_notes
from stanhier.evaluation.checks.evidence import MOST_ROWS, Evidence, evidence_of, some_draws
from stanhier.evaluation.checks.finding import Finding
from stanhier.evaluation.checks.groups import MOST_GROUPS, group_findings
from stanhier.evaluation.checks.influential import influential_rows
from stanhier.evaluation.checks.predicted import LEAST_ROWS, PredictedRows, predicted_rows, row_findings
from stanhier.evaluation.checks.priors import decisive_priors, prior_findings
from stanhier.evaluation.checks.residuals import residual_findings, spread_findings
from stanhier.evaluation.checks.sensitivity import LARGE, power_scaled
from stanhier.evaluation.checks.statistics import statistic_findings
from stanhier.evaluation.model_check import ModelCheck, verdict_on
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.prediction import chosen_seed
from stanhier.posterior.weights import check_enough

__all__ = ["check"]

_ELSEWHERE = {
    **dict.fromkeys(("prob", "alpha", "level", "levels"), "How sure each check has to be is fixed, see its table."),
    **dict.fromkeys(("draws", "samples", "ndraws", "nsim"), "It takes 1,000 draws of the fit."),
}


@in_our_words(_ELSEWHERE)
def check(fit: Fitted[Regression], *, seed: int | None = None) -> ModelCheck:
    """Check whether the model describes the data. `diagnose` says whether the sampler worked.

    Compared are, where the model has them:

    * mean, sd, extremes, skewness, share of zeros and of repeated values of the response, and the dispersion of
      counts, with those of 1,000 data sets that the fitted model draws;
    * rows with what all the others let expect (LOO-PIT): all together, their skewness and tails, and each by itself;
    * residuals along each numeric predictor: a smooth trend, a slope that differs between groups, a spread that
      changes; their spread by groups;
    * effects of groups with their population: a group further out than normal effects are;
    * priors with what the data say of the same parameter; and how much the posterior changes where the priors, or the
      likelihood, are raised to a power (`arviz.psense`).

    A Gaussian response is also looked at for yes or no, counts and answers on a scale, the offset of counts for an
    exposure without its logarithm. Notes say which rows and which priors decide much, which predictors are collinear,
    and that a single chain tells nothing of convergence. That results depend on priors is a note, and no problem: an
    honest prior that says as much as the data does that in nine of ten fits. That the data contradict a prior is a
    problem, which says whether it matters.

    Parameters
    ----------
    seed : int, optional
        Of replicated data; the fit's own by default.

    Returns
    -------
    ModelCheck
        Prints as a verdict, with what to try next; `.ok`, `.problems`, `.notes`, `.not_checked`, `.table` and
        `.sensitivity` hold its parts.

    Raises
    ------
    StanhierError
        If there are fewer than 25 draws, or the seed is none.

    Notes
    -----
    Each check has its own level, and together they find a problem in at most 5 % of fits of a true model. Of more than
    2,500 rows a random part is looked at. Of rows that are not in memory, groups and priors alone are checked.

    References
    ----------
    Gelman, Meng & Stern (1996), Statistica Sinica 6, 733-807 (posterior predictive checks). Gabry et al. (2019),
    doi:10.1111/rssa.12378 (LOO-PIT). Rao (1948), doi:10.1017/S0305004100023987 (trends: score tests). Lange & Ryan
    (1989), doi:10.1214/aos/1176347130 (groups). Evans & Moshonov (2006), doi:10.1214/06-BA129, and Kallioinen et al.
    (2024), doi:10.1007/s11222-023-10366-5 (priors). Belsley, Kuh & Welsch (1980), doi:10.1002/0471725153 (collinear
    predictors: condition indices from 30 on).
    """
    seed = chosen_seed(fit, seed)
    check_enough(fit.draws.n_draws, "check")
    model, findings = fit.model, list[Finding]()
    notes, not_checked = _notes(fit), list[str]()
    evidence: Evidence | None = None
    if model.in_memory is None:
        draws = some_draws(fit.draws)
        not_checked.append(
            "replicated data, rows left out and residuals, for which the rows have to be in memory: make the model of "
            "a data frame with some of them"
        )
    else:
        evidence = evidence_of(fit, seed)
        rows, draws = predicted_rows(evidence), evidence.draws
        findings += _of_rows(evidence, rows)
        notes += influential_rows(evidence, rows, fit.draws)
        not_checked += _too_little(evidence, rows)
    findings += group_findings(model, draws, evidence)
    not_checked += [
        f"the {len(one.levels):,} groups of '{one.name}', which are more than {MOST_GROUPS:,}"
        for one in model.design.groupings
        if len(one.levels) > MOST_GROUPS
    ]
    scaled, lack = power_scaled(model, draws)
    findings += prior_findings(model, draws, scaled["prior"])
    notes += _of_priors(decisive_priors(model, draws), scaled)
    collinear, no_covariance = collinear_notes(model)
    notes += collinear
    not_checked += [one for one in (lack, no_covariance) if one is not None]
    return verdict_on(findings, notes, not_checked, scaled)


def _of_rows(evidence: Evidence, rows: PredictedRows) -> list[Finding]:
    said = said_of_other_family(evidence.model.rows, scales=True)
    response = [] if said is None else [Finding("kind of response", evidence.model.design.formula.response, said)]
    exposure = said_of_exposure(evidence.model.rows)
    return [
        *response,
        *([] if exposure is None else [Finding("offset", "", exposure)]),
        *statistic_findings(evidence),
        *row_findings(evidence, rows),
        *residual_findings(evidence),
        *spread_findings(evidence, rows),
    ]


def _of_priors(decisive: list[str], scaled: pd.DataFrame) -> list[str]:
    """Say of which parameters priors decide, and what else depends on priors."""
    notes = []
    if decisive:
        notes.append(
            f"the prior says as much as the data or more of {some_of(decisive)}: see fit.plot_prior_posterior()."
        )
    large = scaled[scaled["prior"] >= LARGE].sort_values("prior", ascending=False, kind="stable")
    if len(large):
        named = [f"{name} ({one.prior:.2f}, the data {one.likelihood:.2f})" for name, one in large.iterrows()]
        notes.append(
            f"priors matter, by power scaling above {LARGE}, for {some_of(named)}: see .sensitivity, and whether other "
            "priors change what you conclude."
        )
    return notes


def _notes(fit: Fitted[Regression]) -> list[str]:
    if fit.draws.method == "nuts" and fit.draws.shape[0] == 1:
        return ["the fit has one chain, so that whether chains agree is unknown: sample with chains=4."]
    return []


def _too_little(evidence: Evidence, rows: PredictedRows) -> list[str]:
    lack = []
    n, whole = len(evidence.y), evidence.model.design.n_rows
    if whole > n:
        lack.append(f"{whole - n:,} of {whole:,} rows, {MOST_ROWS:,} taken at random stand for all")
    if evidence.family.name == "bernoulli":
        lack.append("the distribution of a response that is yes or no, which has no shape of its own")
    elif not rows.is_reliable:
        lack.append("rows left out, of which too many change the posterior much")
    if n < LEAST_ROWS:
        lack.append(f"trends and shapes, of fewer than {LEAST_ROWS} rows")
    return lack
