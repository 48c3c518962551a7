"""Exponentials, logarithms and normal tails of the programs, against fifty digits."""

import ctypes
import subprocess

import mpmath as mp
import numpy as np
import pytest

from stanhier.cmdstan.toolchain import require_compiler
from stanhier.stan.program_text import stan_models_dir

pytestmark = pytest.mark.slow

_NAMES = {
    "exponential": ("exponential(x)",),
    "logarithm": ("logarithm(x)",),
    "log_1p": ("log_1p(x)",),
    "logistic": ("f.log_1p_exp", "f.probability"),
    "normal_tails": ("f.log_small", "f.log_large", "f.hazard_small", "f.hazard_large"),
}
_SOURCE = """
extern "C" STANHIER_WIDE_CLONES void all_{name}(int n, const double* __restrict from, double* __restrict to) {{
  for (int i = 0; i < n; ++i) {{
    const double x = from[i];
    {before}
    {stores}
  }}
}}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elementary")
    text = '#include "elementary.hpp"\nusing namespace stanhier::effects;\n'
    for name, results in _NAMES.items():
        before = f"const auto f = {name}(x);" if len(results) > 1 else ""
        stores = " ".join(f"to[i + {k} * n] = {result};" for k, result in enumerate(results))
        text += _SOURCE.format(name=name, before=before, stores=stores)
    (folder / "all.cpp").write_text(text, encoding="utf-8")
    compiler = require_compiler().command
    include = f"-I{stan_models_dir() / 'functions'}"
    command = [compiler, "-std=c++17", "-O3", "-fPIC", "-shared", include, "all.cpp", "-o", "all.so"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "all.so"))


def values(library, name, x):
    """What the function gives for x (N,), a row for each of its results."""
    found = np.empty((len(_NAMES[name]), len(x)))
    pointers = [a.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for a in (x, found)]
    getattr(library, f"all_{name}")(len(x), *pointers)
    return found


def largest_error(found, exact, x):
    """In units of the last place."""
    with mp.workdps(50):
        reference = [exact(mp.mpf(float(v))) for v in x]
        return max(
            abs(float((mp.mpf(float(y)) - r) / float(np.spacing(abs(float(r))))))
            for y, r in zip(found, reference, strict=True)
        )


def spread(low, high, n=1500, seed=1):
    return np.random.default_rng(seed).uniform(low, high, n)


def test_exponentials(library):
    x = np.concatenate([spread(-706.9, 709.7), spread(-1.5, 1.5), [0.0, 709.78, -706.99, 1e-300, -0.0]])
    assert largest_error(values(library, "exponential", x)[0], mp.exp, x) < 1.5
    ends = values(library, "exponential", np.array([np.inf, 710.0, -708.0, -1e300, -np.inf]))[0]
    assert ends[:2].tolist() == [np.inf, np.inf]
    assert (ends[2:] < 1e-307).all()


def test_logarithms(library):
    x = np.concatenate([10 ** spread(-300, 300), spread(0.3, 3.0), [1.0, 0.5, 2.0, np.sqrt(0.5), np.sqrt(2)]])
    assert largest_error(values(library, "logarithm", x)[0], mp.log, x) < 3
    x = np.concatenate([10 ** spread(-300, 300), spread(-0.99, 3.0), -(10 ** spread(-18, -2)), [0.0]])
    assert largest_error(values(library, "log_1p", x)[0], mp.log1p, x) < 3


def test_logistic_functions(library):
    x = np.concatenate([spread(-700, 700), spread(-4, 4), [0.0, -0.0, -0.8813735, 0.8813736]])
    softened, probability = values(library, "logistic", x)
    assert largest_error(softened, lambda v: mp.log1p(mp.exp(v)), x) < 5
    assert largest_error(probability, lambda v: 1 / (1 + mp.exp(-v)), x) < 4


def test_normal_tails(library):
    """The upper probability's logarithm and hazard are of the size of exp(-x^2 / 2), whose error is that of x^2."""
    x = np.concatenate([spread(-6, 6), spread(-700, 700, 300), [0.0]])
    log_small, log_large, hazard_small, hazard_large = values(library, "normal_tails", x)
    small = lambda v: mp.erfc(abs(v) / mp.sqrt(2)) / 2  # noqa: E731
    assert largest_error(log_small, lambda v: mp.log(small(v)), x) < 4
    assert largest_error(hazard_small, lambda v: mp.npdf(v) / small(v), x) < 4
    near = np.abs(x) < 37
    units = 4 + x[near] ** 2
    for found, exact in ((log_large, lambda v: mp.log1p(-small(v))), (hazard_large, lambda v: mp.npdf(v))):
        for y, v, allowed in zip(found[near], x[near], units, strict=True):
            with mp.workdps(50):
                r = exact(mp.mpf(float(v)))
                r = r / (1 - small(mp.mpf(float(v)))) if found is hazard_large else r
                assert abs(float((mp.mpf(float(y)) - r) / r)) < allowed * 2.3e-16
    assert (np.abs(log_large[~near]) < 1e-290).all()
    assert (np.abs(hazard_large[~near]) < 1e-290).all()
