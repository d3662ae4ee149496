"""How a release ends early: traffic returns to stable, then the canary goes."""

from linnet.api.status import DecisionKind, Phase, WeightStatus
from linnet.core import breaches
from linnet.core.actions import SetWeight
from linnet.core.decision import Decision, Situation, Trouble, enter, hold_stable, stay
from linnet.core.withdraw import withdraw


def ended(situation: Situation) -> Decision | None:
    """The end of the release, where there is a reason for one: another template, or a breach."""
    status, stable = situation.status, situation.observed.stable
    if stable is not None and stable.template_revision != status.canary_revision:
        if stable.template_revision == status.stable_revision:
            return end(
                situation,
                DecisionKind.REVERTED,
                Trouble(
                    "TemplateReverted", "The template was put back to the version that stable runs"
                ),
            )
        return end(
            situation,
            DecisionKind.SUPERSEDED,
            Trouble("TemplateChanged", f"The template changed to {stable.template_revision}"),
        )
    breach = breaches.first_breach(situation)
    return None if breach is None else end(situation, DecisionKind.ROLLED_BACK, breach)


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
    return Decision(moved, (SetWeight(0), *hold_stable(situation)))


def rolling_back(situation: Situation) -> Decision:
    """Traffic is back on stable, which was never touched; the canary drains and goes."""
    state = withdraw(situation)
    status = situation.status.model_copy(update={"weight": state.weight})
    situation = Situation(situation.spec, status, situation.observed, situation.now)
    guard = hold_stable(situation)
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
