"""What people ask of an experiment: to stop it, and what its result is."""

from linnet.api.experiment import ExperimentResult
from linnet.api.experiment_step import ExperimentDecision, ExperimentStatus
from linnet.api.request import Request, RequestAction, RequestStatus
from linnet.api.status import CanaryReleaseStatus, DecisionKind
from linnet.core import experiments
from linnet.core.decision import Situation, remember

ACTIONS = (RequestAction.STOP, RequestAction.DECIDE)
UNPROVEN = (
    "an annotation doesn't prove who wrote it: decide by linnet experiment decide, or by the HTTP "
    "API of the operator, once more if the operator has restarted in between"
)


def why_not_stopped(situation: Situation) -> str:
    """Why the experiment can't be stopped, with the remedy; '' if it can."""
    known = experiments.current(situation)
    if known is None or known.result is not ExperimentResult.RUNNING:
        return f"no experiment runs{_instead(known)}"
    return _outdated(situation)


def why_not_decided(situation: Situation) -> str:
    """Why the word that is given doesn't count, with the remedy; '' if it does."""
    if not situation.observed.reviewed:
        return UNPROVEN
    known, asked = experiments.current(situation), _request(situation)
    if known is None:
        return "no experiment is under way that could be decided"
    if not asked.result:
        return "it takes a result: Success or Failure"
    if not asked.by or not asked.reason:
        return "it takes a reason, and who gives it"
    if asked.revision and asked.revision != known.revision:
        return f"{asked.revision} was meant, and the experiment is of {known.revision}: look at it"
    return _outdated(situation)


def promotes_past(situation: Situation) -> str:
    """Why nobody can ask past the experiment, with the remedy; '' if there is none in the way."""
    step, known = (
        experiments.asked(situation.spec, situation.status),
        experiments.current(situation),
    )
    if step is None or (known is not None and known.result is ExperimentResult.SUCCESS):
        return ""
    return (
        f"experiment {experiments.identity(situation, step)} decides about this step: give its "
        "result by linnet experiment decide, or ask for a rollback"
    )


def carried_out(situation: Situation, asked: RequestStatus) -> CanaryReleaseStatus:
    """The status with an accepted word about the experiment, which ends it."""
    status, known = situation.status, experiments.current(situation)
    if known is None:
        return status
    stopped = asked.action == RequestAction.STOP
    result = ExperimentResult.STOPPED if stopped else ExperimentResult(_request(situation).result)
    word = ExperimentDecision(
        id=asked.id, result=result, by=asked.by, reason=asked.reason, at=situation.now
    )
    who, why = asked.by or "somebody", f": {asked.reason}" if asked.reason else ""
    what = "was stopped by" if stopped else f"was decided as a {result} by"
    message = f"Experiment {known.id} {what} {who}{why}"
    update = {
        "result": result,
        "rule": "",
        "message": message,
        "decided": word,
        "ended_at": known.ended_at or situation.now,
    }
    decided = status.model_copy(update={"experiment": known.model_copy(update=update)})
    return remember(situation, decided, DecisionKind.REQUESTED, asked.action, message)


def _request(situation: Situation) -> Request:
    return Request.model_validate_json(situation.observed.request)


def _instead(known: ExperimentStatus | None) -> str:
    return f": it has the result {known.result}" if known is not None else ""


def _outdated(situation: Situation) -> str:
    """Who spoke before the present step meant another one."""
    at, began = _request(situation).at, situation.status.step_since
    if at is not None and began is not None and at < began:
        return "the release has gone on to another step since that was asked: ask again"
    return ""
