"""Rows of a multilevel regression: the data of `multilevel.stan` by brute force, and the density by dense matrices."""

import json
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy import linalg, stats

__all__ = ["Prior", "Regression", "Term", "correlation_matrix", "evaluated", "simulated", "slopes"]

_STEP = 1e-30
_SCALE_PRIORS = {
    0: lambda x, nu, sigma: 0.0,  # noqa: ARG005
    1: lambda x, nu, sigma: stats.norm.logpdf(x, 0, sigma),  # noqa: ARG005
    2: lambda x, nu, sigma: stats.t.logpdf(x, nu, 0, sigma),
    3: lambda x, nu, sigma: stats.expon.logpdf(x, 0, sigma),  # noqa: ARG005
}


@dataclass(frozen=True)
class Term:
    """A grouping factor: codes (N,), columns of its effects (N, q), and sizes of the blocks of correlated effects."""

    codes: np.ndarray
    Z: np.ndarray
    blocks: tuple[int, ...]
    eta: float = 1.3

    @property
    def n_levels(self):
        return self.codes.max() + 1

    @property
    def q(self):
        return self.Z.shape[1]

    @property
    def wide(self):
        """A column for each effect of each level, (N, J q)."""
        return (np.eye(self.n_levels)[self.codes][:, :, None] * self.Z[:, None]).reshape(len(self.codes), -1)


@dataclass(frozen=True)
class Prior:
    """Of one quantity theta: "flat", "normal" or "t"."""

    family: str = "normal"
    mu: float = 0.0
    sigma: float = 1.0
    nu: float = 4.0


