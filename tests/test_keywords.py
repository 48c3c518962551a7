"""Arguments that there are none of: every public callable refuses them by name, and says which may have been meant."""

import inspect
import pickle
import re
from types import FunctionType

import pandas as pd
import pytest

import stanhier as sh
from stanhier.evaluation.calibration import Calibration
from stanhier.many.fits import ManyFits
from stanhier.many.pooled import Pooling
from stanhier.posterior.approximation import Mode
from tests.tools.fake_fit import fake_fit

DATA = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 2.0, 4.0], "g": ["a", "a", "b", "b"]})
CLASSES = (sh.Fit, sh.LinearRegression, sh.VaryingIntercept, Mode, Pooling, ManyFits, Calibration)
FUNCTIONS = {
    name: kind
    for name in sh.__all__
    if not (inspect.isclass(kind := getattr(sh, name)) and issubclass(kind, Exception))
}
METHODS = {
    f"{owner.__name__}.{name}": method
    for owner in CLASSES
    for name in dir(owner)
    if not name.startswith("_")
    and isinstance(method := inspect.getattr_static(owner, name), FunctionType | classmethod)
}


def called_with(of, **keywords):
    """Call a function, a class or, with nothing to be called on, a method; and give the error's words."""
    if isinstance(of, classmethod):
        of = of.__get__(None, sh.LinearRegression)
    with pytest.raises(sh.StanhierError) as caught:
        of(*([object()] if isinstance(of, FunctionType) else []), **keywords)
    return str(caught.value)


def own_keywords(of):
    parameters = list(inspect.signature(of.__func__ if isinstance(of, classmethod) else of).parameters.values())
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)], takes_any


CHECKED = {name: of for name, of in {**FUNCTIONS, **METHODS}.items() if not own_keywords(of)[1]}


def test_most_public_callables_are_gone_over():
    assert len(CHECKED) > 50
    assert {"Normal", "sbc", "load", "Fit.predict", "Fit.report", "Mode.predict", "Fit.plot_forest"} <= set(CHECKED)


@pytest.mark.parametrize("name", CHECKED)
def test_an_unknown_keyword_is_named(name):
    assert "has no keyword 'zzzzqqqq'" in called_with(CHECKED[name], zzzzqqqq=1)


@pytest.mark.parametrize("name", [name for name in CHECKED if len(own_keywords(CHECKED[name])[0]) > ("." in name)])
def test_a_misspelled_keyword_is_named_with_what_was_meant(name):
    meant = own_keywords(CHECKED[name])[0][-1]
    said = called_with(CHECKED[name], **{f"{meant}q": 1})
    assert f"has no keyword '{meant}q'. Did you mean '{meant}'?" in said


