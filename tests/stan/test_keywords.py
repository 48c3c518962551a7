"""Keywords that cmdstanpy would choke on are refused with their name, their value and the rule, before Stan starts."""

import numpy as np
import pytest

import stanhier as sh
from tests.tools import variants

REFUSED = {
    "chains": [0, -1, 2.5, "4", True, float("nan"), [4]],
    "parallel_chains": [0, "x"],
    "chain_ids": [0, -1, 2.5, "a", [1, 2], [1, 1, 1, 1], [1, 2, 3, -4], [1, 2, 3, None]],
    "seed": [-1, 2**32, 1.5, "a", [1, 2], [1, 2, 3, "a"], True],
    "inits": ["x", -1, {"z": [1]}, float("inf"), [0, 0, 0, 0]],
    "iter_warmup": [-1, 2.5, "a"],
    "iter_sampling": [0, -1, 1.5],
    "save_warmup": ["maybe", 3],
    "thin": [0, "a"],
    "max_treedepth": [0, "a"],
    "metric": ["foo", 3, np.eye(2), {"inv_metric": [1]}],
    "inv_metric": [-1, 2.5],
    "step_size": [0, -1, "a", [1, 2], [1, 1, 1, 0]],
    "adapt_engaged": ["no", 2],
    "adapt_delta": [0, 1, 2, "a", float("nan")],
    "adapt_init_phase": [-1, "a", 2.5],
    "adapt_metric_window": [-1, "a"],
    "adapt_step_size": [-1, "a"],
    "output_dir": ["/proc/nothing", "/etc/passwd", 3],
    "sig_figs": [0, 19, "a"],
    "save_diagnostics": ["x"],
    "save_profile": ["x"],
    "show_progress": ["x"],
    "show_console": ["x"],
    "refresh": [0, "a"],
    "time_fmt": [3, "a/b"],
    "timeout": [0, -1, "a", float("inf"), float("nan")],
    "force_one_process_per_chain": ["x"],
}


@pytest.fixture(scope="module")
def model():
    return variants.LINEAR["default"]()


@pytest.mark.parametrize("name", list(REFUSED))
def test_values_are_refused_with_name_value_and_rule(name, model):
    for value in REFUSED[name]:
        with pytest.raises(sh.StanhierError, match=rf"^sample\({name}=.+\): '{name}' must be \w+"):
            model.sample(**{name: value})


@pytest.mark.parametrize("method", ["optimize", "laplace", "pathfinder", "variational"])
@pytest.mark.parametrize(
    ("name", "values"), [("seed", [-1, "a", 2**32]), ("sig_figs", [0, 19]), ("timeout", [0]), ("save_profile", [3])]
)
def test_the_other_methods_have_the_same_rules(method, name, values, model):
    for value in values:
        with pytest.raises(sh.StanhierError, match=rf"^{method}\({name}=.+\): '{name}' must be \w+"):
            getattr(model, method)(**{name: value})


@pytest.mark.parametrize(("name", "why"), [("data", "has its data"), ("fixed_param", "to be sampled")])
def test_keywords_without_a_meaning_are_refused(name, why, model):
    with pytest.raises(sh.StanhierError, match=rf"sample\(\) does not take '{name}': .*{why}"):
        model.sample(**{name: None})


@pytest.mark.usefixtures("cmdstan_home")
def test_what_cmdstanpy_and_stan_find_themselves_is_put_into_a_sentence(model):
    for value, words in (("no-file.json", "no-file"), ([1, 2], "found 2 metric files"), ({"a": 1}, "not found")):
        with pytest.raises(sh.StanhierError, match=rf"cmdstanpy refuses these keywords of sample\(\): .*{words}"):
            model.sample(inv_metric=value)
    with pytest.raises(sh.SamplingError, match=r"Chains 1, 2, 3, 4: it ended with exit code 1; it said last: .*metric"):
        model.sample(inv_metric=np.ones(99), iter_sampling=100, seed=1)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
@pytest.mark.usefixtures("cmdstan_home")
def test_numbers_of_numpy_and_none_are_as_good(model):
    keywords = {"chains": np.int64(2), "iter_sampling": np.int32(100), "adapt_delta": np.float32(0.8), "seed": 0}
    fit = model.sample(**keywords, thin=None, save_warmup=np.True_, step_size=[1, 0.5], timeout=np.float64(60))
    again = model.sample(**keywords, step_size=(1, 0.5), chain_ids=None)
    assert fit.draws.seed == 0
    np.testing.assert_array_equal(fit.draws.values["location"], again.draws.values["location"])
