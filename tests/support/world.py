"""A pure world for the deciding core: it has a clock of its own, and it carries actions out.

What a release needs is here as plain data: the user's Deployment, the canary, the route, and the
numbers that Prometheus would give. `run` decides, applies, and turns the clock to whatever comes
first: the time that the decision asked for, or the next change of the world. Nothing else wakes
the operator, so a decision that forgets its alarm is found, and so is one that wakes at once for
ever.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, HistoryEntry, Phase
from linnet.core import actions, recording
from linnet.core.catalog import checks
from linnet.core.decide import analysis_due, decide
from linnet.core.decision import Decision
from linnet.core.looks import span_due
from linnet.core.observed import Alert, Observed, Sample
from linnet.core.references import Reference
from linnet.core.revision import config_part, template_part
from linnet.core.stored import read
from linnet.experiment.data import Data
from linnet.experiment.record import Record
from tests.support.builders import HOUR, SECOND, START, make_spec, sample
from tests.support.looks import ALIVE, Kill, Look, Stopped, Stuck, changes, in_hot_loop
from tests.support.objects import Canary, Config, ImpossibleWorld, Refused, Route, Stable
from tests.support.requests_seen import Requests
from tests.support.users_seen import read_users

Reading = float | str | None
Readings = Mapping[str, "Reading | Callable[[World], Reading]"]

HEALTHY: dict[str, float] = {
    "errorRate": 0.1,
    "latencyP95": 50.0,
    "memory": 40.0,
    "cpu": 30.0,
    "availability": 99.99,
}
WATCH_LAG = SECOND
"""Time from a change of an object to the decision that it brings."""


class World:
    """One CanaryRelease and all around it. Everything public may be changed by a test."""

    def __init__(self, spec: CanaryReleaseSpec | None = None, *, replicas: int = 4) -> None:
        self.now = START
        self.spec = spec or make_spec()
        self.generation = 1
        self.status = CanaryReleaseStatus()
        self.deleting_since: datetime | None = None
        self.gone = False
        self.problem: tuple[str, str] | None = None
        named = (Reference("ConfigMap", each.mounted_as) for each in self.spec.tracked_config)
        self.stable: Stable | None = Stable("v1", replicas, names=frozenset(named))
        self.canary: Canary | None = None
        self.route: Route | None = Route()
        self.config = Config()
        self.startup = 10 * SECOND
        self.broken: set[str] = set()
        self.crashing: dict[str, str] = {}
        self.readings: dict[str, Reading | Callable[[World], Reading]] = dict(HEALTHY)
        self.prometheus_away = False
        self.requests = Requests()
        self.request = ""
        self.reviewed = False
        self.alerts: tuple[Alert, ...] = ()
        self.refuses = ""
        self.users: Callable[[World, datetime], Data | str] = lambda *_: "nobody tells"
        self.records: dict[str, Record] = {}
        self.trail: list[Look] = []
        self.lost_requests: list[datetime] = []
        self.kills: dict[int, Kill] = {}
        self.last_look: int | None = None
        self.hidden_stable: Stable | None = None
        self.hidden_route: Route | None = None
        self._plans: list[tuple[datetime, Callable[[World], None]]] = []

    # What people do.

    def push(self, revision: str) -> None:
        """Somebody changes the pod template."""
        self._deployment.template = revision

    def edit_spec(self, spec: CanaryReleaseSpec) -> None:
        self.spec = spec
        self.generation += 1

    def edit_weight(self, weight: int | None) -> None:
        """Somebody edits the route by hand."""
        assert self.route is not None
        self.route.split(weight, self.now)

    def resume(self) -> None:
        """Somebody resumes the Deployment's rollout."""
        self._deployment.paused = False

    def delete(self) -> None:
        """Somebody deletes the CanaryRelease."""
        self.deleting_since = self.deleting_since or self.now

    def hide_stable(self) -> None:
        """The Deployment goes away, or comes back as it was."""
        self.stable, self.hidden_stable = self.hidden_stable, self.stable

    def hide_route(self) -> None:
        """The route goes away, or comes back, to be accepted anew."""
        self.route, self.hidden_route = self.hidden_route, self.route
        if self.route:
            self.route.accepted_at = self.now + self.route.lag

    def later(self, delay: timedelta, event: "Callable[[World], None]") -> None:
        """Let something happen after a while."""
        self._plans.append((self.now + delay, event))

    # What the operator sees and does.

    def observe(self) -> Observed:
        if self.route:
            self.route.settle(self.now, self._backend_exists)
        due = analysis_due(self.spec, self.status, self.now)
        config = self.config.observe() if self.spec.tracked_config else None
        route = self.route.observe(self.now, self._backend_exists) if self.route else None
        unusable = self.problem or (route and route.problem)
        return Observed(
            generation=self.generation,
            stable=self.stable.observe() if self.stable else None,
            config=config,
            canary=self.canary.observe(self.now, self.broken, self.crashing)
            if self.canary
            else None,
            route=route,
            deleting_since=self.deleting_since,
            problem=unusable or (config.problem if config else None),
            samples={check.name: self.measure(check.name) for check in checks(self.spec.analysis)}
            if due
            else {},
            tally=self.requests.between(*span, self.route.served if self.route else 0)
            if due and (span := span_due(self.spec, self.status, self.now))
            else None,
            request=self.request,
            reviewed=self.reviewed,
            alerts=self.alerts,
            experiment=read_users(self.spec, self.status, self._tell_users, self.now),
            name="shop",
            namespace="default",
        )

    def _tell_users(self, since: datetime) -> Data | str:
        return "connection refused" if self.prometheus_away else self.users(self, since)

    def measure(self, name: str) -> Sample:
        if self.prometheus_away:
            return Sample(error="connection refused")
        reading = self.readings.get(name)
        return sample(reading(self) if callable(reading) else reading)

    def look(self) -> Decision:
        """Decide and act once. The status goes through JSON, as it does in the cluster."""
        if len(self.trail) == self.last_look:
            raise Stopped
        kill = self.kills.get(len(self.trail), ALIVE)
        observed = self.observe()
        decision = decide(self.spec, self.status, observed, self.now)
        served, since = (self.route.served, self.route.served_since) if self.route else (0, START)
        text = decision.status.model_dump_json(by_alias=True, exclude_none=True)
        stored = read(json.loads(text))
        self.trail.append(
            Look(self.now, self.spec, self.status, observed, decision, served, since, stored)
        )
        with suppress(Refused):
            for action in decision.actions[: kill.survive]:
                self.apply(action)
        # A record is kept before the status is written.
        lost = decision.actions[kill.survive :]
        unkept = any(isinstance(each, actions.KeepExperiment) for each in lost)
        if not kill.status_lost and not unkept:
            self.status, self.alerts = stored, ()
        return decision

    def apply(self, action: actions.Action) -> None:
        """Carry out one action. What is gone needs nothing done to it."""
        match action:
            case actions.SetWeight(weight, experiment):
                if self.route is not None:
                    self.route.set_weight(weight, self.now, experiment)
            case actions.RestoreRoute():
                if self.route is not None:
                    self.route.restore(self.now)
            case actions.EnsureCanary(revision, replicas):
                self._ensure_canary(revision, replicas)
            case actions.RemoveCanary():
                self.canary = None
            case actions.WriteConfig(content):
                self.config.write(content)
            case actions.RemoveCopies(keep):
                self.config.remove(keep, config_part(self.canary.revision) if self.canary else "")
            case actions.LetGo():
                self.gone = True
            case _:
                self._apply_to_objects(action)

    def _apply_to_objects(self, action: actions.Action) -> None:
        match action:
            case actions.HoldStable():
                self._deployment.paused = True
            case actions.ResumeStable(revision):
                if self._deployment.template == template_part(revision):
                    self._deployment.paused = False
                    self._deployment.config = config_part(revision) or self._deployment.config
            case actions.SettleStable(version):
                self._deployment.settle(version)
            case actions.KeepExperiment(_, name):
                self.records[name] = recording.merged(self.records.get(name), action)
            case actions.ReleaseStable(revision):
                if self._deployment.template == template_part(revision):
                    self._deployment.paused = False
            case _:
                raise ImpossibleWorld(f"{action} is unknown")

    def _ensure_canary(self, revision: str, replicas: int) -> None:
        if template_part(revision) != self._deployment.template:
            raise ImpossibleWorld(f"the template is not {revision}: no canary can be made of it")
        if content := config_part(revision):
            self.config.keep(content)
        if self.canary is None:
            self.canary = Canary(revision, refused=self.refuses)
        if self.canary.revision != revision:
            raise ImpossibleWorld(f"the canary of {self.canary.revision} is in the way")
        self.canary.scale(replicas, self.now + self.startup)

    # How time passes.

    def run(self, until: "Phase | Callable[[World], bool]", limit: timedelta = 48 * HOUR) -> None:
        """Decide until something is so.

        Raises:
            Stuck: it isn't so in time, or nothing is left that could bring it about.
        """

        def reached() -> bool:
            return self.status.phase is until if isinstance(until, Phase) else until(self)

        end = self.now + limit
        while not reached():
            following = self._look_and_find_next()
            if reached():
                return
            if following is None or self.gone:
                raise Stuck(f"nothing brings another decision: {self}")
            if following > end:
                raise Stuck(f"not so after {limit}: {self}")
            self._turn_clock(following)

    def rest(self, span: timedelta = HOUR) -> None:
        """Let time pass; the operator decides as often as it wants to."""
        end = self.now + span
        while not self.gone:
            following = self._look_and_find_next()
            if following is None or following > end:
                break
            self._turn_clock(following)
        self._turn_clock(end)

    def sleep(self, span: timedelta) -> None:
        """Let time pass without the operator."""
        end = self.now + span
        while (change := self._next_change()) is not None and change <= end:
            self._turn_clock(change)
        self._turn_clock(end)

    def _look_and_find_next(self) -> datetime | None:
        before = self._state()
        restarts = len(self.trail) in self.kills
        decision = self.look()
        if in_hot_loop(self.trail):
            raise Stuck(f"a hot loop: {self}")
        times = [self._next_change()]
        if restarts or self._state() != before:
            times.append(self.now + WATCH_LAG)
        if decision.wake_after is not None:
            times.append(self.now + decision.wake_after)
        return min((time for time in times if time is not None), default=None)

    def _next_change(self) -> datetime | None:
        """The next moment at which the world changes by itself."""
        if self.stable:
            self.stable.reads = self.config.live
        times = [at for at, _ in self._plans]
        if self.stable and (at := self.stable.next_change(self.now, self.broken)):
            times.append(at)
        if self.canary:
            times.extend(self.canary.ready_at)
        if self.route:
            times.append(self.route.accepted_at)
        return min((time for time in times if time > self.now), default=None)

    def _turn_clock(self, to: datetime) -> None:
        if to < self.now:
            raise ImpossibleWorld("time doesn't go back")
        self.now = to
        for plan in [plan for plan in self._plans if plan[0] <= to]:
            self._plans.remove(plan)
            plan[1](self)
        if self.stable:
            self.stable.roll(self.now, self.broken)
        if self.route:
            self.route.settle(self.now, self._backend_exists)
        if not self.works:
            self.lost_requests.append(self.now)

    def _state(self) -> tuple[object, ...]:
        parts = (self.stable, self.canary, self.route, self.config)
        return (*map(repr, parts), self.gone)

    # What a test asks.

    @property
    def works(self) -> bool:
        """Whether all traffic goes to where a pod is ready."""
        weight = self.route.served if self.route else 0
        canary = self.canary.observe(self.now, self.broken, self.crashing) if self.canary else None
        canary_serves = canary is not None and canary.ready > 0
        stable_serves = self.stable is not None and sum(self.stable.ready.values()) > 0
        return (weight == 0 or canary_serves) and (weight == 100 or stable_serves)

    @property
    def weight(self) -> int | None:
        return self.route.weight if self.route else None

    @property
    def weights(self) -> list[int]:
        """The weights that were asked of the route, without repetitions."""
        return changes(
            action.weight
            for look in self.trail
            for action in look.decision.actions
            if isinstance(action, actions.SetWeight)
        )

    @property
    def phases(self) -> list[Phase]:
        """The phases that were passed through."""
        return changes([Phase.PENDING, *(look.decision.status.phase for look in self.trail)])

    @property
    def decisions(self) -> list[DecisionKind]:
        """The decisions that the history remembers."""
        return [entry.decision for entry in self.status.history]

    @property
    def last(self) -> HistoryEntry:
        """The last decision that the history remembers."""
        return self.status.history[-1]

    @property
    def wake_after(self) -> timedelta | None:
        return self.trail[-1].decision.wake_after

    def condition(self, kind: str) -> str:
        """A condition's reason, or '' where it isn't true."""
        return next(
            (c.reason for c in self.status.conditions if c.type == kind and c.status == "True"), ""
        )

    @property
    def _backend_exists(self) -> bool:
        return self.canary is not None and self.canary.service

    @property
    def _deployment(self) -> Stable:
        if self.stable is None:
            raise ImpossibleWorld("there is no Deployment")
        return self.stable

    def __str__(self) -> str:
        return f"{self.now:%d %H:%M:%S} {self.status.phase} {self.weight} % {self.status.message!r}"


def adopted(spec: CanaryReleaseSpec | None = None, *, replicas: int = 4) -> World:
    """A world whose Deployment serves v1 and is guarded."""
    world = World(spec, replicas=replicas)
    world.run(Phase.IDLE)
    world.rest(SECOND)
    return world


def releasing(
    spec: CanaryReleaseSpec | None = None, *, replicas: int = 4, until: Phase = Phase.PROGRESSING
) -> World:
    """A guarded world in which v2 is on its way."""
    world = adopted(spec, replicas=replicas)
    world.push("v2")
    world.run(until)
    return world
