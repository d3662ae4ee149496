"""The past as a source of requests: some of stable's, drawn at random, stand for a canary's."""

from collections.abc import Sequence

import numpy as np

from linnet.review.history import History
from linnet.simulation.worlds import Defect, Scrape
from linnet.stats.state import Array


class Past:
    """Requests as they were, split between two versions that are the same one.

    A defect of the canary is laid over what really happened: further requests fail, or all take
    longer. See `linnet.simulation.service.Source`.
    """

    def __init__(self, history: History, since_s: float, seed: int) -> None:
        self.edges, self._since_s = history.edges, since_s
        self._step_s, self._rng = history.step_s, np.random.default_rng(seed)
        self._upto = np.vstack([np.zeros(history.counts.shape[1]), np.cumsum(history.counts, 0)])
        self._weight = 0.0
        self._counters = np.zeros((2, 1, history.counts.shape[1]))

    def split(self, weight: float, canary_pods: int, stable_pods: int) -> None:
        """Give the canary another share of the traffic, 0 to 1."""
        self._weight = weight

    def new_minute(self) -> None:
        """The past has changed by itself."""

    def scrape(self, seconds: float) -> Scrape:
        """The counters as they stand."""
        values = self._counters.copy()
        return Scrape(seconds, values[..., 0], values[..., 1], values[..., 2:])

    def tick(self, seconds: float, lasting_s: float, defects: Sequence[Defect]) -> Array:
        """Let some time pass; what happened in it."""
        requests, errors, *slower = self._counted(seconds, seconds + lasting_s).tolist()
        buckets = -np.diff(np.array([requests, *slower, 0.0]))
        mine = self._rng.binomial(buckets.astype(np.int64), self._weight).astype(np.float64)
        failed = float(
            self._rng.hypergeometric(int(errors), int(requests - errors), int(mine.sum()))
        )
        counted = np.zeros((2, 1, 2 + len(slower)))
        counted[1, 0, :2] = requests - mine.sum(), errors - failed
        counted[1, 0, 2:] = np.array(slower) - _beyond(mine)
        for defect in defects:
            if defect.error_rate is not None:
                failed += self._rng.binomial(int(mine.sum() - failed), defect.error_rate)
            if defect.slower != 1 and self.edges:
                mine = self._slowed(mine, defect.slower)
        counted[0, 0, :2] = mine.sum(), failed
        counted[0, 0, 2:] = _beyond(mine)
        self._counters += counted
        return counted

    def _counted(self, since: float, until: float) -> Array:
        """Whole numbers of requests, errors and slower ones; they add up over any stretches."""
        counts: Array = np.maximum(self._before(until) - self._before(since), 0.0)
        counts[1] = min(counts[1], counts[0])
        counts[2:] = np.minimum.accumulate(np.concatenate([counts[:1], counts[2:]]))[1:]
        return counts

    def _before(self, seconds: float) -> Array:
        """All that was counted before a moment; what is between two stretches grows evenly."""
        place = min((self._since_s + seconds) / self._step_s, len(self._upto) - 1.0)
        whole = min(int(place), len(self._upto) - 2)
        first, second = self._upto[whole], self._upto[whole + 1]
        found: Array = np.floor(first + (place - whole) * (second - first))
        return found

    def _slowed(self, buckets: Array, times: float) -> Array:
        """The buckets after every request took so many times longer, evenly spread in each."""
        edges = np.array(self.edges)
        low, high = np.array([0.0, *edges[:-1]]), edges
        beyond = np.clip((high[:, None] - edges / times) / (high - low)[:, None], 0.0, 1.0)
        into = -np.diff(beyond, axis=1, prepend=1.0, append=0.0)
        moved = self._rng.multinomial(buckets[:-1].astype(np.int64), np.maximum(into, 0.0))
        after: Array = moved.sum(axis=0).astype(np.float64)
        after[-1] += buckets[-1]
        return after


def _beyond(buckets: Array) -> Array:
    """Requests beyond each edge, out of those in each bucket."""
    found: Array = np.cumsum(buckets[::-1])[::-1][1:]
    return found
