"""Worlds that a canary may live in, and the counters that a Prometheus would scrape there.

A clean world has independent requests at a constant rate. A noisy one has what makes analyses fail:
traffic that follows the day, error rates that drift and incidents that both versions suffer,
retries that make failures come in clusters, pods that have bad minutes, and pods that are a bit
worse than others for no fault of their version.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from linnet.simulation.normal import cdf
from linnet.stats.state import Array

EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram in seconds: the default of Prometheus' client libraries."""

CANARY, STABLE = 0, 1
MINUTE_S = 60.0
"""How long what `Traffic.new_minute` draws is to stay."""


@dataclass(frozen=True)
class World:
    """What both versions live with.

    canary_rps: requests per second to the canary, on average. weight: its share of all, 0 to 1.
    error_rate: of a healthy version, 0 to 1. median_s, spread: of log-normal latencies.
    tick_s: time between scrapes. resets_per_day: restarts of the counting process, per version.
    pods: of stable; the canary has as many as its weight is worth of them, at least one.

    Noise: day_curve: amplitude of traffic over the day, 0 to 1. drift, drift_slow: standard
    deviation of the logarithm of the common error rate and of the common latency, autoregressive
    with 0.95 per minute. incidents_per_day: of incident_s seconds on average, in which both error
    rates are incident_errors times as high, and both latencies incident_slow times as long.
    cluster: mean number of failed requests per failure. bad_minutes: squared coefficient of
    variation of one pod's error rate from minute to minute. unlike: standard deviation of the
    logarithm of one pod's error rate, for good. bad_minutes_slow, unlike_slow: the same for the
    logarithm of one pod's latency, both as standard deviations.
    """

    canary_rps: float = 50.0
    weight: float = 0.05
    error_rate: float = 0.002
    median_s: float = 0.109
    spread: float = 0.5
    tick_s: float = 15.0
    resets_per_day: float = 1.0
    pods: int = 19
    day_curve: float = 0.0
    drift: float = 0.0
    drift_slow: float = 0.0
    incidents_per_day: float = 0.0
    incident_s: float = 300.0
    incident_errors: float = 8.0
    incident_slow: float = 1.5
    cluster: float = 1.0
    bad_minutes: float = 0.0
    unlike: float = 0.0
    bad_minutes_slow: float = 0.0
    unlike_slow: float = 0.0


CLEAN = World()
NOISY = World(
    day_curve=0.5,
    drift=0.4,
    drift_slow=0.1,
    incidents_per_day=1.0,
    cluster=1.5,
    bad_minutes=0.2,
    unlike=0.1,
    bad_minutes_slow=0.02,
    unlike_slow=0.02,
)


@dataclass(frozen=True)
class Defect:
    """What is wrong with the canary, from a moment in seconds on.

    error_rate: 0 to 1; None leaves it as it is. slower: factor on every latency.
    shared: stable has it, too.
    """

    since_s: float = 0.0
    error_rate: float | None = None
    slower: float = 1.0
    shared: bool = False


@dataclass(frozen=True)
class Scrape:
    """Counters at one moment, of canary and stable: (2, N), slower: (2, N, edges).

    slower: requests that took longer than each edge.
    """

    seconds: float
    requests: Array
    errors: Array
    slower: Array


def scrapes(
    world: World,
    defect: Defect | None,
    *,
    releases: int,
    hours: float,
    seed: int,
    histogram: bool = False,
) -> Iterator[Scrape]:
    """The scrapes of N releases, the first at 0 s with all counters at 0.

    histogram: whether latencies are counted; they take most of the time.
    """
    run = Traffic(world, releases, np.random.default_rng(seed), histogram=histogram)
    yield run.scrape(0.0)
    for tick in range(round(hours * 3600 / world.tick_s)):
        if tick * world.tick_s % MINUTE_S == 0:
            run.new_minute()
        bad = defect is not None and tick * world.tick_s >= defect.since_s
        run.tick(tick * world.tick_s, world.tick_s, [defect] if defect and bad else [])
        yield run.scrape((tick + 1) * world.tick_s)


