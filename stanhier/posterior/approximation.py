"""Faster than sampling, and less: the mode, and draws of approximations of the posterior around it.

All of them work in the whitened coordinates of the programs, in which the posterior is nearly normal; that is what
makes approximations by normals good here.

References
----------
Carpenter et al. (2017), doi:10.18637/jss.v076.i01 (optimisation); Kucukelbir et al. (2017), JMLR 18(14) (variational).
Zhang, Carpenter, Gelman & Vehtari (2022), Pathfinder, JMLR 23(306).
Yao, Vehtari, Simpson & Gelman (2018), Yes, but did it work?, arXiv:1802.02538 (Pareto k of an approximation).
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import SamplingError, StanhierError
from stanhier.engines.draws import Draws, resampled
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.predictable import check_rows
from stanhier.posterior.weights import LEAST_DRAWS
from stanhier.stan.calling_cmdstanpy import calling_cmdstanpy
from stanhier.stan.faults import RAISED_BY_CMDSTANPY, Fault, explain
from stanhier.stan.interrupt import chains_end_on_interrupt
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import RawDraws
from stanhier.stan.rendered import program_of
from stanhier.stan.run_folder import run_folder

__all__ = ["NOT_FOR_USERS", "Mode", "approximate", "optimize"]

NO_RATIO = 0.01
"""Largest difference of log ratios of posterior over approximation that counts as none."""

_METHODS = {"laplace": "laplace_sample", "pathfinder": "pathfinder", "variational": "variational"}
NOT_FOR_USERS = {
    *("data", "output_dir", "mode", "inits", "jacobian", "opt_args", "psis_resample", "calculate_lp"),
    *("save_iterations", "output_samples", "save_latent_dynamics"),
}


@dataclass(frozen=True)
class Mode[R: Regression]:
    """The mode of a posterior, from `model.optimize()`: a point, so there are no draws and no intervals.

    It is that of the scales (of their logarithms) with everything else integrated out, and of the other parameters
    given those scales; exactly so with normal priors and Gaussian responses, nearly so where effects are sampled, in
    coordinates in which these hardly depend on scales. The joint mode of a varying-intercept model would be useless:
    its density is greatest where `sigma_alpha` is 0.

    Attributes
    ----------
    model : Model
    estimates : pandas.Series
        By parameter; `beta` by predictor, as in `beta[x]`.
    draws : Draws
        The mode as a single draw.
    """

    model: R
    estimates: pd.Series
    draws: Draws

    @property
    def groups(self) -> "pd.Series | dict[str, pd.DataFrame] | None":
        """What each group has of its own, shrunk as the scales say.

        The intercepts of a `VaryingIntercept`; of a `Model` a table of effects by factor; None without groups.
        """
        tables: dict[str, pd.DataFrame] = {}
        own = self.model.parameters.all_of(Role.EFFECTS)
        for parameter, grouping in zip(own, self.model.design.groupings, strict=True):
            labels = pd.Index(labelled.plain_labels(grouping.levels), name=grouping.name)
            effects = self._effects(parameter.term or 0)
            if len(parameter.dims) == 1:
                (intercept,) = self.model.parameters.all_of(Role.INTERCEPT)
                return pd.Series(self.estimates[intercept.name] + effects[:, 0], index=labels, name=parameter.name)
            tables[grouping.name] = pd.DataFrame(effects, index=labels, columns=list(grouping.effects))
        return tables or None

    def _effects(self, term: int) -> np.ndarray:
        """Give the effects of the groups of a factor, shape (J, q)."""
        groups = np.arange(len(self.model.design.groupings[term].levels))
        return np.asarray(self.model.engine.effect_means(self.draws, term, groups)[0])

    @in_our_words(dict.fromkeys(("new_data", "newdata", "data"), "Did you mean 'new'?"))
    def predict(self, new: pd.DataFrame | Mapping[str, Any]) -> pd.Series:
        """Predict the mean response of rows of new data; a group that the model has not seen gets the population's.

        As `Fit.predict(kind="mean")` does for draws: offsets count, and the inverse of the link is applied, which gives
        the probability of one success for a binomial response.

        Raises
        ------
        DataError
            If a column is missing or cannot be used, or the model has offsets and the data have none.
        """
        rows = self.model.design.encode(new, missing_labels=True)
        check_rows(self.model, rows, kind="mean", new_groups="sample")
        eta = self.model.engine.linear(self.draws, rows.X)[0]
        for term, groups in enumerate(rows.groups):
            effects = self._effects(term)
            known = groups.codes < len(effects)
            own = effects[np.where(known, groups.codes, 0)]
            matrix = self.model.design.groupings[term].effect_matrix(rows.columns)
            eta = eta + np.where(known, (own * matrix).sum(axis=1), 0.0)
        if rows.offset is not None:
            eta = eta + rows.offset
        return pd.Series(self.model.family.mean(eta), index=rows.index, name="mean")

    def __repr__(self) -> str:
        return f"Mode of {type(self.model).__name__}({self.model.formula!r}), a point estimate\n{self.estimates}"


def optimize[R: Regression](model: R, keywords: Mapping[str, Any]) -> Mode[R]:
    """Find the mode; see `Model.optimize`."""
    arguments = _checked("optimize", "optimize", keywords)
    in_logarithms = model.in_logarithms()
    with _running(in_logarithms, "optimize", arguments) as (program, data_file, folder):
        found = program.optimize(data=data_file, output_dir=folder, jacobian=True, **arguments)
        _check_complete(folder, 1)
        values = np.atleast_2d(found.optimized_params_np)
        raw = _raw(values, found.column_names, "lp__", found, arguments)
    coordinates = in_logarithms.engine.coordinates
    draws = coordinates.mode(raw)
    population = coordinates.population(draws)
    estimates: dict[str, float] = {}
    for parameter in coordinates.parameters:
        numbers = parameter.scalars(population[parameter.name][0, 0])
        estimates |= dict(zip(parameter.scalar_names, np.atleast_1d(numbers).tolist(), strict=True))
    return Mode(model, pd.Series(estimates, name="mode"), draws)


def approximate(model: Regression, method: str, keywords: Mapping[str, Any]) -> Draws:
    """Draw from an approximation; see `Model.laplace`, `Model.pathfinder` and `Model.variational`."""
    arguments = _checked(method, _METHODS[method], keywords)
    with _running(model, method, arguments) as (program, data_file, folder):
        if method == "laplace":
            same = {name: arguments.get(name) for name in ("seed", "timeout")}
            mode = program.optimize(data=data_file, output_dir=folder, jacobian=True, **same)
            _check_complete(folder, 1)
            found = program.laplace_sample(data=data_file, output_dir=folder, mode=mode, **arguments)
            _check_complete(folder, found.metadata.cmdstan_config["draws"])
            values, target, proposal = found.draws(), "log_p__", "log_q__"
        elif method == "pathfinder":
            found = program.pathfinder(data=data_file, output_dir=folder, psis_resample=False, **arguments)
            _check_complete(folder, None)
            values, target, proposal = found.draws(), "lp__", "lp_approx__"
        else:
            found = program.variational(data=data_file, output_dir=folder, **arguments)
            _check_complete(folder, 1 + found.metadata.cmdstan_config["output_samples"])  # the mean comes first
            values, target, proposal = np.asarray(found.variational_sample), "log_p__", "log_g__"
        names = list(found.column_names)
        raw = _raw(values, names, target, found, arguments)
    if len(values) < LEAST_DRAWS:
        raise StanhierError(
            f"{method}() gave {len(values)} draws; from fewer than {LEAST_DRAWS} nobody can tell how far they are from "
            "the posterior. Ask for more with draws= (pathfinder: num_single_draws=)."
        )
    log_ratio = values[:, names.index(target)] - values[:, names.index(proposal)]
    log_weights, k = array_stats().psislw(-log_ratio)
    draws = model.engine.coordinates.draws(raw)
    if method == "pathfinder":
        # Its draws come from several paths, good and bad; weights sort them out (Zhang et al. 2022, section 2.4).
        draws = draws.take(resampled(log_weights, np.random.default_rng([raw.seed, 0x77])))
    # Ratios that are all but equal have no tail, only rounding, which is no reason to warn.
    return replace(draws, method=method, pareto_k=0.0 if np.ptp(log_ratio) < NO_RATIO else float(k))


def _check_complete(folder: str, n_rows: int | None) -> None:
    """Raise ValueError if the newest table in the folder ends early; cmdstanpy would take what there is.

    With `n_rows` None, where Stan may give fewer, what counts is the time that it notes at the end.
    """
    tables = [path for path in Path(folder).glob("*.csv") if not path.stem.endswith(("-diagnostic", "-profile"))]
    text = max(tables, key=lambda path: path.stat().st_mtime_ns).read_text(encoding="utf-8")
    lines = text.splitlines()
    rows = sum(not line.startswith("#") for line in lines) - 1
    all_there = rows == n_rows if n_rows is not None else any("Elapsed Time" in line for line in lines[-3:])
    if not all_there or not text.endswith("\n"):
        raise ValueError(f"{rows} rows")


def _raw(values: np.ndarray, names: Any, target: str, found: Any, arguments: Mapping[str, Any]) -> RawDraws:
    """Take the whitened parameters out of CmdStan's table, as one chain."""
    columns = {prefix: [k for k, name in enumerate(names) if name.startswith(prefix)] for prefix in ("z[", "z_scale[")}
    config = found.metadata.cmdstan_config
    lp = values[:, list(names).index(target)]
    return RawDraws(
        z=np.ascontiguousarray(values[None][:, :, columns["z["]]),
        z_scale=np.ascontiguousarray(values[None][:, :, columns["z_scale["]]),
        statistics={"lp": lp[None].copy(), "diverging": np.zeros((1, len(values)), dtype=bool)},
        seed=int(arguments["seed"]),
        max_treedepth=0,
        cmdstan=".".join(str(config[f"stan_version_{part}"]) for part in ("major", "minor", "patch")),
    )