@pytest.mark.parametrize("method", ["sample", "optimize", "laplace", "pathfinder", "variational"])
def test_keywords_passed_on_are_checked_too(method):
    model = sh.LinearRegression("y ~ x", DATA)
    with pytest.raises(sh.StanhierError, match=rf"{method}\(\) has no keyword 'sead'. Did you mean 'seed'"):
        getattr(model, method)(sead=1)
    with pytest.raises(sh.StanhierError, match=rf"{method}\(\) takes nothing by its place"):
        getattr(model, method)(1000)


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("tune", "Did you mean 'iter_warmup'?"),
        ("warmup", "Did you mean 'iter_warmup'?"),
        ("draws", "Did you mean 'iter_sampling'?"),
        ("iter", "Draws of each chain are iter_sampling=, those before them iter_warmup="),
        ("cores", "Did you mean 'parallel_chains'?"),
        ("target_accept", "Did you mean 'adapt_delta'?"),
        ("random_seed", "Did you mean 'seed'?"),
        ("iterations", "Draws of each chain are iter_sampling=, those before them iter_warmup="),
        ("nuts_sampler", "The sampler is Stan's NUTS; model.optimize(), laplace()"),
        ("idata_kwargs", "fit.idata is what ArviZ takes, with log_likelihood"),
        ("quiet", "show_progress=False says nothing"),
        ("family", "It is given with the model, sh.Model(...)."),
        ("control", "What it holds is given by name: adapt_delta=, max_treedepth="),
        ("zzzzqqqq", "It takes: engine, keep_finished, adapt_delta, "),
        ("keep_finish", "Did you mean 'keep_finished'?"),
    ],
)
def test_what_other_samplers_call_a_keyword_is_translated(keyword, words):
    with pytest.raises(sh.StanhierError, match=re.escape(f"sample() has no keyword '{keyword}'. {words}")):
        sh.LinearRegression("y ~ x", DATA).sample(**{keyword: 1})


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("draws", "That is one of sample(), called iter_sampling there: model.sample(iter_sampling=...)."),
        ("random_seed", "model.sample(seed=...)"),
        ("chains", "That is one of sample(): model.sample(chains=...)."),
        ("iter", "It would belong to sample(). Draws of each chain are iter_sampling="),
        ("link", 'family=sh.Bernoulli(link="probit")'),
        ("REML", "model.optimize() finds the mode"),
        ("prior", "Did you mean 'priors'?"),
        ("prior_intercept", 'All priors are one mapping: priors={"alpha":'),
        ("sd", 'Known standard errors of rows are se="column"'),
        ("re_formula", "The groups are a term of the formula"),
        ("contrasts", "C(x, Sum())"),
        ("weight", "Did you mean 'weights'?"),
        ("exog", "Did you mean 'data'?"),
    ],
)
def test_what_other_packages_give_to_a_model_is_translated(keyword, words):
    with pytest.raises(sh.StanhierError, match=re.escape(f"Model() has no keyword '{keyword}'.")) as caught:
        sh.Model("y ~ x", DATA, **{keyword: 1})
    assert words in str(caught.value)


@pytest.mark.parametrize("data", [DATA, dict(DATA), "rows.parquet", None])
@pytest.mark.parametrize("kind", [sh.Model, sh.LinearRegression])
def test_data_before_the_formula_are_told_apart(kind, data):
    name = kind.__name__
    with pytest.raises(
        sh.FormulaError, match=re.escape(f"{name}() takes the formula first and then the data: {name}('y ~ x', data)")
    ):
        kind(data, "y ~ x")


@pytest.mark.parametrize(
    ("family", "meant"),
    [
        ("binomial()", "binomial"),
        ("nbinom", "negative_binomial"),
        ("nbinom2", "negative_binomial"),
        ("quasipoisson", "negative_binomial"),
        (type("Poisson", (), {})(), "poisson"),
        (type("t", (), {}), "student_t"),
    ],
)
def test_families_are_known_as_others_write_them(family, meant):
    with pytest.raises(sh.FormulaError, match=rf'There is no family .* Did you mean family="{meant}"\?'):
        sh.Model("y ~ x", DATA, family=family)


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("zero_inflated_poisson", 'Many zeros are often those of "negative_binomial"'),
        (type("ZIP", (), {}), 'Many zeros are often those of "negative_binomial"'),
        ("cumulative(logit)", "For such a family take brms, PyMC or Stan itself."),
        ("multinomial", "For such a family take brms"),
        ("lognormal", 'Write log(y) ~ x with family="gaussian".'),
        ("inverse.gaussian", "Of positive numbers log(y) ~ x"),
        ("Beta", 'So many of so many are "binomial" with trials='),
        ("beta_binomial", "(1 | row)"),
        ("skew_normal", '"student_t" has heavy tails'),
        (
            "nothing_like_it",
            'there are "gaussian", "student_t", "bernoulli", "binomial", "poisson", "negative_binomial".',
        ),
    ],
)
def test_families_that_are_not_here_say_what_is_in_their_place(family, said):
    with pytest.raises(sh.FormulaError, match="There is no family") as caught:
        sh.Model("y ~ x", DATA, family=family)
    assert said in str(caught.value)
    assert "Did you mean" not in str(caught.value)


def test_names_of_other_samplers_stay_where_they_are_names():
    with pytest.raises(sh.StanhierError, match=r"variational\(iter=0\): 'iter' must be an integer of at least 1"):
        sh.LinearRegression("y ~ x", DATA).variational(iter=0)
    with pytest.raises(sh.StanhierError, match=r"fit_many\(\) has no keyword 'tune'. Did you mean 'iter_warmup'"):
        sh.fit_many("y ~ x", DATA, by="g", tune=1)


