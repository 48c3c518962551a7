"""The programs written by hand for slopes that vary and for two factors: which, their data, and common names."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scripts.benchmarks.case import INTERCEPT, Case
from scripts.benchmarks.peers import NotApplicableError

__all__ = ["common_draws", "data_of", "program_of", "variables_of"]


def program_of(case: Case, kind: str) -> str:
    """Give the name of the program for a case."""
    if len(case.terms) == 1 and len(case.terms[0].effects) > 1:
        return f"slopes_{kind}"
    if case.predictors or [term.effects for term in case.terms] != [(INTERCEPT,)] * 2:
        raise NotApplicableError(f"there is no program by hand for {case.formula}")
    if kind == "noncentred":
        return "two_factors_noncentred"
    return "nested_centred" if _is_nested(case) else "crossed_centred"


def _is_nested(case: Case) -> bool:
    outer, inner = (term.factors for term in case.terms)
    return inner[: len(outer)] == outer


def data_of(case: Case) -> dict[str, Any]:
    """Give the data of both programs for a case."""
    data: dict[str, Any] = {"N": len(case.y), "y": case.y, "intercept_prior": list(case.intercept)}
    data |= {"sigma_prior": case.sigma, "sd_prior": [scale for term in case.terms for scale in term.sd]}
    if len(case.terms) == 1:
        return data | _slopes_data(case)
    for place, (levels, codes) in enumerate(case.factors, start=1):
        data |= {f"J_{place}": len(levels), f"jj_{place}": codes + 1}
    if _is_nested(case):
        data["parent"] = _parents(case) + 1
    return data


def _parents(case: Case) -> np.ndarray:
    """The outer level of each inner one."""
    (_, outer), (levels, inner) = case.factors
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
    own = {
        "slopes_centred": ["beta", "L", "own"],
        "slopes_noncentred": ["beta", "L", "effect"],
        "crossed_centred": ["own_1", "effect_2"],
        "nested_centred": ["own_1", "own_2"],
        "two_factors_noncentred": ["effect_1", "effect_2"],
    }[program_of(case, kind)]
    return ["alpha", "sd", "sigma", *own]


def common_draws(draws: Mapping[str, np.ndarray], case: Case) -> dict[str, np.ndarray]:
    """Give draws of a program, shape (chains, draws, ...), the common names; effects are around the population."""
    alpha = draws["alpha"]
    named = {name: draws[name] for name in ("alpha", "beta", "sigma") if name in draws}
    if len(case.terms) == 1:
        (term,) = case.terms
        if "own" in draws:
            population = [alpha if p == 0 else draws["beta"][:, :, p - 1] for p in _positions(case)]
            effects = draws["own"] - np.stack(population, axis=-1)[:, :, None]
        else:
            effects = draws["effect"]
        correlations = draws["L"] @ np.swapaxes(draws["L"], -1, -2)
        named[f"cor_{term.name}"] = correlations[..., *term.pairs]
        return named | {f"sd_{term.name}": draws["sd"], f"effect_{term.name}": effects}
    first = draws["own_1"] - alpha[:, :, None] if "own_1" in draws else draws["effect_1"]
    second = draws["own_2"] - draws["own_1"][:, :, _parents(case)] if "own_2" in draws else draws["effect_2"]
    for place, (term, effect) in enumerate(zip(case.terms, (first, second), strict=True)):
        named |= {f"sd_{term.name}": draws["sd"][:, :, place], f"effect_{term.name}": effect}
    return named
