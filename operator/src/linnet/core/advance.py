"""How a release goes on: the canary comes up, takes its steps, and shows its evidence."""

import math
from dataclasses import replace
from datetime import timedelta

from linnet.api.analysis import HoldOutcome
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase, WeightStatus
from linnet.core import (
    experiments,
    gates,
    holding,
    refusal,
    requests,
    shares,
    sizing,
    steps,
    tracking,
    watching,
)
from linnet.core.actions import (
    Action,
    EnsureCanary,
    SetWeight,
)
from linnet.core.analysis import forget_passes
from linnet.core.decision import (
    Decision,
    Situation,
    Trouble,
    enter,
    missing_part,
    remember,
    stay,
    unusable,
)
from linnet.core.gates import Hold
from linnet.core.observed import RouteObserved
from linnet.core.rollback import end, ended
from linnet.core.route import WHOLE
from linnet.core.withdraw import leftovers


def starting(situation: Situation) -> Decision:
    """The canary's pods come up; the route learns of the canary at weight 0."""
    situation = _narrowed(situation)
    spec, status, observed = situation.spec, situation.status, situation.observed
    ending = ended(situation)
    if ending is not None:
        return ending
    stable, canary, route = observed.stable, observed.canary, observed.splittable
    if stable is None or route is None or tracking.wanted(situation) is None:
        return unusable(situation)
    guard = _nothing_yet(situation, route)
    # Once the pods are there the deadline may pass: then a change has to come, not time.
    since = steps.waited_since(spec, status)
    wake = watching.time_left(status, since, spec.canary.ready_deadline, situation.now) or None
    if canary is not None and canary.revision != status.canary_revision:
        message = "An earlier canary is removed"
        return stay(situation, message, (*guard, *leftovers(situation)), wake)
    if not steps.may_have_pods(spec, route):
        return _wait_for_route(situation, route, guard, wake)
    ready, needed = sizing.first_pods(situation)
    actions = guard
    if canary is None or canary.replicas < needed or tracking.copy_missing(situation):
        actions = (*guard, EnsureCanary(status.canary_revision, needed))
    if ready < needed:
        message = f"{ready} of {needed} canary pods are ready"
        return stay(situation, message, actions, wake, refusal.of_canary(situation))
    # Listed without traffic first, the data plane knows the canary's pods before it needs them.
    if not route.canary_listed:
        return stay(situation, "The route learns of the canary", (*actions, SetWeight(0)), wake)
    if route.weight != 0 or not route.accepted:
        return _wait_for_route(situation, route, actions, wake)
    if stopped := _stopped_before_traffic(situation):
        return stay(situation, stopped, actions, wake)
    return _begin(situation, route, actions)


def _stopped_before_traffic(situation: Situation) -> str:
    if situation.spec.suspend:
        return "Suspended before the canary gets traffic: set spec.suspend to false to go on"
    hold = gates.not_frozen(situation)
    return hold.message if hold else ""


def _narrowed(situation: Situation) -> Situation:
    """Where pods are the weights: with the time since when the canary may have some."""
    route, now = situation.observed.route, situation.now
    if not shares.by_pods(situation.spec):
        return situation
    weight = steps.at_weight(situation.status, 0, route, now)
    status = situation.status.model_copy(update={"weight": weight})
    return Situation(situation.spec, status, situation.observed, now)


def _nothing_yet(situation: Situation, route: RouteObserved) -> tuple[Action, ...]:
    """Neither traffic for the canary yet, nor pods of the new template in stable."""
    narrow = shares.by_pods(situation.spec) and not route.canary_listed
    if narrow or (route.canary_listed and route.weight != 0):
        return (SetWeight(0), *tracking.guard(situation))
    return tracking.guard(situation)


def _begin(situation: Situation, route: RouteObserved, actions: tuple[Action, ...]) -> Decision:
    """The first step: the canary gets traffic."""
    spec = situation.spec
    first = spec.steps[0].weight
    moved = enter(
        situation,
        Phase.PROGRESSING,
        DecisionKind.ADVANCED,
        "CanaryReady",
        f"The canary is ready; it gets {steps.told(spec, situation.observed, first)} of traffic",
        step=1,
        step_since=situation.now,
        weight=WeightStatus(wanted=first, seen=route.weight),
        metrics=(),
        analysed_at=None,
    )
    return Decision(moved, (_weight(situation, moved), *actions), spec.analysis.interval)


