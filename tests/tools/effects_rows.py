"""Rows of any family with explicit effects: the data of `explicit_effects.stan`, and the density by its definition."""

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg, stats

from tests.tools.effects_families import AUXILIARIES, SCALE_PRIORS, log_density_of_rows
from tests.tools.multilevel_rows import Prior, Term, correlation_matrix

__all__ = ["Effects"]

_STEP = 1e-30


@dataclass(frozen=True)
class Effects:
    """Rows (N,) as they were before those alike were merged, terms, priors, and random coordinates."""

    family: int
    y: np.ndarray
    n: np.ndarray
    offset: np.ndarray
    X: np.ndarray
    terms: tuple[Term, ...]
    above: tuple[int, ...]
    priors: tuple[Prior, ...]
    transform: np.ndarray
    scale_priors: tuple[tuple[int, float, float, float], ...]
    sigma_known: float | None = None
    sigma_hat: float = 0.0
    seed: int = 1
    coordinates: dict[str, np.ndarray] = field(init=False, default_factory=dict)

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        P, E = self.X.shape[1], sum(t.n_levels * t.q for t in self.terms)
        n_u = self.n_scales + self.n_correlations + self.n_auxiliaries + len(self.students)
        roots = [rng.standard_normal((t.n_levels, t.q, t.q + 2)) for t in self.terms]
        self.coordinates.update(
            centre=0.3 * rng.standard_normal(P),
            basis=np.eye(P) + 0.3 * rng.standard_normal((P, P)),
            pulled=rng.standard_normal(E),
            coupling=0.5 * rng.standard_normal((P, E)),
            b_hat=0.5 * rng.standard_normal(E),
            u_hat=0.2 * rng.standard_normal(n_u),
            u_basis=0.5 * np.eye(n_u) + 0.1 * rng.standard_normal((n_u, n_u)),
            softness=rng.uniform(0.4, 0.9, self.n_scales),
        )
        for t, root in enumerate(roots):
            self.coordinates[f"info {t}"] = root @ root.swapaxes(1, 2)

    @property
    def n_scales(self):
        return sum(term.q for term in self.terms)

    @property
    def n_correlations(self):
        return sum(size * (size - 1) // 2 for term in self.terms for size in term.blocks)

    @property
    def n_auxiliaries(self):
        return 0 if self.sigma_known is not None else len(AUXILIARIES[self.family])

    @property
    def students(self):
        return [k for k, prior in enumerate(self.priors) if prior.family == "t"]

    @property
    def starts(self):
        """The first effect of each term, and after it their number."""
        return np.cumsum([0] + [t.n_levels * t.q for t in self.terms])

    def parent(self):
        """The position of each effect's parent, from 1, or 0."""
        found = np.zeros(self.starts[-1], int)
        for t, a in enumerate(self.above):
            if a:
                _, row = np.unique(self.terms[t].codes, return_index=True)
                found[self.starts[t] : self.starts[t + 1]] = self.starts[a - 1] + self.terms[a - 1].codes[row] + 1
        return found

    def cells(self):
        """Merged rows, sorted by the largest term: rows' indices, y, n, exposed offsets, and counts."""
        sorted_by = int(np.argmax([t.n_levels for t in self.terms]))
        if self.family > 3:
            order = np.argsort(self.terms[sorted_by].codes, kind="stable")
            y = self.y[order]
            places = np.arange(y.max() if self.family == 4 else 0)
            counts = np.append(places, [(y > k).sum() for k in places])
            return sorted_by, order, y, np.ones(len(y)), self.offset[order], counts
        codes = np.column_stack([self.terms[sorted_by].codes, *(t.codes for t in self.terms)])
        keys = np.column_stack([codes, *(t.Z for t in self.terms), self.X])
        offset, weights = self.offset, self.n
        if self.family == 3:
            offset, weights = np.zeros(len(self.y)), self.n * np.exp(self.offset)
        keys = np.column_stack([keys, offset])
        _, rows, cell = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        cell = cell.ravel()
        n = np.bincount(cell, weights)
        y, counts = np.bincount(cell, self.y), np.zeros(0)
        if self.family == 0:
            y = np.bincount(cell, weights * self.y) / n
            counts = np.array([len(self.y), (weights * (self.y - y[cell]) ** 2).sum()])
        return sorted_by, rows, y, n, offset[rows], counts

    def data(self):
        """The data block of the program."""
        c = self.coordinates
        sorted_by, rows, y, n, offset, counts = self.cells()
        student = {k: i + 1 for i, k in enumerate(self.students)}
        blocks = [(t + 1, size, term.eta) for t, term in enumerate(self.terms) for size in term.blocks]
        columns = [z for term in self.terms for z in term.Z[rows].T]
        stored = [z for z in columns if np.any(z != 1)]
        number = iter(range(1, len(stored) + 1))
        family, nu, mu, sigma = zip(*self.scale_priors, strict=True)
        info = np.concatenate(
            [c[f"info {t}"][:, *np.tril_indices(term.q)].ravel() for t, term in enumerate(self.terms)]
        )
        P = self.X.shape[1]
        has_n, has_offset = not (n == 1).all(), bool(offset.any())
        return {
            "family": self.family,
            "N": len(rows),
            "P": P,
            "T": len(self.terms),
            "B": len(blocks),
            "Qn": self.n_scales,
            "Cn": self.n_correlations,
            "A": self.n_auxiliaries,
            "n_t": len(student),
            "E": self.starts[-1],
            "I": len(info),
            "K": len(stored),
            "D": len(counts),
            "has_n": int(has_n),
            "has_offsets": int(has_offset),
            "q": [t.q for t in self.terms],
            "J": [t.n_levels for t in self.terms],
            "block_term": [b[0] for b in blocks],
            "block_size": [b[1] for b in blocks],
            "eta": [b[2] for b in blocks],
            "X": (self.X @ c["basis"])[rows],
            "Z": np.column_stack([np.zeros((len(rows), 0)), *stored]),
            "z_column": [next(number) if np.any(z != 1) else 0 for z in columns],
            "g": [t.codes[rows] + 1 for t in self.terms],
            "sorted": sorted_by + 1,
            "y": y,
            "n": n if has_n else [],
            "offsets": offset if has_offset else [],
            "phi_hat": np.linalg.solve(c["basis"], c["centre"]),
            "counts": counts,
            "info": info,
            "pulled": c["pulled"],
            "coupling": c["coupling"],
            "above": list(self.above),
            "parent": self.parent(),
            "b_hat": c["b_hat"],
            "sigma_hat": self.sigma_hat,
            "prior_rows": (self.transform @ c["basis"]).reshape(P, P),
            "prior_residual": self.transform @ c["centre"] - np.array([prior.mu for prior in self.priors]),
            "prior_precision": np.array([0 if p.family == "flat" else p.sigma**-2.0 for p in self.priors]),
            "t_prior": [student.get(k, 0) for k in range(P)],
            "t_nu": np.array([self.priors[k].nu for k in student]),
            "u_hat": c["u_hat"],
            "u_basis": c["u_basis"],
            "softness": c["softness"],
            "sigma_known": self.sigma_known or 0.0,
            "scale_prior_family": list(family),
            "scale_prior_nu": np.array(nu),
            "scale_prior_mu": np.array(mu),
            "scale_prior_sigma": np.array(sigma),
        }

    def size(self):
        """How many parameters there are."""
        return self.X.shape[1] + self.starts[-1] + len(self.coordinates["u_hat"])

    def natural(self, u):
        """One vector: sds, correlations below the diagonal by blocks, auxiliary parameters, lambda."""
        n = self.n_scales
        correlations, at = [], n
        for size in (size for term in self.terms for size in term.blocks):
            R = correlation_matrix(np.tanh(u[at : at + size * (size - 1) // 2]), size)
            correlations.append(R[np.tril_indices(size, -1)])
            at += size * (size - 1) // 2
        scales = self.coordinates["softness"] * np.log1p(np.exp(u[:n]))
        return np.concatenate([scales, *correlations, np.exp(u[at:])])

    def covariances(self, values):
        """Of each term's effects of one level, and the log prior density of the correlations."""
        found, lp, first, at = [], 0.0, 0, self.n_scales
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
            found.append(sd[:, None] * R * sd)
            first += term.q
        return found, lp

    def effects(self, phi, zeta, covariances, omega):
        """All effects (E,) from coordinates, by the definition at the top of the program."""
        c = self.coordinates
        rhs = omega * (c["pulled"] - c["coupling"].T @ phi)
        b = np.empty(len(zeta))
        chained = [t for t in range(len(self.terms)) if self.above[t] or t + 1 in self.above]
        for t, term in enumerate(self.terms):
            Lambda = np.linalg.cholesky(covariances[t])
            for j in range(term.n_levels if t not in chained else 0):
                here = slice(self.starts[t] + j * term.q, self.starts[t] + (j + 1) * term.q)
                L = np.linalg.cholesky(np.eye(term.q) + omega * Lambda.T @ c[f"info {t}"][j] @ Lambda)
                b[here] = Lambda @ linalg.solve(L.T, linalg.solve(L, Lambda.T @ rhs[here]) + zeta[here])
        if chained:
            self._chain(chained, covariances, omega, rhs, zeta, b)
        return b

    def _chain(self, chained, covariances, omega, rhs, zeta, b):
        """Effects of a chain given what rows tell: sequential conditionals of a normal density, coarsest first."""
        parent, c = self.parent(), self.coordinates
        depth = {t: len(self._ancestors(t)) for t in chained}
        order = np.concatenate(
            [np.arange(self.starts[t], self.starts[t + 1]) for t in sorted(chained, key=depth.__getitem__)]
        )
        place = {i: k for k, i in enumerate(order)}
        precision, linear = np.zeros((len(order), len(order))), np.zeros(len(order))
        for t in chained:
            for i in range(self.starts[t], self.starts[t + 1]):
                precision[place[i], place[i]] += 1 / covariances[t][0, 0]
                a, known, p = np.zeros(len(order)), 0.0, parent[i] - 1
                a[place[i]] = 1
                while p >= 0:
                    a[place[p]] = 1
                    known += c["b_hat"][p]
                    p = parent[p] - 1
                H = omega * c[f"info {t}"][i - self.starts[t], 0, 0]
                precision += H * np.outer(a, a)
                linear += a * (rhs[i] + H * known)
        V = np.linalg.inv(precision)
        b[order] = V @ linear + np.linalg.cholesky(V) @ zeta[order]

    def _ancestors(self, t):
        found = []
        while self.above[t]:
            t = self.above[t] - 1
            found.append(t)
        return found

    def log_density(self, z, further=0.0, *, jacobians=True):
        """Log density of the parameters, up to a constant, and the linear predictors (N,), `further` added to these.

        Without `jacobians` the constant depends on scales, correlations and auxiliary parameters.
        """
        P, E = self.X.shape[1], self.starts[-1]
        c = self.coordinates
        phi, zeta, u = z[:P], z[P : P + E], c["u_hat"] + c["u_basis"] @ z[P + E :]
        values = self.natural(u)
        at = self.n_scales + self.n_correlations
        auxiliary, lam = values[at : at + self.n_auxiliaries], values[at + self.n_auxiliaries :]
        if self.family == 0 and self.sigma_known is not None:
            auxiliary = np.array([self.sigma_known])
        omega = (self.sigma_hat / auxiliary[0]) ** 2 if self.sigma_hat > 0 else 1.0
        covariances, lp = self.covariances(values)
        b = self.effects(phi, zeta, covariances, omega)
        if jacobians:  # effects are linear in zeta
            at_zero = self.effects(phi, np.zeros(E), covariances, omega)
            lp += np.linalg.slogdet([self.effects(phi, e, covariances, omega) - at_zero for e in np.eye(E)])[1]
            lp += np.linalg.slogdet([self.natural(u + 1j * _STEP * e).imag / _STEP for e in np.eye(len(u))])[1]
        theta = c["centre"] + c["basis"] @ phi
        eta = self.offset + self.X @ theta + further
        for t, term in enumerate(self.terms):
            own = b[self.starts[t] : self.starts[t + 1]].reshape(-1, term.q)
            root = np.linalg.cholesky(covariances[t])
            lp += stats.norm.logpdf(linalg.solve(root, own.T)).sum() - len(own) * np.log(np.diag(root)).sum()
            eta = eta + (term.Z * own[term.codes]).sum(axis=1)
        scales = np.append(values[: self.n_scales], values[at : at + self.n_auxiliaries])
        lp += sum(SCALE_PRIORS[f](x, *rest) for x, (f, *rest) in zip(scales, self.scale_priors, strict=True))
        lp += self._location(self.transform @ theta, lam)
        return lp + log_density_of_rows(self.family, self.y, self.n, eta, auxiliary).sum(), eta

    def _location(self, theta, lam):
        lp, students = 0.0, self.students
        for k, prior in enumerate(self.priors):
            if prior.family == "normal":
                lp += stats.norm.logpdf(theta[k], prior.mu, prior.sigma)
            if prior.family == "t":
                precision = lam[students.index(k)]
                lp += stats.norm.logpdf(theta[k], prior.mu, prior.sigma / np.sqrt(precision))
                lp += stats.gamma.logpdf(precision, prior.nu / 2, scale=2 / prior.nu)
        return lp
