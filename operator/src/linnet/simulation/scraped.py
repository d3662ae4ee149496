"""What Prometheus knows of a service, and what it answers: as its documentation says, in small.

A counter is known from its samples alone, one in each scrape interval, and a series begins when it
has something to count, so that its first value is never an increase. `rate` extrapolates to the
ends of the range, and `histogram_quantile` takes latencies to be spread evenly in a bucket.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import inf, isfinite

from linnet.core.sources import Arm, Arms
from linnet.simulation.worlds import CANARY, EDGES_S, STABLE

Row = tuple[float, ...]
"""One version's counters in a scrape: requests, errors, and requests slower than each edge."""

REQUESTS, ERRORS, SLOWER = 0, 1, 2


@dataclass
class Scraped:
    """The samples of both versions. times: in seconds, rising. A row is None without one.

    edges: of the latency histogram, in seconds, rising.
    """

    edges: tuple[float, ...] = EDGES_S
    times: list[float] = field(default_factory=list)
    rows: tuple[list[Row | None], list[Row | None]] = field(default_factory=lambda: ([], []))

    def add(self, seconds: float, canary: Row | None, stable: Row | None) -> None:
        """Remember a scrape."""
        self.times.append(seconds)
        self.rows[CANARY].append(canary)
        self.rows[STABLE].append(stable)

    def within(self, version: int, since: float, until: float) -> list[tuple[float, Row]]:
        """The samples of a version in (since, until]."""
        first, last = bisect_right(self.times, since), bisect_right(self.times, until)
        both = zip(self.times[first:last], self.rows[version][first:last], strict=True)
        return [(time, row) for time, row in both if row is not None]

    def error_percent(self, version: int, now: float, window_s: float) -> float | None:
        """The ready-made check errorRate; None without a value."""
        samples = self.within(version, now - window_s, now)
        total = rate([(t, row[REQUESTS]) for t, row in samples if row[REQUESTS]], now, window_s)
        if not total:
            return None
        failed = rate([(t, row[ERRORS]) for t, row in samples if row[ERRORS]], now, window_s)
        return 100 * (failed or 0.0) / total

    def quantile_ms(
        self, version: int, now: float, window_s: float, q: float = 0.95
    ) -> float | None:
        """The ready-made check latencyP95, or another quantile; None without a value."""
        if not self.edges:
            return None
        samples = self.within(version, now - window_s, now)
        rates = []
        for edge in range(len(self.edges) + 1):
            points = [(t, _at_most(row, edge)) for t, row in samples if row[REQUESTS]]
            rates.append(rate(points, now, window_s) or 0.0)
        found = histogram_quantile(q, (*self.edges, inf), list(accumulate(rates, max)))
        return None if found is None else 1000 * found

    def arms(self, since: float, until: float, fresh_s: float) -> Arms:
        """What both versions counted between their last samples before two moments.

        As `linnet.core.sources.arms`: a version without a sample in the last fresh_s is silent,
        and the first sample of all says nothing of when its requests came.
        """
        stable, canary = (self._arm(v, since, until, fresh_s) for v in (STABLE, CANARY))
        return Arms(stable=stable, canary=canary)

    def _arm(self, version: int, since: float, until: float, fresh_s: float) -> Arm | None:
        if not self.within(version, until - fresh_s, until):
            return None
        before = self.rows[version][: bisect_right(self.times, since)]
        first = next((row for row in reversed(before) if row is not None), None)
        inside = [row for _, row in self.within(version, since, until)]
        counted = _counted([first, *inside] if first is not None else inside)
        timed = counted[REQUESTS]
        faster = {edge: timed - counted[SLOWER + i] for i, edge in enumerate(self.edges)}
        return Arm(requests=timed, errors=counted[ERRORS], timed=timed, faster=faster)


def _at_most(row: Row, edge: int) -> float:
    return row[REQUESTS] - (row[SLOWER + edge] if SLOWER + edge < len(row) else 0.0)


def _counted(rows: Sequence[Row]) -> Row:
    """What was counted over the rows. Where the process began anew all of its counters did."""
    total = [0.0] * len(rows[0])
    for before, after in pairwise(rows):
        anew = after[REQUESTS] < before[REQUESTS]
        for i, value in enumerate(after):
            total[i] += value if anew else max(0.0, value - before[i])
    return tuple(total)


def rate(samples: Sequence[tuple[float, float]], now: float, window_s: float) -> float | None:
    """PromQL's `rate` of one counter, per second; None with fewer than two samples in the range.

    samples: (seconds, value) in (now - window_s, now]. As `extrapolatedRate` of Prometheus 3: the
    increase reaches to the ends of the range, but by no more than half an interval where the next
    sample is missing, and not beyond where the counter was 0.
    """
    if len(samples) < 2:
        return None
    (first, begin), (last, _) = samples[0], samples[-1]
    grown = sum(b if b < a else b - a for (_, a), (_, b) in pairwise(samples))
    spanned = last - first
    mean = spanned / (len(samples) - 1)
    before, after = first - (now - window_s), now - last
    before = mean / 2 if before >= 1.1 * mean else before
    after = mean / 2 if after >= 1.1 * mean else after
    if grown > 0:
        before = min(before, spanned * begin / grown)
    return grown * (spanned + before + after) / spanned / window_s


def histogram_quantile(q: float, edges: Sequence[float], rates: Sequence[float]) -> float | None:
    """PromQL's `histogram_quantile`, in the unit of the edges; None where nothing was observed.

    edges: rising, the last one infinite. rates: of observations up to each edge.
    """
    total = rates[-1]
    if not (isfinite(total) and total > 0):
        return None
    rank = q * total
    bucket = next(i for i, value in enumerate(rates) if value >= rank)
    if bucket == len(edges) - 1:
        return edges[-2]
    low, below = (edges[bucket - 1], rates[bucket - 1]) if bucket else (0.0, 0.0)
    inside = rates[bucket] - below
    return low + (edges[bucket] - low) * ((rank - below) / inside if inside > 0 else 0.0)
