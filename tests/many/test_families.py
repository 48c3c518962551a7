"""Models of other families, one for each group of rows."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.many.folder import identity_of
from stanhier.many.grouped import models_by_group
from tests.tools.family_fits import frame, model

NONE = {"priors": None, "sigma": None, "se": None, "context": None}


def test_a_model_for_each_group():
    data = frame()
    makers = dict(models_by_group("visits ~ x", data, "h", family="poisson", offset="log_t", **NONE))
    assert list(makers) == ["h0", "h1", "h2", "h3"]
    for name, make in makers.items():
        own, one = data[data["h"] == name], make()
        assert type(one) is sh.Model
        assert one.family.name == "poisson"
        np.testing.assert_array_equal(one.rows.offset, own["log_t"])
    makers = dict(models_by_group("wins ~ 1", data, "h", family="binomial", trials="games", **NONE))
    np.testing.assert_array_equal(makers["h1"]().rows.trials, data.loc[data["h"] == "h1", "games"])


def test_what_is_refused():
    with pytest.raises(sh.DataError, match="`offset` must be the name of a column"):
        sh.fit_many("visits ~ x", frame(), by="h", family="poisson", offset=np.zeros(48))
    with pytest.raises(sh.StanhierError, match="takes `family` with a formula alone"):
        sh.fit_many({"a": model("poisson")}, family="poisson")
    with pytest.raises(sh.PriorError, match="shape"):
        sh.fit_many("visits ~ x", frame(), by="h", family="poisson", priors={"shape": sh.Gamma(2, 1)})


def test_kept_fits_are_told_apart_by_family_offset_and_trials():
    models = [
        model("poisson"),
        model("negative_binomial", offset="log_t"),
        model("poisson", offset=frame()["log_t"].to_numpy() + 1.0),
        model("binomial"),
        model("binomial", trials=9),
        model("binomial", family=sh.Binomial("probit")),
    ]
    assert len({identity_of(one, {}) for one in models}) == len(models)
    assert identity_of(models[0], {}) == identity_of(model("poisson"), {})
