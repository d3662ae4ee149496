"""The operator itself: its chart's tests, its Events, and what remains when it goes."""

import time
from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from hack.cluster import tools
from hack.cluster.cluster import Cluster
from hack.cluster.run import sh
from hack.demo.install import OPERATOR, OPERATOR_NAMESPACE, install_operator
from linnet.api.status import Phase
from tests.support.shop import Shop, decided
from tests.support.stories import Story


def helm(cluster: Cluster, *words: str) -> str:
    return sh(tools.tool("helm"), *words, env={"KUBECONFIG": cluster.kubeconfig}, timeout=240)


def helm_test_passes_for_both_charts(shop: Shop) -> None:
    helm(shop.cluster, "test", OPERATOR, "-n", OPERATOR_NAMESPACE)
    helm(shop.cluster, "test", "recochat", "-n", shop.namespace)


def decisions_are_told_as_events(shop: Shop) -> None:
    shop.deploy("v1")
    shop.wait_for(Phase.IDLE)
    shop.deploy("v2", {"crashAfterS": 0})
    status = shop.wait_for(Phase.ROLLED_BACK)
    told = shop.get("events.events.k8s.io", "--field-selector=regarding.kind=CanaryRelease")
    by_reason = {event["reason"]: event["note"] for event in told["items"]}
    assert {"Adopted", "Started", "RolledBack"} <= by_reason.keys()
    assert by_reason["RolledBack"] == decided(status, "RolledBack").message


STORIES = (
    Story(decisions_are_told_as_events),
    Story(helm_test_passes_for_both_charts, judged=False),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_the_operator_tells(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()


@pytest.mark.usefixtures("judged")
def test_uninstalling_in_mid_release_leaves_a_working_service(shop: Shop) -> None:
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2")
        shop.wait_for_weight(50)
        before = shop.pods()
        try:
            helm(shop.cluster, "uninstall", OPERATOR, "-n", OPERATOR_NAMESPACE, "--wait")
            time.sleep(5)  # what would break without the operator gets the time to do so
            assert shop.pods() == before
        finally:
            install_operator(shop.cluster, shop.cluster.images["operator"])
        # Installed again, it goes on where it was.
        shop.wait_for(Phase.PROMOTED, 180)
    assert load.answers.failures(0, float("inf")) == []