class Traffic:
    """N releases on their way; counters are added up as processes would."""

    def __init__(
        self, world: World, releases: int, rng: np.random.Generator, *, histogram: bool
    ) -> None:
        self._world, self._rng, self._n = world, rng, releases
        self._shares = np.array([1.0, 1 / world.weight - 1])[:, None]
        self._pods = np.array([max(1.0, world.pods * world.weight), world.pods])[:, None]
        self._phase = rng.uniform(0, 2 * np.pi, releases)
        self._drifts = rng.standard_normal((2, releases))
        self._incident_left = np.zeros(releases)
        self._unlike = rng.standard_normal((2, 2, releases))
        self._minute = np.ones((2, releases)), np.zeros((2, releases))
        self.edges = EDGES_S if histogram else ()
        self._edges = np.log(np.array(self.edges))
        self._counters = np.zeros((2, releases, 2 + len(self._edges)))

    def scrape(self, seconds: float) -> Scrape:
        """The counters as they stand."""
        values = self._counters.copy()
        return Scrape(seconds, values[..., 0], values[..., 1], values[..., 2:])

    def split(self, weight: float, canary_pods: int, stable_pods: int) -> None:
        """Give the canary another share of the traffic than the world's `weight`, 0 to 1."""
        whole = 1 / self._world.weight
        self._shares = np.array([whole * weight, whole * (1 - weight)])[:, None]
        self._pods = np.array([max(1.0, canary_pods), max(1.0, stable_pods)])[:, None]

    def tick(self, seconds: float, lasting_s: float, defects: Sequence[Defect]) -> Array:
        """Let some time pass; what happened in it: (2, N, requests, errors, slower than edges).

        defects: whichever of them there are now; the last one of a kind counts.
        """
        world = self._world
        requests = self._requests(seconds, lasting_s)
        errors = self._errors(requests, defects)
        slower = self._slower(requests, defects)
        counted: Array = np.concatenate([requests[..., None], errors[..., None], slower], axis=-1)
        anew = self._rng.random((2, self._n)) < world.resets_per_day * lasting_s / 86400
        if anew.any():
            left = np.floor(counted * self._rng.random((2, self._n))[..., None])
            self._counters = np.where(anew[..., None], left, self._counters + counted)
        else:
            self._counters += counted
        return counted

    def new_minute(self) -> None:
        """Draw what changes from minute to minute."""
        world, rng = self._world, self._rng
        self._drifts = 0.95 * self._drifts + np.sqrt(1 - 0.95**2) * rng.standard_normal(
            (2, self._n)
        )
        self._incident_left -= 60
        starts = (rng.random(self._n) < world.incidents_per_day / 1440) & (self._incident_left <= 0)
        lengths = rng.exponential(world.incident_s, self._n)
        self._incident_left = np.where(starts, lengths, self._incident_left)
        errors = np.ones((2, self._n))
        if world.bad_minutes:
            shape = self._pods / world.bad_minutes
            errors = rng.gamma(shape, 1 / shape, (2, self._n))
        slow = world.bad_minutes_slow * rng.standard_normal((2, self._n)) / np.sqrt(self._pods)
        self._minute = errors, slow

    def _requests(self, seconds: float, lasting_s: float) -> Array:
        world = self._world
        of_day = 1 + world.day_curve * np.sin(2 * np.pi * seconds / 86400 + self._phase)
        mean = world.canary_rps * lasting_s * of_day
        requests: Array = self._rng.poisson(mean * self._shares).astype(np.float64)
        return requests

    def _errors(self, requests: Array, defects: Sequence[Defect]) -> Array:
        world = self._world
        common = np.exp(world.drift * self._drifts[0] - world.drift**2 / 2)
        common *= np.where(self._incident_left > 0, world.incident_errors, 1.0)
        rates = np.full((2, self._n), world.error_rate)
        for defect in defects:
            if defect.error_rate is not None:
                rates[: 2 if defect.shared else 1] = defect.error_rate
        unlike = np.exp(world.unlike * (self._unlike[0] / np.sqrt(self._pods)))
        rates = rates * common * self._minute[0] * unlike
        rates = np.minimum(rates, 1.0)
        if world.cluster == 1:
            return self._rng.binomial(requests.astype(np.int64), rates).astype(np.float64)
        failures = self._rng.poisson(requests * rates / world.cluster)
        more = self._rng.negative_binomial(np.maximum(failures, 1), 1 / world.cluster)
        return np.minimum(np.where(failures > 0, failures + more, 0), requests).astype(np.float64)

    def _slower(self, requests: Array, defects: Sequence[Defect]) -> Array:
        if not len(self._edges):
            return np.zeros((2, self._n, 0))
        world = self._world
        shift = np.full((2, self._n), np.log(world.median_s)) + world.drift_slow * self._drifts[1]
        shift += np.where(self._incident_left > 0, np.log(world.incident_slow), 0.0)
        shift += self._minute[1] + world.unlike_slow * (self._unlike[1] / np.sqrt(self._pods))
        for defect in defects:
            shift[: 2 if defect.shared else 1] += np.log(defect.slower)
        beyond = cdf((shift[..., None] - self._edges) / world.spread)
        return self._thinned(requests, beyond)

    def _thinned(self, requests: Array, beyond: Array) -> Array:
        """How many requests are beyond each edge, from the chance of each to be."""
        rising = np.maximum.accumulate(beyond[..., ::-1], axis=-1)
        between = np.diff(rising, prepend=0.0, append=1.0)
        found = self._rng.multinomial(requests.astype(np.int64), between)
        slower: Array = np.cumsum(found, axis=-1)[..., -2::-1].astype(np.float64)
        return slower