def _checked(method: str, theirs: str, keywords: Mapping[str, Any]) -> dict[str, Any]:
    check_keywords(method, keywords, theirs=theirs, hidden=NOT_FOR_USERS)
    seed = keywords.get("seed")
    return {**keywords, "seed": secrets.randbelow(2**31) if seed is None else int(seed)}


@contextmanager
def _running(model: Regression, method: str, arguments: Mapping[str, Any]) -> Iterator[tuple[Any, str, str]]:
    """Compile the program, write its data, and turn what may go wrong into words; cmdstanpy's notes stay quiet."""
    program = program_of(model.engine.program).model()
    executable = Path(str(program.exe_file))
    data = model.engine.data()
    with run_folder(data) as (folder, data_file), calling_cmdstanpy(), chains_end_on_interrupt(executable):
        try:
            yield program, str(data_file), str(folder)
        except RAISED_BY_CMDSTANPY as err:
            consoles = sorted(folder.glob("*-stdout.txt"), key=lambda path: path.stat().st_mtime_ns)
            if not consoles:
                raise StanhierError(f"cmdstanpy refuses these keywords of {method}(): {err}") from err
            raise _stopped(method, consoles[-1], arguments, err) from err


def _stopped(method: str, console: Path, arguments: Mapping[str, Any], err: Exception) -> SamplingError:
    if "may not have converged" in str(err):
        fault = Fault("it may not have converged", "require_converged=False gives what it came to")
    else:
        fault = explain(console, seconds=arguments.get("timeout") if isinstance(err, TimeoutError) else None)
    remedies = [*([fault.remedy] if fault.remedy else []), "model.sample() is the way that works"]
    return SamplingError(f"{method}() did not come to its end: {fault.reason}. What to do: {'; '.join(remedies)}.")
