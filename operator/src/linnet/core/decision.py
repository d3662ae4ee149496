"""`Situation`, what a decision is made from, and `Decision`, what it says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import (
    HISTORY_LIMIT,
    CanaryReleaseStatus,
    DecisionKind,
    HistoryEntry,
    Phase,
)
from linnet.core.actions import Action, HoldStable
from linnet.core.observed import Observed


@dataclass(frozen=True)
class Situation:
    """All that a decision depends on."""

    spec: CanaryReleaseSpec
    status: CanaryReleaseStatus
    observed: Observed
    now: datetime


@dataclass(frozen=True)
class Trouble:
    """What keeps a release from going on until somebody acts: the Stalled condition."""

    reason: str
    message: str


@dataclass(frozen=True)
class Decision:
    """The next status, the actions to take in this order, and when to look again.

    wake_after: time until the next decision is due; None where only a change can bring one.
    trouble: why the release is stalled, if it is.
    """

    status: CanaryReleaseStatus
    actions: tuple[Action, ...] = ()
    wake_after: timedelta | None = None
    trouble: Trouble | None = None


def remember(
    situation: Situation,
    status: CanaryReleaseStatus,
    kind: DecisionKind,
    reason: str,
    message: str,
) -> CanaryReleaseStatus:
    """The status with one more entry in its history, and the oldest ones dropped."""
    about = "" if kind is DecisionKind.ADOPTED else status.canary_revision
    entry = HistoryEntry(
        at=situation.now,
        decision=kind,
        reason=reason,
        message=message,
        weight=situation.status.weight.wanted,
        step=situation.status.step,
        revision=about or status.stable_revision,
    )
    return status.model_copy(update={"history": (*status.history, entry)[-HISTORY_LIMIT:]})


def enter(
    situation: Situation,
    phase: Phase,
    kind: DecisionKind,
    reason: str,
    message: str,
    **changes: Any,
) -> CanaryReleaseStatus:
    """The status in another phase, with the decision remembered."""
    moved = situation.status.model_copy(
        update={"phase": phase, "phase_since": situation.now, "message": message, **changes}
    )
    return remember(situation, moved, kind, reason, message)


def stay(
    situation: Situation,
    message: str,
    actions: tuple[Action, ...] = (),
    wake_after: timedelta | None = None,
    trouble: Trouble | None = None,
) -> Decision:
    """Stay in the phase, with a new message."""
    status = situation.status.model_copy(update={"message": message})
    return Decision(status, actions, wake_after, trouble)


def hold_stable(situation: Situation) -> tuple[Action, ...]:
    """Pause the Deployment again if somebody has resumed it."""
    stable = situation.observed.stable
    return (HoldStable(),) if stable is not None and not stable.paused else ()


def missing_part(situation: Situation) -> Trouble:
    """Which of the objects that a release needs is gone or can't be used, in its own words."""
    observed = situation.observed
    if observed.problem is not None:
        return Trouble(*observed.problem)
    if observed.stable is None:
        return Trouble("TargetMissing", "The Deployment doesn't exist")
    return Trouble("RouteMissing", "What traffic is split by doesn't exist")


def unusable(situation: Situation) -> Decision:
    """In mid-release something that it needs is gone: hold, and say what."""
    missing = missing_part(situation)
    return stay(situation, missing.message, (), situation.spec.analysis.interval, missing)
