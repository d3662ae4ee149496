"""Thousands of releases in a world, judged by Linnet and by its peers: who decides when.

Stable is watched for `WATCHED_S` before the canary gets traffic, as it is while pods start. All
times are in seconds from the first traffic or, where there is a defect, from its beginning; inf
for never. What is decided before the defect begins counts as a false alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import log

import numpy as np

from linnet.simulation import counters, peers
from linnet.simulation.peers import Rule
from linnet.simulation.usage import Memory, MemoryWorld, cpu_seconds
from linnet.simulation.worlds import EDGES_S, Defect, World, scrapes
from linnet.stats import latency, memory, mixture
from linnet.stats.counts import Window
from linnet.stats.cpu import CpuTest
from linnet.stats.errors import ERRORS
from linnet.stats.exposure import OOM_KILLS, RESTARTS
from linnet.stats.latency import Histograms, LatencyTest
from linnet.stats.state import Array, Flags
from linnet.stats.verdict import CLEAR_ALPHA, alpha_each

METRICS = ("errors", "latency", "cpu", "memory", "restarts", "oom kills")
"""Those that may roll back by default; each has the same part of a release's budget."""

SURE = log(1 / alpha_each(len(METRICS)))
CLEAR = log(1 / CLEAR_ALPHA)
WATCHED_S = 120.0
USUAL = MemoryWorld()
SLOW_EDGE = EDGES_S.index(0.5)
"""The edge that the peers' limit is set at: at most 1 % of requests may take longer than 500 ms."""


@dataclass(frozen=True)
class Trial:
    """What to try. defect.since_s counts from the first traffic of the canary."""

    world: World
    hours: float
    releases: int
    seed: int
    defect: Defect | None = None


@dataclass
class Times:
    """(N,) when each was first decided, by who decided."""

    onset_s: float
    first: dict[str, Array] = field(default_factory=dict)

    def note(self, who: str, decided: Flags, seconds: float) -> None:
        """Write down who has decided by now; only the first time counts."""
        known = self.first.setdefault(who, np.full(decided.shape, np.inf))
        known[decided & np.isinf(known)] = seconds - self.onset_s

    def found(self, who: str) -> Array:
        """(N,) seconds from the defect's beginning, without those that had decided before it."""
        return self.first[who][self.first[who] > 0]

    def false_alarms(self, who: str) -> int:
        """How many had decided before the defect began."""
        return int((self.first[who] <= 0).sum())


@dataclass(frozen=True)
class Counted:
    """What was counted in one tick: (2, N), slower: (2, N, edges). live: the canary has traffic."""

    seconds: float
    live: bool
    requests: Array
    errors: Array
    slower: Array


def ticks(trial: Trial, *, histogram: bool = False) -> Iterator[Counted]:
    """What is counted between scrapes; seconds from the first traffic, negative while watching."""
    defect, world = trial.defect, trial.world
    if defect is not None:
        defect = replace(defect, since_s=defect.since_s + WATCHED_S)
    hours = trial.hours + WATCHED_S / 3600
    run = scrapes(
        world, defect, releases=trial.releases, hours=hours, seed=trial.seed, histogram=histogram
    )
    before = next(run)
    for after in run:
        seconds = after.seconds - WATCHED_S
        counted = Counted(
            seconds,
            seconds > 0,
            counters.increments(before.requests, after.requests),
            counters.increments(before.errors, after.errors),
            counters.increments(before.slower, after.slower),
        )
        if not counted.live:
            for array in (counted.requests, counted.errors, counted.slower):
                array[0] = 0.0
        yield counted
        before = after


def errors(trial: Trial) -> Times:
    """Error counts, judged by Linnet ("linnet", and "clear" for clearing) and by its peers."""
    times, state = _times(trial), ERRORS.begin((trial.releases,))
    minutes = _Minutes(peers.every())
    for tick in ticks(trial):
        state = ERRORS.advance(state, _window(tick, tick.errors, trial.world))
        times.note("linnet", mixture.log_evidence(state.worse) >= SURE, tick.seconds)
        times.note("clear", mixture.log_evidence(state.better) >= CLEAR, tick.seconds)
        minutes.add(tick, tick.errors, times)
    return times


def latencies(trial: Trial) -> Times:
    """Latency histograms, judged by Linnet, and by its peers' rules on an objective of 500 ms."""
    test, times = LatencyTest(), _times(trial)
    state, minutes = test.begin(len(EDGES_S), (trial.releases,)), _Minutes(peers.every())
    for tick in ticks(trial, histogram=True):
        state = test.advance(state, _histograms(tick, trial.world))
        times.note("linnet", latency.worse(state) >= SURE, tick.seconds)
        times.note("clear", latency.better(state) >= CLEAR, tick.seconds)
        minutes.add(tick, tick.slower[..., SLOW_EDGE], times)
    return times


