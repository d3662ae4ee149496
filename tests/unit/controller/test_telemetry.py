"""What a release is at, and how long it took, as Prometheus gets it."""

from datetime import datetime
from typing import Any

from prometheus_client import REGISTRY

from linnet.api.alerts import AlertAction, AlertOutcome, AlertStatus
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, Phase, Verdict, WeightStatus
from linnet.controller import telemetry
from linnet.controller.release import Key
from linnet.providers.telemetry import DESCRIBED
from tests.support.builders import (
    MINUTE,
    SECOND,
    START,
    make_entry,
    make_metric,
    make_spec,
    make_status,
)

KEY = Key("shops", "telemetry")
SPEC: CanaryReleaseSpec = make_spec(analysis={"metrics": [{"use": "errorRate"}]})


def show(status: CanaryReleaseStatus) -> None:
    telemetry.RELEASES.show(KEY, SPEC, status)


def shown(name: str, **labels: str) -> float | None:
    where = {"namespace": KEY.namespace, "name": KEY.name}
    return REGISTRY.get_sample_value(name, {**where, **labels})


def timed(name: str, **labels: str) -> tuple[float, float]:
    """How often something was timed, and the seconds together."""
    values = [REGISTRY.get_sample_value(f"{name}_{part}", labels) for part in ("count", "sum")]
    count, total = (value or 0.0 for value in values)
    return count, total


def rolled_back(reason: str, at: datetime, **changes: Any) -> CanaryReleaseStatus:
    entry = make_entry(DecisionKind.ROLLED_BACK, reason)
    weight = WeightStatus(wanted=0, seen=5)
    return make_status(
        Phase.ROLLING_BACK, phase_since=at, history=(entry,), weight=weight, **changes
    )


def test_a_release_under_way_is_shown_with_its_checks() -> None:
    metric = make_metric(value=0.7, verdict=Verdict.HOLD)
    show(make_status(metrics=(metric, make_metric("other", Verdict.NO_DATA))))
    versions = {"target": "shop", "stable": "v1", "canary": "v2"}
    assert shown("linnet_release_info", **versions) == 1
    assert shown("linnet_release_step") == 1
    assert shown("linnet_release_metric_value", metric="errorRate") == 0.7
    assert shown("linnet_release_metric_value", metric="other") is None
    assert shown("linnet_release_metric_verdict", metric="errorRate", verdict="Hold") == 1
    assert shown("linnet_release_metric_limit", metric="errorRate", kind="rollback") == 1
    assert shown("linnet_release_metric_limit", metric="errorRate", kind="advance") == 0.5
    show(make_status(Phase.PROMOTED, step=None))
    assert shown("linnet_release_step") == 0
    assert shown("linnet_release_metric_value", metric="errorRate") is None
    assert shown("linnet_release_metric_limit", metric="errorRate", kind="rollback") is None


def test_detection_is_timed_from_the_first_bad_measurement() -> None:
    telemetry.RELEASES.forget(KEY)
    before = timed("linnet_detection_duration_seconds", by="measurement")
    for number in (1, 2):
        metric = make_metric(verdict=Verdict.BREACH, breaches=number)
        show(make_status(metrics=(metric,), analysed_at=START + number * 30 * SECOND))
    third = make_metric(verdict=Verdict.BREACH, breaches=3)
    at = START + 90 * SECOND
    ended = rolled_back("ErrorRateBreached", at, metrics=(third,), analysed_at=at)
    show(ended)
    show(ended)
    after = timed("linnet_detection_duration_seconds", by="measurement")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 60)


def test_detection_is_timed_from_the_beginning_of_an_alert() -> None:
    telemetry.RELEASES.forget(KEY)
    before = timed("linnet_detection_duration_seconds", by="alert")
    alert = AlertStatus(
        fingerprint="1",
        starts_at=START,
        action=AlertAction.ROLLBACK,
        outcome=AlertOutcome.ROLLED_BACK,
        message="",
        heard_at=START,
    )
    show(make_status())
    show(rolled_back("AlertFired", START + 2 * SECOND, alerts=(alert,)))
    after = timed("linnet_detection_duration_seconds", by="alert")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 2)


def test_what_began_unseen_or_otherwise_is_not_timed() -> None:
    telemetry.RELEASES.forget(KEY)
    before = [timed("linnet_detection_duration_seconds", by=by) for by in ("measurement", "alert")]
    show(make_status())
    show(rolled_back("Requested", START))
    show(make_status())
    show(rolled_back("ErrorRateBreached", START))
    show(make_status())
    show(make_status(Phase.ROLLING_BACK))
    show(make_status(phase_since=None))
    after = [timed("linnet_detection_duration_seconds", by=by) for by in ("measurement", "alert")]
    assert after == before


def test_a_rollback_is_timed_until_the_route_reports_it() -> None:
    telemetry.RELEASES.forget(KEY)
    before = timed("linnet_rollback_duration_seconds")
    show(make_status())
    show(rolled_back("Requested", START + MINUTE))
    seen = WeightStatus(wanted=0, seen=0, seen_since=START + MINUTE + SECOND)
    done = make_status(Phase.ROLLING_BACK, phase_since=START + MINUTE, weight=seen)
    show(done)
    show(done)
    after = timed("linnet_rollback_duration_seconds")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


def test_every_metric_of_the_operator_is_described() -> None:
    made = {family.name for family in REGISTRY.collect() if family.name.startswith("linnet_")}
    known = {name.removesuffix("_total") for name in DESCRIBED}
    assert made <= known
    assert "linnet_release_info" in made
