"""A service's past: what it answered, minute by minute, out of counters that were scraped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from linnet.core.series import Series
from linnet.core.sources import FAILED
from linnet.simulation.counters import increments
from linnet.stats.state import Array

LONGEST_GAP_S = 300.0
"""What was counted over a longer time than this without a sample is left out."""
STATUS = ("status", "code", "response_code", "envoy_response_code")
"""Labels that may have the HTTP status."""


NOTHING = "no counter of requests with two samples is in it"


class NoHistory(ValueError):
    """There is nothing to replay; the text says what is missing."""


@dataclass(frozen=True, eq=False)
class History:
    """What was answered in each stretch of step_s seconds, from `start` (unix seconds) on.

    counts: (T, requests, errors, slower than each edge). known: (T,) whether anything was scraped.
    edges: of the histogram in seconds, rising, without the infinite one; () without histograms.
    """

    start: float
    step_s: float
    edges: tuple[float, ...]
    counts: Array
    known: Array

    @property
    def length_s(self) -> float:
        """Seconds from the first stretch to the last."""
        return len(self.counts) * self.step_s

    def known_share(self, since_s: float, lasting_s: float) -> float:
        """The share of a time that is known, 0 to 1; since_s counts from the start."""
        first, last = int(since_s / self.step_s), int((since_s + lasting_s) / self.step_s)
        inside = self.known[first:last]
        return float(inside.mean()) if len(inside) else 0.0


def from_counters(series: Iterable[Series], step_s: float, edge_s: float = 1.0) -> History:
    """History out of raw samples: counters by HTTP status, and buckets by `le` if there are any.

    edge_s: seconds that a `le` of 1 comes to. Resets are handled as in `linnet.core.series`.

    Raises:
        NoHistory: there are no requests in it.
    """
    found = [(each, *_arrays(each.points)) for each in series if len(each.points) > 1]
    if not found:
        raise NoHistory(NOTHING)
    first = min(float(times[0]) for _, times, _ in found)
    last = max(float(times[-1]) for _, times, _ in found)
    many = int(np.ceil((last - first) / step_s)) + 1
    grid: Array = first + step_s * np.arange(many, dtype=np.float64)
    changes = [(each, grid[1:], _grown(times, values, grid)) for each, times, values in found]
    return _binned(changes, step_s, edge_s)


def from_increases(series: Iterable[Series], step_s: float, edge_s: float = 1.0) -> History:
    """History out of what `increase` gave for each step, with the same labels.

    Raises:
        NoHistory: there are no requests in it.
    """
    changes = []
    for each in series:
        times, values = _arrays(each.points)
        changes.append((each, times, np.where(np.isfinite(values), values, np.nan)))
    return _binned(changes, step_s, edge_s)


Changes = Sequence[tuple[Series, Array, Array]]


def _grown(times: Array, values: Array, grid: Array) -> Array:
    """What a counter counted between the moments of a grid; NaN where nobody looked.

    Between two samples it grows evenly.
    """
    grown, lasting = increments(values[:-1], values[1:]), np.diff(times)
    known = np.isfinite(grown) & (lasting <= LONGEST_GAP_S)
    upto = np.concatenate([[0.0], np.cumsum(np.where(known, grown, 0.0))])
    watched = np.concatenate([[0.0], np.cumsum(np.where(known, lasting, 0.0))])
    counted, seen = (np.diff(np.interp(grid, times, sums)) for sums in (upto, watched))
    found: Array = np.where(seen > 0, counted, np.nan)
    return found


def _arrays(points: Sequence[tuple[float, float]]) -> tuple[Array, Array]:
    both = np.array(points, dtype=np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _binned(changes: Changes, step_s: float, edge_s: float) -> History:
    ends = [time for _, times, _ in changes for time in (times[:1], times[-1:]) if len(time)]
    counted = [each for each, _, _ in changes if "le" not in each.labels]
    if not counted or not ends:
        raise NoHistory(NOTHING)
    first, last = float(min(map(np.min, ends))), float(max(map(np.max, ends)))
    start = first - step_s
    found = {float(s.labels["le"]) * edge_s for s, _, _ in changes if "le" in s.labels}
    edges = tuple(sorted(edge for edge in found if isfinite(edge)))
    many = max(1, int(np.ceil((last - start) / step_s)))
    counts, known = np.zeros((many, 2 + len(edges))), np.zeros(many, dtype=bool)
    within = np.zeros((many, len(edges) + 1))
    for series, times, values in changes:
        place = np.clip(np.ceil((times - start) / step_s).astype(int) - 1, 0, many - 1)
        fine = np.isfinite(values)
        if "le" in series.labels:
            edge = float(series.labels["le"]) * edge_s
            column = edges.index(edge) if isfinite(edge) else len(edges)
            np.add.at(within[:, column], place[fine], values[fine])
            continue
        known[place[fine]] = True
        np.add.at(counts[:, 0], place[fine], values[fine])
        if any(FAILED.fullmatch(series.labels.get(label, "")) for label in STATUS):
            np.add.at(counts[:, 1], place[fine], values[fine])
    if edges:
        timed = np.maximum(within[:, -1:], within[:, :-1].max(axis=1, keepdims=True))
        slower = 1 - within[:, :-1] / np.where(timed > 0, timed, np.inf)
        counts[:, 2:] = np.where(timed > 0, slower, 0.0) * counts[:, :1]
    return History(start, step_s, edges, counts, known)
