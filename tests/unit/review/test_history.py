"""The past out of counters: nothing twice, nothing lost, and gaps are gaps."""

from math import nan

import numpy as np
import pytest

from linnet.core.series import Series
from linnet.review.history import History, NoHistory, from_counters, from_increases


def series(points: dict[float, float], **labels: str) -> Series:
    return Series(labels, tuple(points.items()))


def test_counters_become_what_was_counted() -> None:
    history = from_counters(
        [
            series({0: 10, 30: 20, 60: 25, 120: 45}, status="200"),
            series({0: 0, 60: 2, 120: 5}, status="503"),
        ],
        60.0,
    )
    assert history.counts[:, 0].sum() == 40
    assert history.counts[:, 1].sum() == 5
    assert history.counts[-1].tolist() == [23, 3]
    assert history.edges == ()


def test_a_reset_counts_from_nothing_and_a_long_gap_not_at_all() -> None:
    history = from_counters([series({0: 100, 60: 7, 5000: 900, 5060: 910}, code="200")], 60.0)
    assert history.counts[:, 0].sum() == 17
    assert history.known_share(0.0, 60.0) == 1.0
    assert history.known_share(600.0, 3000.0) == 0.0
    assert history.known_share(1e9, 60.0) == 0.0


def test_buckets_say_how_many_were_slower() -> None:
    requests = series({0: 0, 60: 100}, status="200")
    buckets = [
        series({0: 0, 60: 80}, le="0.1"),
        series({0: 0, 60: 95}, le="0.5"),
        series({0: 0, 60: 100}, le="+Inf"),
    ]
    history = from_counters([requests, *buckets], 60.0)
    assert history.edges == (0.1, 0.5)
    assert history.counts.sum(axis=0) == pytest.approx([100, 0, 20, 5])
    milliseconds = [series({0: 0, 60: 80}, le="100"), series({0: 0, 60: 100}, le="+Inf")]
    assert from_counters([requests, *milliseconds], 60.0, 1e-3).edges == (0.1,)


def test_increases_are_taken_as_they_are() -> None:
    found = from_increases(
        [series({60: 50.5, 120: nan, 180: 20}, status="200"), series({60: 1}, status="500")], 60.0
    )
    assert found.counts[:, :2].tolist() == [[51.5, 1], [0, 0], [20, 0]]
    assert found.known.tolist() == [True, False, True]
    assert found.length_s == 180


@pytest.mark.parametrize("points", [{}, {0: 1.0}])
def test_nothing_is_no_history(points: dict[float, float]) -> None:
    with pytest.raises(NoHistory, match="no counter of requests"):
        from_counters([series(points, status="200")], 60.0)
    with pytest.raises(NoHistory):
        from_counters([series({0: 1, 60: 2}, le="1")], 60.0)


def test_a_history_is_plain_numbers() -> None:
    history = History(0.0, 60.0, (), np.zeros((5, 2)), np.ones(5, dtype=bool))
    assert history.length_s == 300