def test_a_model_says_how_it_is_fitted():
    model = sh.LinearRegression("y ~ x", DATA)
    with pytest.raises(
        sh.StanhierError, match=r"sample\(\) takes nothing by its place; numbers .*: iter_sampling=1000"
    ):
        model.sample(1000)
    assert not hasattr(model, "fit")
    with pytest.raises(AttributeError, match=r"no attribute 'fit'. A model has no fit\(\); model.sample\(\) draws"):
        model.fit()
    with pytest.raises(AttributeError, match="'LinearRegression' object has no attribute 'nothing'"):
        _ = model.nothing


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sh.Normal(mean=0, sd=1), "Normal() has no keyword 'mean'. Did you mean 'mu'?"),
        (lambda: sh.Normal(0, sd=1), "Normal() has no keyword 'sd'. Did you mean 'sigma'?"),
        (lambda: sh.HalfNormal(scale=1), "HalfNormal() has no keyword 'scale'. Did you mean 'sigma'?"),
        (lambda: sh.HalfNormal(1, centered=True), "HalfNormal() has no keyword 'centered'. It takes: sigma."),
        (lambda: sh.StudentT(df=3, mu=0, sigma=1), "StudentT() has no keyword 'df'. Did you mean 'nu'?"),
        (lambda: sh.Exponential(lam=1), "Exponential() has no keyword 'lam'. Did you mean 'rate'?"),
        (lambda: sh.Exponential(scale=1), "Exponential() has no keyword 'scale'. It takes: rate."),
        (lambda: sh.Normal(), "Normal() needs 'mu'."),
        (lambda: sh.Normal(0), "Normal() needs 'sigma'."),
        (lambda: sh.Normal(0, 1, True), "Normal() takes mu and sigma by their places; give what else there is"),
        (lambda: sh.HalfNormal(1, 2), "HalfNormal() takes sigma by its place."),
        (lambda: sh.HalfNormal(1, sigma=2), "HalfNormal() got 'sigma' twice"),
        (lambda: sh.sbc(), "sbc() needs 'model'."),
        (lambda: sh.sbc("y ~ x", n=20), "sbc() takes a model, not 'y ~ x'; make one of a formula and data."),
        (lambda: sh.sbc(None, n=20), "sbc() takes a model, not None"),
    ],
)
def test_other_arguments_that_do_not_fit(call, words):
    with pytest.raises(sh.StanhierError, match=re.escape(words)):
        call()


def test_priors_are_what_they_were():
    prior = sh.Normal(0, 1, centered=True)
    assert pickle.loads(pickle.dumps(prior)) == prior
    assert list(inspect.signature(sh.Normal).parameters) == ["mu", "sigma", "centered"]
    assert sh.Flat() == sh.Flat()


def test_keywords_of_refits_and_pictures_are_checked_too():
    fit = fake_fit(sh.LinearRegression("y ~ x", DATA), chains=2, draws=20)
    with pytest.raises(sh.StanhierError, match=r"kfold\(\) has no keyword 'chians'. Did you mean 'chains'"):
        fit.kfold(k=2, chians=2)
    with pytest.raises(sh.StanhierError, match=r"kfold\(\) has no keyword 'K'. Did you mean 'k'"):
        fit.kfold(K=2)
    table = pd.DataFrame({"elpd_diff": [0.0, 1.0], "dse": [0.0, 1.0]}, index=["a", "b"])
    with pytest.raises(sh.StanhierError, match=r"plot_compare\(\) has no keyword 'figsiz'. Did you mean 'figsize'"):
        sh.plot_compare(table, figsiz=(3, 3))
    with pytest.raises(sh.StanhierError, match=r"save\(\) has no keyword 'overwrite'. A file of that name is always"):
        fit.save("fit.nc", overwrite=True)
    with pytest.raises(sh.StanhierError, match=r"sbc\(\) takes a model, not Fit of .*; give the model of the fit"):
        sh.sbc(fit, n=20)
