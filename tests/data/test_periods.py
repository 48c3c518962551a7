"""Quarters, seasons, months and days of other languages, as text, are dates; a few of them may be labels."""

import pytest

import stanhier as sh

PERIODS = {
    "quarters": [f"{2000 + k // 4}Q{k % 4 + 1}" for k in range(20)],
    "quarters with a dash": [f"{2000 + k // 4}-Q{k % 4 + 1}" for k in range(20)],
    "quarters before the year": [f"Q{k % 4 + 1} {2000 + k // 4}" for k in range(20)],
    "half-years": [f"{2000 + k // 2}H{k % 2 + 1}" for k in range(20)],
    "seasons": [f"{2003 + k}/{(4 + k):02}" for k in range(20)],
    "months with a letter": [f"{2023 + k // 12}M{k % 12 + 1:02}" for k in range(20)],
    "weeks with a letter": [f"2024W{k + 1:02}" for k in range(20)],
    "days in French": [f"{k + 1} août 2024" for k in range(20)],
    "days in Spanish": [f"{k + 1} de marzo de 2024" for k in range(20)],
    "days in Japanese": [f"2024年3月{k + 1}日" for k in range(20)],
}


@pytest.mark.versions
@pytest.mark.parametrize("kind", PERIODS)
def test_periods_are_dates_unless_they_are_few_or_have_many_rows(kind):
    def model(labels, times):
        n = len(labels) * times
        return sh.LinearRegression("y ~ v", {"y": [0.1 * k for k in range(n)], "v": labels * times})

    with pytest.raises(sh.DataError, match=r"Column 'v' holds text that reads as dates .*Convert it to dates yourself"):
        model(PERIODS[kind], 3)
    assert len(model(PERIODS[kind][:6], 3).design.predictors) == 5
    if kind in ("quarters", "half-years", "seasons"):
        assert len(model(PERIODS[kind], 5).design.predictors) == 19
