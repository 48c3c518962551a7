"""Families of responses from rows that are not in memory: the model of the distinct rows is that of the rows."""

import pickle

import h5py
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.design.block_encoding import Beside, Reduce
from stanhier.engines.rows import sums
from stanhier.engines.rows.reducer import CellsReducer
from stanhier.many.folder import identity_of
from tests.tools.family_fits import fit as fit_without_stan

N = 800
MODELS = {
    "two categories": ("answer ~ x + (1 + x | g) + (1 | h)", {"family": "bernoulli"}),
    "booleans": ("hit ~ x + k + (1 | g:h)", {"family": "bernoulli"}),
    "a calculated response": ("I(visits > 1) ~ x", {"family": sh.Bernoulli(link="probit"), "offset": "z"}),
    "trials by row": ("wins ~ x + (k | g)", {"family": "binomial", "trials": "games"}),
    "the same trials in all rows": ("wins ~ center(x)", {"family": "binomial", "trials": 9, "offset": "z"}),
    "counts": ("visits ~ 0 + x + (1 | g)", {"family": "poisson"}),
    "exposures": ("visits ~ x + (1 | g / h)", {"family": "poisson", "offset": "log_t"}),
    "an intercept alone": ("visits ~ 1", {"family": "poisson", "offset": "log_t"}),
}

MANY = (("visits", "exposures"), ("wins", "trials by row"))


def rows():
    rng = np.random.default_rng(7)
    x, g, h = rng.integers(0, 3, N) + 0.0, rng.integers(0, 9, N), rng.integers(0, 4, N)
    eta = 0.4 * x - 0.5 + 0.6 * rng.standard_normal(9)[g] + 0.4 * rng.standard_normal(4)[h]
    p, games, log_t = 1 / (1 + np.exp(-eta)), rng.integers(1, 10, N), np.log(rng.integers(1, 4, N))
    return pd.DataFrame(
        {
            "x": x,
            "k": rng.choice(list("pqr"), N),
            "z": rng.choice([0.0, 0.3], N),
            "g": [f"g{i}" for i in g],
            "h": h,
            "answer": np.where(rng.random(N) < p, "yes", "no"),
            "hit": rng.random(N) < p,
            "games": games,
            "wins": rng.binomial(games, p),
            "visits": rng.poisson(np.exp(eta + log_t)),
            "log_t": log_t,
            "score": eta + rng.standard_normal(N),
        }
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = str(tmp_path_factory.mktemp("rows") / "rows.parquet")
    rows().sample(frac=1, random_state=1).to_parquet(file, row_group_size=150)
    return file


@pytest.fixture(params=["parquet", "polars", "duckdb", "dask"])
def source(request, path):
    if request.param == "parquet":
        return path
    if request.param == "polars":
        return pytest.importorskip("polars").scan_parquet(path)
    if request.param == "duckdb":
        return pytest.importorskip("duckdb").read_parquet(path)
    return pytest.importorskip("dask.dataframe").from_pandas(pd.read_parquet(path), npartitions=5)


def cell_by_cell(model):
    """The arrays of cells in an order that rounding does not change, and all else that the posterior depends on."""
    problem = model.engine.problem
    cells = problem.cells
    columns = [*cells.X.T, *(z for Z in cells.Z for z in Z.T), cells.offset]
    order = np.lexsort([*np.round(columns, 9), *cells.codes])
    arrays = [*columns, *cells.codes, cells.y, cells.n]
    return np.array(arrays)[:, order], problem


@pytest.mark.parametrize("name", MODELS)
def test_the_data_are_those_of_the_rows_in_memory(name, source):
    formula, beside = MODELS[name]
    model, streamed = (sh.Model(formula, data, **beside) for data in (rows(), source))
    (ours, problem), (theirs, other) = cell_by_cell(model), cell_by_cell(streamed)
    np.testing.assert_allclose(theirs, ours, rtol=1e-10, atol=1e-10)
    assert other.cells.n_rows == problem.cells.n_rows == N
    assert other.cells.n_cells < N / 2
    assert other.terms == problem.terms
    np.testing.assert_allclose(other.location.offset, problem.location.offset, rtol=1e-10)
    for name_of, prior in model.chosen.by_scalar.items():
        assert repr(streamed.chosen.by_scalar[name_of]) == repr(prior)
    data, found = model.stan_data, streamed.stan_data
    rounded = {
        "X",
        "Z",
        "y",
        "n",
        "g",
        "offsets",
        "phi_hat",
        "u_basis",
    }  # cells in another order; what is found by differences
    for key in data.keys() - rounded:
        np.testing.assert_allclose(found[key], data[key], rtol=1e-9, atol=1e-9)
    for one, two in zip(model.design.groupings, streamed.design.groupings, strict=True):
        assert one.levels.equals(two.levels)
    assert repr(streamed) == repr(model)
    for term, grouping in enumerate(model.rows.groupings):
        np.testing.assert_array_equal(streamed.engine.group_weights(term), grouping.sizes)
    np.testing.assert_allclose(streamed.engine.moments.sd, model.engine.moments.sd, rtol=1e-10, atol=1e-12)


def test_a_gaussian_model_takes_an_offset_off_its_response(source):
    formula = "score ~ x + (1 + x | g)"
    model, streamed = (sh.Model(formula, data, offset="log_t") for data in (rows(), source))
    for key, values in model.stan_data.items():
        np.testing.assert_allclose(streamed.stan_data[key], values, rtol=1e-8, atol=1e-8)
    assert streamed.design.has_offset


@pytest.mark.parametrize("name", ["two categories", "trials by row", "exposures", "an intercept alone"])
def test_a_saved_fit_goes_on_as_before(name, path, tmp_path):
    formula, beside = MODELS[name]
    fit = fit_without_stan(sh.Model(formula, path, **beside))
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert repr(loaded.model) == repr(fit.model)
    new = rows()[:15]
    for kind in ("mean", "response"):
        pd.testing.assert_frame_equal(loaded.predict(new, kind=kind, seed=1), fit.predict(new, kind=kind, seed=1))
    pd.testing.assert_frame_equal(loaded.summary(), fit.summary())
    for grouping in fit.model.design.groupings:
        ours, theirs = (one.group_summary(grouping.name) for one in (fit, loaded))
        pd.testing.assert_frame_equal(ours, theirs)
    np.testing.assert_array_equal(cell_by_cell(loaded.model)[0], cell_by_cell(fit.model)[0])


def put(file, name, place, value):
    file["stanhier_compressed"][name][place] = value


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: put(file, "codes", 0, 99),
        lambda file: put(file, "y", 0, -1),
        lambda file: put(file, "n", 0, np.nan),
        lambda file: put(file, "often", 0, 1000),
        lambda file: put(file, "n_levels", 0, 8),
        lambda file: file["stanhier_compressed"].pop("n_levels"),
        lambda file: file["stanhier_compressed"].pop("cells"),
        lambda file: file["stanhier_compressed"].attrs.pop("n_rows"),
    ],
)
def test_damaged_sums_are_refused(damage, path, tmp_path):
    fit_without_stan(sh.Model("visits ~ x + (1 | g)", path, family="poisson")).save(tmp_path / "fit.nc")
    with h5py.File(tmp_path / "fit.nc", "r+") as file:
        damage(file)
    with pytest.raises(sh.StanhierError, match="damaged"):
        sh.load(tmp_path / "fit.nc")


