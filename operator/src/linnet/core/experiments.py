"""The experiment of a step: when it begins, what its data say, and what follows for the release.

It runs while its step has its weight, and holds the release until it has a result. A result comes
from the rules, or from a person, whose word goes before them. All that is remembered is in the
status; what users do is added up by the application.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from linnet.api.experiment import Experiment, ExperimentResult
from linnet.api.experiment_step import ExperimentStatus, StepExperiment
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase
from linnet.core import experiment_words, steps
from linnet.core.decision import Situation, Trouble, remember
from linnet.core.labels import label_value
from linnet.core.observed import ExperimentObserved
from linnet.experiment.data import Data, Health
from linnet.experiment.judge import judge
from linnet.experiment.record import judged

FAILED, INVALID = "ExperimentFailed", "ExperimentInvalid"
BEGUN, SUCCEEDED = "ExperimentBegun", "ExperimentSucceeded"
MOST_OFTEN = timedelta(minutes=1)
"""A look costs a query, and no hundredth of the planned time changes much."""
PATIENCE = timedelta(hours=1)
"""How long the last data are waited for, at most, after the planned end."""


def asked(spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> StepExperiment | None:
    """The experiment of the step that the release is in."""
    if status.phase is not Phase.PROGRESSING:
        return None
    return steps.step_at(spec, status.weight.wanted).experiment


def identity(situation: Situation, step: StepExperiment) -> str:
    """What this version's experiment is called in the metrics, and by the header."""
    status = situation.status
    attempt = _attempt(status)
    number = f"-{attempt}" if attempt > 1 else ""
    name = step.name or situation.observed.name
    return label_value(f"{name}-{status.canary_revision}{number}")


def _attempt(status: CanaryReleaseStatus) -> int:
    """A version that is released once more has users and sums of its own again."""
    known = status.experiment
    if known is None or known.revision != status.canary_revision:
        return 1
    return known.attempt if _is_of(status, known) else known.attempt + 1


def _is_of(status: CanaryReleaseStatus, known: ExperimentStatus) -> bool:
    """Whether an experiment is of the present release, and not of an earlier one."""
    begun = status.started_at is None or known.started_at >= status.started_at
    return begun and known.revision == status.canary_revision


def current(situation: Situation) -> ExperimentStatus | None:
    """The experiment of the present step, once it has begun."""
    step, known = asked(situation.spec, situation.status), situation.status.experiment
    if step is None or known is None or not _is_of(situation.status, known):
        return None
    return known if known.id == identity(situation, step) else None


def header(situation: Situation) -> str:
    """The experiment that the route has to tell the application of; '' for none."""
    step, known = asked(situation.spec, situation.status), current(situation)
    if step is None or (known is not None and known.result is not ExperimentResult.RUNNING):
        return ""
    return identity(situation, step)


