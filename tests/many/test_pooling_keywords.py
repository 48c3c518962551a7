"""What the comparison of the three kinds of pooling takes."""

import pandas as pd
import pytest

import stanhier as sh
from stanhier.many.pooled import Pooling


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"metod": "stacking"}, r"compare\(\) has no keyword 'metod'. Did you mean 'method'\?"),
        ({"k": 5}, r"compare\(\) has no keyword 'k'. It takes: by, method, reference, round_to"),
    ],
)
def test_a_keyword_that_it_does_not_have(keywords, words):
    with pytest.raises(sh.StanhierError, match=words):
        Pooling({}, pd.DataFrame(), 0.9).compare(**keywords)


@pytest.mark.parametrize("term", ["(1 | h)", "(x | g)", "(1 | g / h)"])
def test_grouping_terms_are_left_to_it(term):
    with pytest.raises(sh.FormulaError, match=r"adds the grouping term itself; leave out \(. \| "):
        sh.pooling(f"y ~ x + {term}", {"y": [1.0, 2.0], "x": [1.0, 2.0], "g": [0, 1], "h": [0, 1]}, group="g")
