"""Which step comes next, how many pods a weight needs, and when a weight counts."""

from datetime import datetime, timedelta

from linnet.api.spec import CanaryReleaseSpec, Step
from linnet.api.status import CanaryReleaseStatus, WeightStatus
from linnet.core.observed import Observed, RouteObserved


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
    """Canary pods for a weight in percent: its share of stable's pods, rounded up."""
    return max(spec.canary.min_replicas, -(-stable_replicas * weight // 100))


def first_pods(
    spec: CanaryReleaseSpec, status: CanaryReleaseStatus, observed: Observed
) -> tuple[int, int]:
    """How many pods of the canary are ready, and how many its first weight needs."""
    stable, canary = observed.stable, observed.canary
    needed = replicas_for(spec, stable.replicas if stable else 0, spec.steps[0].weight)
    ours = canary is not None and canary.revision == status.canary_revision
    return (canary.ready if canary is not None and ours else 0), needed


def at_weight(
    status: CanaryReleaseStatus, wanted: int, route: RouteObserved | None, now: datetime
) -> WeightStatus:
    """The weight's status after a look at the route; the clock runs while seen is wanted."""
    seen = route.weight if route is not None and route.accepted else None
    before = status.weight
    if seen != wanted:
        return WeightStatus(wanted=wanted, seen=seen)
    running = before.seen == before.wanted == wanted
    since = before.seen_since if running else None
    return WeightStatus(wanted=wanted, seen=seen, seen_since=since or now)


def remaining(since: datetime | None, span: timedelta, now: datetime) -> timedelta | None:
    """Time until `span` has passed since a moment, at least zero; None if it has not begun."""
    if since is None:
        return None
    return max(timedelta(), since + span - now)
