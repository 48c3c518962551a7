"""What the comparison of the three kinds of pooling takes."""

import pandas as pd
import pytest

import stanhier as sh
from stanhier.many.pooling import Pooling


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
