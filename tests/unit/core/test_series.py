import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linnet.core.series import Series, Span, counted, increase

SPAN = Span(since=100, until=115, fresh_s=30)


def series(*points: tuple[float, float], **labels: str) -> Series:
    return Series({"pod": "shop-1", **labels}, points)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(95, 10), (110, 14)], 4),
        ([(95, 10), (100, 12), (115, 20)], 8),
        ([(80, 1), (95, 10)], 0),
        ([(95, 10), (105, 3), (110, 5)], 5),
        ([(95, 10), (110, 14), (118, 99)], 4),
        ([(95, 10), (105, math.nan), (110, 14)], 4),
        ([(95, 10), (105, math.inf), (110, 14)], 4),
        ([(95, 10), (105, -3), (110, 14)], 4),
        ([], 0),
    ],
    ids=[
        "between the last samples",
        "samples at the very ends",
        "nothing new",
        "restarted in between",
        "a sample from the future",
        "no number",
        "infinite",
        "negative",
        "no samples",
    ],
)
def test_increase(points: list[tuple[float, float]], expected: float) -> None:
    assert increase(series(*points), SPAN, known_before=True) == expected


@pytest.mark.parametrize(("known_before", "expected"), [(True, 7), (False, 2)])
def test_the_first_of_a_kind_is_new_where_its_owner_is_not(
    known_before: bool, expected: float
) -> None:
    begun = series((105, 5), (110, 7))
    assert increase(begun, SPAN, known_before=known_before) == expected


@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=40),
    st.lists(st.integers(0, 400), max_size=6),
    st.integers(0, 400),
)
def test_spans_that_follow_each_other_count_everything_once(
    counts: list[int], cuts: list[int], restart: int
) -> None:
    """A window that is cut in two gives the same, wherever it is cut, restarts and all."""
    value, points = 0.0, []
    for number, count in enumerate(counts):
        value = float(count) if number * 10 == restart // 10 * 10 else value + count
        points.append((number * 10.0, value))
    found = series(*points)
    ends = sorted({0, *cuts, 400})
    parts = sum(
        increase(found, Span(since, until, 30), known_before=True)
        for since, until in pairwise(ends)
    )
    assert parts == increase(found, Span(0, 400, 30), known_before=True)


def test_an_error_never_seen_before_counts_whole_for_a_pod_that_was_there() -> None:
    matrix = [
        series((95, 100), (110, 120), status="200"),
        series((110, 3), status="500"),
    ]
    found = counted(matrix, SPAN, "pod", ("status",))
    assert found == {"shop-1": {("200",): 20, ("500",): 3}}


def test_a_new_pods_first_sample_says_nothing_yet() -> None:
    matrix = [series((105, 40), (110, 50), status="200"), series((110, 3), status="500")]
    assert counted(matrix, SPAN, "pod") == {"shop-1": {(): 10}}


def test_a_silent_pod_is_not_there() -> None:
    matrix = [
        series((60, 5), (80, 9)),
        Series({"pod": "shop-2"}, ((60, 5), (110, 9))),
        Series({"pod": "shop-3"}, ((120, 5),)),
    ]
    assert counted(matrix, SPAN, "pod") == {"shop-2": {(): 4}}