def test_what_is_done_where_rows_live_travels_there(path):
    design = sh.Model("answer ~ x + (1 | g)", path, family="bernoulli").design
    task = Reduce(design.encoding, Beside(offset="z"), CellsReducer(design.family))
    task = pickle.loads(pickle.dumps(task))
    parts = [pickle.loads(pickle.dumps(task(iter([part])))) for part in (rows()[:300], rows()[300:])]
    piece, tally = task.merge(parts)
    assert tally.is_clean
    assert piece.sums.often.sum() == tally.n_rows == N


@pytest.mark.parametrize(
    "step",
    [
        lambda fit: fit.loo(),
        lambda fit: fit.kfold(k=2),
        lambda fit: fit.posterior_predictive(),
        lambda fit: fit.plot_ppc(),
        lambda fit: fit.plot_prediction("x"),
        lambda fit: fit.model.sample_prior(),
        lambda fit: fit.model.row_data,
        lambda fit: fit.model.sample(engine="textbook"),
        lambda fit: fit.model.engine.replicated_means(fit.draws, 0, np.arange(2), 1),
    ],
)
def test_what_needs_rows_says_so(path, step):
    fit = fit_without_stan(sh.Model("visits ~ x + (1 | g)", path, family="poisson", offset="log_t"))
    with pytest.raises(sh.DataError, match="not in memory"):
        step(fit)


def test_new_groups_take_rows_in_memory(path):
    fit = fit_without_stan(sh.Model("visits ~ x + (1 | g)", path, family="poisson", offset="log_t"))
    with pytest.raises(sh.DataError, match="not in memory"):
        fit.update_group({"x": [1.0], "g": ["new"], "visits": [2], "log_t": [0.0]})


