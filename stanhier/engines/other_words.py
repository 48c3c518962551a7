"""What users of other packages write for the arguments of a model, and what is said of it."""

from stanhier.stan.keyword_types import SampleKeywords

__all__ = ["DRAWS_BY_NAME", "HABITS"]

HABITS = {
    "link": 'Links belong to families: family=sh.Bernoulli(link="probit").',
    "n": "Numbers of trials of a binomial response are trials=.",
    "exposure": (
        'Give the logarithm of the exposure as offset="log_days", a column made with '
        'data["log_days"] = np.log(data["days"]).'
    ),
    "na_action": 'missing="drop" leaves out rows with missing values.',
    "dropna": 'missing="drop" leaves out rows with missing values.',
    "group": "The groups are a term of the formula: (1 | county).",
    "groups": "The groups are a term of the formula: (1 | county).",
    "df": "Did you mean 'data'?",
    **{name: f"That is one of sample(): model.sample({name}=...)." for name in SampleKeywords.__annotations__},
}
"""Keywords of other packages' models, and of our own methods."""

DRAWS_BY_NAME = "numbers of draws are given by name: iter_sampling=1000, iter_warmup=1000"
"""What is said of `sample(1000)`."""
