"""What a release must have shown before it goes on, told from what happened and not by itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from linnet.api.analysis import NoDataPolicy
from linnet.api.status import Verdict
from linnet.core.catalog import Check, checks
from tests.support.rules.audit import Event
from tests.support.rules.world import (
    Object,
    Release,
    World,
    is_accepted,
    place_of,
    revision_of,
    share,
)

CLOCK = 0.3
"""How far apart the moments of one thing may lie for those who note it, seconds."""


@dataclass(frozen=True)
class Measured:
    """One answer of Prometheus that reached the operator. at: unix seconds.

    workload: the canary's Deployment. value: of every check of the release.
    """

    at: float
    namespace: str
    workload: str
    value: float


@dataclass(frozen=True)
class Known:
    """What is known beside the log, and what is asked of an operator that meets faults.

    measured: answers of Prometheus, in the order of time; None where nobody kept a record.
    patience: seconds from a reason for weight 0 until it must be there, with faults in between.
    lag: seconds for which the operator may not know yet what somebody has written.
    clock: how far apart the moments of one thing may lie for those who note it, seconds.
    """

    measured: Sequence[Measured] | None = None
    patience: float = 10.0
    lag: float = 3.0
    clock: float = CLOCK


@dataclass(frozen=True)
class Moment:
    """A write of the operator, with how all stood just before. release: that it is about."""

    event: Event
    world: World
    release: Release
    known: Known

    @property
    def before(self) -> Object | None:
        """The object as it was; None if it wasn't there."""
        return self.world.objects.get(place_of(self.event))

    @property
    def after(self) -> Object | None:
        """The object as it is then; None where it goes."""
        return None if self.event.verb == "delete" else self.event.response


Rule = Callable[[Moment], Iterator[str]]
"""Says what is wrong with a write; nothing where all is well. Its docstring names the rules."""


def lacking(moment: Moment) -> Iterator[str]:
    """What is missing for leaving the weight that the release is at."""
    event, world, release, known = moment.event, moment.world, moment.release, moment.known
    wanted, step = release.wanted, release.step_at(release.wanted)
    started = release.phase == "Starting"
    route = world.objects.get(release.route)
    since = world.accepted.get(release.route)
    if route is None or since is None or share(route, release) != wanted:
        found = "isn't there" if route is None else f"gives {share(route, release):g} %"
        accepted = route is not None and is_accepted(route)
        yield f"no gateway reports {wanted} %: the route {found}, accepted: {accepted}"
        return
    spec = release.spec
    comparison = spec.analysis.comparison
    early = comparison is not None and comparison.advance_when_clear
    asked = spec.analysis.window if early else max(step.hold, spec.analysis.window)
    needed = 0.0 if started else asked.total_seconds()
    if event.received - since < needed - known.clock:
        yield f"only {event.received - since:.2f} s at {wanted} %, of {needed:g} s"
    yield from _forbidden(moment)
    if started:
        yield from _unready(world, release)
        return
    yield from _unproven(release)
    if known.measured is not None:
        full = since + spec.analysis.window.total_seconds()
        yield from _unmeasured(event, release, known.measured, full)


def _forbidden(moment: Moment) -> Iterator[str]:
    """What the user has said against it, long enough ago."""
    event, world, release, known = moment.event, moment.world, moment.release, moment.known
    suspended = world.suspended.get(release.place)
    if suspended is not None and event.received - suspended > known.lag:
        yield f"suspended for {event.received - suspended:.1f} s"
    target = world.objects.get(release.target)
    if target is None or revision_of(target) == release.status.get("canaryRevision"):
        return
    ago = event.received - world.templates.get(release.target, event.received)
    if ago > known.lag:
        yield f"the template is another one for {ago:.1f} s"


def _unready(world: World, release: Release) -> Iterator[str]:
    canary = world.objects.get(release.canary)
    ready = ((canary or {}).get("status") or {}).get("readyReplicas") or 0
    if ready < 1:
        yield "no pod of the canary is ready"


def _unproven(release: Release) -> Iterator[str]:
    """What the status before lacks. The last measurement may be in the same look."""
    needed = release.spec.analysis.min_samples
    metrics = {metric["name"]: metric for metric in release.status.get("metrics") or ()}
    for check in checks(release.spec.analysis):
        metric = metrics.get(check.name)
        if metric is None:
            if needed > 1:
                yield f"the status has no measurement of {check.name}"
        elif metric["verdict"] == Verdict.SKIPPED or check.no_data is NoDataPolicy.IGNORE:
            continue
        elif metric["passes"] < needed - 1:
            yield f"the status has {metric['passes']} of {needed} passes of {check.name}"


def _unmeasured(
    event: Event, release: Release, measured: Sequence[Measured], full: float
) -> Iterator[str]:
    """What Prometheus was not asked, or didn't say, since a full window at this weight."""
    needed = release.spec.analysis.min_samples
    values = [
        each.value
        for each in measured
        if (each.namespace, each.workload) == release.canary[1:]
        and full - CLOCK <= each.at <= event.received
    ]
    if len(values) < needed:
        yield f"{len(values)} measurements of {needed} since a full window at this weight"
    for check in checks(release.spec.analysis):
        if any(not within(check, value) for value in values[-needed:]):
            yield f"{check.name} was last {values[-needed:]}"


def within(check: Check, value: float) -> bool:
    """Whether a check goes on at this value."""
    return not (
        (check.at_most is not None and value > check.at_most)
        or (check.at_least is not None and value < check.at_least)
    )


def beyond(check: Check, value: float) -> bool:
    """Whether a value is a breach of a check."""
    return bool(
        (check.above is not None and value > check.above)
        or (check.below is not None and value < check.below)
    )