def _weight(situation: Situation, status: CanaryReleaseStatus) -> SetWeight:
    """What the route is to have: the weight, and the experiment that it tells of."""
    named = experiments.header(replace(situation, status=status))
    return SetWeight(status.weight.wanted, named)


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
    situation = experiments.followed(Situation(spec, status, observed, situation.now))
    ending = ended(situation)
    if ending is not None:
        return ending
    route, actions = observed.splittable, tracking.guard(situation)
    if route is None or tracking.wanted(situation) is None:
        missing = missing_part(situation)
        return _hold(situation, Hold(missing.reason, missing.message, True), actions, missing)
    weigh = _weight(situation, situation.status)
    if (route.weight, route.experiment) != (weigh.weight, weigh.experiment):
        actions = (weigh, *actions)
    hold = gates.first_hold(situation)
    if hold is None:
        return _advance(situation, actions)
    refused = refusal.of_canary(situation)
    return _hold(situation, hold, (*actions, *_capacity(situation)), refused)


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
    here = steps.told(situation.spec, situation.observed, wanted)
    asked = requests.promotion_asked(situation)
    proof = asked or f"{_proof(status)} at {here}"
    step = requests.next_step(situation)
    if step is None:
        moved = enter(
            situation,
            Phase.PROMOTING,
            DecisionKind.PROMOTING,
            requests.REQUESTED if asked else "LastStepPassed",
            f"{proof}; stable takes over the new version",
        )
        return Decision(moved, tracking.take_over(situation))
    there = steps.told(situation.spec, situation.observed, step.weight)
    message = f"{proof}; the canary gets {there}"
    reason = requests.REQUESTED if asked else "StepPassed"
    moved = remember(situation, status, DecisionKind.ADVANCED, reason, message)
    moved = moved.model_copy(
        update={
            "step": steps.index_of(situation.spec, step.weight),
            "step_since": situation.now,
            "weight": WeightStatus(wanted=step.weight, seen=status.weight.seen),
            "metrics": forget_passes(status.metrics),
            "message": message,
        }
    )
    weigh = _weight(situation, moved)
    others = (action for action in actions if not isinstance(action, SetWeight))
    return Decision(moved, (weigh, *others), _interval_left(situation))


def _proof(status: CanaryReleaseStatus) -> str:
    shown = [m for m in status.metrics if m.passes]
    return ", ".join(f"{m.name} {m.message}" for m in shown) + " hold"


def _capacity(situation: Situation) -> tuple[Action, ...]:
    """Have the pods for the present weight, and for the next one once its time has come."""
    canary = situation.observed.canary
    weight = most = situation.status.weight.wanted
    step = requests.next_step(situation)
    if step is not None and gates.hold_over(situation) is None:
        weight = step.weight if gates.may_prepare(situation, step) else weight
        most = step.weight if step.weight == WHOLE else most
    needed = sizing.needed(situation, weight)
    pods = canary.replicas if canary is not None else 0
    if not needed <= pods <= _limit(situation, most):
        return (EnsureCanary(situation.status.canary_revision, needed),)
    if tracking.copy_missing(situation):
        return (EnsureCanary(situation.status.canary_revision, pods),)
    return ()


def _limit(situation: Situation, weight: int) -> float:
    """More canary pods than this would take more traffic than they are to have."""
    if not shares.by_pods(situation.spec):
        return math.inf
    return sizing.needed(situation, weight)


def _next_look(situation: Situation) -> timedelta:
    """Time until the next measurement, the end of the hold, or its deadline: the soonest."""
    status = situation.status
    step = steps.step_at(situation.spec, status.weight.wanted)
    times = (
        steps.remaining(status.weight.seen_since, step.hold, situation.now),
        holding.time_left(situation),
    )
    left = [_interval_left(situation), *(left for left in times if left)]
    if (look := experiments.next_look(situation.spec, status)) is not None:
        left.append(max(timedelta(), look - situation.now))
    return min(left)


def _interval_left(situation: Situation) -> timedelta:
    due = steps.next_measurement(situation.spec, situation.status, situation.now)
    return max(timedelta(), due - situation.now)
