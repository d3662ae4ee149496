"""How long a step has been held beyond its own time, as the history tells it, and until when."""

from datetime import datetime, timedelta

from linnet.api.status import CanaryReleaseStatus, DecisionKind
from linnet.core import watching
from linnet.core.decision import Situation, remember
from linnet.core.gates import APPROVAL, DECISION, EXPERIMENT, SUSPENDED, Hold

PAUSES = frozenset({SUSPENDED, APPROVAL, EXPERIMENT, DECISION})
"""Holds that people chose: they count against no deadline."""


def note(situation: Situation, hold: Hold) -> CanaryReleaseStatus:
    """The status that remembers a hold, once per step and reason."""
    status = situation.status
    # What held it before is over where a pause goes on that nobody has to wonder about.
    resumed = hold.reason in PAUSES and held_since(status) is not None
    if not (hold.due or resumed) or _is_noted(status, hold.reason):
        return status
    return remember(situation, status, DecisionKind.HELD, hold.reason, hold.message)


def _is_noted(status: CanaryReleaseStatus, reason: str) -> bool:
    for entry in reversed(status.history):
        if entry.decision is DecisionKind.ADVANCED:
            break
        if entry.decision is not DecisionKind.HELD:
            continue
        if entry.reason == reason:
            return True
        if entry.reason in PAUSES or reason in PAUSES:
            break
    return False


def held_since(status: CanaryReleaseStatus) -> datetime | None:
    """Since when the step is held.

    Counted from the first hold that was noted, not from when the step's time was up: neither a
    suspension, nor a wait for approval, nor an absence of the operator is a fault of the release.
    """
    since = None
    for entry in reversed(status.history):
        if entry.decision is DecisionKind.ADVANCED or entry.reason in PAUSES:
            break
        if entry.decision is DecisionKind.HELD:
            since = entry.at
    return since


def time_left(situation: Situation) -> timedelta | None:
    """Time until the step is held past its deadline, at least zero; None if it isn't held."""
    deadline = situation.spec.analysis.hold_deadline
    status = situation.status
    return watching.time_left(status, held_since(status), deadline, situation.now)
