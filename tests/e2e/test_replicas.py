"""Releases by the pods behind one Service. A route leads there, which Linnet knows nothing of."""

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from linnet.api.status import Phase
from tests.support.shop import NAME, QUICK, Shop, decided
from tests.support.stories import Story

SPEC = {**QUICK, "traffic": {"provider": "Replicas", "service": NAME}}
RATE = 40
PATIENCE_S = 5


def service(shop: Shop) -> tuple[object, object]:
    """What its user wrote of the Service, and of the route: nothing of it may change for good."""
    found = shop.get("service", NAME)
    route = shop.get("httproute", NAME)
    return (found["spec"], found["metadata"]["labels"]), route["metadata"]["generation"]


def a_version_is_promoted_by_its_pods(shop: Shop) -> None:
    before = service(shop)
    with shop.load(RATE) as load:
        shop.deploy("v1", spec=SPEC)
        adopted = shop.wait_for(Phase.IDLE)
        shop.deploy("v2", spec=SPEC)
        first = shop.wait(lambda s: s.weight.wanted == 5 and s.weight.seen_since is not None, 90)
        second = shop.wait(lambda s: s.weight.wanted == 50 and s.weight.seen_since is not None, 90)
        status = shop.wait_for(Phase.PROMOTED, 240)
    (reachable,) = (c for c in adopted.conditions if c.type == "WeightsReachable")
    assert (reachable.status, reachable.message) == (
        "False",
        "with 2 stable pods step 1 asks for 5 % and gets 33 % (1 canary pod): have more pods, or "
        "change spec.steps",
    )
    assert (first.weight.seen, second.weight.seen) == (33, 50)
    answers = load.answers
    assert answers.failures(0, float("inf")) == []
    for reached, percent in ((first, 33), (second, 50)):
        assert reached.weight.seen_since is not None
        begin = reached.weight.seen_since.timestamp() + 0.5
        share = answers.share(begin, begin + 8, track="canary")
        assert share.percent == pytest.approx(percent, abs=3)
    end = decided(status, "Promoted").at.timestamp()
    assert {version for version, _, _ in answers.counts(end, float("inf"))} <= {"v2"}
    assert service(shop) == before


def errors_roll_back_by_pods(shop: Shop) -> None:
    before, pods = service(shop), shop.pods()
    with shop.load(RATE) as load:
        shop.deploy("v1", spec=SPEC)
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2", {"errorShare": 0.3}, spec=SPEC)
        status = shop.wait_for(Phase.ROLLED_BACK)
    decision = decided(status, "RolledBack")
    assert decision.reason in ("ErrorRateBreached", "AvailabilityBreached")
    failures = load.answers.failures(0, float("inf"))
    assert failures
    assert {(answer.version, answer.track) for answer in failures} == {("v2", "canary")}
    assert load.answers.last_on("canary", decision.at.timestamp() + PATIENCE_S) is None
    assert service(shop) == before
    assert pods <= shop.pods()  # the canary's are ending, and look like these to a selector
    assert shop.restarts() == 0


STORIES = (
    Story(a_version_is_promoted_by_its_pods, pods=2, judged=False, seconds=80),
    Story(errors_roll_back_by_pods, pods=2, judged=False),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_release_without_a_gateway(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()
