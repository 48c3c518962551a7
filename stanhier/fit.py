"""A fit: what the rooms below do with draws, as methods of one object."""

from typing import TYPE_CHECKING, Any

from stanhier import plots
from stanhier.basics.elsewhere import OF_FIT, translated
from stanhier.engines.regression import Regression
from stanhier.evaluation import check as _check
from stanhier.evaluation import icc as _icc
from stanhier.evaluation import kfold as _kfold
from stanhier.evaluation import loo as _loo
from stanhier.evaluation import r2 as _r2
from stanhier.marginal import comparisons as _comparisons
from stanhier.marginal import predictions as _predictions
from stanhier.marginal import slopes as _slopes
from stanhier.posterior import agreement as _agreement
from stanhier.posterior import groups, lazy_groups, new_groups, prediction, predictive, ranks, tidy
from stanhier.posterior import summary as _summary
from stanhier.posterior.fitted import Fitted
from stanhier.reports import html
from stanhier.reports import report as _report
from stanhier.storage import netcdf

__all__ = ["Fit"]


class Fit[R: Regression](Fitted[R]):
    """Draws from the posterior of a model, made by `model.sample()`.

    Parameters
    ----------
    model : Model
    draws : Draws
    diagnosis : Diagnosis, optional
        Of these draws, where it has been made already.
    """

    _recipes = lazy_groups.RECIPES

    # The functions themselves: one signature and one docstring, seen by help(), editors and type checkers.
    summary = _summary.summary
    to_dataframe = tidy.to_dataframe
    agreement = _agreement.agreement
    group_summary = groups.group_summary
    group_effects = groups.group_effects
    group_draws = groups.group_draws
    group_ranks = ranks.group_ranks
    predict = prediction.predict
    predict_draws = prediction.predict_draws
    predictions = _predictions.predictions
    comparisons = _comparisons.comparisons
    slopes = _slopes.slopes
    update_group = new_groups.update_group
    posterior_predictive = predictive.posterior_predictive
    check = _check.check
    loo = _loo.loo
    kfold = _kfold.kfold
    r2 = _r2.r2
    icc = _icc.icc
    plot_trace = plots.trace
    plot_posterior = plots.posterior
    plot_pair = plots.pair
    plot_forest = plots.forest
    plot_ranks = plots.ranks
    plot_shrinkage = plots.shrinkage
    plot_correlations = plots.correlations
    plot_ppc = plots.ppc
    plot_prior_posterior = plots.prior_posterior
    plot_prediction = plots.prediction
    report = _report.write
    save = netcdf.save
    _repr_html_ = html.fit_html

    if not TYPE_CHECKING:  # to type checkers nothing else is an attribute
        __getattr__ = translated(OF_FIT)

    def __repr__(self) -> str:
        chains, draws = self.draws.shape
        diagnosis = self.diagnose()
        found = diagnosis.verdict.removesuffix(".")
        fine = "R-hat unknown" if diagnosis.is_of_one_chain else found[0].lower() + found[1:]
        n = len(diagnosis.problems)
        verdict = fine if diagnosis.ok else f"{n} problem{'' if n == 1 else 's'}: see diagnose()"
        kind = f"{chains} {'chain' if chains == 1 else 'chains'} of {draws} draws"
        if self.draws.pareto_k is not None:
            kind = f"{draws} draws of an approximation ({self.draws.method})"
        model: Any = self.model
        return f"Fit of {type(model).__name__}({model.formula!r}): {kind}, {verdict}"
