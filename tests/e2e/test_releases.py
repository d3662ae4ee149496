"""Releases on a real cluster, seen by a client that asks all the time."""

import time
from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from linnet.api.status import Phase
from tests.support.shop import QUICK, Shop, decided
from tests.support.stories import Story, not_on_trial

ENOUGH = 2000
PATIENCE_S = 5


def adopting_and_leaving_restart_no_pod_and_fail_no_request(shop: Shop) -> None:
    before = shop.pods()
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        assert shop.get("deployment", "recochat")["spec"]["paused"] is True
        shop.kubectl("delete", "crel", "recochat", "--timeout=60s")
        deployment = shop.get("deployment", "recochat")
        time.sleep(1)
    assert not deployment["spec"].get("paused", False)
    assert shop.pods() == before
    assert shop.restarts() == 0
    assert len(load.answers) > 50
    assert load.answers.failures(0, float("inf")) == []


def a_good_version_is_promoted_without_a_failed_request(shop: Shop) -> None:
    rate = 60
    seconds = 1.1 * ENOUGH / rate  # a busy machine sends some of them later
    spec = {
        **QUICK,
        "steps": [{"weight": weight, "hold": f"{seconds + 1:.0f}s"} for weight in (5, 50)]
        + [{"weight": 100, "hold": "5s"}],
    }
    with shop.load(rate) as load:
        shop.deploy("v1", spec=spec)
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2", spec=spec)
        spans = {}
        for weight in (5, 50):
            since = shop.wait_for_weight(weight).weight.seen_since
            assert since is not None
            spans[weight] = since.timestamp()
        shop.wait_for_weight(100)
        status = shop.wait_for(Phase.PROMOTED, 240)
    answers = load.answers
    assert answers.failures(0, float("inf")) == []
    for weight, begin in spans.items():
        # The data plane follows the route's report by a moment; a step lasts longer than this.
        share = answers.share(begin + 0.5, begin + 0.5 + seconds, track="canary")
        assert share.requests >= ENOUGH
        assert share.percent == pytest.approx(weight, abs=1)
    end = decided(status, "Promoted").at.timestamp()
    assert {version for version, _, _ in answers.counts(end, float("inf"))} <= {"v2"}
    assert shop.get("deployment", "recochat")["spec"]["paused"] is True
    assert shop.get("deployments")["items"][0]["metadata"]["name"] == "recochat"
    backends = shop.get("httproute", "recochat")["spec"]["rules"][0]["backendRefs"]
    assert [backend["name"] for backend in backends] == ["recochat"]


def errors_roll_back_and_cost_only_what_the_canary_answered(shop: Shop) -> None:
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        before = shop.pods()
        shop.deploy("v2", {"errorShare": 0.2})
        status = shop.wait_for(Phase.ROLLED_BACK)
    decision = decided(status, "RolledBack")
    assert decision.reason in ("ErrorRateBreached", "AvailabilityBreached")
    failures = load.answers.failures(0, float("inf"))
    assert {answer.version for answer in failures if answer.track == "canary"} == {"v2"}
    assert not_on_trial(load) == []
    # How fast is for `make bench-rollback` to say; here only that it ends with the decision.
    assert load.answers.last_on("canary", decision.at.timestamp() + PATIENCE_S) is None
    assert shop.pods() == before
    assert shop.restarts() == 0


def a_slow_version_is_rolled_back(shop: Shop) -> None:
    rolled_back(shop, {"latencyMs": 800}, "LatencyP95Breached")


def a_version_that_crashes_at_once_is_rolled_back(shop: Shop) -> None:
    rolled_back(shop, {"crashAfterS": 0}, "CanaryFailing")


def rolled_back(shop: Shop, faults: dict[str, float], reason: str) -> None:
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2", faults)
        status = shop.wait_for(Phase.ROLLED_BACK)
    assert decided(status, "RolledBack").reason == reason
    assert not_on_trial(load) == []
    assert [d["metadata"]["name"] for d in shop.get("deployments")["items"]] == ["recochat"]


def a_canary_that_dies_in_service_is_rolled_back_at_once(shop: Shop) -> None:
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2", {"crashAfterS": 12})
        status = shop.wait_for(Phase.ROLLED_BACK)
    decision = decided(status, "RolledBack")
    assert decision.reason in ("CanaryDown", "CanaryFailing")
    assert [
        answer
        for answer in load.answers.failures(decision.at.timestamp() + PATIENCE_S, float("inf"))
    ] == []


def a_new_template_in_mid_release_starts_over_from_stable(shop: Shop) -> None:
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        serving = shop.template()
        shop.change("v2")
        first = shop.wait_for_weight(5)
        shop.change("v3")
        second = shop.wait(
            lambda s: s.canary_revision != first.canary_revision and s.weight.seen == 5, 90
        )
        assert decided(second, "Superseded").reason == "TemplateChanged"
        shop.put_back(serving)
        status = shop.wait_for(Phase.IDLE)
    assert decided(status, "Reverted").reason == "TemplateReverted"
    assert load.answers.failures(0, float("inf")) == []
    assert load.answers.counts(0, float("inf"))["v3", "canary", 200] > 0


def deleting_the_resource_in_mid_release_gives_traffic_back(shop: Shop) -> None:
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2")
        shop.wait_for_weight(50)
        before = shop.pods()
        shop.kubectl("delete", "crel", "recochat", "--timeout=60s")
        assert shop.pods() == before
        deployment = shop.get("deployment", "recochat")
    # The template is not the one that serves, so it stays paused: nothing unverified rolls out.
    assert deployment["spec"]["paused"] is True
    assert load.answers.failures(0, float("inf")) == []
    assert [d["metadata"]["name"] for d in shop.get("deployments")["items"]] == ["recochat"]


STORIES = tuple(
    Story(tell, pods=2)
    for tell in (
        a_good_version_is_promoted_without_a_failed_request,
        deleting_the_resource_in_mid_release_gives_traffic_back,
        a_new_template_in_mid_release_starts_over_from_stable,
        a_canary_that_dies_in_service_is_rolled_back_at_once,
        errors_roll_back_and_cost_only_what_the_canary_answered,
        a_slow_version_is_rolled_back,
        a_version_that_crashes_at_once_is_rolled_back,
        adopting_and_leaving_restart_no_pod_and_fail_no_request,
    )
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_release(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()
