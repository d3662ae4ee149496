"""When a fault was first to be seen in Prometheus. Pure but for `query_range`."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from hack.demo.progress import Progress
from hack.demo.releases import NAME, NAMESPACE
from linnet.api.spec import CanaryReleaseSpec
from linnet.core.catalog import BY, Check, checks
from linnet.core.queries import Question, questions

RESOLUTION_S = 0.5
Points = Iterable[tuple[float, float]]


def breached_check(reason: str, spec: CanaryReleaseSpec) -> Check | None:
    """The check that a decision's reason names, e.g. errorRate for ErrorRateBreached."""
    for check in checks(spec.analysis):
        if reason == f"{check.name[0].upper()}{check.name[1:]}Breached":
            return check
    return None


def first_beyond(check: Check, points: Points) -> float | None:
    """Time of the first point beyond the check's rollback limit."""
    for at, value in points:
        if check.above is not None and value > check.above:
            return at
        if check.below is not None and value < check.below:
            return at
    return None


def visible_since(progress: Progress, spec: CanaryReleaseSpec, prometheus: str) -> float | None:
    """When the fault that ended a release was first to be seen; None if nothing tells."""
    ending = progress.ending
    if ending is None:
        return None
    check = breached_check(ending.reason, spec)
    if check is None:
        return progress.crashed
    question = questions(spec, NAMESPACE, NAME)[check.name]
    first_traffic = next((at.since for at in progress.weights()), progress.started)
    points = query_range(prometheus, question, first_traffic, ending.at.timestamp())
    return first_beyond(check, points)


def query_range(
    url: str, question: Question, start: float, end: float
) -> list[tuple[float, float]]:
    """What the answer was at each moment, as (time, value)."""
    asked = {"query": question.promql, "start": start, "end": end, "step": RESOLUTION_S}
    answer = httpx.post(f"{url}/api/v1/query_range", data=asked, timeout=10, trust_env=False)
    answer.raise_for_status()
    for series in answer.json()["data"]["result"]:
        if question.row in (None, tuple(series["metric"].get(label, "") for label in BY)):
            return [(float(at), float(value)) for at, value in series["values"]]
    return []
