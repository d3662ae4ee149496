"""The operator itself: two replicas, one leader, and what remains when it goes."""

import json
import time
from collections.abc import Callable

from hack.cluster import tools
from hack.cluster.cluster import Cluster
from hack.cluster.run import sh
from hack.demo.install import OPERATOR, OPERATOR_NAMESPACE, install_operator
from linnet.api.status import Phase
from tests.support.shop import Shop, decided


def helm(cluster: Cluster, *words: str) -> str:
    return sh(tools.tool("helm"), *words, env={"KUBECONFIG": cluster.kubeconfig}, timeout=240)


def holder(cluster: Cluster) -> str:
    lease = json.loads(
        cluster.kubectl("get", "lease", "-n", OPERATOR_NAMESPACE, OPERATOR, "-o", "json")
    )
    return str(lease["spec"]["holderIdentity"])


def eventually(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True


def test_helm_test_passes_for_both_charts(shop: Shop) -> None:
    helm(shop.cluster, "test", OPERATOR, "-n", OPERATOR_NAMESPACE)
    helm(shop.cluster, "test", "recochat", "-n", shop.namespace)


def test_a_killed_leader_is_followed_and_the_release_goes_on(shop: Shop) -> None:
    with shop.load() as load:
        shop.deploy("v1")
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2")
        shop.wait_for_weight(5)
        killed = holder(shop.cluster)
        words = ("delete", "pod", "-n", OPERATOR_NAMESPACE, killed, "--grace-period=0", "--force")
        shop.cluster.kubectl(*words)
        shop.wait_for(Phase.PROMOTED, 180)
    assert holder(shop.cluster) not in ("", killed)
    assert load.answers.failures(0, float("inf")) == []


def test_deletion_does_not_wait_for_prometheus(shop: Shop) -> None:
    shop.deploy("v1")
    shop.wait_for(Phase.IDLE)
    shop.deploy("v2")
    shop.wait_for_weight(5)
    prometheus = ("-n", "monitoring", "deployment/prometheus")
    shop.cluster.kubectl("scale", *prometheus, "--replicas=0")
    try:
        shop.kubectl("delete", "crel", "recochat", "--timeout=40s")
    finally:
        shop.cluster.kubectl("scale", *prometheus, "--replicas=1")
        shop.cluster.kubectl("rollout", "status", *prometheus, "--timeout=90s")


def test_decisions_are_told_as_events(shop: Shop) -> None:
    shop.deploy("v1")
    shop.wait_for(Phase.IDLE)
    shop.deploy("v2", {"crashAfterS": 0})
    status = shop.wait_for(Phase.ROLLED_BACK)
    told = shop.get("events.events.k8s.io", "--field-selector=regarding.kind=CanaryRelease")
    by_reason = {event["reason"]: event["note"] for event in told["items"]}
    assert {"Adopted", "Started", "RolledBack"} <= by_reason.keys()
    assert by_reason["RolledBack"] == decided(status, "RolledBack").message


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
