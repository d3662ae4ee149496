"""What a step must show before the release goes on: an ordered list of small checks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from linnet.api.experiment import ExperimentResult
from linnet.api.spec import Step
from linnet.api.status import Verdict
from linnet.core import (
    alerts,
    analysis,
    approvals,
    experiments,
    finding,
    refusal,
    requests,
    shares,
    sizing,
    steps,
    watching,
)
from linnet.core.catalog import checks
from linnet.core.decision import Situation
from linnet.core.route import WHOLE


@dataclass(frozen=True)
class Hold:
    """Why the release doesn't go on yet.

    due: the step's time is up, so that somebody may wonder why it is held.
    """

    reason: str
    message: str
    due: bool = False


SUSPENDED = "Suspended"
APPROVAL = "WaitingForApproval"
ROUTE = "WaitingForRoute"
EXPERIMENT = "ExperimentRunning"
DECISION = "WaitingForDecision"

Gate = Callable[[Situation], Hold | None]


def weight_seen(situation: Situation) -> Hold | None:
    """The route reports the weight as accepted. A step's clock starts there."""
    weight, route = situation.status.weight, situation.observed.route
    if weight.seen_since is not None:
        return None
    said = f": {route.message}" if route is not None and route.message else ""
    return Hold(
        ROUTE,
        f"Waiting for the route to report weight {weight.wanted}{said}",
        due=_time_is_up(situation),
    )


def _time_is_up(situation: Situation) -> bool:
    step = steps.step_at(situation.spec, situation.status.weight.wanted)
    return not steps.remaining(situation.status.step_since, step.hold, situation.now)


def _here(situation: Situation) -> str:
    return steps.told(situation.spec, situation.observed, situation.status.weight.wanted)


def experiment_over(situation: Situation) -> Hold | None:
    """The step's experiment is a success, by its rules or by a person's word."""
    step, known = (
        experiments.asked(situation.spec, situation.status),
        experiments.current(situation),
    )
    if step is None:
        return None
    if known is None:
        name = experiments.identity(situation, step)
        text = f"At {_here(situation)}: waiting for the route to tell of experiment {name}"
        untold = Hold(ROUTE, text, due=_time_is_up(situation))
        return weight_seen(situation) or untold
    if known.result is ExperimentResult.SUCCESS:
        return None
    if known.result is ExperimentResult.RUNNING:
        return Hold(EXPERIMENT, known.message)
    text = f"{known.message}. A person decides: linnet experiment decide, or a rollback"
    return Hold(DECISION, text, due=True)


def hold_over(situation: Situation) -> Hold | None:
    """The step has been at its weight for its hold time, or needs it no more."""
    weight = situation.status.weight
    if weight.seen_since is not None and finding.is_clear(situation):
        return None
    if requests.promotion_asked(situation):
        return None
    step, since = steps.step_at(situation.spec, weight.wanted), weight.seen_since
    known = experiments.current(situation)
    if known is not None and since is not None:
        # The route has told of the experiment, and ceased to: the weight was there all the while.
        since = min(since, known.started_at)
    if steps.remaining(since, step.hold, situation.now) != timedelta():
        return Hold("Holding", f"At {_here(situation)}, measuring")
    return None


def evidence(situation: Situation) -> Hold | None:
    """Every check has its measurements in a row within the advance limit; at least one has.

    Where somebody asks to go on, each was measured and is within its rollback limit, or unknown.
    """
    metrics = {metric.name: metric for metric in situation.status.metrics}
    proven = False
    needed = situation.spec.analysis.min_samples
    held = f"Held at {_here(situation)}"
    asked = requests.promotion_asked(situation)
    for check in checks(situation.spec.analysis):
        metric = metrics.get(check.name)
        if metric is None:
            return Hold("NotMeasured", f"{held}: {check.name} is not measured yet", True)
        if asked and metric.verdict is not Verdict.BREACH:
            continue
        if not analysis.ready_to_advance(check, metric, needed):
            return Hold(
                f"{metric.verdict}",
                f"{held}: {check.name}: {metric.message} "
                f"({metric.passes} of {needed} measurements in a row)",
                due=metric.verdict is not Verdict.PASS,
            )
        proven = proven or metric.passes >= needed
    if not proven and not asked:
        return Hold("NoEvidence", f"{held}: no check has given a value", True)
    return None


def comparable(situation: Situation) -> Hold | None:
    """What the comparison with stable says is no reason to wait."""
    obstacle = finding.obstacle(situation)
    if obstacle is None or requests.promotion_asked(situation):
        return None
    reason, message = obstacle
    return Hold(reason, f"Held at {_here(situation)}: {message}", True)


def approved(situation: Situation) -> Hold | None:
    """As many people have approved as the step asks for. Nobody else can ask past that."""
    if text := approvals.missing(situation):
        return Hold(APPROVAL, f"Held at {_here(situation)}: {text}", due=True)
    return None


def not_suspended(situation: Situation) -> Hold | None:
    """The user has not frozen the release."""
    if situation.spec.suspend:
        text = f"Suspended at {_here(situation)}: set spec.suspend to false to go on"
        return Hold(SUSPENDED, text, due=True)
    return None


def not_frozen(situation: Situation) -> Hold | None:
    """No alert has frozen the release."""
    if alert := alerts.frozen_by(situation.status):
        text = (
            f"Frozen at {_here(situation)}, until it is resolved or Promote is asked for: {alert}"
        )
        return Hold(alerts.FROZEN, text, due=True)
    return None


def capacity(situation: Situation) -> Hold | None:
    """The pods for the next weight are ready before the traffic comes.

    Where pods are the weights, traffic comes with them: only to serve alone they must be there.
    """
    canary = situation.observed.canary
    step = requests.next_step(situation)
    if canary is None or step is None:
        return None
    if shares.by_pods(situation.spec) and step.weight < WHOLE:
        return None
    needed = sizing.needed(situation, step.weight)
    if canary.ready < needed and (refused := refusal.of_canary(situation)):
        return Hold(refused.reason, f"Held at {_here(situation)}: {refused.message}", due=True)
    if canary.ready < needed:
        return Hold(
            "WaitingForCapacity",
            f"{canary.ready} of {needed} canary pods are ready for {step.weight} %",
            due=_pods_are_late(situation),
        )
    return None


def _pods_are_late(situation: Situation) -> bool:
    spec, weight = situation.spec, situation.status.weight
    asked_after = steps.step_at(spec, weight.wanted).hold
    span = asked_after + spec.canary.ready_deadline
    left = watching.time_left(situation.status, weight.seen_since, span, situation.now)
    return left == timedelta()


EARNED: tuple[Gate, ...] = (
    not_suspended,
    not_frozen,
    experiment_over,
    weight_seen,
    hold_over,
    evidence,
    comparable,
    approved,
)
"""What the canary has to earn before it gets more traffic."""
GATES: tuple[Gate, ...] = (*EARNED, capacity)


def may_prepare(situation: Situation, step: Step) -> bool:
    """Whether the pods for the next step may be made, now that the present one's time is up.

    Where pods are the weights they bring traffic, which has to be earned.
    """
    if not shares.by_pods(situation.spec):
        return True
    return step.weight == WHOLE and not any(gate(situation) for gate in EARNED)


def first_hold(situation: Situation) -> Hold | None:
    """The first gate that is shut, if one is."""
    return next((hold for gate in GATES if (hold := gate(situation))), None)
