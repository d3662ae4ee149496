"""What the HTTP API shows of an experiment: made of status and record, without I/O."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from linnet.api.http_experiments import (
    DayResult,
    Division,
    ExperimentDetail,
    ExperimentResults,
    ExperimentSummaries,
    ExperimentSummary,
    LookResult,
    MetricResult,
    Point,
    RuleResult,
    SegmentResult,
    Segments,
    Series,
)
from linnet.experiment import words
from linnet.experiment.asked import asked_for
from linnet.experiment.reading import Reading
from linnet.experiment.record import Look, Record
from linnet.experiment.report import Report, metric_of, of_record
from linnet.experiment.sections import BySegment
from linnet.server.desk import Seen


def summaries(releases: Iterable[Mapping[str, Any]]) -> ExperimentSummaries:
    """Experiments by namespace and name, of manifests that any version may have written."""
    found = [each for release in releases for each in _summary(release)]
    found.sort(key=lambda each: (each.namespace, each.name))
    return ExperimentSummaries(items=tuple(found))


def _summary(manifest: Mapping[str, Any]) -> Iterator[ExperimentSummary]:
    metadata = manifest["metadata"]
    status = (manifest.get("status") or {}).get("experiment")
    if not isinstance(status, Mapping) or not status.get("id"):
        return
    users = status.get("users")
    users = users if isinstance(users, Mapping) else {}
    yield ExperimentSummary(
        namespace=metadata["namespace"],
        name=metadata["name"],
        id=str(status["id"]),
        revision=str(status.get("revision") or ""),
        result=str(status.get("result") or "Running"),
        control_users=_count(users.get("control")),
        treatment_users=_count(users.get("treatment")),
        message=str(status.get("message") or ""),
    )


def detail(seen: Seen) -> ExperimentDetail | None:
    """The latest experiment of a release; None if it had none."""
    status = seen.status.experiment
    if status is None:
        return None
    return ExperimentDetail(
        namespace=seen.namespace,
        name=seen.name,
        control=seen.status.stable_revision,
        experiment=asked_for(seen.spec),
        status=status,
    )


def results(record: Record, now: datetime) -> ExperimentResults:
    """What a record shows.

    Raises ValueError where its data can't be judged.
    """
    told = of_record(record, now)
    found = told.found
    return ExperimentResults(
        id=record.id,
        revision=record.revision,
        result=told.result,
        why=told.why,
        advice=told.advice,
        started_at=record.data.started,
        until=record.data.until,
        ended_at=record.ended_at,
        control_users=record.data.users[0],
        treatment_users=record.data.users[1],
        mismatch_p=float(found.allocation.p_value),
        metrics=tuple(_metric(told, reading) for reading in found.readings),
        rules=tuple(
            RuleResult(
                name=each.rule.name,
                result=each.rule.result,
                in_time=each.in_time,
                holds=each.holds,
                told=each.told,
            )
            for each in found.applied
        ),
        warnings=found.warnings,
    )


def _metric(told: Report, reading: Reading) -> MetricResult:
    metric = metric_of(told.spec, reading.name)
    return MetricResult(
        name=reading.name,
        role=metric.role,
        unit=metric.unit,
        users=reading.users,
        control=_known(reading.control),
        treatment=_known(reading.treatment),
        effect=_known(reading.effect),
        low=_known(reading.interval.low),
        high=_known(reading.interval.high),
        p_value=reading.p_value,
        adjusted=float(reading.adjusted),
        states=tuple(sorted(reading.states)),
        told=words.verdict(metric, reading),
    )


def series(record: Record) -> Series:
    """How its results came about."""
    return Series(items=tuple(map(_look, record.looks)))


def _look(look: Look) -> LookResult:
    points = (
        Point(name=name, effect=each.effect, low=each.low, high=each.high)
        for name, each in look.metrics.items()
    )
    control, treatment = look.users
    return LookResult(
        at=look.at, control_users=control, treatment_users=treatment, metrics=tuple(points)
    )


def segments(record: Record, now: datetime) -> Segments:
    """What explains an effect.

    Raises ValueError where its data can't be judged.
    """
    found = of_record(record, now).found
    days = (
        DayResult(
            metric=each.metric,
            day=day.day,
            effect=_known(day.effect),
            low=_known(day.interval.low),
            high=_known(day.interval.high),
        )
        for each in found.days
        for day in each.days
    )
    return Segments(items=tuple(map(_division, found.segments)), days=tuple(days))


def _division(each: BySegment) -> Division:
    parts = (
        SegmentResult(
            name=part.name,
            users=part.users,
            measured=_known(part.measured),
            drawn=_known(part.size),
            differs=float(part.differs),
        )
        for part in each.found.parts
    )
    return Division(
        metric=each.metric,
        dimension=each.dimension,
        whole=_known(each.whole),
        reversed=bool(each.found.reversed),
        segments=tuple(parts),
    )


def _known(figure: float) -> float | None:
    return float(figure) if isfinite(figure) else None


def _count(figure: Any) -> int:
    return figure if isinstance(figure, int) else 0
