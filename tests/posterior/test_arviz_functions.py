"""Every public function of ArviZ that takes a tree of groups takes a fit's, or is on a list with its reason."""

import inspect
from functools import cache

import arviz as az
import arviz_plots
import arviz_stats
import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pytest
import xarray as xr

from tests.tools import family_fits, variants
from tests.tools.fake_fit import fake_fit

# Made-up draws are no posterior, and few: ArviZ says so.
pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.filterwarnings("ignore::RuntimeWarning")]

FITS = {
    "gaussian": lambda: fake_fit(variants.VARYING["default"](), chains=2, draws=60),
    "bernoulli": lambda: family_fits.fit(family_fits.model("bernoulli", "x + (1 | g)"), draws=60),
    "poisson": lambda: family_fits.fit(family_fits.model("poisson", "x + (1 | g) + (1 | h)"), draws=60),
}
NO_TREE = {
    "add_bands": "takes what a plot gave",
    "add_lines": "takes what a plot gave",
    "get_function": "takes a name",
    "hexbin": "takes arrays",
    "histogram2d": "takes arrays",
    "kde2d": "takes arrays",
    "plot_compare": "takes a table",
    "reloo": "takes a sampler of its own to fit again with: fit.kfold() does that",
}
NOT_FOR_FITS = {
    "ecdf": "ArviZ has it for the groups of a tree alone",
    "lfo_cv": "needs a sampler of its own to fit again with, and rows in the order of time",
    "loo_kfold": "needs a sampler of its own to fit again with: fit.kfold() does that",
    "loo_moment_match": "needs functions of Stan's unconstrained parameters, which this tree does not hold",
}


def chosen(tree, number=3):
    """The first parameters but groups' effects, for pictures of each."""
    return [name for name in tree["posterior"].data_vars if tree["posterior"][name].ndim <= number][:2]


def renamed(tree):
    """ArviZ calls powers alpha too, and cannot draw where a parameter is called so."""
    tree = tree.copy()
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().rename(alpha="intercept"))
    return tree


def with_mean(tree):
    """Means of the rows and what is around them, where ArviZ looks for them."""
    tree = tree.copy()
    mean = tree["posterior_predictive"]["y"].mean(("chain", "draw")) + 0.0 * tree["posterior_predictive"]["y"]
    more = {"mean": mean * (1 + 0.001 * mean["draw"]), "spread": 1 + 0.0 * mean.isel(row=0, drop=True)}
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().assign(more))
    return tree


def with_column(tree):
    """A predictor as a variable of its own."""
    tree = tree.copy()
    constant = tree["constant_data"].to_dataset()
    tree["constant_data"] = xr.DataTree(constant.assign(x=constant["X"].sel(predictor="x", drop=True)))
    return tree


