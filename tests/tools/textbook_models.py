"""Models of any structure with the textbook engine, and data for them."""

import numpy as np
import pandas as pd

from stanhier.design.streamed import design_of
from stanhier.engines.building import reducer_of
from stanhier.engines.default_priors import ColumnMoments
from stanhier.engines.prior_choice import choose_priors
from stanhier.engines.regression import Regression, parameters_of
from stanhier.engines.textbook.engine import TextbookEngine
from stanhier.families.noise import Noise
from stanhier.fit import Fit
from stanhier.formula.parse import parse
from stanhier.stan.nuts import run_nuts

__all__ = ["sampled", "sleep", "textbook_model"]


def textbook_model(formula, data, *, priors=None, sigma=None, se=None, own_intercepts=False):
    """A model that no other engine has seen."""
    parsed, noise = parse(formula), Noise.of(sigma, se)
    design = design_of(parsed, data, reducer_of(parsed), se=se)
    columns = np.column_stack([design.matrix, design.y])
    parameters = parameters_of(design, noise, own_intercepts=own_intercepts)
    moments = ColumnMoments(columns.mean(axis=0), columns.std(axis=0, ddof=1))
    chosen = choose_priors(priors, design, parameters, moments)
    engine = TextbookEngine.of(design, chosen, noise)
    return Regression(design, noise, chosen, engine, own_intercepts, (design.n_rows,))


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
