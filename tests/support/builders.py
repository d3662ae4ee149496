"""Specs, statuses and observations for tests: what is not said is as it is in a healthy release."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import (
    CanaryReleaseStatus,
    DecisionKind,
    HistoryEntry,
    MetricStatus,
    Phase,
    Verdict,
    WeightStatus,
)
from linnet.core.catalog import Check
from linnet.core.decision import Situation
from linnet.core.observed import CanaryObserved, Observed, RouteObserved, Sample, StableObserved

START = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
VARIABLES = {
    "namespace": "shop",
    "stable": "web",
    "canary": "web-canary",
    "stablePods": "web-[0-9a-z]+-[0-9a-z]{5}",
    "canaryPods": "web-canary-[0-9a-z]+-[0-9a-z]{5}",
    "stableService": "web",
    "canaryService": "web-canary",
    "route": "web",
}
"""What a query may name, of a release called web in shop."""


def make_spec(
    *weights: int, hold: str = "5m", analysis: Mapping[str, Any] | None = None, **parts: Any
) -> CanaryReleaseSpec:
    """A spec as a user writes it, in camelCase; weights are the steps' (5, 10, 50, 100)."""
    steps = [{"weight": weight, "hold": hold} for weight in weights or (5, 10, 50, 100)]
    return CanaryReleaseSpec.model_validate(
        {
            "targetRef": {"name": "shop"},
            "traffic": {"httpRoute": "shop"},
            "steps": steps,
            "analysis": analysis or {},
            **parts,
        }
    )


def make_check(**changes: Any) -> Check:
    return Check(**{"name": "errorRate", "query": "up", "above": 1.0, "at_most": 0.5, **changes})


def make_metric(
    name: str = "errorRate", verdict: Verdict = Verdict.PASS, **changes: Any
) -> MetricStatus:
    return MetricStatus(**{"name": name, "verdict": verdict, "measured_at": START, **changes})


def make_entry(decision: DecisionKind, reason: str = "Because", **changes: Any) -> HistoryEntry:
    fields = {"at": START, "decision": decision, "reason": reason, "message": "", "weight": 5}
    return HistoryEntry.model_validate({**fields, **changes})


def make_status(phase: Phase = Phase.PROGRESSING, **changes: Any) -> CanaryReleaseStatus:
    """A release of v2 beside v1, at 5 % since START."""
    fields = {
        "phase": phase,
        "phase_since": START,
        "step": 1,
        "step_since": START,
        "weight": WeightStatus(wanted=5, seen=5, seen_since=START),
        "stable_revision": "v1",
        "canary_revision": "v2",
    }
    return CanaryReleaseStatus.model_validate({**fields, **changes})


def make_stable(template: str = "v2", **changes: Any) -> StableObserved:
    fields: dict[str, Any] = {
        "template_revision": template,
        "serving": {"v1": 4},
        "replicas": 4,
        "ready": 4,
        "rolled_out": False,
        "paused": True,
        "limits": frozenset({"memory", "cpu"}),
    }
    return StableObserved(**{**fields, **changes})


def make_observed(**changes: Any) -> Observed:
    """The world in the middle of the release of `make_status`."""
    fields: dict[str, Any] = {
        "generation": 1,
        "stable": make_stable(),
        "canary": CanaryObserved(revision="v2", replicas=1, ready=1),
        "route": RouteObserved(weight=5, canary_listed=True, accepted=True),
    }
    return Observed(**{**fields, **changes})


def make_situation(
    spec: CanaryReleaseSpec | None = None,
    status: CanaryReleaseStatus | None = None,
    observed: Observed | None = None,
    after: timedelta = timedelta(),
) -> Situation:
    """A situation at START, or some time after it."""
    return Situation(
        spec or make_spec(), status or make_status(), observed or make_observed(), START + after
    )


def make_samples(**values: float | str | None) -> dict[str, Sample]:
    """Samples by the check's name: a number, None for no data, or the text of an error."""
    return {name: sample(value) for name, value in values.items()}


def sample(value: float | str | None) -> Sample:
    return Sample(error=value) if isinstance(value, str) else Sample(value=value)
