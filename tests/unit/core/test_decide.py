from datetime import timedelta

import pytest

from linnet.api.status import (
    HISTORY_LIMIT,
    CanaryReleaseStatus,
    DecisionKind,
    Phase,
    WeightStatus,
)
from linnet.core.decide import analysis_due, decide, measured_after
from linnet.core.observed import CanaryObserved, RouteObserved
from tests.support.builders import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    make_entry,
    make_observed,
    make_samples,
    make_spec,
    make_stable,
    make_status,
)

SPEC = make_spec(analysis={"metrics": [{"use": "errorRate"}]})


def test_checks_are_measured_once_an_interval_and_only_with_traffic() -> None:
    status = make_status(analysed_at=START)
    assert not analysis_due(SPEC, status, START + 29 * SECOND)
    assert analysis_due(SPEC, status, START + 30 * SECOND)
    assert not analysis_due(SPEC, make_status(), START + 29 * SECOND)
    assert analysis_due(SPEC, make_status(), START + 30 * SECOND)
    assert not any(
        analysis_due(SPEC, make_status(phase), START + HOUR)
        for phase in Phase
        if phase is not Phase.PROGRESSING
    )


def test_releases_measure_at_the_same_moments() -> None:
    for late in (1, 7, 14):
        status = make_status(analysed_at=START + late * SECOND)
        assert not analysis_due(SPEC, status, START + 29 * SECOND)
        assert analysis_due(SPEC, status, START + 30 * SECOND)
    status = make_status(analysed_at=START + 16 * SECOND)
    assert not analysis_due(SPEC, status, START + 59 * SECOND), "too soon after the last time"


def test_a_clock_that_was_ahead_does_not_stop_the_measurements() -> None:
    assert analysis_due(SPEC, make_status(analysed_at=START + HOUR), START)


def test_an_answer_is_from_the_last_tick_and_after_a_full_window() -> None:
    status = make_status(weight=WeightStatus(wanted=5, seen=5, seen_since=START + 2 * SECOND))
    for now, after in ((40, 30), (61, 60), (62, 62), (89, 62), (90, 90)):
        assert measured_after(SPEC, status, START + now * SECOND) == START + after * SECOND
    unseen = make_status(weight=WeightStatus(wanted=5))
    assert measured_after(SPEC, unseen, START + 70 * SECOND) == START + MINUTE


@pytest.mark.parametrize(("after", "passes"), [(59 * SECOND, 0), (60 * SECOND, 1)])
def test_a_pass_counts_after_a_full_window_at_the_weight(after: timedelta, passes: int) -> None:
    observed = make_observed(samples=make_samples(errorRate=0.0))
    decision = decide(SPEC, make_status(), observed, START + after)
    assert decision.status.metrics[0].passes == passes
    assert decision.status.analysed_at == START + after


def test_without_the_deployment_nobody_knows_whether_a_check_of_a_resource_applies() -> None:
    spec = make_spec(analysis={"metrics": [{"use": "memory"}]})
    observed = make_observed(stable=None, samples=make_samples(memory=10.0))
    decision = decide(spec, make_status(), observed, START)
    assert decision.status.metrics == ()


def test_samples_that_come_after_the_release_are_left_alone() -> None:
    status = make_status(Phase.ROLLING_BACK)
    observed = make_observed(samples=make_samples(errorRate=9.0))
    assert decide(SPEC, status, observed, START).status.metrics == ()


def test_the_history_keeps_the_last_decisions() -> None:
    old = tuple(make_entry(DecisionKind.HELD, f"Reason{n}") for n in range(HISTORY_LIMIT))
    observed = make_observed(canary=CanaryObserved("v2", 1, 0, failure="OOMKilled"))
    history = decide(SPEC, make_status(history=old), observed, START).status.history
    assert len(history) == HISTORY_LIMIT
    assert history[:-1] == old[1:]
    assert history[-1].decision is DecisionKind.ROLLED_BACK


def test_the_same_trouble_is_remembered_once() -> None:
    observed = make_observed(stable=None)
    first = decide(SPEC, CanaryReleaseStatus(), observed, START)
    second = decide(SPEC, first.status, observed, START + MINUTE)
    assert [entry.decision for entry in second.status.history] == [DecisionKind.STALLED]
    assert second.status.message == "The Deployment doesn't exist"


def test_a_canary_cannot_start_without_the_deployment_or_the_route() -> None:
    for missing in ({"stable": None}, {"route": None}):
        decision = decide(SPEC, make_status(Phase.STARTING), make_observed(**missing), START)
        assert decision.status.phase is Phase.STARTING
        assert decision.trouble is not None
        assert decision.wake_after == SPEC.analysis.interval


def test_the_spec_that_was_acted_on_is_named() -> None:
    decision = decide(SPEC, make_status(), make_observed(generation=7), START)
    assert decision.status.observed_generation == 7


def test_a_route_that_vanished_with_its_weight_is_nothing_to_wait_for() -> None:
    bare = RouteObserved(weight=None, canary_listed=False, accepted=True)
    observed = make_observed(route=bare, canary=None, stable=make_stable("v1"))
    decision = decide(SPEC, make_status(Phase.ROLLING_BACK), observed, START)
    assert decision.status.phase is Phase.IDLE
