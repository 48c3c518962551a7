"""Models of any structure with the textbook engine, and data for them."""

import numpy as np
import pandas as pd

import stanhier as sh
from stanhier.engines.textbook.names import names_of
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.fit import Fit
from stanhier.formula.parse import parse
from stanhier.regressions import class_of
from stanhier.stan.nuts import RawDraws, run_nuts

__all__ = ["SAMPLED", "made_draws", "sampled", "sleep", "textbook_model"]

SAMPLED = {
    "slopes and crossed": {"formula": "reaction ~ days + (1 + days | subject) + (1 | room)"},
    "uncorrelated, no intercept": {"formula": "reaction ~ 0 + days + (days || subject)"},
    "nested, known se": {"formula": "reaction ~ 1 + (1 | room / subject)", "se": "se"},
    "correlated without a mean, fixed sigma": {
        "formula": "reaction ~ 1 + (1 + days | subject)",
        "sigma": 30.0,
        "priors": {"cor": sh.LKJ(3), "sd": sh.HalfStudentT(4, 20), "alpha": sh.StudentT(3, 250, 50)},
    },
}
"""Models of the data of `sleep`. Each program takes long to compile, so that all tests of one share it."""


def textbook_model(formula, data, *, own_intercepts=False, **arguments):
    """A model that samples its textbook program; with `own_intercepts` of the class that names these `alpha`."""
    kind = class_of(parse(formula)) if own_intercepts else sh.Model
    return textbook_regression(kind(formula, data, **arguments))


def sampled(model, **keywords):
    """A fit of it."""
    arguments = {"show_progress": False, "seed": 1, **keywords}
    raw = run_nuts(model.engine.program, model.engine.data(), arguments)
    return Fit(model, model.engine.coordinates.draws(raw))


def sleep(n_subjects=18, n_days=10, seed=2):
    """Simulated in the shape of the sleep study: each subject's reaction times over days, in two crossed rooms."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(n_subjects), n_days)
    days = np.tile(np.arange(float(n_days)), n_subjects)
    effects = rng.standard_normal((n_subjects, 2)) @ np.array([[25, 0], [2, 5.5]]).T
    room = rng.integers(0, 4, len(days))
    mean = 250 + effects[subject, 0] + (10 + effects[subject, 1]) * days + rng.normal(0, 12, 4)[room]
    names = np.array([f"s{k:02d}" for k in range(n_subjects)])
    return pd.DataFrame(
        {
            "reaction": mean + rng.normal(0, 25, len(days)),
            "days": days,
            "subject": names[subject],
            "room": np.array(list("ABCD"))[room],
            "se": rng.uniform(15, 35, len(days)),
        }
    )


def made_draws(model, *, chains=2, draws=50, seed=1, spread=0.1, nuts=False):
    """Draws of a textbook model's program without Stan: normal around plausible values, by the program's names."""
    rng, shape = np.random.default_rng(seed), (chains, draws)
    description, names = model.engine.description, names_of(model.engine.description)
    unit = float(np.std(model.rows.y))

    def around(centre):
        centre = np.asarray(centre)
        return centre + spread * np.maximum(np.abs(centre), 1e-3) * rng.standard_normal((*shape, *centre.shape))

    variables = {"beta": around(np.full(len(description.predictors), 0.2 * unit))} if description.predictors else {}
    if description.intercept is not None:
        variables[names.intercept] = around(model.rows.y.mean())
    if description.sigma is not None:
        variables["sigma"] = np.abs(around(0.5 * unit))
    for term, own in zip(description.terms, names.terms, strict=True):
        sd = np.abs(around(np.full(term.shape.q, 0.5 * unit)))
        effects = 0.5 * unit * rng.standard_normal((*shape, term.shape.n_levels, term.shape.q))
        if description.template == "varying_intercept":
            effects = effects + variables["mu_alpha"][..., None, None]
        scalar = term.shape.q == 1
        variables |= {own.sd: sd[..., 0] if scalar else sd, own.effect: effects[..., 0] if scalar else effects}
        for name, block in zip(own.correlations, term.correlated, strict=True):
            lower = np.tril(rng.uniform(-1, 1, (*shape, block.stop - block.start, block.stop - block.start)))
            lower /= np.linalg.norm(lower, axis=-1, keepdims=True)
            variables[name] = lower @ np.swapaxes(lower, -1, -2)
    statistics = {"lp": np.zeros(shape)}
    if nuts:
        noise = {name: rng.standard_normal(shape) for name in ("lp", "energy", "acceptance_rate", "step_size")}
        counts = {name: np.full(shape, 3) for name in ("tree_depth", "n_steps")}
        statistics = (
            noise | counts | {"diverging": np.zeros(shape, bool), "reached_max_treedepth": np.zeros(shape, bool)}
        )
    raw = RawDraws(np.empty((*shape, 0)), np.empty((*shape, 0)), statistics, seed, 10, "2.39.0", {}, variables)
    return variables, model.engine.coordinates.draws(raw)