def whole(trial: Trial) -> Times:
    """All default metrics of a release, healthy but for what the trial says of requests.

    Pods restart once a day, and are killed for memory once a week, on average; one pod's CPU per
    request differs by 5 % for good, and by 10 % from tick to tick.
    """
    n, world, times = trial.releases, trial.world, _times(trial)
    rng = np.random.default_rng(trial.seed + 1)
    slow, load = LatencyTest(), CpuTest()
    failed, slower, used = ERRORS.begin((n,)), slow.begin(len(EDGES_S), (n,)), load.begin((n,))
    restarts, kills, grown = RESTARTS.begin((n,)), OOM_KILLS.begin((n,)), memory.begin((n,))
    pods = np.array([1.0, world.pods])[:, None] * np.ones(n)
    unlike = np.exp(0.05 * rng.standard_normal((2, n)) / np.sqrt(pods))
    memories = Memory(MemoryWorld(pods=world.pods), n, 0.0, trial.seed + 2)
    for tick in ticks(trial, histogram=True):
        failed = ERRORS.advance(failed, _window(tick, tick.errors, world))
        slower = slow.advance(slower, _histograms(tick, world))
        burnt = cpu_seconds(tick.requests, rng, unlike, 0.1)
        used = load.advance(used, _window(tick, burnt, world))
        exposed = pods * world.tick_s * np.array([[float(tick.live)], [1.0]])
        restarts = RESTARTS.advance(restarts, _events(rng, exposed, 1 / 86400, world))
        kills = OOM_KILLS.advance(kills, _events(rng, exposed, 1 / 604800, world))
        times.note("errors", mixture.log_evidence(failed.worse) >= SURE, tick.seconds)
        times.note("latency", latency.worse(slower) >= SURE, tick.seconds)
        times.note("cpu", mixture.log_evidence(used.worse) >= SURE, tick.seconds)
        times.note("restarts", mixture.log_evidence(restarts.worse) >= SURE, tick.seconds)
        times.note("oom kills", mixture.log_evidence(kills.worse) >= SURE, tick.seconds)
        if tick.seconds % 60 == 0:
            mine, *stables = memories.at(tick.seconds + WATCHED_S)
            grown = memory.advance(grown, mine, tick.seconds + WATCHED_S, stables)
            times.note("memory", _grows(grown, tick.seconds), tick.seconds)
    return times


def leak(
    per_day: float,
    hours: float,
    releases: int,
    seed: int,
    *,
    control: bool = True,
    world: MemoryWorld = USUAL,
) -> Times:
    """Memory that leaks a part of itself per day. control: stable's memory is known."""
    times, state = Times(0.0), memory.begin((releases,), 2 * control)
    memories = Memory(world, releases, per_day, seed)
    for minute in range(round(hours * 60)):
        mine, *stables = memories.at(minute * 60.0)
        state = memory.advance(state, mine, minute * 60.0, stables if control else ())
        times.note("linnet", _grows(state, minute * 60.0), minute * 60.0)
    return times


def _grows(state: memory.MemoryState, seconds: float) -> Flags:
    """The slope costs most, so it is looked at every ten minutes only, where there is evidence."""
    if seconds % 600 or not (mixture.log_evidence(state.growth) >= SURE).any():
        return np.zeros(state.halves.shape, dtype=bool)
    return memory.grows(state, SURE)


def _times(trial: Trial) -> Times:
    return Times(trial.defect.since_s if trial.defect is not None else 0.0)


def _window(tick: Counted, events: Array, world: World) -> Window:
    requests = tick.requests
    return Window(events[0], requests[0], events[1], requests[1], world.tick_s)


def _histograms(tick: Counted, world: World) -> Histograms:
    slower, requests = tick.slower, tick.requests
    return Histograms(slower[0], requests[0], slower[1], requests[1], world.tick_s)


def _events(rng: np.random.Generator, exposed: Array, rate: float, world: World) -> Window:
    happened = rng.poisson(exposed * rate).astype(np.float64)
    return Window(happened[0], exposed[0], happened[1], exposed[1], world.tick_s)


class _Minutes:
    """Adds up ticks to the minutes that the peers look at."""

    def __init__(self, rules: dict[str, Rule]) -> None:
        self._rules, self._sum = rules, np.zeros(())

    def add(self, tick: Counted, events: Array, times: Times) -> None:
        if not tick.live:
            return
        self._sum = self._sum + np.array([events, tick.requests])
        if tick.seconds % 60:
            return
        counted, self._sum = self._sum, np.zeros(())
        rates = np.where(counted[1] > 0, counted[0] / np.maximum(counted[1], 1), np.nan)
        for name, rule in self._rules.items():
            times.note(name, rule.minute(rates[0], rates[1]), tick.seconds)