@dataclass(frozen=True)
class Regression:
    """Rows, terms and priors; `transform @ location` is what has the priors."""

    y: np.ndarray
    X: np.ndarray
    terms: tuple[Term, ...]
    eliminated: int
    priors: tuple[Prior, ...]
    transform: np.ndarray
    scale_priors: tuple[tuple[int, float, float], ...]
    sigma_known: float | None = None
    softness: np.ndarray = field(default_factory=lambda: np.ones(0))

    @property
    def n_scales(self):
        return sum(term.q for term in self.terms)

    @property
    def n_correlations(self):
        return sum(size * (size - 1) // 2 for term in self.terms for size in term.blocks)

    @property
    def students(self):
        return [k for k, prior in enumerate(self.priors) if prior.family == "t"]

    def data(self, seed=1):
        """The data block of the program; the coordinates of location and parameters are random."""
        rng = np.random.default_rng(seed)
        term = self.terms[self.eliminated]
        P, q = self.X.shape[1], term.q
        centre, A = rng.standard_normal(P), np.eye(P) + 0.3 * rng.standard_normal((P, P))
        others = [t.wide for t in self.terms if t is not term]
        rows = np.column_stack([*others, self.X @ A, self.y - self.X @ centre])
        factors = [
            np.linalg.qr(np.pad(np.column_stack([term.Z, rows])[term.codes == j], ((0, q), (0, 0))), mode="r")
            for j in range(term.n_levels)
        ]
        below = np.concatenate([f[q:, q:] for f in factors])
        strata, moments, n_groups = _strata(np.array([f[:q] for f in factors]), q)
        student = {k: i + 1 for i, k in enumerate(self.students)}
        known = self.sigma_known is not None
        L = self.n_scales + self.n_correlations + (not known) + len(student)
        blocks = [(t + 1, size, term.eta) for t, term in enumerate(self.terms) for size in term.blocks]
        family, nu, sigma = zip(*self.scale_priors, strict=True)
        return {
            "N": len(self.y),
            "P": P,
            "M": rows.shape[1] - P - 1,
            "T": len(self.terms),
            "H": len(n_groups),
            "S": int(not known),
            "B": len(blocks),
            "Qn": self.n_scales,
            "Cn": self.n_correlations,
            "n_t": len(student),
            "q": [t.q for t in self.terms],
            "J": [t.n_levels for t in self.terms],
            "e": self.eliminated + 1,
            "block_term": [b[0] for b in blocks],
            "block_size": [b[1] for b in blocks],
            "eta": [b[2] for b in blocks],
            "G0": below.T @ below,
            "n_groups": n_groups,
            "R": strata.reshape(-1, q),
            "moments": moments,
            "prior_rows": (self.transform @ A).reshape(P, P),
            "prior_residual": self.transform @ centre - np.array([prior.mu for prior in self.priors]),
            "prior_precision": np.array([0 if p.family == "flat" else p.sigma**-2.0 for p in self.priors]),
            "t_prior": [student.get(k, 0) for k in range(P)],
            "t_nu": np.array([self.priors[k].nu for k in student]),
            "u_hat": 0.2 * rng.standard_normal(L),
            "u_basis": 0.5 * np.eye(L) + 0.1 * rng.standard_normal((L, L)),
            "softness": self.softness,
            "sigma_known": self.sigma_known if known else 0.0,
            "scale_prior_family": list(family),
            "scale_prior_nu": np.array(nu),
            "scale_prior_sigma": np.array(sigma),
        }

    def natural(self, u):
        """One vector: absolute sds, correlations below the diagonal by blocks, sigma if it is estimated, lambda."""
        n = self.n_scales
        estimated = self.sigma_known is None
        sigma = np.exp(u[n + self.n_correlations]) if estimated else self.sigma_known
        correlations, at = [], n
        for size in (size for term in self.terms for size in term.blocks):
            R = correlation_matrix(np.tanh(u[at : at + size * (size - 1) // 2]), size)
            correlations.append(R[np.tril_indices(size, -1)])
            at += size * (size - 1) // 2
        scales = self.softness * np.log1p(np.exp(u[:n])) * sigma
        return np.concatenate([scales, *correlations, np.exp(u[at:])])

    def log_density(self, u):
        """Log density of u, up to a constant, by the covariance of all rows; the Jacobian by complex steps."""
        jacobian = [self.natural(u + 1j * _STEP * e).imag / _STEP for e in np.eye(len(u))]
        values = self.natural(u)
        n, c, n_t = self.n_scales, self.n_correlations, len(self.students)
        sigma = values[n + c] if self.sigma_known is None else self.sigma_known
        lam = values[len(values) - n_t :]
        V = sigma**2 * np.eye(len(self.y))
        lp = np.linalg.slogdet(np.array(jacobian))[1]
        first, at = 0, n
        for term in self.terms:
            R, start = np.eye(term.q), 0
            for size in term.blocks:
                block = np.eye(size)
                block[np.tril_indices(size, -1)] = values[at : at + size * (size - 1) // 2]
                block = np.tril(block) + np.tril(block, -1).T
                at += size * (size - 1) // 2
                R[start : start + size, start : start + size] = block
                lp += (term.eta - 1) * np.linalg.slogdet(block)[1]
                start += size
            sd = values[first : first + term.q]
            V += term.wide @ np.kron(np.eye(term.n_levels), sd[:, None] * R * sd) @ term.wide.T
            first += term.q
        scales = np.append(values[:n], [sigma] if self.sigma_known is None else [])
        lp += sum(_SCALE_PRIORS[f](x, nu, s) for x, (f, nu, s) in zip(scales, self.scale_priors, strict=True))
        return lp + self._rows(V, lam)

    def _rows(self, V, lam):
        X = self.X @ np.linalg.inv(self.transform)
        variance = np.array([prior.sigma**2 for prior in self.priors])
        lp = 0.0
        for i, k in enumerate(self.students):
            variance[k] /= lam[i]
            lp += stats.gamma.logpdf(lam[i], self.priors[k].nu / 2, scale=2 / self.priors[k].nu)
        flat = np.array([prior.family == "flat" for prior in self.priors], bool)
        mu = np.array([prior.mu for prior in self.priors])
        V = V + X[:, ~flat] * variance[~flat] @ X[:, ~flat].T
        residual = self.y - X[:, ~flat] @ mu[~flat]
        contrasts = linalg.null_space(X[:, flat].T) if flat.any() else np.eye(len(residual))
        return lp + stats.multivariate_normal.logpdf(contrasts.T @ residual, None, contrasts.T @ V @ contrasts)


def simulated(sizes, *, q=(2,), blocks=None, P=2, seed=1, balanced=False, nested=False, **changes):
    """Rows of terms with so many levels and effects; the first term has most levels of those that are eliminated.

    With `balanced` every combination of levels has the same rows; with `nested` each level of the first term lies in
    one of the second.
    """
    rng = np.random.default_rng(seed)
    codes = [np.tile(np.arange(sizes[0]), 4)]
    n = len(codes[0])
    for size in sizes[1:]:
        codes.append(
            codes[0] % size
            if nested
            else (np.repeat(np.arange(4), sizes[0]) % size if balanced else rng.integers(0, size, n))
        )
    Z = np.column_stack([np.ones(n), rng.standard_normal((n, max(q) - 1))])
    if balanced:
        Z[:, 1:] = np.repeat(rng.standard_normal((4, max(q) - 1)), sizes[0], axis=0)
    blocks = blocks or [(k,) for k in q]
    terms = tuple(Term(c, Z[:, :k], b) for c, k, b in zip(codes, q, blocks, strict=True))
    X = np.column_stack([np.ones(n), rng.standard_normal((n, 3))])[:, :P]
    y = X.sum(axis=1) + rng.standard_normal(n)
    for term in terms:
        y = y + (term.Z * rng.standard_normal((term.n_levels, term.q))[term.codes]).sum(axis=1)
    transform = np.eye(P) + np.tril(0.2 * rng.standard_normal((P, P)), -1)
    n_scales = sum(q) + ("sigma_known" not in changes)
    families = [(3, 0.0, 0.8), (1, 0.0, 1.5), (2, 3.0, 1.2), (0, 0.0, 0.0)]
    defaults = {
        "eliminated": 0,
        "priors": tuple(Prior(mu=0.3 * k, sigma=1.5 + k) for k in range(P)),
        "scale_priors": tuple(families[k % 4] for k in range(n_scales)),
        "softness": rng.uniform(0.4, 0.9, sum(q)),
    }
    return Regression(y=y, X=X, terms=terms, transform=transform, **{**defaults, **changes})


def evaluated(program, data, points):
    """Log densities (K,) and gradients (K, L) of a compiled program at points z (K, L)."""
    with TemporaryDirectory() as folder:
        path = f"{folder}/points.csv"
        names = [f"z.{k + 1}" for k in range(points.shape[1])]
        pd.DataFrame(points, columns=names).to_csv(path, index=False, float_format="%.17g")
        with open(f"{folder}/data.json", "w") as file:  # noqa: PTH123
            json.dump(data, file, default=_plain)
        found = program.log_prob(path, data=f"{folder}/data.json", sig_figs=17).to_numpy(float)
    return found[:, 0], found[:, 1:]


def slopes(program, data, points, step=1e-3):
    """Gradients (K, L) by central differences of fourth order."""
    K, L = points.shape
    moves = step * np.eye(L)
    around = np.stack([points[:, None] + side * moves for side in (1, -1, 2, -2)])
    values, _ = evaluated(program, data, around.reshape(-1, L))
    a, b, c, d = values.reshape(4, K, L)
    return (8 * (a - b) - (c - d)) / (12 * step)


def _strata(factors, q):
    """Distinct R (H, q, q), moments, numbers of groups (H,), from the first q rows of the factors (J, q, W)."""
    signs = np.sign(np.einsum("jkk->jk", factors[:, :, :q]))
    factors = factors * np.where(signs == 0, 1, signs)[:, :, None]
    R, B = factors[:, :, :q], factors[:, :, q:]
    _, first, stratum, counts = np.unique(
        R.round(10).reshape(len(R), -1) + 0.0, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    lower = np.tril_indices(B.shape[2])
    columns = []
    for h in range(len(counts)):
        inside = B[stratum.ravel() == h]
        for i, j in zip(*np.tril_indices(q), strict=True):
            S = inside[:, i].T @ inside[:, j]
            columns.append((S if i == j else S + S.T)[lower])
    return R[first], np.column_stack(columns), counts.astype(float)


def correlation_matrix(partial, size):
    """The correlation matrix of partial correlations, row by row (Lewandowski, Kurowicka & Joe 2009)."""
    L, at = np.zeros((size, size), dtype=partial.dtype), 0
    L[0, 0] = 1
    for i in range(1, size):
        for j in range(i):
            L[i, j] = partial[at] * np.sqrt(1 - (L[i, :j] ** 2).sum())
            at += 1
        L[i, i] = np.sqrt(1 - (L[i, :i] ** 2).sum())
    return L @ L.T


def _plain(value):
    return value.tolist()
