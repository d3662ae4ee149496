"""The phases in which stable serves everything: before, between and after releases."""

from dataclasses import replace
from datetime import timedelta

from linnet.api.status import DecisionKind, Phase, WeightStatus
from linnet.core import tracking
from linnet.core.actions import Action, RemoveCopies
from linnet.core.decision import (
    Decision,
    Situation,
    Trouble,
    enter,
    hold_stable,
    missing_part,
    remember,
    stay,
)
from linnet.core.observed import StableObserved
from linnet.core.revision import template_part
from linnet.core.steps import remaining
from linnet.core.withdraw import leftovers

LOOK_AGAIN = timedelta(seconds=5)
"""How often an unusable target is looked at, beside the watches that tell of a change."""


def pending(situation: Situation) -> Decision:
    """Adopt the Deployment once it can be used and serves one version."""
    stable, problem = situation.observed.stable, situation.observed.problem
    write = tracking.first_write(situation)
    if problem is not None or stable is None:
        missing = missing_part(situation)
        return stay(situation, missing.message, write, LOOK_AGAIN, missing)
    if stable.replicas == 0:
        message = "spec.replicas of the Deployment is 0: scale it up, there is nothing to guard"
        return stay(situation, message, write, LOOK_AGAIN, Trouble("ScaledToZero", message))
    serving = tracking.served(situation)
    settled = stable.rolled_out or stable.paused
    if not settled or len(serving) != 1:
        message = "Waiting for the Deployment to finish the rollout that it is in"
        return stay(situation, message, write, LOOK_AGAIN)
    (revision,) = serving
    moved = enter(
        situation,
        Phase.IDLE,
        DecisionKind.ADOPTED,
        "Adopted",
        f"Guarding: stable runs {revision}",
        stable_revision=revision,
    )
    return Decision(moved, (*write, *hold_stable(situation)))


def at_rest(situation: Situation) -> Decision:
    """Start a release if the version is a new one; otherwise see that nothing has slipped."""
    observed, wanted = situation.observed, tracking.wanted(situation)
    if observed.problem is not None or observed.stable is None or wanted is None:
        return _lost(situation)
    decision = _next_release(tracking.follow(_follow(situation, observed.stable)), wanted)
    if not tracking.ended(situation):
        return decision
    return replace(decision, actions=(*decision.actions, RemoveCopies()))


def _next_release(situation: Situation, wanted: str) -> Decision:
    status = situation.status
    actions = (*tracking.guard(situation), *leftovers(situation))
    if wanted == status.stable_revision:
        return _nothing_to_release(situation, actions)
    if wanted == status.failed_revision:
        return stay(situation, status.message, actions)
    if situation.spec.suspend:
        return stay(situation, f"Suspended: {wanted} waits to be released", actions)
    if actions:
        return stay(situation, "Making ready for the next release", actions)
    left = _earlier_canary_measured(situation)
    if left:
        message = "Waiting for the earlier canary to leave the window of the queries"
        return stay(situation, message, (), left)
    return _start(situation, wanted)


def _earlier_canary_measured(situation: Situation) -> timedelta | None:
    """Time for which a query's window still holds a canary that was withdrawn.

    Its pods have names like the next one's, and its failures must not be blamed on that. What
    was promoted has no failures to be blamed.
    """
    status = situation.status
    if status.phase is Phase.PROMOTED or not status.canary_revision:
        return None
    return remaining(status.phase_since, situation.spec.analysis.window, situation.now)


def _start(situation: Situation, revision: str) -> Decision:
    status = situation.status.model_copy(update={"canary_revision": revision})
    situation = Situation(situation.spec, status, situation.observed, situation.now)
    moved = enter(
        situation,
        Phase.STARTING,
        DecisionKind.STARTED,
        f"{tracking.changed_part(status.stable_revision, revision)}Changed",
        f"Releasing {revision} beside {status.stable_revision}",
        failed_revision="",
        started_at=situation.now,
        stable_replicas=0,
        step=None,
        weight=WeightStatus(wanted=0, seen=0),
        metrics=(),
        comparison=None,
        analysed_at=None,
    )
    return Decision(moved)


def _nothing_to_release(situation: Situation, actions: tuple[Action, ...]) -> Decision:
    status = situation.status
    if status.phase is not Phase.ROLLED_BACK:
        promoted = status.phase is Phase.PROMOTED
        message = status.message if promoted else f"Guarding: stable runs {status.stable_revision}"
        # The template is another one than the one that failed: if that returns, it is tried again.
        forgiven = status.model_copy(update={"failed_revision": "", "message": message})
        return Decision(forgiven, actions)
    part = tracking.changed_part(status.failed_revision, status.stable_revision)
    moved = enter(
        situation,
        Phase.IDLE,
        DecisionKind.REVERTED,
        f"{part}Reverted",
        f"The {part.lower()} was put back to the version that stable runs",
        failed_revision="",
    )
    return Decision(moved, actions)


def _follow(situation: Situation, stable: StableObserved) -> Situation:
    """Believe the Deployment where somebody rolled it out without the operator."""
    status, served = situation.status, tracking.served(situation)
    if not stable.rolled_out or len(served) != 1:
        return situation
    (revision,) = served
    if template_part(revision) == template_part(status.stable_revision):
        return situation
    followed = remember(
        situation,
        status.model_copy(update={"stable_revision": revision, "failed_revision": ""}),
        DecisionKind.ADOPTED,
        "RolledOutElsewhere",
        f"Stable was rolled out to {revision} without a release",
    )
    return Situation(situation.spec, followed, situation.observed, situation.now)


def _lost(situation: Situation) -> Decision:
    missing = missing_part(situation)
    status = situation.status.model_copy(
        update={"phase": Phase.PENDING, "phase_since": situation.now, "message": missing.message}
    )
    return Decision(status, (), LOOK_AGAIN, missing)
