"""The picture of a model comparison."""

import pandas as pd
import pytest

import stanhier as sh
from tests.tools.drawn import labels_of


def test_compare_puts_the_best_on_top():
    table = pd.DataFrame(
        {"elpd_diff": [0.0, -12.3], "dse": [0.0, 4.0], "elpd": [-1.0, -13.3], "se": [2.0, 3.0]},
        index=["partial pooling", "one $line$ for all"],
    )
    ax = sh.plot_compare(table).viz["figure"].item().axes[0]
    by_height = [label for _, label in sorted(zip(ax.get_yticks(), labels_of(ax.yaxis), strict=True))]
    assert by_height == [r"one \$line\$ for all", "partial pooling"]
    assert "expected log predictive density" in ax.get_xlabel()
    assert list(table.index) == ["partial pooling", "one $line$ for all"], "the table is left alone"
    with pytest.raises(sh.StanhierError, match="no column 'elpd_diff'"):
        sh.plot_compare(pd.DataFrame({"a": [1]}))
