"""What a release waits for, and for how long still: told from spec and status alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.cli.cluster.words import span
from linnet.core import steps, watching


@dataclass(frozen=True)
class Due:
    """What comes next. left: the least time until then; None where time doesn't bring it."""

    what: str
    left: timedelta | None = None

    @property
    def told(self) -> str:
        """In one line."""
        if self.left is None:
            return self.what
        return f"{self.what} in {span(self.left)}" if self.left else f"{self.what} now"


def due(spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime) -> Due | None:
    """What a release that is under way waits for; None where nothing is."""
    if status.phase is Phase.STARTING:
        since = steps.waited_since(spec, status)
        left = watching.time_left(status, since, spec.canary.ready_deadline, now)
        return Due("waits for the canary's pods: rolled back if they aren't ready", left)
    if status.phase is Phase.PROGRESSING:
        return _next_step(spec, status, now)
    if status.phase is Phase.PROMOTING:
        deadline = spec.promotion.progress_deadline
        left = watching.time_left(status, status.phase_since, deadline, now)
        return Due("waits for stable to take over: stalled if it hasn't", left)
    if status.phase in (Phase.RETURNING, Phase.ROLLING_BACK):
        left = steps.remaining(status.weight.seen_since, spec.canary.drain_period, now)
        return Due("the canary goes" if left is not None else "waits for the route", left)
    return None


def _next_step(spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime) -> Due:
    following = steps.next_step(spec, status.weight.wanted)
    what = "promotion" if following is None else f"{following.weight} %"
    if spec.suspend:
        return Due(f"suspended: {what} when resumed")
    step = steps.step_at(spec, status.weight.wanted)
    left = steps.remaining(status.weight.seen_since, step.hold, now)
    if left is None:
        return Due("the step's clock starts when the route reports the weight")
    if left:
        return Due(f"{what} at the earliest", left)
    measured = max(timedelta(), steps.next_measurement(spec, status, now) - now)
    who = "the checks allow" if step.approvals is None else "people and the checks allow"
    return Due(f"{what} as soon as {who}; they are measured", measured)
