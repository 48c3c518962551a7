"""The compiled programs against independent formulas: the same log density, at any point, up to a constant."""

import json
import subprocess

import arviz as az
import numpy as np
import pytest
from scipy import stats

import stanhier as sh
from stanhier.engines.gaussian.effects import conditional_moments, draw_effects
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.stan.program import Program
from tests.tools import variants
from tests.tools.reference import log_joint

pytestmark = pytest.mark.slow


def points(model, n=5, seed=11):
    """Random points in the program's parameters, as (z, z_scale)."""
    data = model.stan_data
    rng = np.random.default_rng(seed)
    return [(rng.uniform(-3, 3, data["P"]), rng.uniform(-3, 3, len(data["u_hat"]))) for _ in range(n)]


def constrain(model, z, z_scale):
    """The model's parameters at a point of the program's: location, sigma, sigma_alpha, and the log Jacobian."""
    w = model.engine.whitening
    scales = np.exp(w.log_scales(z_scale[None]))
    sigma = scales[:, -1] if model.sigma is None else np.array([model.sigma])
    sigma_alpha = scales[:, 0] if model.engine.grouped else None
    location = w.locations(z[None], sigma, sigma_alpha)
    step = 1.0  # locations are linear in z
    columns = [
        (w.locations((z + e)[None], sigma, sigma_alpha) - w.locations((z - e)[None], sigma, sigma_alpha))[0]
        / (2 * step)
        for e in step * np.eye(len(z))
    ]
    log_jacobian = np.linalg.slogdet(np.array(columns))[1] if len(z) else 0.0
    step = 1e-4
    columns = [
        (w.log_scales(z_scale + e) - w.log_scales(z_scale - e)) / (2 * step) for e in step * np.eye(len(z_scale))
    ]
    log_jacobian += np.linalg.slogdet(np.array(columns))[1] if len(z_scale) else 0.0
    return location, sigma, sigma_alpha, log_jacobian


def named(model, location, sigma, sigma_alpha):
    """The parameters by the names that the reference takes."""
    origin = model.engine.compressed.origin
    has_intercept = len(location[0]) > len(model.design.predictors)
    beta = location[0, int(has_intercept) :]
    values = {"beta": beta, "sigma": sigma[0]}
    if has_intercept:
        values["intercept"] = location[0, 0] + origin[-1] - beta @ origin[:-1]
    if sigma_alpha is not None:
        values["sigma_alpha"] = sigma_alpha[0]
    return values


def reference_log_density(model, location, sigma, sigma_alpha):
    """Log density of the parameters that Stan samples; group effects divided out by their conditional density."""
    values = named(model, location, sigma, sigma_alpha)
    if not model.engine.grouped:
        return log_joint(model, **values)
    groups = np.arange(model.engine.compressed.n_groups)
    effects = draw_effects(model.engine.compressed, groups, location, sigma, sigma_alpha, seed=3)[0]
    mean, sd = conditional_moments(model.engine.compressed, groups, location, sigma, sigma_alpha)
    joint = log_joint(model, alpha=values["intercept"] + effects, **values)
    return joint - stats.norm.logpdf(effects, mean[0], sd[0]).sum()


def program_log_density(program, data, z, z_scale):
    result = program.log_prob({"z": z.tolist(), "z_scale": z_scale.tolist()}, data=data, sig_figs=17)
    return float(result["lp__"].iloc[0])


def many_strata():
    """As many standard errors as groups, over four decades: a few weights stand for them."""
    rng = np.random.default_rng(8)
    se = 10 ** rng.uniform(-2, 2, 400)
    x = rng.standard_normal(400)
    rows = {"y": x + rng.standard_normal(400) + se * rng.standard_normal(400), "x": x, "se": se, "g": np.arange(400)}
    return sh.VaryingIntercept("y ~ x + (1 | g)", rows, se="se")


def many_predictors(*, grouping="", strata=False, **keywords):
    """So many that normal priors are taken in whitened coordinates."""
    rng = np.random.default_rng(9)
    n, k = 900, 64
    X = rng.standard_normal((n, k)) + 2 * rng.standard_normal((n, 1))
    g = np.minimum(rng.integers(0, 40, n), rng.integers(0, 40, n))
    y = X @ rng.standard_normal(k) + rng.standard_normal(40)[g] + rng.standard_normal(n)
    rows = {f"x{i}": column for i, column in enumerate(X.T)} | {"y": y, "g": g}
    if strata:
        rows |= {"g": np.arange(n), "se": rng.uniform(0.999, 1.001, n)}
        keywords["se"] = "se"
    kind = sh.VaryingIntercept if grouping else sh.LinearRegression
    return kind(f"y ~ {' + '.join(f'x{i}' for i in range(k))}{grouping}", rows, **keywords)


LARGE = {
    "many strata": many_strata,
    "many predictors": many_predictors,
    "many predictors, some with flat priors": lambda: many_predictors(
        priors={"beta": {"x0": sh.Flat(), "x1": sh.Normal(1, 0.01)}}
    ),
    "many predictors in groups": lambda: many_predictors(grouping=" + (1 | g)"),
    "many predictors and strata": lambda: many_predictors(grouping=" + (1 | g)", strata=True),
}


def test_large_models_come_in_the_forms_made_for_them():
    forms = {name: make().stan_data for name, make in LARGE.items()}
    assert [forms[name].get("M", 0) > 0 for name in LARGE] == [True, False, False, False, True]
    assert [forms[name]["T"] == 0 for name in LARGE] == [False, True, True, True, True]
    assert many_predictors(priors={"beta": {"x0": sh.Cauchy(0, 1)}}).stan_data["T"] == 65


