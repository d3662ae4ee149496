"""Reading a status as it was stored, perhaps by another version of the operator."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core.transitions import RESTING

UNKNOWN = "unknown"
"""The stable version of a Deployment that was adopted, where the status doesn't tell it."""
_NEEDED = ("stableRevision", "canaryRevision", "phaseSince", "weight")
"""What a release that is under way goes by."""


def read(found: Mapping[str, Any]) -> CanaryReleaseStatus:
    """The status; what can't be read of it is as if it weren't there.

    Where the phase, or what the phase goes by, can't be told the operator begins anew: it adopts
    the Deployment as it stands, and gives the traffic of a canary that is there to stable.
    """
    fields = dict(found)
    while True:
        try:
            status = CanaryReleaseStatus.model_validate(fields)
            break
        except ValidationError as error:
            for each in error.errors():
                fields.pop(str(each["loc"][0]), None)
    if "phase" in fields and status.phase is Phase.PENDING:
        return status
    needed = ("stableRevision",) if status.phase in RESTING else _NEEDED
    if "phase" in fields and all(fields.get(name) for name in needed):
        return status
    # An operator that has decided nothing yet has stored no history.
    adopted = UNKNOWN if status.history else ""
    return CanaryReleaseStatus(
        history=status.history, stable_revision=status.stable_revision or adopted
    )
