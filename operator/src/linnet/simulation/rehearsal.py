"""A rehearsal: one release, played through `decide` in a described world.

The operator is called when it is in a cluster: when its alarm rings, and when something that it
watches has changed. Time is an argument, and all chance comes from a seed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

import numpy as np

from linnet.api.analysis import ReadyMade
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.core import looks
from linnet.core.catalog import checks
from linnet.core.decide import analysis_due, decide
from linnet.core.decision import Decision
from linnet.core.observed import Observed, Sample, Tally
from linnet.simulation.cluster import NEW, Cluster
from linnet.simulation.described import DefectKind, Described
from linnet.simulation.played import Outcome, Played, Point, Telling
from linnet.simulation.service import AWAY, Service, Setting, Source
from linnet.simulation.worlds import CANARY, STABLE

START = datetime(2030, 1, 1, tzinfo=UTC)
BEFORE = timedelta(minutes=2)
"""Time that stable serves alone before the template changes."""
WATCH_LAG = timedelta(milliseconds=200)
"""Time from a change of an object to the decision that it brings."""
SPARE = timedelta(minutes=30)
"""Time beyond all deadlines after which a release isn't followed any more."""
MOST_LOOKS = 100_000


def play(
    spec: CanaryReleaseSpec, described: Described, seed: int, source: Source | None = None
) -> Played:
    """Play one release of a new version. The same arguments give the same release.

    source: where its requests come from; made up as described if left out.
    """
    return Rehearsal(spec, described, seed, source).run()


def longest(spec: CanaryReleaseSpec) -> timedelta:
    """The time in which a release has ended, if it ends at all by itself."""
    needed = spec.analysis.window + spec.analysis.min_samples * spec.analysis.interval
    steps = (max(step.hold, needed) + spec.analysis.hold_deadline for step in spec.steps)
    deadlines = spec.canary.ready_deadline + spec.promotion.progress_deadline
    return sum(steps, timedelta()) + deadlines + spec.canary.drain_period + SPARE