def reading(spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> ExperimentStatus | None:
    """The experiment whose data are to be read; None if none runs."""
    known = status.experiment
    if known is None or asked(spec, status) is None or not _is_of(status, known):
        return None
    return known if known.result is ExperimentResult.RUNNING else None


def next_look(spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> datetime | None:
    """When the data are due, at a tick that releases share; None if no experiment runs."""
    known, step = reading(spec, status), asked(spec, status)
    if known is None or step is None:
        return None
    if known.looked_at is None:
        return known.started_at
    every = max(spec.analysis.interval, min(MOST_OFTEN, step.duration / 100))
    return steps.last_tick(known.looked_at + every / 2, every) + every


def followed(situation: Situation) -> Situation:
    """The situation once an experiment that is due has begun, or has been looked at."""
    step, known = asked(situation.spec, situation.status), current(situation)
    if step is None:
        return situation
    if known is None:
        return _begun(situation, step)
    seen = situation.observed.experiment
    running = known.result is ExperimentResult.RUNNING
    if not running or seen is None or seen.id != known.id:
        return situation
    return _looked(situation, step, known, seen)


def _begun(situation: Situation, step: StepExperiment) -> Situation:
    """It begins once users are divided, and the application is told."""
    status, route = situation.status, situation.observed.splittable
    name = identity(situation, step)
    told = route is not None and route.experiment == name
    if status.weight.seen_since is None or not told or situation.spec.suspend:
        return situation
    weight = status.weight.wanted
    message = experiment_words.begun(name, step.at(weight), status.canary_revision)
    known = ExperimentStatus(
        id=name,
        revision=status.canary_revision,
        attempt=_attempt(status),
        weight=weight,
        started_at=situation.now,
        message=message,
    )
    status = status.model_copy(update={"experiment": known})
    kind = DecisionKind.EXPERIMENT
    return replace(situation, status=remember(situation, status, kind, BEGUN, message))


def _looked(
    situation: Situation, step: StepExperiment, known: ExperimentStatus, seen: ExperimentObserved
) -> Situation:
    known = known.model_copy(update={"looked_at": situation.now, "problem": seen.error})
    if seen.data is None:
        known = _without_data(situation, step, known)
    else:
        known = _with_data(situation, step.at(known.weight), known, seen.data)
    status = situation.status.model_copy(update={"experiment": known})
    if known.result is ExperimentResult.SUCCESS:
        kind = DecisionKind.EXPERIMENT
        status = remember(situation, status, kind, SUCCEEDED, known.message)
    return replace(situation, status=status)


def _with_data(
    situation: Situation, spec: Experiment, known: ExperimentStatus, data: Data
) -> ExperimentStatus:
    now = situation.now
    found = judge(spec, with_health(situation.status, data), now)
    result = judged(found)
    frozen = situation.spec.suspend and result in (
        ExperimentResult.SUCCESS,
        ExperimentResult.CONDITIONAL,
    )
    if frozen:
        result = ExperimentResult.RUNNING
    over = result is not ExperimentResult.RUNNING
    return known.model_copy(
        update={
            "result": result,
            "rule": found.rule.name if over and found.rule else "",
            "message": experiment_words.told(known.id, spec, found, result, frozen=frozen),
            "users": experiment_words.users(data),
            "metrics": experiment_words.findings(found),
            "read_at": data.until,
            "ended_at": now if over else None,
        }
    )


def _without_data(
    situation: Situation, step: StepExperiment, known: ExperimentStatus
) -> ExperimentStatus:
    """No evidence is no result; some time after the planned end a person has to decide."""
    end = known.started_at + step.duration + min(PATIENCE, step.duration / 20)
    if situation.now < end or situation.spec.suspend:
        message = experiment_words.silent(known, step, situation.now)
        return known.model_copy(update={"message": message})
    return known.model_copy(
        update={
            "result": ExperimentResult.CONDITIONAL,
            "message": experiment_words.never_told(known),
            "ended_at": situation.now,
        }
    )


def with_health(status: CanaryReleaseStatus, data: Data) -> Data:
    """The data, with how the service is by the release's own limits."""
    broken = [f"{each.name}: {each.message}" for each in status.metrics if each.breaches]
    told = "; ".join(broken) or "none breached"
    return replace(data, health=(Health("rollback limits", not broken, told),))


def breach(situation: Situation) -> Trouble | None:
    """The experiment shows that the version is not to be, or can't show anything."""
    known = current(situation)
    if known is not None and known.result is ExperimentResult.FAILURE:
        return Trouble(FAILED, known.message)
    if known is not None and known.result is ExperimentResult.INVALID:
        return Trouble(INVALID, known.message)
    return None


def closed(
    spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime
) -> CanaryReleaseStatus:
    """The status after a decision: what runs no more, as its release or its step ended, is over."""
    known = status.experiment
    if known is None or known.result is not ExperimentResult.RUNNING or reading(spec, status):
        return status
    message = f"Experiment {known.id} ended without a result: {status.message}"
    update = {"result": ExperimentResult.STOPPED, "message": message, "ended_at": now}
    return status.model_copy(update={"experiment": known.model_copy(update=update)})
