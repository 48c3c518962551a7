"""What users of other packages write for the arguments of a model, and what is said of it."""

from collections.abc import Mapping
from typing import Any

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted
from stanhier.formula.parse import ParsedFormula, parse
from stanhier.stan.keyword_types import SampleKeywords
from stanhier.stan.keywords import SAID, THEIRS

__all__ = ["DRAWS_BY_NAME", "HABITS", "read_formula"]

_GROUPS = "The groups are a term of the formula: (1 | county), with slopes (1 + x | county)."
_OWN = frozenset("priors prior family weights formula".split())
_PRIORS = 'All priors are one mapping: priors={"alpha": sh.Normal(0, 5), "beta": sh.Normal(0, 1)}.'
HABITS = {
    "link": 'Links belong to families: family=sh.Bernoulli(link="probit").',
    "nu": "Degrees of freedom are fixed by family=sh.StudentTResponse(nu=4).",
    "n": "Numbers of trials of a binomial response are trials=.",
    "exposure": (
        'Give the logarithm of the exposure as offset="log_days", a column made with '
        'data["log_days"] = np.log(data["days"]).'
    ),
    "na_action": 'missing="drop" leaves out rows with missing values.',
    "dropna": 'missing="drop" leaves out rows with missing values.',
    **dict.fromkeys("group groups cluster id random re_formula vc_formula random_effects".split(), _GROUPS),
    **dict.fromkeys("df exog endog frame dataset".split(), "Did you mean 'data'?"),
    **dict.fromkeys("prior_intercept prior_aux prior_covariance prior_ops hyper prior_sigma".split(), _PRIORS),
    **dict.fromkeys(("sample_prior", "prior_PD"), "model.sample_prior() draws from the prior."),
    **dict.fromkeys(
        ("REML", "nAGQ"), "Every number has a posterior here, standard deviations too; model.optimize() finds the mode."
    ),
    **dict.fromkeys(
        ("sd", "stderr", "sem", "sds", "sigma_y", "error"),
        'Known standard errors of rows are se="column", a residual standard deviation that is fixed sigma=; a prior of '
        'those of groups is priors={"sd": sh.HalfNormal(1)}.',
    ),
    **dict.fromkeys(("contrasts", "contrasts_arg"), "Contrasts stand in the formula: C(x, Sum())."),
    "subset": 'Take the rows before: data[data["x"] > 0].',
    **dict.fromkeys(
        ("center", "center_predictors", "centered"),
        "Sampling centres predictors by itself; a prior on the intercept at their means has centered=True.",
    ),
    **dict.fromkeys(("noncentered", "non_centered"), "Effects are sampled in coordinates that suit the data."),
    **dict.fromkeys(
        ("auto_scale", "autoscale", "scale"), "Default priors have the scale of the data; scale(x) stands in formulas."
    ),
    **dict.fromkeys(("file", "file_refit"), 'fit.save("fit.nc") keeps a fit, sh.load("fit.nc") reads it.'),
    **{
        theirs: f"That is one of sample(), called {ours} there: model.sample({ours}=...)."
        for theirs, ours in THEIRS.items()
    },
    **{name: f"It would belong to sample(). {said}" for name, said in SAID.items() if name not in _OWN},
    **{name: f"That is one of sample(): model.sample({name}=...)." for name in SampleKeywords.__annotations__},
}
"""Keywords of other packages' models, and of our own methods."""

DRAWS_BY_NAME = "numbers of draws are given by name: iter_sampling=1000, iter_warmup=1000"
"""What is said of `sample(1000)`."""


def read_formula(kind: str, formula: Any, data: Any, context: Mapping[str, Any] | None) -> ParsedFormula:
    """Take the formula of a model apart, which stands before the data.

    Parameters
    ----------
    kind : str
        What the user called.
    formula, data : object
        As they were given.
    context : mapping of functions by name, optional

    Raises
    ------
    FormulaError
        As `parse`; also where the two stand in the other order.
    """
    if isinstance(data, str) and "~" in data and not (isinstance(formula, str) and "~" in formula):
        raise FormulaError(f"{kind}() takes the formula first and then the data: {kind}({quoted(data, 60)}, data).")
    return parse(formula, context)
