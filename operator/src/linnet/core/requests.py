"""What people ask of a release: each request is answered once, and accepted or refused at once.

One that is accepted is carried out by the phase that the release is in, in as many looks as it
takes: before more traffic there are more pods. A breach ends a release whatever was asked for.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError

from linnet.api.request import Request, RequestAction, RequestOutcome, RequestStatus
from linnet.api.spec import Step
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase, Verdict
from linnet.core import alerts, approvals, breaches, experiment_requests, steps, tracking
from linnet.core.decision import Situation, Trouble, remember
from linnet.core.revision import template_part
from linnet.core.route import WHOLE
from linnet.core.transitions import RESTING

REQUESTED = "Requested"
"""The reason of a decision that a person asked for."""
PROMOTIONS = (RequestAction.PROMOTE, RequestAction.PROMOTE_FULLY)
ID_LENGTH = 10
SHOWN = 60
"""How much of what can't be read is repeated."""


def taken(situation: Situation) -> Situation:
    """The situation once a request that is new was accepted or refused; both are remembered."""
    text, status, last = situation.observed.request, situation.status, situation.status.request
    if not text:
        return situation
    asked = _read(text, situation.now)
    if (last is not None and last.id == asked.id) or approvals.answered(status, asked.id):
        return situation
    if asked.outcome is not RequestOutcome.REFUSED and (why_not := _why_not(situation, asked)):
        refusal = {"outcome": RequestOutcome.REFUSED, "message": why_not}
        asked = asked.model_copy(update=refusal)
    if asked.action == RequestAction.APPROVE and asked.outcome is RequestOutcome.ACCEPTED:
        return replace(situation, status=approvals.granted(situation, asked))
    if asked.action in experiment_requests.ACTIONS and asked.outcome is RequestOutcome.ACCEPTED:
        done = asked.model_copy(update={"outcome": RequestOutcome.DONE})
        status = experiment_requests.carried_out(situation, done)
        return replace(situation, status=status.model_copy(update={"request": done}))
    status = situation.status.model_copy(update={"request": asked})
    if asked.outcome is RequestOutcome.REFUSED:
        reason = asked.action or "Unreadable"
        status = remember(situation, status, DecisionKind.REFUSED, reason, _refused(asked))
    elif asked.action != RequestAction.ROLLBACK:
        # A rollback is an entry of its own, in the same look.
        status = remember(situation, status, DecisionKind.REQUESTED, asked.action, asked.message)
    if asked.action in PROMOTIONS and asked.outcome is RequestOutcome.ACCEPTED:
        status = alerts.lifted(status, situation.now)
    if asked.action == RequestAction.RETRY and asked.outcome is RequestOutcome.ACCEPTED:
        done = asked.model_copy(update={"outcome": RequestOutcome.DONE})
        status = status.model_copy(update={"request": done, "failed_revision": ""})
    return Situation(situation.spec, status, situation.observed, situation.now)


def closed(before: CanaryReleaseStatus, after: CanaryReleaseStatus) -> CanaryReleaseStatus:
    """The status after a decision: a request that it has carried out, or ruled out, is closed."""
    asked, phase = after.request, after.phase
    if asked is None or asked.outcome is not RequestOutcome.ACCEPTED:
        return after
    if asked.action == RequestAction.ROLLBACK:
        done = phase is Phase.ROLLING_BACK
        over = phase in RESTING or phase is Phase.RETURNING
    else:
        further = asked.action == RequestAction.PROMOTE and _went_further(before, after)
        done = phase is Phase.PROMOTING or further
        over = phase not in (Phase.STARTING, Phase.PROGRESSING)
    if not done and not over:
        return after
    outcome = RequestOutcome.DONE if done else RequestOutcome.OVERTAKEN
    return after.model_copy(update={"request": asked.model_copy(update={"outcome": outcome})})


def _went_further(before: CanaryReleaseStatus, after: CanaryReleaseStatus) -> bool:
    return after.phase is Phase.PROGRESSING and after.weight.wanted > before.weight.wanted


def rollback_asked(situation: Situation) -> Trouble | None:
    """A rollback that somebody asked for, as the reason for it."""
    asked = _accepted(situation)
    if asked is None or asked.action != RequestAction.ROLLBACK:
        return None
    return Trouble(REQUESTED, asked.message)


def promotion_asked(situation: Situation) -> str:
    """Who wants the release to go on now, and why; '' if nobody does."""
    asked = _accepted(situation)
    return asked.message if asked is not None and asked.action in PROMOTIONS else ""


def next_step(situation: Situation) -> Step | None:
    """The step that comes next: the one that somebody asks for, or the last, where they do."""
    spec, weight = situation.spec, situation.status.weight.wanted
    asked = _accepted(situation)
    most = _asked_up_to(asked) if asked is not None else 0
    ahead = [step for step in spec.steps if weight < step.weight <= most]
    if not ahead:
        return steps.next_step(spec, weight)
    # Nobody asks past a step that others have to approve, or that users decide about.
    return next((step for step in ahead if step.approvals or step.experiment), ahead[-1])


def _asked_up_to(asked: RequestStatus) -> int:
    """The weight that somebody wants to have reached at once; 0 where it is any."""
    return WHOLE if asked.action == RequestAction.PROMOTE_FULLY else asked.weight or 0


def standing_breach(status: CanaryReleaseStatus) -> str:
    """Which check was beyond its rollback limit when it was last measured; '' if none was."""
    for metric in status.metrics:
        if metric.verdict is Verdict.BREACH:
            return f"{metric.name}: {metric.message}"
    return ""


