"""What a release waits for."""

import pytest

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase, WeightStatus
from linnet.cli.cluster.due import due
from tests.support.builders import MINUTE, SECOND, START, make_spec, make_status

UNSEEN = WeightStatus(wanted=5)
LAST = WeightStatus(wanted=100, seen=100, seen_since=START)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (make_status(), "10 % at the earliest in 2m"),
        (make_status(weight=UNSEEN), "when the route reports the weight"),
        (make_status(weight=LAST), "promotion at the earliest in 2m"),
        (make_status(Phase.STARTING), "the canary's pods: rolled back if they aren't ready in 2m"),
        (make_status(Phase.PROMOTING), "stable to take over: stalled if it hasn't in 7m"),
        (make_status(Phase.ROLLING_BACK), "the canary goes now"),
        (make_status(Phase.RETURNING, weight=UNSEEN), "waits for the route"),
    ],
)
def test_three_minutes_on(status: CanaryReleaseStatus, words: str) -> None:
    found = due(make_spec(), status, START + 3 * MINUTE)
    assert found is not None
    assert found.told.endswith(words)


def test_a_step_whose_time_is_up_waits_for_its_checks() -> None:
    status = make_status(analysed_at=START + 5 * MINUTE)
    found = due(make_spec(), status, START + 5 * MINUTE + 10 * SECOND)
    assert found is not None
    assert found.told == "10 % as soon as the checks allow; they are measured in 20s"


def test_a_step_that_people_have_to_approve_waits_for_them_too() -> None:
    plain = make_spec().model_dump(mode="json")
    plain["steps"][0]["approvals"] = {"required": 1}
    spec = CanaryReleaseSpec.model_validate(plain)
    status = make_status(analysed_at=START + 5 * MINUTE)
    found = due(spec, status, START + 5 * MINUTE + 10 * SECOND)
    assert found is not None
    assert found.what == "10 % as soon as people and the checks allow; they are measured"


def test_a_suspended_release_waits_for_a_person() -> None:
    found = due(make_spec(suspend=True), make_status(), START)
    assert found is not None
    assert found.told == "suspended: 10 % when resumed"


def test_at_rest_nothing_is_waited_for() -> None:
    assert due(make_spec(), make_status(Phase.PROMOTED), START) is None
