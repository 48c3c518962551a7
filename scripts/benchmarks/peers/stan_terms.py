"""The programs written by hand for slopes that vary, several factors and other families: which, data, common names."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from scripts.benchmarks.case import INTERCEPT, Case
from scripts.benchmarks.peers import NotApplicableError

__all__ = ["common_draws", "data_of", "program_of", "variables_of"]

OF_FAMILIES = {
    ("bernoulli", 1, False): "bernoulli",
    ("poisson", 1, False): "poisson",
    ("student_t", 1, False): "student_t",
    ("bernoulli", 2, False): "bernoulli_crossed",
    ("poisson", 3, True): "poisson_nested",
}
"""Programs by family, number of factors, and whether each is within the one before it."""


def program_of(case: Case, kind: str) -> str:
    """Give the name of the program for a case."""
    if case.family == "gaussian" and len(case.terms) == 1 and len(case.terms[0].effects) > 1:
        return f"slopes_{kind}"
    intercepts = all(term.effects == (INTERCEPT,) for term in case.terms)
    structure = len(case.terms), _is_nested(case)
    if case.family != "gaussian" and intercepts and (case.family, *structure) in OF_FAMILIES:
        return f"{OF_FAMILIES[case.family, *structure]}_{kind}"
    if case.family != "gaussian" or case.predictors or not intercepts or len(case.terms) != 2:
        raise NotApplicableError(f"there is no program by hand for {case.formula}, {case.family}")
    if kind == "noncentred":
        return "two_factors_noncentred"
    return "nested_centred" if _is_nested(case) else "crossed_centred"


def _is_nested(case: Case) -> bool:
    """Whether each factor but the first is within the one before it."""
    within = (inner.factors[: len(outer.factors)] == outer.factors for outer, inner in pairwise(case.terms))
    return len(case.terms) > 1 and all(within)


def data_of(case: Case) -> dict[str, Any]:
    """Give the data of both programs for a case."""
    data: dict[str, Any] = {"N": len(case.y), "y": case.y, "intercept_prior": list(case.intercept)}
    data["sd_prior"] = [scale for term in case.terms for scale in term.sd]
    if case.sigma is not None:
        data["sigma_prior"] = case.sigma
    if case.nu is not None:
        data["nu_prior"] = list(case.nu)
    if case.family == "gaussian" and len(case.terms) == 1:
        return data | _slopes_data(case)
    if case.predictors:
        data |= {"K": len(case.predictors), "X": case.X, "beta_prior": list(case.beta)}
    for place, (levels, codes) in enumerate(case.factors, start=1):
        data |= {f"J_{place}": len(levels), f"jj_{place}": codes + 1}
    if _is_nested(case):
        data |= {f"parent_{place + 1}": _parents(case, place) + 1 for place in range(1, len(case.terms))}
    return data


def _parents(case: Case, place: int) -> np.ndarray:
    """Of each level of a factor, by its place from 0, the level of the factor before it, which is around it."""
    (_, outer), (levels, inner) = case.factors[place - 1 : place + 1]
    parents = np.empty(len(levels), dtype=int)
    parents[inner] = outer
    return parents


def _slopes_data(case: Case) -> dict[str, Any]:
    (term,), ((levels, codes),) = case.terms, case.factors
    positions = _positions(case)
    fixed = [k for k in range(1, len(case.predictors) + 1) if k not in positions]
    return {
        "J": len(levels),
        "K": len(case.predictors),
        "Q": len(term.effects),
        "F": len(fixed),
        "fixed": fixed,
        "position": positions,
        "jj": codes + 1,
        "X": case.X,
        "Z": case.effect_columns(term),
        "beta_prior": list(case.beta),
    }


def _positions(case: Case) -> list[int]:
    """The number of each effect's predictor; 0 is the intercept."""
    return [0 if e == INTERCEPT else case.predictors.index(e) + 1 for e in case.terms[0].effects]


def variables_of(case: Case, kind: str) -> list[str]:
    """Name the variables of a program that `common_draws` needs."""
    program = program_of(case, kind)
    if program.startswith("slopes"):
        return ["alpha", "sd", "sigma", "beta", "L", "own" if kind == "centred" else "effect"]
    population = ["alpha", "sd", *(["beta"] if case.predictors else [])]
    population += [name for name, prior in (("sigma", case.sigma), ("nu", case.nu)) if prior is not None]
    own = [kind == "centred" and (place == 0 or _is_nested(case)) for place in range(len(case.terms))]
    return population + [f"{'own' if centred else 'effect'}_{place}" for place, centred in enumerate(own, start=1)]


def common_draws(draws: Mapping[str, np.ndarray], case: Case) -> dict[str, np.ndarray]:
    """Give draws of a program, shape (chains, draws, ...), the common names; effects are around the population."""
    alpha = draws["alpha"]
    named = {name: draws[name] for name in ("alpha", "beta", "sigma", "nu") if name in draws}
    if "L" in draws:
        (term,) = case.terms
        if "own" in draws:
            population = [alpha if p == 0 else draws["beta"][:, :, p - 1] for p in _positions(case)]
            effects = draws["own"] - np.stack(population, axis=-1)[:, :, None]
        else:
            effects = draws["effect"]
        correlations = draws["L"] @ np.swapaxes(draws["L"], -1, -2)
        named[f"cor_{term.name}"] = correlations[..., *term.pairs]
        return named | {f"sd_{term.name}": draws["sd"], f"effect_{term.name}": effects}
    for place, term in enumerate(case.terms):
        own = draws.get(f"own_{place + 1}")
        if own is None:
            effect = draws[f"effect_{place + 1}"]
        else:
            around = alpha[:, :, None] if place == 0 else draws[f"own_{place}"][:, :, _parents(case, place)]
            effect = own - around
        named |= {f"sd_{term.name}": draws["sd"][:, :, place], f"effect_{term.name}": effect}
    return named