@pytest.mark.parametrize("name", [name for name, (formula, _) in MODELS.items() if "|" in formula])
def test_what_the_rows_of_a_group_say_is_told_by_the_distinct_ones(name, path):
    formula, beside = MODELS[name]
    here, there = (fit_without_stan(sh.Model(formula, data, **beside)) for data in (rows(), path))
    for term, grouping in enumerate(here.model.design.groupings):
        expected = here.model.engine.own_effects(here.draws, term)
        found = there.model.engine.own_effects(here.draws, term)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        assert there.plot_shrinkage(grouping.name).figure is not None


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_the_posterior_is_that_of_the_rows_in_memory(path, cmdstan_home):
    formula, beside = MODELS["exposures"]
    keywords = {"seed": 1, "chains": 2, "iter_warmup": 300, "iter_sampling": 500, "show_progress": False}
    fits = [sh.Model(formula, data, **beside).sample(**keywords) for data in (rows(), path)]
    ours, theirs = (fit.summary(var_names=["beta", "sd_g"]) for fit in fits)
    error = np.hypot(ours["mcse_mean"], theirs["mcse_mean"])
    assert ((ours["mean"] - theirs["mean"]).abs() < 4 * error).all()


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_many_fits(path, cmdstan_home):
    models = {response: sh.Model(f"{response} ~ x + (1 | g)", path, **MODELS[name][1]) for response, name in MANY}
    few = {"seed": 1, "chains": 1, "iter_warmup": 100, "iter_sampling": 50, "progress": False}
    fits = sh.fit_many(models, **few)
    assert not fits.failures
    for name, fit in fits:
        assert (fit.predict(rows()[:5])["mean"] > 0).all()
        assert list(fit.group_summary("g").index) == list(models[name].design.groupings[0].levels)


def test_models_of_other_rows_are_told_apart(path, tmp_path):
    other = str(tmp_path / "other.parquet")
    rows().assign(visits=lambda data: data["visits"] + (data.index == 5)).to_parquet(other)
    one, same, changed = (sh.Model("visits ~ x + (1 | g)", data, family="poisson") for data in (path, path, other))
    assert identity_of(one, {}) == identity_of(same, {}) != identity_of(changed, {})


def refused(words, formula, path, **beside):
    with pytest.raises(sh.DataError, match=words):
        sh.Model(formula, path, **beside)


@pytest.mark.parametrize(("family", "response"), [("negative_binomial", "visits"), ("student_t", "score")])
def test_families_whose_rows_do_not_merge(family, response, path):
    words = rf'family="{family}" needs its rows in memory.*800 rows of 3 columns, about 0\.019 MB.*"poisson" take'
    refused(words, f"{response} ~ x + (1 | g)", path, family=family)


def test_too_many_distinct_rows(path, monkeypatch):
    monkeypatch.setattr(sums, "MOST_CELLS", 10)
    refused("More than 10 of the 800 rows are distinct.*about 0.032 MB", MODELS["counts"][0], path, family="poisson")
    assert sh.Model("visits ~ x", path, family="poisson").stan_data["N"] == 3


def test_flat_priors_on_what_is_separated(path, tmp_path):
    separated = str(tmp_path / "separated.parquet")
    rows().assign(hit=lambda data: data["x"] + (data["x"] == 1) * data["h"] > 1).to_parquet(separated)
    flat = {"family": "bernoulli", "priors": {"alpha": sh.Flat(), "beta": sh.Flat()}}
    for data in (pd.read_parquet(separated), separated):
        with pytest.raises(sh.PriorError, match=r"beta\[x\].*improper posterior"):
            sh.Model("hit ~ x + (1 | g)", data, **flat)
    assert sh.Model("hit ~ x + (1 | g)", path, **flat).stan_data["N"] == 27


def test_responses_and_numbers_that_do_not_suit(path):
    blocks = "block by block"
    refused(f"must be 0 or 1.*Counts are of.*{blocks}", "visits ~ x", path, family="bernoulli")
    refused(f"whole numbers from 0.*Measurements are of.*{blocks}", "score ~ x", path, family="poisson")
    refused("has 3 categories.*takes two", "k ~ x", path, family="bernoulli")
    refused("not one numeric column.*bernoulli", "answer ~ x", path, family="poisson")
    refused("needs the number of trials", "wins ~ x", path, family="binomial")
    refused(f"more successes than trials.*{blocks}", "wins ~ x", path, family="binomial", trials=1)
    refused("numbers of trials must be whole", "wins ~ x", path, family="binomial", trials="score")
    refused("must be numeric", "visits ~ x", path, family="poisson", offset="k")
    refused("`offset` must be the name of a column where", "visits ~ x", path, family="poisson", offset=np.zeros(N))
    refused("'np.log.h.'. Let the query", "visits ~ x", path, family="poisson", offset="np.log(h)")
    refused("name of a column or one whole number", "wins ~ x", path, family="binomial", trials=np.full(N, 9))
    refused("'nowhere'", "visits ~ x", path, family="poisson", offset="nowhere")


def test_numbers_that_are_missing_or_infinite(tmp_path):
    for value, words in ((np.nan, "'log_t'.*1 missing"), (np.inf, "'log_t' is not finite in 1 row of 800")):
        file = str(tmp_path / f"{value}.parquet")
        rows().assign(log_t=np.where(np.arange(N) == 300, value, 0.0)).to_parquet(file, row_group_size=150)
        refused(words, "visits ~ x", file, family="poisson", offset="log_t")