@pytest.mark.parametrize("name", [*variants.ALL, *LARGE])
def test_the_compiled_program_has_the_density_of_the_rows(name, cmdstan_home):
    model = (variants.ALL | LARGE)[name]()
    program = Program(model.engine.program).model()
    ours, reference = [], []
    for z, z_scale in points(model):
        location, sigma, sigma_alpha, log_jacobian = constrain(model, z, z_scale)
        ours.append(program_log_density(program, model.stan_data, z, z_scale) - log_jacobian)
        reference.append(reference_log_density(model, location, sigma, sigma_alpha))
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", [*variants.ALL, *LARGE])
def test_the_gradient_is_that_of_the_density(name, cmdstan_home):
    model = (variants.ALL | LARGE)[name]()
    program, data = Program(model.engine.program).model(), model.stan_data
    z, z_scale = points(model, n=1, seed=12)[0]
    result = program.log_prob({"z": z.tolist(), "z_scale": z_scale.tolist()}, data=data, sig_figs=17)
    gradient = result.filter(like="g_").to_numpy()[0]
    size, step, numeric = len(z) + len(z_scale), 1e-4, []
    directions = np.eye(size)
    if size > 20:  # a few directions, each of which has something of all parameters
        directions = np.random.default_rng(13).standard_normal((4, size)) / np.sqrt(size)
    gradient = directions @ gradient
    for direction in directions:
        up, down = (np.append(z, z_scale) + side * step * direction for side in (1, -1))
        values = [program_log_density(program, data, at[: len(z)], at[len(z) :]) for at in (up, down)]
        numeric.append((values[0] - values[1]) / (2 * step))
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6 * max(1, np.abs(gradient).max()))


TEXTBOOK = {
    "linear": variants.LINEAR["at zero"],
    "varying": variants.VARYING["default"],
    "varying, known se": variants.VARYING["known se"],
    "varying, weights": variants.VARYING["weights"],
}


@pytest.fixture(scope="module", params=TEXTBOOK)
def textbook(request, cmdstan_home):
    """A model with its rendered row-by-row program, compiled."""
    model = TEXTBOOK[request.param]()
    program = textbook_regression(model).engine.program
    assert program.source == model.stan_code
    return model, program.model()


def test_the_textbook_program_has_the_same_density(textbook):
    model, program = textbook
    compiled = Program(model.engine.program).model()
    ours, reference = [], []
    for z, z_scale in points(model, n=3):
        location, sigma, sigma_alpha, log_jacobian = constrain(model, z, z_scale)
        ours.append(program_log_density(compiled, model.stan_data, z, z_scale) - log_jacobian)
        values = named(model, location, sigma, sigma_alpha)
        parameters = {"beta": values["beta"].tolist(), "sigma": values["sigma"]}
        correction = 0.0
        if model.engine.grouped:
            groups = np.arange(model.engine.compressed.n_groups)
            effects = draw_effects(model.engine.compressed, groups, location, sigma, sigma_alpha, seed=3)[0]
            mean, sd = conditional_moments(model.engine.compressed, groups, location, sigma, sigma_alpha)
            parameters |= {
                "mu_alpha": values["intercept"],
                "sigma_alpha": values["sigma_alpha"],
                "alpha": (values["intercept"] + effects).tolist(),
            }
            # Stan's density is that of the standardised effects: one factor sigma_alpha for each.
            correction = stats.norm.logpdf(effects, mean[0], sd[0]).sum() + len(groups) * np.log(sigma_alpha[0])
        else:
            parameters["alpha"] = values["intercept"]
        row_data = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in model.row_data.items()}
        known = {
            k: v for k, v in parameters.items() if f" {k}" in model.stan_code.split("parameters {")[1].split("}")[0]
        }
        result = program.log_prob(known, data=row_data, sig_figs=17)
        reference.append(float(result["lp__"].iloc[0]) - correction)
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-8, atol=1e-8)


def test_the_textbook_program_has_the_same_posterior(textbook):
    model, program = textbook
    fit = model.sample(seed=4, show_progress=False)
    slow = program.sample(
        data=model.row_data, seed=4, adapt_delta=0.99, iter_sampling=4000, chains=2, show_progress=False
    )
    for name, draws in fit.posterior.items():
        ours = draws.to_numpy().reshape(4, 1000, -1)
        theirs = slow.stan_variable(name).reshape(2, 4000, -1)
        for k in range(ours.shape[2]):
            error = np.hypot(az.mcse(ours[..., k]), az.mcse(theirs[..., k]))
            assert abs(ours[..., k].mean() - theirs[..., k].mean()) < 5 * error
            error = np.hypot(az.mcse(ours[..., k], method="sd"), az.mcse(theirs[..., k], method="sd"))
            assert abs(ours[..., k].std() - theirs[..., k].std()) < 5 * error


@pytest.mark.parametrize("make", [variants.LINEAR["default"], variants.VARYING["default"]], ids=["linear", "varying"])
def test_keys_of_the_data_are_the_names_in_the_data_block(make, cmdstan_home):
    model = make()
    path = Program(model.engine.program).path
    command = [cmdstan_home / "bin" / "stanc", "--info", "--allow-undefined", f"--include-paths={path.parent}", path]
    information = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert set(model.stan_data) == set(information["inputs"])
