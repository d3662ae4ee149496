"""Intervals of shares and medians, against scipy and against their own promise."""

from math import inf

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from linnet.stats.sampling import median, proportion


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (0, 20), (1, 20), (7, 9), (50, 50)])
def test_a_share_has_wilsons_interval(successes: int, trials: int) -> None:
    found = proportion(successes, trials)
    known = binomtest(successes, trials).proportion_ci(method="wilson")
    assert found.value == successes / trials
    assert (found.low, found.high) == pytest.approx((known.low, known.high))


@pytest.mark.parametrize("many", [6, 7, 20, 101, 1000])
def test_a_median_lies_between_order_statistics(many: int) -> None:
    found = median([float(value) for value in range(many)])
    rank = int(found.low) + 1
    assert found.high == many - rank
    assert binom.cdf(rank - 1, many, 0.5) <= 0.025 < binom.cdf(rank, many, 0.5)


def test_the_median_is_covered_as_often_as_is_said() -> None:
    rng = np.random.default_rng(1)
    found = [median(rng.exponential(1.0, 25).tolist()) for _ in range(400)]
    covered = np.mean([each.low <= np.log(2) <= each.high for each in found])
    assert 0.93 <= covered <= 0.99


def test_few_values_say_little() -> None:
    found = median([1.0, 3.0])
    assert (found.value, found.low, found.high) == (2.0, -inf, inf)
    assert median([1.0, inf]).value == inf
    assert median([inf] * 9).high == inf