class Rehearsal:
    """A release under way. What is tracked or suspended is left out: it has no part in this."""

    def __init__(
        self,
        spec: CanaryReleaseSpec,
        described: Described,
        seed: int,
        source: Source | None = None,
    ) -> None:
        # Nobody takes part in an experiment here.
        steps = tuple(step.model_copy(update={"experiment": None}) for step in spec.steps)
        left_out = {"tracked_config": (), "suspend": False, "steps": steps}
        self.spec = spec.model_copy(update=left_out)
        self.status = CanaryReleaseStatus()
        self.now = START
        self._pushed = START + BEFORE
        self._service = Service(described, np.random.default_rng(seed), source)
        pods = described.pods
        self._cluster = Cluster(self.spec, pods.stable, pods.start_up, pods.route_lag, START)
        self._telling = Telling(self._pushed)
        self._points: list[Point] = []
        self._seed = seed

    def run(self) -> Played:
        """Play until the release has ended, or until nothing ends it any more."""
        while self.status.phase is not Phase.IDLE:
            self._turn_clock(self._look() or self.now + WATCH_LAG)
        self._turn_clock(self._pushed)
        self._cluster.stable.template = NEW
        self._turn_clock(self.now + WATCH_LAG)
        end = self._pushed + longest(self.spec)
        for _ in range(MOST_LOOKS):
            following = self._look()
            if self.status.phase in (Phase.PROMOTED, Phase.ROLLED_BACK):
                break
            if following is None or following > end:
                break
            self._turn_clock(following)
        return self._played()

    def _look(self) -> datetime | None:
        """Decide and act once; when to decide again."""
        before, state = self.status, self._cluster.state()
        observed = self._observe()
        decision = decide(self.spec, before, observed, self.now)
        for action in decision.actions:
            self._cluster.apply(action, self.now)
        self.status = decision.status
        self._telling.note(before, decision.status, self.now)
        if observed.samples:
            self._point(observed.samples)
        self._turn_clock(self.now)
        return self._following(decision, changed=self._cluster.state() != state)

    def _following(self, decision: Decision, *, changed: bool) -> datetime | None:
        times = [self._cluster.next_change(self.now)]
        if decision.wake_after is not None:
            times.append(self.now + max(decision.wake_after, WATCH_LAG))
        if changed:
            times.append(self.now + WATCH_LAG)
        onset = self._service.next_change()
        if onset < inf:
            times.append(START + timedelta(seconds=onset))
        return min((time for time in times if time is not None), default=None)

    def _observe(self) -> Observed:
        stable, canary, route = self._cluster.observe(self.now)
        if not analysis_due(self.spec, self.status, self.now):
            return Observed(1, stable, canary, route)
        window = self.spec.analysis.window.total_seconds()
        samples = {
            check.name: self._service.sample(check, window) for check in checks(self.spec.analysis)
        }
        return Observed(1, stable, canary, route, samples=samples, tally=self._tally(window))

    def _tally(self, window_s: float) -> Tally | None:
        due = looks.span_due(self.spec, self.status, self.now)
        if due is None:
            return None
        since = (due[0] - START).total_seconds()
        arms = self._service.arms(since, window_s)
        comparison = self.spec.analysis.comparison
        if arms is not None and comparison is not None and looks.asked_of_pods(comparison).tests:
            arms = replace(arms, pods=self._service.pods(since))
        return Tally(*due, arms, "" if arms is not None else AWAY.error)

    def _turn_clock(self, to: datetime) -> None:
        """Let time pass: first what clients do, then what has become due in the cluster."""
        seconds = (to - START).total_seconds()
        self._service.pass_time(seconds, self._setting())
        self.now = to
        crash = self._service.active(DefectKind.CRASH)
        self._cluster.failure = "CrashLoopBackOff: back-off restarting failed container"
        if crash is None:
            self._cluster.failure = ""
        self._cluster.unready = self._service.active(DefectKind.UNREADY) is not None
        self._cluster.settle(to)
        self._service.pass_time(seconds, self._setting())

    def _setting(self) -> Setting:
        cluster = self._cluster
        return Setting(
            weight=cluster.share(self.now),
            canary=cluster.ready(self.now),
            stable=cluster.stable.replicas,
        )

    def _point(self, samples: Mapping[str, Sample]) -> None:
        window = self.spec.analysis.window.total_seconds()
        stable = self._service.reading(ReadyMade.ERROR_RATE, STABLE, window)
        canary = self._service.reading(ReadyMade.ERROR_RATE, CANARY, window)
        values = {name: sample.value for name, sample in samples.items()}
        found = self.status.comparison.findings if self.status.comparison else ()
        self._points.append(
            Point(
                (self.now - self._pushed).total_seconds(),
                self.status.weight.wanted,
                values,
                canary,
                stable,
                {each.name: each.e_value for each in found},
                min((each.needed for each in found), default=inf),
            )
        )

    def _played(self) -> Played:
        described, toll = self._service.described, self._service.toll
        first, status = self._service.first_traffic, self.status
        since = (self._pushed - START).total_seconds()
        onset = 0.0 if first is None else first - since
        if first is not None and not described.healthy:
            onset += described.onset.total_seconds()
        passed = (self.now - self._pushed).total_seconds()
        outcome = _OUTCOMES.get(status.phase, Outcome.UNFINISHED)
        ended = self._telling.when(DecisionKind.ROLLED_BACK, DecisionKind.PROMOTED)
        return Played(
            world=described.name,
            healthy=described.healthy,
            seed=self._seed,
            outcome=outcome,
            reason=self._telling.reason(outcome) or status.message,
            onset_s=round(onset, 3),
            ended_s=round(passed if ended is None else ended, 3),
            toll=toll,
            moments=self._telling.moments,
            points=tuple(self._points),
        )


_OUTCOMES = {
    Phase.PROMOTED: Outcome.PROMOTED,
    Phase.ROLLED_BACK: Outcome.ROLLED_BACK,
    Phase.ROLLING_BACK: Outcome.ROLLED_BACK,
}
