"""What an experiment shows, in the words and figures that status has of it."""

import math
from collections.abc import Iterator
from datetime import datetime

from linnet.api.experiment import Experiment, ExperimentResult, MetricState, Result
from linnet.api.experiment_step import (
    ExperimentFinding,
    ExperimentStatus,
    ExperimentUsers,
    StepExperiment,
)
from linnet.experiment.data import Data
from linnet.experiment.judge import Judgement
from linnet.experiment.policy import Applied
from linnet.experiment.words import span


def begun(name: str, spec: Experiment, revision: str) -> str:
    """What begins."""
    return (
        f"Experiment {name} has begun: {spec.treatment_percent:g} % of users get {revision}, for "
        f"{span(spec.duration)}, with no success before {span(spec.minimum_duration)}"
    )


def told(
    name: str, spec: Experiment, found: Judgement, result: ExperimentResult, *, frozen: bool
) -> str:
    """What the data say. frozen: the release is suspended, and a result isn't taken."""
    many = f"{sum(found.allocation.users):,.0f} users"
    where = f"{span(found.passed)} of {span(spec.duration)}, {many}"
    if frozen:
        return f"Experiment {name} has a result and is suspended: {where}"
    if result is ExperimentResult.RUNNING:
        return f"Experiment {name} runs: {where}; {_waits(spec, found)}"
    return f"Experiment {name}: {result} after {where}: {found.invalid or _why(found)}"


def silent(known: ExperimentStatus, step: StepExperiment, now: datetime) -> str:
    """That there are no data, and why."""
    passed = f"{span(now - known.started_at)} of {span(step.duration)}"
    last = f"; the last are of {known.read_at:%Y-%m-%dT%H:%M:%SZ}" if known.read_at else ""
    return f"Experiment {known.id} has no data after {passed}: {known.problem}{last}"


def never_told(known: ExperimentStatus) -> str:
    """That the planned time is over without data to judge."""
    last = f"since {known.read_at:%Y-%m-%dT%H:%M:%SZ}" if known.read_at else "at all"
    return (
        f"Experiment {known.id}: the planned time is over, and there were no data {last}: "
        f"{known.problem}"
    )


def users(data: Data) -> ExperimentUsers:
    """How many take part."""
    control, treatment = map(int, data.users)
    return ExperimentUsers(control=control, treatment=treatment)


def findings(found: Judgement) -> tuple[ExperimentFinding, ...]:
    """What each metric says, in figures that people read."""
    return tuple(
        ExperimentFinding(
            name=each.name,
            control=_short(each.control),
            treatment=_short(each.treatment),
            effect=_short(each.effect),
            low=_short(each.interval.low),
            high=_short(each.interval.high),
            states=tuple(state for state in MetricState if state in each.states),
        )
        for each in found.readings
    )


def _short(figure: float) -> float | None:
    return float(f"{figure:.4g}") if math.isfinite(figure) else None


def _waits(spec: Experiment, found: Judgement) -> str:
    """What is missing for a success."""
    wanted = next((each for each in found.applied if each.rule.result is Result.SUCCESS), None)
    missing = list(_missing(spec, found, wanted)) if wanted is not None else []
    return f"a success takes {'; '.join(missing)}" if missing else "no rule holds yet"


def _missing(spec: Experiment, found: Judgement, wanted: Applied) -> Iterator[str]:
    yield from (check.told for check in wanted.checks if not check.holds)
    if not wanted.in_time:
        at_end = wanted.rule.when == "AtEnd"
        yield f"at least {span(spec.duration if at_end else spec.minimum_duration)}"


def _why(found: Judgement) -> str:
    """The rule that gave the result, and what it saw."""
    (applied,) = (each for each in found.applied if each.rule is found.rule)
    return f"rule {applied.rule.name}: {applied.told or 'no other rule held by the end'}"
