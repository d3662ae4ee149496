"""Which step comes next, how many pods a weight needs, and when a weight counts."""

from datetime import UTC, datetime, timedelta

from linnet.api.spec import CanaryReleaseSpec, Step
from linnet.api.status import CanaryReleaseStatus, WeightStatus
from linnet.core import shares
from linnet.core.observed import Observed, RouteObserved
from linnet.core.route import WHOLE


def index_of(spec: CanaryReleaseSpec, weight: int) -> int:
    """The step, from 1, that a weight belongs to: the last one that asks for no more than it.

    Found by the weight rather than by a stored number, so that steps may be edited in the
    middle of a release.
    """
    return max(1, sum(1 for step in spec.steps if step.weight <= weight))


def step_at(spec: CanaryReleaseSpec, weight: int) -> Step:
    """The step that a weight belongs to."""
    return spec.steps[index_of(spec, weight) - 1]


def next_step(spec: CanaryReleaseSpec, weight: int) -> Step | None:
    """The first step that asks for more than a weight; None after the last one."""
    return next((step for step in spec.steps if step.weight > weight), None)


def replicas_for(spec: CanaryReleaseSpec, stable_replicas: int, weight: int) -> int:
    """Canary pods for a weight in percent: as told, or its share of stable's pods, rounded up.

    Where pods are what splits traffic, as many as give the share.
    """
    least = spec.canary.min_replicas or 1
    if shares.by_pods(spec):
        return max(least, shares.pods_for(weight, stable_replicas))
    as_told = step_at(spec, weight).replicas or (spec.canary.replicas if weight < WHOLE else None)
    return as_told or max(least, -(-stable_replicas * weight // WHOLE))


def share_of(spec: CanaryReleaseSpec, stable_replicas: int, weight: int) -> int:
    """The share of traffic that a weight comes to, in percent: another one only with few pods."""
    if not shares.by_pods(spec) or weight in (0, 100) or not stable_replicas:
        return weight
    return shares.share(replicas_for(spec, stable_replicas, weight), stable_replicas)


def missed(spec: CanaryReleaseSpec, stable_replicas: int) -> tuple[str, ...]:
    """What each step gets that can't get the share that it asks for, in words."""
    found = []
    for number, step in enumerate(spec.steps, start=1):
        real = share_of(spec, stable_replicas, step.weight)
        if real != step.weight:
            pods = replicas_for(spec, stable_replicas, step.weight)
            found.append(
                f"step {number} asks for {step.weight} % and gets {real} % "
                f"({pods} canary pod{'' if pods == 1 else 's'})"
            )
    return tuple(found)


def told(spec: CanaryReleaseSpec, observed: Observed, weight: int) -> str:
    """A weight for people: with the share that it comes to where that is another."""
    real = share_of(spec, observed.stable.replicas if observed.stable else 0, weight)
    return f"{weight} %" if real == weight else f"{real} % ({weight} % asked for)"


def may_have_pods(spec: CanaryReleaseSpec, route: RouteObserved) -> bool:
    """Whether a canary without a weight yet may have pods: not where they would get traffic."""
    narrowed = route.canary_listed and route.weight == 0 and route.accepted
    return narrowed or not shares.by_pods(spec)


def waited_since(spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> datetime | None:
    """Since when the canary's first pods are waited for: since they may be there."""
    narrowed = status.weight.seen_since if shares.by_pods(spec) else None
    return narrowed or status.phase_since


def at_weight(
    status: CanaryReleaseStatus, wanted: int, route: RouteObserved | None, now: datetime
) -> WeightStatus:
    """The weight's status after a look at the route; the clock runs while seen is wanted."""
    if route is None:
        return WeightStatus(wanted=wanted)
    before = status.weight
    # A weight that was edited and put back while nobody looked has another generation.
    same = before.wanted == wanted and before.generation in (0, route.generation)
    running = before.seen_since if same else None
    there = route.accepted or (route.near and running is not None)
    since = running or now if there and route.weight == wanted else None
    seen = route.weight if route.accepted else None
    return WeightStatus(
        wanted=wanted,
        seen=seen if route.share is None else route.share,
        seen_since=since,
        generation=0 if since is None else route.generation,
    )


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def last_tick(now: datetime, interval: timedelta) -> datetime:
    """The last whole multiple of an interval since 1970.

    Releases with the same interval measure at the same moments, so that they can share answers.
    """
    return now - (now - EPOCH) % interval


def next_measurement(
    spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime
) -> datetime:
    """When the checks are due: at a tick, at least half an interval after the last time."""
    interval = spec.analysis.interval
    last = status.analysed_at or status.phase_since or now
    if last > now:
        return now  # written by a clock that is ahead of this one
    return last_tick(last + interval / 2, interval) + interval


def remaining(since: datetime | None, span: timedelta, now: datetime) -> timedelta | None:
    """Time until `span` has passed since a moment, at least zero; None if it has not begun."""
    if since is None:
        return None
    return max(timedelta(), since + span - now)
