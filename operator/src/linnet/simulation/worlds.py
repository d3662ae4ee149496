"""Worlds that a canary may live in, and the counters that a Prometheus would scrape there.

A clean world has independent requests at a constant rate. A noisy one has what makes analyses fail:
traffic that follows the day, error rates that drift and incidents that both versions suffer,
retries that make failures come in clusters, pods that have bad minutes, and pods that are a bit
worse than others for no fault of their version.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linnet.simulation.normal import cdf
from linnet.stats.state import Array

EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram in seconds: the default of Prometheus' client libraries."""

CANARY, STABLE = 0, 1


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
    run = _Run(world, releases, np.random.default_rng(seed), histogram)
    yield run.scrape(0.0)
    for tick in range(round(hours * 3600 / world.tick_s)):
        run.tick(tick * world.tick_s, defect)
        yield run.scrape((tick + 1) * world.tick_s)


class _Run:
    """N releases on their way; counters are added up as processes would."""

    def __init__(self, world: World, releases: int, rng: np.random.Generator, histogram: bool):
        self._world, self._rng, self._n = world, rng, releases
        self._pods = np.array([max(1.0, world.pods * world.weight), world.pods])[:, None]
        self._phase = rng.uniform(0, 2 * np.pi, releases)
        self._drifts = rng.standard_normal((2, releases))
        self._incident_left = np.zeros(releases)
        self._unlike = rng.standard_normal((2, 2, releases)) / np.sqrt(self._pods)
        self._minute = np.ones((2, releases)), np.zeros((2, releases))
        self._edges = np.log(np.array(EDGES_S)) if histogram else np.zeros(0)
        self._counters = np.zeros((2, releases, 2 + len(self._edges)))

    def scrape(self, seconds: float) -> Scrape:
        """The counters as they stand."""
        values = self._counters.copy()
        return Scrape(seconds, values[..., 0], values[..., 1], values[..., 2:])

    def tick(self, seconds: float, defect: Defect | None) -> None:
        """Let one interval between scrapes pass."""
        if seconds % 60 == 0:
            self._new_minute()
        world = self._world
        bad = defect is not None and seconds >= defect.since_s
        requests = self._requests(seconds)
        errors = self._errors(requests, defect if bad else None)
        slower = self._slower(requests, defect if bad else None)
        counted = np.concatenate([requests[..., None], errors[..., None], slower], axis=-1)
        anew = self._rng.random((2, self._n)) < world.resets_per_day * world.tick_s / 86400
        if anew.any():
            left = np.floor(counted * self._rng.random((2, self._n))[..., None])
            self._counters = np.where(anew[..., None], left, self._counters + counted)
        else:
            self._counters += counted

    def _new_minute(self) -> None:
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

    def _requests(self, seconds: float) -> Array:
        world = self._world
        of_day = 1 + world.day_curve * np.sin(2 * np.pi * seconds / 86400 + self._phase)
        mean = world.canary_rps * world.tick_s * of_day
        shares = np.array([1.0, 1 / world.weight - 1])[:, None]
        requests: Array = self._rng.poisson(mean * shares).astype(np.float64)
        return requests

    def _errors(self, requests: Array, defect: Defect | None) -> Array:
        world = self._world
        common = np.exp(world.drift * self._drifts[0] - world.drift**2 / 2)
        common *= np.where(self._incident_left > 0, world.incident_errors, 1.0)
        rates = np.full((2, self._n), world.error_rate)
        if defect is not None and defect.error_rate is not None:
            rates[: 2 if defect.shared else 1] = defect.error_rate
        rates = rates * common * self._minute[0] * np.exp(world.unlike * self._unlike[0])
        rates = np.minimum(rates, 1.0)
        if world.cluster == 1:
            return self._rng.binomial(requests.astype(np.int64), rates).astype(np.float64)
        failures = self._rng.poisson(requests * rates / world.cluster)
        more = self._rng.negative_binomial(np.maximum(failures, 1), 1 / world.cluster)
        return np.minimum(np.where(failures > 0, failures + more, 0), requests).astype(np.float64)

    def _slower(self, requests: Array, defect: Defect | None) -> Array:
        if not len(self._edges):
            return np.zeros((2, self._n, 0))
        world = self._world
        shift = np.full((2, self._n), np.log(world.median_s)) + world.drift_slow * self._drifts[1]
        shift += np.where(self._incident_left > 0, np.log(world.incident_slow), 0.0)
        shift += self._minute[1] + world.unlike_slow * self._unlike[1]
        if defect is not None:
            shift[: 2 if defect.shared else 1] += np.log(defect.slower)
        beyond = cdf((shift[..., None] - self._edges) / world.spread)
        return self._thinned(requests, beyond)

    def _thinned(self, requests: Array, beyond: Array) -> Array:
        """How many requests are beyond each edge: those beyond the one before, thinned out."""
        slower = np.empty(beyond.shape)
        left, before = requests.astype(np.int64), np.ones(requests.shape)
        for edge in range(beyond.shape[-1]):
            chance = np.clip(beyond[..., edge] / np.maximum(before, 1e-300), 0, 1)
            left = self._rng.binomial(left, chance)
            slower[..., edge], before = left, beyond[..., edge]
        return slower
