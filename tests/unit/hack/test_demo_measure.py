import pytest

from hack.demo.measure import StepResult, excused, result, rollback_seconds, steps, unexcused
from tests.support.demo import GOOD, START, answers, promoted, request, rolled_back, split


def test_the_split_is_measured_at_the_weight_once_it_has_settled() -> None:
    seen = answers(
        split(0, 5.9, 0),  # the gateway follows 0.9 s after the route's report
        split(5.9, 25, 50),
        split(25, 25.2, 50),
        split(25.2, 50, 100),
        split(50, 60, 0),
    )
    first, last = steps(promoted(), seen)
    assert (first.weight, first.requests) == (50, 1900)
    assert first.measured_share == pytest.approx(50, abs=0.6)
    assert last == StepResult(100, 2380, 100.0)


@pytest.mark.parametrize(
    ("requests", "share", "off"),
    [
        (2000, 5.9, False),
        (2000, 6.1, True),
        (2000, 3.9, True),
        (1999, 9.0, False),
        (0, None, False),
    ],
)
def test_a_split_is_off_by_more_than_a_point_over_enough_requests(
    requests: int, share: float | None, off: bool
) -> None:
    assert StepResult(5, requests, share).off is off


def test_rollback_takes_until_the_last_request_on_the_canary() -> None:
    progress = rolled_back(decision=20)
    seen = answers(
        [request(19.9, "v3", "canary", took=0.7), request(20.2, "v3", "canary"), request(21)]
    )
    assert rollback_seconds(progress, seen) == pytest.approx(0.2, abs=1e-3)


def test_rollback_takes_no_time_where_no_request_came_after_the_decision() -> None:
    seen = answers([request(19.9, "v3", "canary", took=0.7), request(21)])
    assert rollback_seconds(rolled_back(), seen) == 0.0


def test_the_next_release_is_not_a_slow_rollback() -> None:
    seen = answers([request(60, "v4", "canary")])
    assert rollback_seconds(rolled_back(), seen) == 0.0


def test_a_promotion_has_no_rollback() -> None:
    assert rollback_seconds(promoted(), answers()) is None


@pytest.mark.parametrize(
    ("failure", "fine"),
    [
        (request(10, "v3", "canary", 500), True),
        (request(20.9, "v3", "canary", 500), True),
        (request(21.1, "v3", "canary", 500), False),
        (request(10, "v1", "stable", 500), False),
        (request(10, "", "", 502), False),
        (request(10, "", "", 0), False),
        (request(10, "v2", "canary", 500), False),
    ],
)
def test_only_the_canary_on_trial_may_fail_and_only_until_it_is_out(
    failure: object, fine: bool
) -> None:
    assert excused(failure, (rolled_back(decision=20),)) is fine  # type: ignore[arg-type]


def test_a_version_that_should_be_promoted_may_not_fail_at_all() -> None:
    assert not excused(request(10, "v2", "canary", 500), (rolled_back(GOOD), promoted()))


def test_failures_between_releases_count_too() -> None:
    seen = answers(
        [request(-5, "", "", 502), request(10, "v3", "canary", 500), request(99, code=500)]
    )
    assert [a.status for a in unexcused(seen, (rolled_back(),))] == [502, 500]


def test_result_of_a_rollback() -> None:
    seen = answers(
        split(5, 20, 5, "v3"), [request(12, "v3", "canary", 500), request(20.1, "v3", "canary")]
    )
    found = result(rolled_back(), seen, START + 14.5)
    assert (found.name, found.outcome, found.reason) == ("v3", "RolledBack", "ErrorRateBreached")
    assert found.detection_s == pytest.approx(5.5)
    assert found.rollback_s == pytest.approx(0.1, abs=1e-3)
    assert found.requests == {"v1": 1425, "v3": 77}
    assert found.failures == {"v3": 1}
    assert (found.client_failures, found.failures_outside, found.good) == (1, 0, True)


def test_result_of_a_promotion_that_lost_a_request_is_not_good() -> None:
    seen = answers(split(5, 25, 50), split(25.2, 50, 100), [request(30, "", "", 0)])
    found = result(promoted(), seen, None)
    assert found.as_expected
    assert (found.failures, found.outside_kinds) == ({"none": 1}, {"TimeoutError": 1})
    assert not found.good


def test_failures_while_traffic_follows_the_decision_are_told_apart() -> None:
    late = [request(19.9, "v3", "canary", 500), request(20.1, "v3", "canary", 500)]
    found = result(rolled_back(), answers(late), None)
    assert (found.client_failures, found.failures_after, found.failures_outside) == (2, 1, 0)


def test_a_slow_rollback_is_not_good() -> None:
    found = result(rolled_back(), answers([request(21.5, "v3", "canary")]), None)
    assert found.rollback_s == pytest.approx(1.5, abs=1e-3)
    assert not found.good


def test_a_fault_seen_after_the_decision_was_detected_at_once() -> None:
    assert result(rolled_back(), answers(), START + 20.4).detection_s == 0.0
