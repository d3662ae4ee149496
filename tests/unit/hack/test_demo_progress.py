from typing import Any

import pytest

from hack.demo.progress import AtWeight, Progress
from linnet.api.status import DecisionKind, Phase
from tests.support.demo import FAILING, GOOD, START, decided, promoted, rolled_back, status, weight


def test_decisions_of_earlier_releases_are_not_its_own() -> None:
    progress = Progress(GOOD, START)
    old = decided(-3, DecisionKind.ROLLED_BACK)
    new = decided(1, DecisionKind.STARTED)
    assert progress.take(status(Phase.ROLLED_BACK, old), START) == []
    assert progress.ended is None
    assert progress.take(status(Phase.STARTING, old, new), START + 1) == [new]
    assert progress.take(status(Phase.STARTING, old, new), START + 2) == []


def test_a_release_ends_when_it_rests_not_when_it_is_decided() -> None:
    progress = Progress(FAILING, START)
    end = decided(20, DecisionKind.ROLLED_BACK, "ErrorRateBreached")
    progress.take(status(Phase.ROLLING_BACK, end), START + 20)
    assert (progress.ended, progress.outcome) == (None, "Unfinished")
    progress.take(status(Phase.ROLLED_BACK, end), START + 26)
    assert (progress.ended, progress.outcome) == (START + 26, "RolledBack")


def test_what_comes_after_the_end_is_not_taken_in() -> None:
    progress = rolled_back()
    progress.take(status(Phase.STARTING, decided(40, DecisionKind.STARTED)), START + 40)
    assert progress.status is not None
    assert progress.status.phase is Phase.ROLLED_BACK


def test_history_that_the_status_forgot_is_kept() -> None:
    progress = Progress(GOOD, START)
    first, last = decided(1, DecisionKind.STARTED), decided(2, DecisionKind.ADVANCED)
    progress.take(status(Phase.STARTING, first), START + 1)
    progress.take(status(Phase.PROGRESSING, last), START + 2)
    assert progress.history == [first, last]


def test_a_weight_lasts_from_when_it_was_seen_to_the_next_move() -> None:
    assert promoted().weights() == [
        AtWeight(50, START + 5, START + 25),
        AtWeight(100, START + 25.2, START + 50),
    ]


def test_the_present_weight_has_no_end() -> None:
    progress = Progress(GOOD, START)
    progress.take(status(Phase.PROGRESSING, weight=weight(5, 5)), START + 5)
    assert progress.weights() == [AtWeight(5, START + 5, None)]


def test_a_weight_that_the_route_does_not_report_is_no_weight() -> None:
    progress = Progress(GOOD, START)
    progress.take(status(Phase.PROGRESSING, weight=weight(10, seen=5)), START + 5)
    assert progress.weights() == []


def test_as_expected_means_outcome_and_reason() -> None:
    assert promoted().as_expected
    assert rolled_back().as_expected
    assert not rolled_back(GOOD).as_expected
    wrong = Progress(FAILING, START)
    wrong.take(
        status(Phase.ROLLED_BACK, decided(9, DecisionKind.ROLLED_BACK, "CanaryDown")), START + 9
    )
    assert not wrong.as_expected


@pytest.mark.parametrize(
    ("container", "crashed"),
    [
        ({"state": {"running": {}}}, False),
        ({"state": {"terminated": {"exitCode": 1}}}, True),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, True),
        ({"state": {"waiting": {"reason": "ContainerCreating"}}}, False),
        ({"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}, True),
    ],
)
def test_the_first_sight_of_a_crash_is_kept(container: dict[str, Any], crashed: bool) -> None:
    progress = Progress(FAILING, START)
    progress.take_pod({"status": {"containerStatuses": [container]}}, START + 3)
    progress.take_pod({"status": {"containerStatuses": [container]}}, START + 4)
    assert progress.crashed == (START + 3 if crashed else None)


def test_a_pod_without_containers_has_not_crashed() -> None:
    progress = Progress(FAILING, START)
    progress.take_pod({}, START)
    assert progress.crashed is None
