"""How a release goes on: the canary comes up, takes its steps, and shows its evidence."""

from datetime import timedelta

from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase, WeightStatus
from linnet.core import breaches, gates, steps
from linnet.core.actions import (
    Action,
    EnsureCanary,
    RemoveCanary,
    ResumeStable,
    SetWeight,
)
from linnet.core.decision import (
    Decision,
    Situation,
    Trouble,
    enter,
    hold_stable,
    remember,
    stay,
    unusable,
)
from linnet.core.rollback import ended


def starting(situation: Situation) -> Decision:
    """The canary's pods come up; the route learns of the canary at weight 0."""
    spec, status, observed = situation.spec, situation.status, situation.observed
    end = ended(situation)
    if end is not None:
        return end
    stable, canary, route = observed.stable, observed.canary, observed.route
    if stable is None or route is None:
        return unusable(situation)
    guard = hold_stable(situation)
    if canary is not None and canary.revision != status.canary_revision:
        message = "An earlier canary is removed"
        return stay(situation, message, (*guard, RemoveCanary()))
    first = spec.steps[0].weight
    needed = steps.replicas_for(spec, stable.replicas, first)
    actions: tuple[Action, ...] = guard
    if canary is None or canary.replicas < needed:
        actions = (*guard, EnsureCanary(status.canary_revision, needed))
    wake = steps.remaining(status.phase_since, spec.canary.ready_deadline, situation.now)
    if canary is None or canary.ready < needed:
        ready = canary.ready if canary else 0
        message = f"{ready} of {needed} canary pods are ready"
        return stay(situation, message, actions, wake)
    # Listed without traffic first, the data plane knows the canary's pods before it needs them.
    if not route.canary_listed or route.weight != 0:
        return stay(situation, "The route learns of the canary", (*actions, SetWeight(0)), wake)
    if not route.accepted:
        return stay(situation, "Waiting for the route to accept the canary", actions, wake)
    moved = enter(
        situation,
        Phase.PROGRESSING,
        DecisionKind.ADVANCED,
        "CanaryReady",
        f"The canary is ready; it gets {first} % of traffic",
        step=1,
        step_since=situation.now,
        weight=WeightStatus(wanted=first, seen=route.weight),
        metrics=(),
        analysed_at=None,
    )
    return Decision(moved, (SetWeight(first), *actions), spec.analysis.interval)


def progressing(situation: Situation) -> Decision:
    """The canary has traffic: end the release on a breach, go on with evidence, else hold."""
    spec, observed = situation.spec, situation.observed
    wanted = situation.status.weight.wanted
    weight = steps.at_weight(situation.status, wanted, observed.route, situation.now)
    status = situation.status.model_copy(
        update={"weight": weight, "step": steps.index_of(spec, wanted)}
    )
    situation = Situation(spec, status, observed, situation.now)
    end = ended(situation)
    if end is not None:
        return end
    if observed.stable is None or observed.route is None:
        return unusable(situation)
    actions = hold_stable(situation)
    if observed.route.weight != wanted:
        actions = (SetWeight(wanted), *actions)
    hold = gates.first_hold(situation)
    if hold is None:
        return _advance(situation, actions)
    actions = (*actions, *_capacity(situation))
    if hold.due:
        situation = _note_hold(situation, hold)
    trouble = None
    if breaches.hold_expired(situation):
        trouble = Trouble("HoldDeadlineExceeded", f"Held past the deadline. {hold.message}")
    return stay(situation, hold.message, actions, _next_look(situation), trouble)


def _advance(situation: Situation, actions: tuple[Action, ...]) -> Decision:
    """The step is passed: the next weight, or promotion after the last one."""
    status, wanted = situation.status, situation.status.weight.wanted
    proof = _proof(status)
    step = steps.next_step(situation.spec, wanted)
    if step is None:
        moved = enter(
            situation,
            Phase.PROMOTING,
            DecisionKind.PROMOTING,
            "LastStepPassed",
            f"{proof} at {wanted} %; stable takes over the new version",
        )
        return Decision(moved, (ResumeStable(status.canary_revision), *actions))
    message = f"{proof} at {wanted} %; the canary gets {step.weight} %"
    moved = remember(situation, status, DecisionKind.ADVANCED, "StepPassed", message)
    moved = moved.model_copy(
        update={
            "step": steps.index_of(situation.spec, step.weight),
            "step_since": situation.now,
            "weight": WeightStatus(wanted=step.weight, seen=status.weight.seen),
            "metrics": tuple(m.model_copy(update={"passes": 0}) for m in status.metrics),
            "message": message,
        }
    )
    return Decision(moved, (SetWeight(step.weight), *actions), _interval_left(situation))


def _proof(status: CanaryReleaseStatus) -> str:
    shown = [m for m in status.metrics if m.passes]
    return ", ".join(f"{m.name} {m.message}" for m in shown) + " hold"


def _capacity(situation: Situation) -> tuple[Action, ...]:
    """Have the pods for the present weight, and for the next one once its time has come."""
    stable, canary = situation.observed.stable, situation.observed.canary
    if stable is None or canary is None:
        return ()
    weight = situation.status.weight.wanted
    step = steps.next_step(situation.spec, weight)
    if step is not None and gates.hold_over(situation) is None:
        weight = step.weight
    needed = steps.replicas_for(situation.spec, stable.replicas, weight)
    if canary.replicas < needed:
        return (EnsureCanary(situation.status.canary_revision, needed),)
    return ()


def _note_hold(situation: Situation, hold: gates.Hold) -> Situation:
    """Remember a hold once per step and reason."""
    status = situation.status
    for entry in reversed(status.history):
        if entry.decision is DecisionKind.ADVANCED:
            break
        if entry.decision is DecisionKind.HELD and entry.reason == hold.reason:
            return situation
    noted = remember(situation, status, DecisionKind.HELD, hold.reason, hold.message)
    return Situation(situation.spec, noted, situation.observed, situation.now)


def _next_look(situation: Situation) -> timedelta:
    """Time until the next measurement, or the end of the hold, whichever is sooner."""
    status = situation.status
    step = steps.step_at(situation.spec, status.weight.wanted)
    times = [_interval_left(situation)]
    left = steps.remaining(status.weight.seen_since, step.hold, situation.now)
    if left:
        times.append(left)
    return min(times)


def _interval_left(situation: Situation) -> timedelta:
    left = steps.remaining(
        situation.status.analysed_at, situation.spec.analysis.interval, situation.now
    )
    return left if left is not None else timedelta()