def _accepted(situation: Situation) -> RequestStatus | None:
    asked = situation.status.request
    return asked if asked is not None and asked.outcome is RequestOutcome.ACCEPTED else None


def _read(text: str, now: datetime) -> RequestStatus:
    """The request as it is remembered; refused where it can't be read."""
    try:
        found = Request.model_validate_json(text)
    except ValidationError as error:
        return _unreadable(text, error, now)
    who = f" by {found.by}" if found.by else ""
    why = f": {found.reason}" if found.reason else ""
    upto = f" to {found.weight} %" if found.weight else ""
    return RequestStatus(
        id=found.id,
        action=found.action,
        by=found.by,
        reason=found.reason,
        weight=found.weight,
        outcome=RequestOutcome.ACCEPTED,
        message=f"{found.action}{upto} was asked for{who}{why}",
        answered_at=now,
    )


def _unreadable(text: str, error: ValidationError, now: datetime) -> RequestStatus:
    """What can't be read has no id that could be trusted: its text tells it from others."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    actions = ", ".join(RequestAction)
    return RequestStatus(
        id=hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH],
        outcome=RequestOutcome.REFUSED,
        message=(
            f"{text[:SHOWN]!r} can't be read{f' at {place}' if place else ''}: {first['msg']}: "
            f'write {{"id": "...", "action": "..."}} with one of {actions}'
        ),
        answered_at=now,
    )


def _refused(asked: RequestStatus) -> str:
    who = f" by {asked.by}" if asked.by else ""
    return f"{asked.action or 'A request'}{who} was refused: {asked.message}"


def _why_not(situation: Situation, asked: RequestStatus) -> str:
    """Why a request can't be carried out, with the remedy; '' if it can."""
    if situation.observed.deleting_since is not None:
        return "the CanaryRelease is being deleted, and gives traffic back to stable by itself"
    return _RULES[RequestAction(asked.action)](situation)


def _no_rollback(situation: Situation) -> str:
    status, phase = situation.status, situation.status.phase
    if phase is Phase.ROLLING_BACK:
        return "traffic is back on stable already: wait for the end of the rollback"
    if phase is Phase.RETURNING:
        return (
            f"stable runs {status.canary_revision} already: put the template of the version "
            "before back, which is a release of its own"
        )
    if phase in RESTING:
        return (
            "nothing is being released: to return to an earlier version put its template back, "
            "which is a release of its own"
        )
    return _nowhere_to_return(situation) if phase is Phase.PROMOTING else ""


def _nowhere_to_return(situation: Situation) -> str:
    """In a promotion stable has to be made whole on the version before: that must be there."""
    stable, former = situation.observed.stable, situation.status.stable_revision
    versions = stable.versions if stable is not None else ()
    if template_part(former) in map(template_part, versions):
        return ""
    return (
        f"stable has no ReplicaSet of {former} to return to: put the template of that version "
        "back, which is a release of its own"
    )


def _no_full_promotion(situation: Situation) -> str:
    status, phase = situation.status, situation.status.phase
    if phase not in (Phase.STARTING, Phase.PROGRESSING):
        return f"nothing is being released that could go on (the phase is {phase})"
    if situation.spec.suspend:
        return "the release is suspended: set spec.suspend to false"
    if in_the_way := experiment_requests.promotes_past(situation):
        return in_the_way
    ending = breaches.first_breach(situation)
    if breach := ending.message if ending else standing_breach(status):
        return f"{breach}: wait until it is within its limit, or ask for a rollback"
    return ""


def _no_promotion(situation: Situation) -> str:
    status = situation.status
    if status.phase is Phase.STARTING and alerts.frozen_by(status):
        return ""
    if status.phase is Phase.STARTING:
        return "the canary has no traffic yet: wait until its pods are ready"
    return _no_full_promotion(situation) or _no_such_step(situation) or _outdated(situation)


def _no_such_step(situation: Situation) -> str:
    wanted = Request.model_validate_json(situation.observed.request).weight
    at = situation.status.weight.wanted
    there = [step.weight for step in situation.spec.steps if step.weight > at]
    if wanted is None or wanted in there:
        return ""
    ahead = f"ahead are {', '.join(map(str, there))}" if there else "there is none ahead"
    return f"{wanted} % is no step that is ahead of {at} %: {ahead}"


def _outdated(situation: Situation) -> str:
    """Who asked for the next step didn't mean the one after it."""
    asked = Request.model_validate_json(situation.observed.request)
    began = situation.status.step_since
    if asked.at is None or (began is not None and began <= asked.at):
        return ""
    return "the release has gone on to another step since that was asked: ask again"


def _no_retry(situation: Situation) -> str:
    status, wanted = situation.status, tracking.wanted(situation)
    if status.phase not in RESTING or status.phase is Phase.PENDING:
        return f"the release has not come to an end yet (the phase is {status.phase}): wait for it"
    if not status.failed_revision or wanted != status.failed_revision:
        return "the version that is asked for was not rolled back: change the template instead"
    return ""


_RULES: dict[RequestAction, Callable[[Situation], str]] = {
    RequestAction.ROLLBACK: _no_rollback,
    RequestAction.PROMOTE: _no_promotion,
    RequestAction.PROMOTE_FULLY: _no_full_promotion,
    RequestAction.RETRY: _no_retry,
    RequestAction.APPROVE: approvals.why_not,
    RequestAction.STOP: experiment_requests.why_not_stopped,
    RequestAction.DECIDE: experiment_requests.why_not_decided,
}
