"""CanaryReleases as manifests, and a status in which every field is set."""

from datetime import UTC, datetime, timedelta
from typing import Any

from linnet.api.alerts import AlertAction, AlertOutcome, AlertStatus
from linnet.api.approvals import Approval
from linnet.api.comparison import ComparisonStatus, FindingStatus
from linnet.api.experiment import ExperimentResult, MetricState
from linnet.api.experiment_step import (
    ExperimentDecision,
    ExperimentFinding,
    ExperimentStatus,
    ExperimentUsers,
)
from linnet.api.request import RequestOutcome, RequestStatus
from linnet.api.status import (
    CanaryReleaseStatus,
    Condition,
    DecisionKind,
    HistoryEntry,
    MetricStatus,
    Phase,
    Verdict,
    WeightStatus,
)

Object = dict[str, Any]

MINIMAL: Object = {"targetRef": {"name": "shop"}, "traffic": {"httpRoute": "shop"}}
"""The smallest spec."""

AT = datetime(2026, 3, 1, 12, 30, 0, 250_000, tzinfo=UTC)


def release(spec: Object) -> Object:
    """A manifest with this spec."""
    return {
        "apiVersion": "linnet.dev/v1alpha1",
        "kind": "CanaryRelease",
        "metadata": {"name": "shop"},
        "spec": spec,
    }


def full_status() -> CanaryReleaseStatus:
    """A status in which every field is set."""
    return CanaryReleaseStatus.model_validate(
        {
            "observed_generation": 3,
            "request": RequestStatus(
                id="1",
                action="Rollback",
                by="jane",
                reason="wrong prices",
                weight=10,
                outcome=RequestOutcome.DONE,
                message="Rollback was asked for by jane: wrong prices",
                answered_at=AT,
            ),
            "approvals": (
                Approval(
                    id="2", by="joe", at=AT, reason="prices are right", revision="7d4b", weight=10
                ),
            ),
            "alerts": (
                AlertStatus(
                    fingerprint="3ff1",
                    starts_at=AT,
                    name="HighErrors",
                    severity="critical",
                    action=AlertAction.ROLLBACK,
                    outcome=AlertOutcome.ROLLED_BACK,
                    message="Alert HighErrors fires",
                    revision="v2",
                    heard_at=AT,
                    ended_at=AT,
                ),
            ),
            "phase": Phase.PROGRESSING,
            "phase_since": AT,
            "watched_at": AT,
            "absences": [{"since": AT, "until": AT}],
            "step": 2,
            "step_since": AT,
            "progress": "2/4",
            "weight": WeightStatus(wanted=10, seen=10, seen_since=AT),
            "stable_revision": "6d5f9c",
            "canary_revision": "7e8a1b",
            "started_at": AT,
            "failed_revision": "5c4d3e",
            "analysed_at": AT,
            "metrics": _metrics(),
            "comparison": _comparison(),
            "experiment": _experiment(),
            "message": "Holding at 10 %",
            "conditions": _conditions(),
            "history": _history(),
        }
    )


def _metrics() -> tuple[MetricStatus, ...]:
    return tuple(
        MetricStatus(
            name=f"check-{verdict}",
            value=0.25,
            verdict=verdict,
            message="0.25 % is at most 1 %",
            measured_at=AT,
            breaches=1,
            passes=2,
        )
        for verdict in Verdict
    )


def _comparison() -> ComparisonStatus:
    finding = FindingStatus(
        name="errors",
        verdict="Continue",
        message="1.2 times stable's errors",
        effect=1.2,
        low=0.5,
        high=3.1,
        e_value=0.25,
        needed=300,
        requests_needed=4000,
        time_needed=timedelta(minutes=5),
    )
    return ComparisonStatus(until=AT, weight=10, findings=(finding,), state="opaque")


def _experiment() -> ExperimentStatus:
    adoption = ExperimentFinding(
        name="adoption",
        control=40.0,
        treatment=55.0,
        effect=15.0,
        low=6.0,
        high=24.0,
        states=(MetricState.BETTER,),
    )
    return ExperimentStatus(
        id="tone-7e8a1b",
        revision="7e8a1b",
        attempt=2,
        weight=50,
        started_at=AT,
        ended_at=AT,
        result=ExperimentResult.SUCCESS,
        rule="success",
        message="Experiment tone-7e8a1b: Success",
        users=ExperimentUsers(control=250, treatment=248),
        metrics=(adoption,),
        looked_at=AT,
        read_at=AT,
        problem="connection refused",
        decided=ExperimentDecision(
            id="3", result=ExperimentResult.SUCCESS, by="jane", reason="good enough", at=AT
        ),
        recorded_at=AT,
    )


def _conditions() -> tuple[Condition, ...]:
    return tuple(
        Condition(
            type=kind,
            status="False",
            reason="Progressing",
            message="Step 2 of 4",
            last_transition_time=AT,
            observed_generation=3,
        )
        for kind in ("Ready", "Reconciling", "Stalled", "TrafficRouted")
    )


def _history() -> tuple[HistoryEntry, ...]:
    return tuple(
        HistoryEntry(
            at=AT,
            decision=decision,
            reason="HoldElapsed",
            message="All checks passed",
            weight=5,
            step=1,
            revision="7e8a1b",
        )
        for decision in DecisionKind
    )


def dump(status: CanaryReleaseStatus) -> Object:
    """The status as the operator writes it."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
