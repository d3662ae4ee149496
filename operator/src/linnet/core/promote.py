"""How stable takes over a version that has passed every step."""

from datetime import timedelta

from linnet.api.status import DecisionKind, Phase
from linnet.core import refusal, requests, steps, tracking
from linnet.core.actions import Action, SetWeight
from linnet.core.decision import (
    Decision,
    Situation,
    Trouble,
    enter,
    hold_stable,
    stay,
    unusable,
)
from linnet.core.observed import StableObserved
from linnet.core.revision import template_part
from linnet.core.settle import return_traffic, settling, time_to_promote
from linnet.core.withdraw import withdraw


def promoting(situation: Situation) -> Decision:
    """The canary serves all traffic while Kubernetes rolls the Deployment over."""
    spec, status, observed = situation.spec, situation.status, situation.observed
    stable, canary = observed.stable, observed.canary
    if stable is None:
        return unusable(situation)
    # Traffic stays on what works: on the canary, unless that is gone and stable is not.
    wanted = 100 if stable.ready == 0 or (canary is not None and canary.ready > 0) else 0
    weight = steps.at_weight(status, wanted, observed.route, situation.now)
    status = status.model_copy(update={"weight": weight})
    situation = Situation(spec, status, observed, situation.now)
    actions: tuple[Action, ...] = ()
    # All of it to the canary takes a route that can be split; all of it to stable doesn't.
    route = observed.splittable if wanted else observed.route
    if route is not None and route.weight != wanted:
        actions = (SetWeight(wanted),)
    changed = stable.template_revision != template_part(status.canary_revision)
    if changed or requests.rollback_asked(situation):
        return settling(situation, stable, actions)
    if tracking.taken_over(situation):
        return return_traffic(situation)
    if lost := tracking.content_lost(situation):
        return stay(situation, lost.message, (*actions, *hold_stable(situation)), None, lost)
    actions = (*actions, *tracking.take_over(situation))
    left = time_to_promote(situation)
    pods = f"{stable.ready} of {stable.replicas} pods available"
    message = f"Stable takes over the new version: {pods}"
    return stay(situation, message, actions, left or None, _stuck(situation, stable, pods, left))


def _stuck(
    situation: Situation, stable: StableObserved, pods: str, left: timedelta | None
) -> Trouble | None:
    """What keeps stable from taking over: what somebody can do something about goes first."""
    if refused := refusal.of_stable(situation):
        return refused
    if not stable.replicas:
        return Trouble(
            "ScaledToZero",
            "spec.replicas of the Deployment is 0: scale it up, so that it can take over; "
            "traffic stays on the canary",
        )
    if not left:
        return Trouble(
            "PromotionStuck",
            f"Stable has not taken over the new version in time ({pods}): "
            "traffic stays on what works",
        )
    return tracking.content_unwritten(situation)


def returning(situation: Situation) -> Decision:
    """Traffic is back on stable, which has the new version; the canary drains and goes."""
    state = withdraw(situation)
    status = situation.status.model_copy(update={"weight": state.weight})
    situation = Situation(situation.spec, status, situation.observed, situation.now)
    guard = tracking.guard(situation)
    if not state.done:
        return stay(situation, state.message, (*state.actions, *guard), state.wake_after)
    moved = enter(
        situation,
        Phase.PROMOTED,
        DecisionKind.PROMOTED,
        "Promoted",
        f"Promoted {status.canary_revision}",
        step=None,
        step_since=None,
        failed_revision="",
    )
    return Decision(moved, guard)
