"""What a release has come to, and whether that is what somebody waits for."""

import re
from dataclasses import dataclass

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.cli.output import BadInput
from linnet.core.revision import template_part
from linnet.core.transitions import RESTING

PROMOTED, ROLLED_BACK, ENDED, STARTED, WEIGHT = (
    "promoted",
    "rolledback",
    "ended",
    "started",
    "weight",
)


@dataclass(frozen=True)
class Goal:
    """What is waited for. weight: in percent, for `weight=N` only."""

    what: str
    weight: int = 0


@dataclass(frozen=True)
class End:
    """How the waiting ends. reached: whether by what was waited for."""

    reached: bool
    told: str


def goal(text: str) -> Goal:
    """Read what `--for` takes.

    Raises:
        BadInput: it is nothing of that.
    """
    if found := re.fullmatch(r"weight=([0-9]{1,3})", text.lower()):
        if 1 <= int(found[1]) <= 100:
            return Goal(WEIGHT, int(found[1]))
        raise BadInput(f"--for {text}: a weight is from 1 to 100")
    if text.lower() in (PROMOTED, ROLLED_BACK, ENDED, STARTED):
        return Goal(text.lower())
    raise BadInput(
        f"--for {text}: is one of {PROMOTED}, {ROLLED_BACK}, {ENDED}, {STARTED}, weight=N"
    )


def outcome(status: CanaryReleaseStatus, asked: str) -> str:
    """What became of the version that is asked for: promoted, rolledback, or '' so far.

    asked: the revision of the Deployment's template. A status that speaks of another one is from
    before the operator has seen it.
    """
    if status.phase not in RESTING or status.phase is Phase.PENDING:
        return ""
    if template_part(status.stable_revision) == asked:
        return PROMOTED
    failed = status.phase is Phase.ROLLED_BACK and template_part(status.failed_revision) == asked
    return ROLLED_BACK if failed else ""


def end(wanted: Goal, status: CanaryReleaseStatus, asked: str) -> End | None:
    """How the waiting ends with what is so now; None where it goes on."""
    came_to = outcome(status, asked)
    if came_to == PROMOTED:
        fine = wanted.what in (PROMOTED, ENDED, WEIGHT)
        return End(fine, f"promoted: stable runs {status.stable_revision}")
    if came_to == ROLLED_BACK:
        return End(wanted.what in (ROLLED_BACK, ENDED), f"rolled back: {status.message}")
    if status.phase in RESTING or template_part(status.canary_revision) != asked:
        return None
    if wanted.what == STARTED:
        return End(True, f"started: releasing {status.canary_revision}")
    weight = status.weight
    if wanted.what == WEIGHT and weight.seen_since and weight.wanted >= wanted.weight:
        return End(True, f"the route has {weight.seen} %")
    return None
