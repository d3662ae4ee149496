"""The conditions that status shows, by the conventions that kstatus reads."""

from typing import Literal

from linnet.api.status import CanaryReleaseStatus, Condition, Phase
from linnet.core.decision import Situation, Trouble
from linnet.core.transitions import RESTING

READY, RECONCILING, STALLED, TRAFFIC_ROUTED = "Ready", "Reconciling", "Stalled", "TrafficRouted"


def conditions(
    situation: Situation, status: CanaryReleaseStatus, trouble: Trouble | None
) -> tuple[Condition, ...]:
    """Ready always; Reconciling and Stalled only while true; TrafficRouted during a release."""
    before = {condition.type: condition for condition in status.conditions}

    def condition(
        kind: str, value: Literal["True", "False"], reason: str, message: str
    ) -> Condition:
        old = before.get(kind)
        kept = old is not None and old.status == value
        return Condition(
            type=kind,
            status=value,
            reason=reason,
            message=message,
            last_transition_time=old.last_transition_time if old and kept else situation.now,
            observed_generation=situation.observed.generation,
        )

    if trouble is None and status.phase is Phase.ROLLED_BACK:
        trouble = Trouble("RolledBack", status.message)
    resting = status.phase in RESTING
    ready = resting and trouble is None and status.phase is not Phase.PENDING
    reason = trouble.reason if trouble else str(status.phase)
    message = trouble.message if trouble else status.message
    found = [condition(READY, "True" if ready else "False", reason, message)]
    if trouble is not None:
        found.append(condition(STALLED, "True", trouble.reason, trouble.message))
    elif not ready:
        found.append(condition(RECONCILING, "True", str(status.phase), status.message))
    if not resting:
        routed = status.weight.seen == status.weight.wanted
        found.append(
            condition(
                TRAFFIC_ROUTED,
                "True" if routed else "False",
                "Accepted" if routed else "WaitingForRoute",
                f"{status.weight.wanted} % asked for",
            )
        )
    return tuple(found)


def is_stalled(status: CanaryReleaseStatus, reason: str) -> bool:
    """Whether the status already says that it is stalled for this reason."""
    return any(c.type == STALLED and c.reason == reason for c in status.conditions)
