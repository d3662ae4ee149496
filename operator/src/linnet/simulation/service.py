"""A described service under a release: what it answers, second by second, and what is measured.

Requests happen between moments; whoever changes something (a weight, a pod) tells so first, by
`pass_time`. Prometheus scrapes at its own moments, which are not those of the operator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Protocol

import numpy as np

from linnet.api.analysis import ReadyMade
from linnet.core.catalog import QUERIES, Check
from linnet.core.observed import Sample
from linnet.core.pods import Events, Happened, MemorySeen, PodsSeen
from linnet.core.sources import Arms
from linnet.simulation import worlds
from linnet.simulation.described import Defect, DefectKind, Described, OutageKind
from linnet.simulation.scraped import Row, Scraped
from linnet.simulation.worlds import CANARY, STABLE, Scrape, Traffic, World
from linnet.stats.state import Array

READY_MADE = {query: use for use, query in QUERIES.items()}
AWAY = Sample(error="Prometheus can't be reached")
NORMAL_95 = 1.6448536269514722
"""The standard normal distribution's 95 % quantile."""
JITTER = 0.02
"""How much a pod's memory and CPU vary between measurements, as a standard deviation."""


class Source(Protocol):
    """Where requests come from, of one release: made up (`worlds.Traffic`), or from the past."""

    edges: tuple[float, ...]

    def split(self, weight: float, canary_pods: int, stable_pods: int) -> None:
        """Give the canary another share of the traffic, 0 to 1."""
        ...

    def new_minute(self) -> None:
        """Draw what changes from minute to minute."""
        ...

    def tick(self, seconds: float, lasting_s: float, defects: Sequence[worlds.Defect]) -> Array:
        """Let some time pass; what happened in it: (2, 1, requests, errors, slower than edges)."""
        ...

    def scrape(self, seconds: float) -> Scrape:
        """The counters as they stand."""
        ...


@dataclass(frozen=True)
class Setting:
    """How traffic flows from now on. weight: the canary's share, 0 to 1.

    canary, stable: pods that are ready.
    """

    weight: float = 0.0
    canary: int = 0
    stable: int = 1


@dataclass
class Toll:
    """What clients got from the canary, over a whole release.

    served: requests. failed: those answered 5xx, or not at all. reached: those that came to it
    after a defect had shown. stable: requests to stable, and its failures.
    """

    served: int = 0
    failed: int = 0
    reached: int = 0
    stable_served: int = 0
    stable_failed: int = 0


