"""From raw samples of counters to what was counted between two moments.

`rate()` and `increase()` extrapolate beyond the samples, and their windows may overlap; evidence
that is added up must be made of each request once. So the samples themselves are asked for, and
differences are taken here, series by series.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
"""Unix seconds, and the value."""


@dataclass(frozen=True)
class Series:
    """One counter as it was scraped. points: in the order of time."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Matrix:
    """The outcome of one query for raw samples, or an error text."""

    series: tuple[Series, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Span:
    """The time between two looks. since, until: unix seconds.

    fresh_s: an owner without a sample in the last so many seconds of the span is silent.
    """

    since: float
    until: float
    fresh_s: float


def increase(series: Series, span: Span, *, known_before: bool) -> float:
    """What a counter has counted between its last samples before the span's two ends.

    The last sample of one span is where the next one begins, so nothing is counted twice and
    nothing is left out. A counter that falls was begun anew, and all of it is new. known_before:
    somebody who was there already counts the first of a kind: all of a new counter is new.
    Otherwise its first sample says nothing of when the requests came. NaN, infinite and negative
    samples, and those from the future, are as if they were not there.
    """
    points = [point for point in series.points if point[0] <= span.until and _is_count(point[1])]
    earlier = [value for moment, value in points if moment <= span.since]
    values = [value for moment, value in points if moment > span.since]
    if earlier:
        values.insert(0, earlier[-1])
    elif known_before:
        values.insert(0, 0.0)
    return sum(
        (after if after < before else after - before for before, after in pairwise(values)), 0.0
    )


def counted(
    matrix: Iterable[Series], span: Span, owner: str, kinds: tuple[str, ...] = ()
) -> dict[str, dict[tuple[str, ...], float]]:
    """owner -> kind -> what was counted; owners that were silent are not there.

    owner: the label that tells the counting processes apart, e.g. `pod`. kinds: the labels by
    which counts are told apart; () adds up all. A kind that an owner has not counted yet is not
    there: it is zero where the owner is.
    """
    by_owner: dict[str, list[Series]] = {}
    for series in matrix:
        by_owner.setdefault(series.labels.get(owner, ""), []).append(series)
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for name, group in by_owner.items():
        moments = [moment for series in group for moment, _ in series.points]
        if not any(span.until - span.fresh_s <= moment <= span.until for moment in moments):
            continue
        known_before = any(moment <= span.since for moment in moments)
        counts = found.setdefault(name, {})
        for series in group:
            kind = tuple(series.labels.get(label, "") for label in kinds)
            more = increase(series, span, known_before=known_before)
            counts[kind] = counts.get(kind, 0.0) + more
    return found


def _is_count(value: float) -> bool:
    return math.isfinite(value) and value >= 0
