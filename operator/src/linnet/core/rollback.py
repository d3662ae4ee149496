"""How a release ends early: traffic returns to stable, then the canary goes."""

from linnet.api.status import DecisionKind, Phase, WeightStatus
from linnet.core import alerts, breaches, requests, tracking
from linnet.core.actions import SetWeight
from linnet.core.decision import Decision, Situation, Trouble, enter, stay
from linnet.core.withdraw import withdraw


def ended(situation: Situation) -> Decision | None:
    """The end of the release: somebody or an alert asks for it, another version comes, a breach."""
    asked = requests.rollback_asked(situation) or alerts.rollback_asked(situation)
    if asked is not None:
        return end(situation, DecisionKind.ROLLED_BACK, asked)
    ending = superseded(situation)
    if ending is not None:
        return ending
    breach = breaches.first_breach(situation)
    return None if breach is None else end(situation, DecisionKind.ROLLED_BACK, breach)


def superseded(situation: Situation) -> Decision | None:
    """The end of the release where people ask for another version, stable's or a new one."""
    status, wanted = situation.status, tracking.wanted(situation)
    if wanted is None or wanted == status.canary_revision:
        return None
    part = tracking.changed_part(status.canary_revision, wanted)
    if wanted == status.stable_revision:
        back = f"The {part.lower()} was put back to the version that stable runs"
        return end(situation, DecisionKind.REVERTED, Trouble(f"{part}Reverted", back))
    changed = f"The {part.lower()} changed to {wanted}"
    return end(situation, DecisionKind.SUPERSEDED, Trouble(f"{part}Changed", changed))


def end(situation: Situation, kind: DecisionKind, why: Trouble) -> Decision:
    """Traffic to stable first, before anything else."""
    status = situation.status
    failed = kind is DecisionKind.ROLLED_BACK
    moved = enter(
        situation,
        Phase.ROLLING_BACK,
        kind,
        why.reason,
        why.message,
        failed_revision=status.canary_revision if failed else status.failed_revision,
        weight=WeightStatus(wanted=0, seen=status.weight.seen),
    )
    return Decision(moved, (SetWeight(0), *tracking.guard(situation)))


def rolling_back(situation: Situation) -> Decision:
    """Traffic is back on stable, which was never touched; the canary drains and goes."""
    state = withdraw(situation)
    status = situation.status.model_copy(update={"weight": state.weight})
    situation = Situation(situation.spec, status, situation.observed, situation.now)
    guard = tracking.guard(situation)
    if not state.done:
        return stay(situation, status.message, (*state.actions, *guard), state.wake_after)
    failed = status.failed_revision == status.canary_revision
    moved = status.model_copy(
        update={
            "phase": Phase.ROLLED_BACK if failed else Phase.IDLE,
            "phase_since": situation.now,
            "step": None,
            "step_since": None,
        }
    )
    return Decision(moved, guard)