OWN_WAY = {
    "bayes_factor": lambda tree: az.bayes_factor(tree, var_names="beta"),
    "bayesian_r2": lambda tree: az.bayesian_r2(with_mean(tree), pred_mean="mean", scale="spread"),
    "ci_in_rope": lambda tree: az.ci_in_rope(tree, rope=(-1, 1)),
    "combine_plots": lambda tree: az.combine_plots(
        tree, plots=[(az.plot_trace, {}), (az.plot_rank, {})], var_names=["beta"]
    ),
    "compare": lambda tree: az.compare({"one": tree, "two": tree}),
    "generate_survival_curves": lambda tree: az.generate_survival_curves(tree, var_names="y"),
    "kaplan_meier": lambda tree: az.kaplan_meier(tree, var_names="y"),
    "kl_divergence": lambda tree: az.kl_divergence(tree, tree, num_samples=50),
    "loo_approximate_posterior": lambda tree: az.loo_approximate_posterior(tree, *([tree["sample_stats"]["lp"]] * 2)),
    "loo_i": lambda tree: az.loo_i(0, tree),
    "loo_r2": lambda tree: az.loo_r2(tree, var_name="y"),
    "loo_subsample": lambda tree: az.loo_subsample(tree, observations=10),
    "plot_ecdf_pit": lambda tree: az.plot_ecdf_pit(tree, group="posterior", var_names=chosen(tree)),
    "plot_khat": lambda tree: az.plot_khat(az.loo(tree, pointwise=True)),
    "plot_lm": lambda tree: az.plot_lm(with_column(tree), x="x", smooth=False),
    "plot_pair_focus": lambda tree: az.plot_pair_focus(tree, focus_var=chosen(tree, 2)[0], var_names=["beta"]),
    "plot_ppc_censored": lambda tree: az.plot_ppc_censored(tree, num_samples=20),
    "plot_ppc_pava_residuals": lambda tree: az.plot_ppc_pava_residuals(with_column(tree), x_var="x"),
    "plot_psense_dist": lambda tree: az.plot_psense_dist(renamed(tree), var_names=["beta"]),
    "plot_psense_quantities": lambda tree: az.plot_psense_quantities(renamed(tree), var_names=["beta"]),
    "residual_r2": lambda tree: az.residual_r2(with_mean(tree), pred_mean="mean"),
    "qds": lambda tree: az.qds(tree, var_names=["beta"]),  # of what is constant, as the 1s of correlations, it hangs
    "rhat_nested": lambda tree: az.rhat_nested(tree, superchain_ids=[0, 1]),
    "update_subsample": lambda tree: az.update_subsample(
        az.loo_subsample(tree, observations=10, pointwise=True), tree, observations=5
    ),
    "wasserstein": lambda tree: az.wasserstein(tree, tree, num_samples=50),
    "weight_predictions": lambda tree: az.weight_predictions([tree, tree], weights=[0.5, 0.5]),
}
REFUSED = {
    ("plot_ppc_rootogram", "gaussian"): "only works for discrete data",
}
FUNCTIONS = {
    name: function
    for module in (arviz_stats, arviz_plots)
    for name, function in vars(module).items()
    if inspect.isfunction(function) and not name.startswith("_")
}


TAKEN = sorted(set(FUNCTIONS) - {*NO_TREE, *NOT_FOR_FITS})
OF_RESPONSES = [name for name in TAKEN if name.startswith(("plot_ppc", "loo", "plot_loo", "psense"))]


@cache
def tree_of(kind):
    return FITS[kind]().idata


@pytest.fixture(autouse=True)
def _drawn_by_matplotlib():
    with az.rc_context(rc={"plot.backend": "matplotlib", "plot.max_subplots": 60}):
        yield
    plt.close("all")


def test_the_lists_hold_functions_that_there_are():
    assert not ({*NO_TREE, *NOT_FOR_FITS, *OWN_WAY} | {name for name, _ in REFUSED}) - set(FUNCTIONS)
    assert not set(NO_TREE) & {*NOT_FOR_FITS, *OWN_WAY}


@pytest.mark.versions
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in FITS for name in (OF_RESPONSES if kind == "poisson" else TAKEN)]
)
def test_arviz_takes_the_tree_of_a_fit(kind, name):
    tree, function, own = tree_of(kind), FUNCTIONS[name], OWN_WAY.get(name)
    listed = list(tree.children)
    is_of_parameters = name.startswith("plot_") and not name.startswith(("plot_ppc", "plot_loo"))
    named = is_of_parameters and "var_names" in inspect.signature(function).parameters
    names = {"var_names": chosen(tree)} if named else {}
    if (name, kind) in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[name, kind]):
            function(tree)
        return
    assert (function(tree, **names) if own is None else own(tree)) is not None or name == "diagnose"
    assert list(tree.children) == listed


def test_groups_work_alone_where_the_tree_does_not():
    posterior = tree_of("gaussian")["posterior"].to_dataset()
    assert set(az.ecdf(posterior).data_vars) == set(posterior.data_vars)
