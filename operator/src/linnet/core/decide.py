"""`decide`: the one entry point of the core, and one function for each phase."""

from collections.abc import Callable
from datetime import datetime, timedelta

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.core import (
    advance,
    alerts,
    analysis,
    experiments,
    looks,
    promote,
    recording,
    requests,
    resting,
    rollback,
    sizing,
    steps,
    tracking,
    transitions,
    watching,
)
from linnet.core.actions import (
    Action,
    LetGo,
    ReleaseStable,
    RemoveCopies,
)
from linnet.core.catalog import checks
from linnet.core.conditions import conditions, stalled_by
from linnet.core.decision import Decision, Situation, Trouble, remember
from linnet.core.observed import Observed
from linnet.core.refusal import REASONS
from linnet.core.withdraw import withdraw


def decide(
    spec: CanaryReleaseSpec, status: CanaryReleaseStatus, observed: Observed, now: datetime
) -> Decision:
    """What to do next about one release.

    Pure: the same arguments give the same decision, on this process or the next. The actions
    may be carried out any number of times.
    """
    known = looks.compared(spec, _measured(spec, status, observed, now), observed, now)
    known = sizing.followed(known, observed)
    situation = requests.taken(Situation(spec, watching.noted(known, now), observed, now))
    # After the requests: who wants to go on has not heard of these yet.
    situation = alerts.heard(situation)
    if observed.deleting_since is not None:
        decision = _leaving(situation)
    else:
        decision = _PHASES[situation.status.phase](situation)
    return _finish(situation, decision)


def analysis_due(spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime) -> bool:
    """Whether the checks are to be measured before the next decision."""
    return status.phase is Phase.PROGRESSING and now >= steps.next_measurement(spec, status, now)


def measured_after(spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime) -> datetime:
    """The moment after which a measurement must have been made to count now.

    Since the last tick of the interval; and since the weight has been there for a whole window,
    once it has.
    """
    tick = steps.last_tick(now, spec.analysis.interval)
    since = status.weight.seen_since
    whole = tick if since is None else since + spec.analysis.window
    return max(tick, whole) if whole <= now else tick


def _measured(
    spec: CanaryReleaseSpec, status: CanaryReleaseStatus, observed: Observed, now: datetime
) -> CanaryReleaseStatus:
    """The status with this round's measurements, if one was made."""
    if not observed.samples or status.phase is not Phase.PROGRESSING:
        return status
    weight = steps.at_weight(status, status.weight.wanted, observed.route, now)
    since = weight.seen_since
    metrics = analysis.measure(
        checks(spec.analysis),
        observed.samples,
        status.metrics,
        observed.stable.limits if observed.stable else None,
        now,
        full_window=since is not None and now - since >= spec.analysis.window,
    )
    return status.model_copy(update={"metrics": metrics, "analysed_at": now})


def _finish(situation: Situation, decision: Decision) -> Decision:
    """Complete the status: generation, progress, conditions, and what stalls it, once.

    Raises:
        IllegalTransition: `linnet.core.transitions` doesn't know the move.
    """
    status, trouble = requests.closed(situation.status, decision.status), decision.trouble
    before = situation.status.phase
    transitions.check(before, status.phase)
    if trouble is not None and not _is_told(status, trouble):
        status = remember(situation, status, DecisionKind.STALLED, trouble.reason, trouble.message)
    if trouble is not None:
        status = status.model_copy(update={"message": trouble.message})
    progress = f"{status.step}/{len(situation.spec.steps)}" if status.step else ""
    status = status.model_copy(
        update={"observed_generation": situation.observed.generation, "progress": progress}
    )
    status = experiments.closed(situation.spec, status, situation.now)
    status = status.model_copy(update={"conditions": conditions(situation, status, trouble)})
    status, record = recording.kept(situation, status)
    # What the new phase waits for may be there already, and then no change would tell of it.
    wake = decision.wake_after if status.phase is before else timedelta()
    status, wake = watching.watched(status, wake, situation.now)
    return Decision(status, (*decision.actions, *record), wake, trouble)


def _is_told(status: CanaryReleaseStatus, trouble: Trouble) -> bool:
    """Whether the history needs no other entry. Refusals come and go with each pod."""
    last = status.history[-1] if status.history else None
    again = last is not None and last.reason == trouble.reason and trouble.reason in REASONS
    return again or stalled_by(status) == trouble.reason


def _leaving(situation: Situation) -> Decision:
    """The resource is being deleted: give traffic back, then the Deployment, then go."""
    status, stable = situation.status, situation.observed.stable
    if status.phase is Phase.PROMOTING and stable is not None:
        decision = promote.promoting(situation)
        refused = decision.trouble is not None and decision.trouble.reason in REASONS
        if decision.trouble is None or (refused and decision.wake_after is not None):
            return decision  # a refused pod may yet be made, within the promotion's deadline
        if decision.status.weight.wanted:
            # Stable can't take over: the canary keeps serving, which works without the operator.
            return Decision(decision.status, (*decision.actions, ReleaseStable(), LetGo()))
    if status.phase is Phase.PENDING and not status.stable_revision:
        # Never adopted: a canary in the route or in the cluster is another release's.
        return Decision(status, _handing_back(situation))
    state = withdraw(situation)
    status = status.model_copy(
        update={"weight": state.weight, "message": state.message or "Leaving"}
    )
    if not state.done:
        return Decision(status, state.actions, state.wake_after)
    return Decision(status, _handing_back(situation))


def _handing_back(situation: Situation) -> tuple[Action, ...]:
    """Give the Deployment back, resumed only if its template is the one that serves.

    What its pods read stays as it is, so they work on.
    """
    stable = situation.observed.stable
    copies = (RemoveCopies(),) if tracking.has_copies(situation) else ()
    if stable is None:
        return (*copies, LetGo())
    asked = tracking.asked(stable)
    served = set(stable.serving) == {asked}
    return (ReleaseStable(asked if served else ""), *copies, LetGo())


_PHASES: dict[Phase, Callable[[Situation], Decision]] = {
    Phase.PENDING: resting.pending,
    Phase.IDLE: resting.at_rest,
    Phase.STARTING: advance.starting,
    Phase.PROGRESSING: advance.progressing,
    Phase.PROMOTING: promote.promoting,
    Phase.RETURNING: promote.returning,
    Phase.ROLLING_BACK: rollback.rolling_back,
    Phase.PROMOTED: resting.at_rest,
    Phase.ROLLED_BACK: resting.at_rest,
}
