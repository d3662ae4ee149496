"""What `linnet wait` takes for an end."""

import pytest

from linnet.api.status import CanaryReleaseStatus, Phase, WeightStatus
from linnet.cli.cluster.ends import end, goal
from linnet.cli.output import BadInput
from tests.support.builders import START, make_status

RUNNING = make_status()
DONE = make_status(Phase.PROMOTED, stable_revision="v2-c1")
BACK = make_status(Phase.ROLLED_BACK, failed_revision="v2", message="errorRate: 3 %")
EARLIER = make_status(Phase.PROMOTED, stable_revision="v1", canary_revision="v1")
PENDING = make_status(Phase.PENDING, stable_revision="v2")


@pytest.mark.parametrize(
    ("wanted", "status", "reached"),
    [
        ("promoted", RUNNING, None),
        ("promoted", DONE, True),
        ("promoted", BACK, False),
        ("rolledBack", DONE, False),
        ("rolledback", BACK, True),
        ("ended", DONE, True),
        ("ended", BACK, True),
        ("started", RUNNING, True),
        ("started", BACK, False),
        ("weight=5", RUNNING, True),
        ("weight=10", RUNNING, None),
        ("weight=10", DONE, True),
        ("ended", PENDING, None),
    ],
)
def test_an_end(wanted: str, status: CanaryReleaseStatus, reached: bool | None) -> None:
    found = end(goal(wanted), status, "v2")
    assert (None if found is None else found.reached) is reached


@pytest.mark.parametrize("wanted", ["promoted", "rolledback", "ended", "started", "weight=1"])
def test_a_status_from_before_the_change_ends_nothing(wanted: str) -> None:
    assert end(goal(wanted), EARLIER, "v2") is None
    assert end(goal(wanted), make_status(), "v3") is None


def test_a_weight_that_the_route_has_not_reported_is_not_reached() -> None:
    asked = make_status(weight=WeightStatus(wanted=10, seen=5))
    there = make_status(weight=WeightStatus(wanted=10, seen=10, seen_since=START))
    assert end(goal("weight=10"), asked, "v2") is None
    assert end(goal("weight=10"), there, "v2") is not None


@pytest.mark.parametrize("text", ["done", "weight=", "weight=0", "weight=101"])
def test_what_cant_be_waited_for(text: str) -> None:
    with pytest.raises(BadInput, match="--for"):
        goal(text)
