"""What the HTTP API shows of a release: made of its spec and status, without I/O."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from linnet.api.http import (
    Decisions,
    Detail,
    Health,
    Objective,
    Reading,
    Readings,
    Sla,
    SlaState,
    Summaries,
    Summary,
)
from linnet.api.status import Phase, Verdict
from linnet.core import alerts
from linnet.core.catalog import Check, checks
from linnet.core.conditions import STABLE_SIZED, STALLED, TRAFFIC_ROUTED
from linnet.server.desk import Seen

WELL = frozenset({Verdict.PASS, Verdict.SKIPPED})
STATES = {
    Verdict.PASS: SlaState.MET,
    Verdict.HOLD: SlaState.AT_RISK,
    Verdict.BREACH: SlaState.VIOLATED,
}
WORST_FIRST = (SlaState.VIOLATED, SlaState.AT_RISK, SlaState.UNKNOWN, SlaState.MET)
TROUBLED = {STALLED: "True", TRAFFIC_ROUTED: "False", STABLE_SIZED: "False"}
"""Conditions that tell of trouble, with the status that does."""


def summaries(releases: Iterable[Mapping[str, Any]]) -> Summaries:
    """Releases by namespace and name, of manifests that any version may have written."""
    items = sorted(map(_summary, releases), key=lambda each: (each.namespace, each.name))
    return Summaries(items=tuple(items))


def _summary(manifest: Mapping[str, Any]) -> Summary:
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    weight = (status.get("weight") or {}).get("wanted", 0)
    return Summary(
        namespace=metadata["namespace"],
        name=metadata["name"],
        phase=str(status.get("phase") or Phase.PENDING),
        progress=str(status.get("progress") or ""),
        weight=weight if isinstance(weight, int) else 0,
        stable_revision=str(status.get("stableRevision") or ""),
        canary_revision=str(status.get("canaryRevision") or ""),
        suspend=bool((manifest.get("spec") or {}).get("suspend")),
        message=str(status.get("message") or ""),
    )


def summary(seen: Seen) -> Summary:
    """A release in a line."""
    status = seen.status
    return Summary(
        namespace=seen.namespace,
        name=seen.name,
        phase=status.phase,
        progress=status.progress,
        weight=status.weight.wanted,
        stable_revision=status.stable_revision,
        canary_revision=status.canary_revision,
        suspend=seen.spec.suspend,
        message=status.message,
    )


def detail(seen: Seen) -> Detail:
    """All of a release."""
    return Detail(namespace=seen.namespace, name=seen.name, spec=seen.spec, status=seen.status)


def readings(seen: Seen) -> Readings:
    """Each check's last measurement, with its limits; those that weren't measured are left out."""
    return Readings(
        items=tuple(
            Reading(
                **metric.model_dump(),
                unit=check.unit.strip(),
                goes_on_at_most=check.at_most,
                goes_on_at_least=check.at_least,
                rolls_back_above=check.above,
                rolls_back_below=check.below,
            )
            for check in checks(seen.spec.analysis)
            for metric in seen.status.metrics
            if metric.name == check.name
        )
    )


def decisions(seen: Seen) -> Decisions:
    """The last decisions, newest first."""
    return Decisions(items=tuple(reversed(seen.status.history)))


def health(seen: Seen) -> Health:
    """Whether anything is wrong, and what."""
    problems = tuple(_problems(seen))
    return Health(
        healthy=not problems,
        phase=seen.status.phase,
        problems=problems,
        conditions=seen.status.conditions,
    )


def _problems(seen: Seen) -> Iterator[str]:
    status = seen.status
    for condition in status.conditions:
        if TROUBLED.get(condition.type) == condition.status:
            yield f"{condition.type}: {condition.message}"
    if frozen := alerts.frozen_by(status):
        yield f"frozen: {frozen}"
    if status.phase is Phase.PROGRESSING:
        for metric in status.metrics:
            if metric.verdict not in WELL:
                yield f"{metric.name}: {metric.message or metric.verdict}"


def sla(seen: Seen) -> Sla:
    """How the canary keeps each limit, and the worst of that."""
    known = {metric.name: metric for metric in seen.status.metrics}
    items = []
    for check in checks(seen.spec.analysis):
        metric = known.get(check.name)
        if metric is not None and metric.verdict is Verdict.SKIPPED:
            continue
        value = metric.value if metric is not None else None
        state = STATES.get(metric.verdict, SlaState.UNKNOWN) if metric else SlaState.UNKNOWN
        items.append(_objective(check, state, value))
    states = {each.state for each in items}
    worst = next((state for state in WORST_FIRST if state in states), SlaState.UNKNOWN)
    return Sla(state=worst, items=tuple(items))


def _objective(check: Check, state: SlaState, value: float | None) -> Objective:
    limit = check.above if check.above is not None else check.below or 0.0
    used = None
    if check.above and value is not None:
        used = round(100 * value / check.above, 1)
    return Objective(
        name=check.name,
        state=state,
        value=value,
        limit=limit,
        unit=check.unit.strip(),
        used_percent=used,
    )
