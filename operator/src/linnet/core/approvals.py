"""What people approve: a version at a step, each person once, for as long as the step says.

An approval counts only where the operator has reviewed who gives it. It opens one gate of one step
and replaces no measurement.
"""

from dataclasses import replace

from linnet.api.approvals import APPROVALS_LIMIT, Approval, Approvals
from linnet.api.request import Request, RequestStatus
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.core import steps
from linnet.core.decision import Situation, remember

UNPROVEN = (
    "an annotation doesn't prove who wrote it: approve by linnet approve, or by POST "
    "/api/v2/canary/approve of the operator, once more if the operator has restarted in between"
)


def why_not(situation: Situation) -> str:
    """Why the approval that is asked for doesn't count, with the remedy; '' if it does."""
    if not situation.observed.reviewed:
        return UNPROVEN
    status = situation.status
    if status.phase is not Phase.PROGRESSING:
        return f"no step is to be approved (the phase is {status.phase})"
    if _asked_for(situation) is None:
        return f"the step at {status.weight.wanted} % needs no approval"
    asked = Request.model_validate_json(situation.observed.request)
    if not asked.by:
        return "nobody is named who approves"
    if asked.revision and asked.revision != status.canary_revision:
        return (
            f"{asked.revision} was approved, and {status.canary_revision} is being released: look "
            "at it, and approve it"
        )
    began = status.step_since
    if asked.at is not None and began is not None and asked.at < began:
        return "the release has gone on to another step since that was asked: ask again"
    return ""


def granted(situation: Situation, asked: RequestStatus) -> CanaryReleaseStatus:
    """The status with an approval, which takes the place of the person's earlier one of the same.

    The request that was answered last stays: it may have to be carried out yet.
    """
    status = situation.status
    weight = status.weight.wanted
    given = Approval(
        id=asked.id,
        by=asked.by,
        at=situation.now,
        reason=asked.reason,
        revision=status.canary_revision,
        weight=weight,
    )
    same = (given.by, given.revision, given.weight)
    others = (each for each in status.approvals if (each.by, each.revision, each.weight) != same)
    known = status.model_copy(update={"approvals": (*others, given)[-APPROVALS_LIMIT:]})
    left = missing(replace(situation, status=known))
    why = f": {asked.reason}" if asked.reason else ""
    message = f"{asked.by} approved {weight} %{why}{f' ({left})' if left else ''}"
    return remember(situation, known, DecisionKind.REQUESTED, asked.action, message)


def answered(status: CanaryReleaseStatus, name: str) -> Approval | None:
    """The approval that a request of this id has become; None if none has."""
    return next((each for each in status.approvals if each.id == name), None)


def counted(situation: Situation) -> tuple[Approval, ...]:
    """The approvals that count for this version in this step now."""
    status, needed = situation.status, _asked_for(situation)
    if needed is None:
        return ()
    return tuple(
        each
        for each in status.approvals
        if (each.revision, each.weight) == (status.canary_revision, status.weight.wanted)
        and (status.step_since is None or each.at >= status.step_since)
        and situation.now < each.at + needed.expires_after
    )


def missing(situation: Situation) -> str:
    """Whose approval the step waits for, in words; '' if it waits for none."""
    needed, given = _asked_for(situation), counted(situation)
    if needed is None or len(given) >= needed.required:
        return ""
    names = f", by {', '.join(each.by for each in given)}" if given else ""
    return f"{len(given)} of {needed.required} approvals are there{names}"


def _asked_for(situation: Situation) -> Approvals | None:
    return steps.step_at(situation.spec, situation.status.weight.wanted).approvals