class Service:
    """The service of a described world. Seconds count from the beginning of the rehearsal."""

    def __init__(
        self, described: Described, rng: np.random.Generator, source: Source | None = None
    ) -> None:
        self.described, self._rng = described, rng
        self._traffic = source or Traffic(_world(described), 1, rng, histogram=True)
        self._interval = described.scrape_interval.total_seconds()
        self._next_scrape = float(rng.uniform(0, self._interval))
        self._now, self._minute = 0.0, -1
        self._setting = Setting(stable=described.pods.stable)
        self._traffic.split(0.0, 0, described.pods.stable)
        self._busy = described.traffic.requests_per_second / described.pods.stable
        self.first_traffic: float | None = None
        self.scraped, self.toll = Scraped(self._traffic.edges), Toll()

    def pass_time(self, to: float, setting: Setting) -> None:
        """Let requests and scrapes happen until a moment, and go on from there with a setting."""
        while (stop := min(to, self._next_scrape, self.next_change())) > self._now:
            self._serve(stop)
            if stop == self._next_scrape:
                self._scrape()
        if setting.weight > 0 and self.first_traffic is None:
            self.first_traffic = self._now
        if setting != self._setting:
            self._setting = setting
            self._traffic.split(setting.weight, setting.canary, setting.stable)

    def active(self, kind: DefectKind) -> Defect | None:
        """The defect of a kind that shows now, if one does."""
        found = (d for d in self.described.defects if d.kind is kind and self._shows(d))
        return next(found, None)

    def _shows(self, defect: Defect) -> bool:
        begun = not defect.after or self._now >= self._onset(defect)
        return begun and self._now < self._end(defect)

    def _end(self, defect: Defect) -> float:
        if defect.lasting is None:
            return inf
        return round(self._onset(defect) + defect.lasting.total_seconds(), 6)

    def _onset(self, defect: Defect) -> float:
        """When a defect shows, in whole microseconds, as clocks are."""
        if self.first_traffic is None:
            return inf
        return round(self.first_traffic + defect.after.total_seconds(), 6)

    def next_change(self) -> float:
        """When the next defect begins or ends; inf if none does."""
        defects = self.described.defects
        times = [*map(self._onset, defects), *map(self._end, defects)]
        return min((time for time in times if time > self._now), default=inf)

    def _serve(self, to: float) -> None:
        minute, lasting = int(self._now // worlds.MINUTE_S), to - self._now
        if minute != self._minute:
            self._minute = minute
            self._traffic.new_minute()
        showing = [defect for defect in self.described.defects if self._shows(defect)]
        counted = self._traffic.tick(self._now, lasting, _felt(showing))
        self._note(counted, any(not defect.shared for defect in showing))
        self._now = to

    def _note(self, counted: Array, defective: bool) -> None:
        toll = self.toll
        (served, failed), (stable, stable_failed) = counted[:, 0, :2].astype(int).tolist()
        lost = self._setting.weight > 0 and not self._setting.canary
        toll.served += served
        toll.failed += served if lost else failed
        toll.reached += served if defective or lost else 0
        toll.stable_served += stable
        toll.stable_failed += stable_failed

    def _scrape(self) -> None:
        self._next_scrape += self._interval
        if self._is_out(OutageKind.SCRAPES):
            self.scraped.add(self._now, None, None)
            return
        scrape = self._traffic.scrape(self._now)
        rows: list[Row] = [
            (scrape.requests[v, 0], scrape.errors[v, 0], *scrape.slower[v, 0])
            for v in (CANARY, STABLE)
        ]
        self.scraped.add(self._now, rows[0] if self._setting.canary else None, rows[1])

    def _is_out(self, kind: OutageKind) -> bool:
        if self.first_traffic is None:
            return False
        passed = self._now - self.first_traffic
        return any(
            outage.of is kind
            and 0 <= passed - outage.after.total_seconds() < outage.lasting.total_seconds()
            for outage in self.described.outages
        )

    def sample(self, check: Check, window_s: float) -> Sample:
        """The answer to a check's query, now."""
        if self._is_out(OutageKind.PROMETHEUS):
            return AWAY
        use = READY_MADE.get(check.query)
        if use is None:
            return Sample(self.described.readings.get(check.name, _passing(check)))
        return Sample(self.reading(use, CANARY, window_s))

    def arms(self, since: float, fresh_s: float) -> Arms | None:
        """What both versions counted since a moment; None where nobody answers."""
        if self._is_out(OutageKind.PROMETHEUS):
            return None
        return self.scraped.arms(since, self._now, fresh_s)

    def pods(self, since: float) -> PodsSeen:
        """What both versions' pods did since a moment: healthy ones restart never."""
        setting, failing = self._setting, self.active(DefectKind.RESTARTS)
        seconds = self._now - since
        mine, fine = setting.canary * seconds, (0.0, setting.stable * seconds)
        often = (failing.per_hour or 0.0) / 3600 if failing else 0.0
        restarts = float(self._rng.poisson(mine * often)) if often else 0.0

        def happened(events: float) -> Happened:
            canary: Events | None = (events, mine) if setting.canary else None
            return Happened(fine, canary)

        return PodsSeen(happened(restarts), happened(0.0), self._memory_seen())

    def _memory_seen(self) -> MemorySeen:
        """As parts of the limit: its size is no matter."""
        if self.first_traffic is None or not self._setting.canary:
            return MemorySeen()
        usual = self.described.usage.memory
        then, now = ({"stable": usual * self._jitter()} for _ in range(2))
        return MemorySeen(self._now - self.first_traffic, {"canary": self._memory()}, then, now)

    def reading(self, use: ReadyMade, version: int, window_s: float) -> float | None:
        """A ready-made check of a version, in the check's unit; None without a value."""
        if self._is_out(OutageKind.PROMETHEUS):
            return None
        match use:
            case ReadyMade.ERROR_RATE:
                return self.scraped.error_percent(version, self._now, window_s)
            case ReadyMade.AVAILABILITY:
                failed = self.scraped.error_percent(version, self._now, window_s)
                return None if failed is None else 100 - failed
            case ReadyMade.LATENCY_P95:
                return self.scraped.quantile_ms(version, self._now, window_s)
            case ReadyMade.MEMORY:
                return self._memory() if self._setting.canary else None
            case ReadyMade.CPU:
                return self._cpu() if self._setting.canary else None

    def _memory(self) -> float:
        used, leak = self.described.usage.memory, self.active(DefectKind.MEMORY)
        if leak is not None:
            used += (leak.percent_per_hour or 0.0) * max(0.0, self._now - self._onset(leak)) / 3600
        return float(min(100.0, used * self._jitter()))

    def _cpu(self) -> float:
        setting, hot = self._setting, self.active(DefectKind.CPU)
        rps = self.described.traffic.requests_per_second * setting.weight / setting.canary
        used = self.described.usage.cpu * rps / self._busy * (hot.times or 1.0 if hot else 1.0)
        return float(min(100.0, used * self._jitter()))

    def _jitter(self) -> float:
        return float(np.exp(JITTER * self._rng.standard_normal()))


def _felt(showing: list[Defect]) -> list[worlds.Defect]:
    """The defects that requests feel, the shared ones first."""
    felt = [d for d in showing if d.kind in (DefectKind.ERRORS, DefectKind.LATENCY)]
    return [
        worlds.Defect(
            error_rate=None if defect.percent is None else defect.percent / 100,
            slower=defect.times or 1.0,
            shared=defect.shared,
        )
        for defect in sorted(felt, key=lambda defect: not defect.shared)
    ]


def _passing(check: Check) -> float | None:
    """A value that a query of one's own may go on with."""
    limits = (check.at_most, check.at_least, check.above, check.below)
    return next((limit for limit in limits if limit is not None), None)


def _world(described: Described) -> World:
    """The same world for many releases at once; half of the traffic each, until it is split."""
    noise, latency = described.noise, described.latency
    median = latency.p50.total_seconds()
    return World(
        canary_rps=described.traffic.requests_per_second / 2,
        weight=0.5,
        error_rate=described.errors.percent / 100,
        median_s=median,
        spread=log(latency.p95.total_seconds() / median) / NORMAL_95,
        tick_s=described.scrape_interval.total_seconds(),
        resets_per_day=described.pods.restarts_per_day,
        pods=described.pods.stable,
        day_curve=described.traffic.day_curve,
        drift=noise.drift,
        drift_slow=noise.drift_of_latency,
        incidents_per_day=noise.incidents_per_day,
        incident_s=noise.incident.total_seconds(),
        incident_errors=noise.incident_errors,
        incident_slow=noise.incident_slower,
        cluster=described.errors.cluster,
        bad_minutes=noise.bad_minutes,
        unlike=noise.unlike,
        bad_minutes_slow=noise.bad_minutes_of_latency,
        unlike_slow=noise.unlike_latency,
    )
