"""How a release goes on: the canary comes up, takes its steps, and shows its evidence."""

from datetime import timedelta

from linnet.api.spec import HoldOutcome
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase, WeightStatus
from linnet.core import gates, holding, steps
from linnet.core.actions import (
    Action,
    EnsureCanary,
    RemoveCanary,
    ResumeStable,
    SetWeight,
)
from linnet.core.analysis import forget_passes
from linnet.core.decision import (
    Decision,
    Situation,
    Trouble,
    enter,
    hold_stable,
    missing_part,
    remember,
    stay,
    unusable,
)
from linnet.core.gates import Hold
from linnet.core.observed import RouteObserved
from linnet.core.rollback import end, ended


def starting(situation: Situation) -> Decision:
    """The canary's pods come up; the route learns of the canary at weight 0."""
    spec, status, observed = situation.spec, situation.status, situation.observed
    ending = ended(situation)
    if ending is not None:
        return ending
    stable, canary, route = observed.stable, observed.canary, observed.route
    if stable is None or route is None:
        return unusable(situation)
    guard: tuple[Action, ...] = hold_stable(situation)
    if route.canary_listed and route.weight != 0:
        guard = (SetWeight(0), *guard)
    # Once the pods are there the deadline may pass: then a change has to come, not time.
    wake = steps.remaining(status.phase_since, spec.canary.ready_deadline, situation.now) or None
    if canary is not None and canary.revision != status.canary_revision:
        message = "An earlier canary is removed"
        return stay(situation, message, (*guard, RemoveCanary()), wake)
    first = spec.steps[0].weight
    ready, needed = steps.first_pods(spec, status, observed)
    actions = guard
    if canary is None or canary.replicas < needed:
        actions = (*guard, EnsureCanary(status.canary_revision, needed))
    if ready < needed:
        message = f"{ready} of {needed} canary pods are ready"
        return stay(situation, message, actions, wake)
    # Listed without traffic first, the data plane knows the canary's pods before it needs them.
    if not route.canary_listed:
        return stay(situation, "The route learns of the canary", (*actions, SetWeight(0)), wake)
    if route.weight != 0 or not route.accepted:
        return _wait_for_route(situation, route, actions, wake)
    if spec.suspend:
        message = "Suspended before the canary gets traffic: set spec.suspend to false to go on"
        return stay(situation, message, actions, wake)
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


def _wait_for_route(
    situation: Situation,
    route: RouteObserved,
    actions: tuple[Action, ...],
    wake: timedelta | None,
) -> Decision:
    """No fault of the version: the canary waits without traffic for as long as it takes."""
    said = f": {route.message}" if route.message else ""
    message = f"Waiting for the route to accept the canary{said}"
    trouble = None if wake else Trouble("RouteNotAccepted", message)
    return stay(situation, message, actions, wake, trouble)


def progressing(situation: Situation) -> Decision:
    """The canary has traffic: end the release on a breach, go on with evidence, else hold."""
    spec, observed = situation.spec, situation.observed
    wanted = situation.status.weight.wanted
    weight = steps.at_weight(situation.status, wanted, observed.route, situation.now)
    status = situation.status.model_copy(
        update={"weight": weight, "step": steps.index_of(spec, wanted)}
    )
    if weight.seen_since is None:
        status = status.model_copy(update={"metrics": forget_passes(status.metrics)})
    situation = Situation(spec, status, observed, situation.now)
    ending = ended(situation)
    if ending is not None:
        return ending
    if observed.stable is None or observed.route is None:
        missing = missing_part(situation)
        return _hold(situation, Hold(missing.reason, missing.message, True), (), missing)
    actions: tuple[Action, ...] = hold_stable(situation)
    if observed.route.weight != wanted:
        actions = (SetWeight(wanted), *actions)
    hold = gates.first_hold(situation)
    if hold is None:
        return _advance(situation, actions)
    return _hold(situation, hold, (*actions, *_capacity(situation)))


def _hold(
    situation: Situation, hold: Hold, actions: tuple[Action, ...], trouble: Trouble | None = None
) -> Decision:
    """Stay at the weight. Past the deadline that ends as the user chose."""
    spec = situation.spec
    situation = Situation(spec, holding.note(situation, hold), situation.observed, situation.now)
    if holding.time_left(situation) == timedelta():
        late = Trouble("HoldDeadlineExceeded", f"Held past the deadline. {hold.message}")
        if hold.due and spec.analysis.on_hold_deadline is HoldOutcome.ROLLBACK:
            return end(situation, DecisionKind.ROLLED_BACK, late)
        trouble = trouble or late
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
        return Decision(moved, (ResumeStable(status.canary_revision),))
    message = f"{proof} at {wanted} %; the canary gets {step.weight} %"
    moved = remember(situation, status, DecisionKind.ADVANCED, "StepPassed", message)
    moved = moved.model_copy(
        update={
            "step": steps.index_of(situation.spec, step.weight),
            "step_since": situation.now,
            "weight": WeightStatus(wanted=step.weight, seen=status.weight.seen),
            "metrics": forget_passes(status.metrics),
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
    weight = situation.status.weight.wanted
    step = steps.next_step(situation.spec, weight)
    if step is not None and gates.hold_over(situation) is None:
        weight = step.weight
    needed = steps.replicas_for(situation.spec, stable.replicas if stable else 0, weight)
    if canary is not None and canary.replicas < needed:
        return (EnsureCanary(situation.status.canary_revision, needed),)
    return ()


def _next_look(situation: Situation) -> timedelta:
    """Time until the next measurement, the end of the hold, or its deadline: the soonest."""
    status = situation.status
    step = steps.step_at(situation.spec, status.weight.wanted)
    times = (
        steps.remaining(status.weight.seen_since, step.hold, situation.now),
        holding.time_left(situation),
    )
    return min([_interval_left(situation), *(left for left in times if left)])


def _interval_left(situation: Situation) -> timedelta:
    left = steps.remaining(
        situation.status.analysed_at, situation.spec.analysis.interval, situation.now
    )
    return left if left is not None else timedelta()
