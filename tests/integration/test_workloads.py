"""Stable and canary on a real API server with its controllers; the test plays the kubelet."""

from collections.abc import Callable

import pytest

from linnet.core.labels import RELEASE
from linnet.core.observed import CanaryObserved
from linnet.providers.errors import Conflict, NotFound, Unusable
from linnet.providers.kubernetes import (
    DEPLOYMENTS,
    REPLICASETS,
    SERVICES,
    KubernetesClient,
    Manifest,
    Resource,
)
from linnet.providers.workloads import Target, Workloads
from tests.support.stage import READY, Stage, eventually
from tests.support.workload_manifests import deployment, service


@pytest.fixture
async def shop(cluster: Stage) -> Stage:
    """The app `shop`, version 1, rolled out."""
    cluster.user_applies(service())
    cluster.user_applies(deployment("shop:1"))
    await cluster.settle()
    return cluster


async def test_nothing_is_there(cluster: Stage) -> None:
    assert await cluster.workloads.observe_stable(cluster.target) is None
    assert await cluster.workloads.observe_canary(cluster.target) is None
    for write in (
        cluster.workloads.hold(cluster.target),
        cluster.workloads.resume(cluster.target, "abc"),
        cluster.workloads.ensure_canary(cluster.target, "abc", 1),
        cluster.workloads.settle(cluster.target, "abc"),
    ):
        with pytest.raises(NotFound, match="Deployment shop"):
            await write
    await cluster.workloads.let_go(cluster.target)
    await cluster.workloads.remove_canary(cluster.target)


async def test_a_deployment_and_its_replicaset_have_the_same_revision(shop: Stage) -> None:
    seen = await shop.stable()
    assert dict(seen.serving) == {seen.template_revision: 2}
    assert (seen.replicas, seen.ready, seen.paused) == (2, 2, False)


async def test_a_service_that_is_missing_makes_it_unusable(shop: Stage) -> None:
    other = Target(shop.namespace, "shop", "front", "shop-release")
    with pytest.raises(Unusable, match=r"Service front .* spec.traffic.service") as caught:
        await shop.workloads.observe_stable(other)
    assert caught.value.reason == "ServiceMissing"


async def test_a_held_deployment_starts_no_pod_of_a_new_template(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    await shop.workloads.hold(shop.target)
    two = shop.user_applies(deployment("shop:2", replicas=3))
    seen = await shop.stable()

    async def scaled() -> bool:
        return (await shop.stable()).serving.get(one) == 3

    await eventually(scaled)
    seen = await shop.stable()
    assert (seen.template_revision, dict(seen.serving)) == (two, {one: 3})
    assert (seen.paused, seen.rolled_out) == (True, False)
    found = await shop.read(DEPLOYMENTS, "shop")
    assert found["metadata"]["labels"][RELEASE] == "shop-release"
    assert RELEASE not in found["spec"]["template"]["metadata"]["labels"]


async def test_holding_again_writes_nothing(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    before = (await shop.read(DEPLOYMENTS, "shop"))["metadata"]["generation"]
    await shop.workloads.hold(shop.target)
    assert (await shop.read(DEPLOYMENTS, "shop"))["metadata"]["generation"] == before


async def test_resuming_rolls_the_new_template_out(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    two = shop.user_applies(deployment("shop:2"))
    await shop.workloads.resume(shop.target, two)
    seen = await shop.stable()
    assert (seen.paused, seen.rolled_out) == (False, False)
    await shop.settle()
    assert dict((await shop.stable()).serving) == {two: 2}
    assert (await shop.read(DEPLOYMENTS, "shop"))["metadata"]["labels"][RELEASE]
    await shop.workloads.hold(shop.target)
    held = await shop.stable()
    assert (held.paused, held.template_revision) == (True, two)


async def settled_on(shop: Stage, version: str) -> None:
    """Settle again and again, as the operator does, until all pods are of the version."""

    async def step() -> bool:
        await shop.workloads.settle(shop.target, version)
        await shop.set_pods(READY, "app=shop")
        seen = await shop.stable()
        return (dict(seen.serving), seen.ready) == ({version: 2}, 2)

    await eventually(step)


async def test_stable_is_made_whole_on_a_version_that_its_template_no_longer_is(
    shop: Stage,
) -> None:
    one = (await shop.stable()).template_revision
    two = shop.user_applies(deployment("shop:2"))
    three = shop.user_applies(deployment("shop:3"))
    await shop.workloads.hold(shop.target)
    for version in (two, one, two):
        await settled_on(shop, version)
        seen = await shop.stable()
        assert (seen.template_revision, seen.paused) == (three, True)
    whole = await shop.workloads.observe_stable(shop.target, promoting=True)
    assert whole is not None
    assert {one, two} <= whole.versions


async def test_stable_returns_to_a_version_that_has_no_pod_any_more(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    shop.user_applies(deployment("shop:2"))
    await shop.settle()
    await shop.workloads.hold(shop.target)
    await settled_on(shop, one)


async def test_only_a_held_deployment_is_settled_on_a_version_that_it_has(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    with pytest.raises(Conflict):
        await shop.workloads.settle(shop.target, one)
    await shop.workloads.hold(shop.target)
    await shop.workloads.settle(shop.target, one)
    with pytest.raises(Conflict, match="ReplicaSet of abc"):
        await shop.workloads.settle(shop.target, "abc")


async def test_resuming_right_after_a_change_is_refused(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    two = shop.user_applies(deployment("shop:2"))
    shop.user_applies(deployment("shop:3"))
    with pytest.raises(Conflict, match=f"not {two}"):
        await shop.workloads.resume(shop.target, two)
    assert (await shop.stable()).paused


class Interfering(KubernetesClient):
    """Calls the user's hand once, right after somebody reads a Deployment."""

    hand: Callable[[], object] | None = None

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        found = await super().get(resource, namespace, name)
        if resource is DEPLOYMENTS and self.hand is not None:
            hand, self.hand = self.hand, None
            hand()
        return found


async def test_a_change_between_the_check_and_the_write_is_not_resumed(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    two = shop.user_applies(deployment("shop:2"))
    client = await Interfering.connect(kubeconfig=str(shop.server.kubeconfig))
    client.hand = lambda: shop.user_applies(deployment("shop:3"))
    with pytest.raises(Conflict, match=f"not {two}"):
        await Workloads(client).resume(shop.target, two)
    assert (await shop.stable()).paused
    await client.close()


async def test_a_scaling_between_the_check_and_the_write_is_no_hindrance(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    one = (await shop.stable()).template_revision
    client = await Interfering.connect(kubeconfig=str(shop.server.kubeconfig))
    client.hand = lambda: shop.kubectl("scale", "deployment/shop", "--replicas=3")
    await Workloads(client).resume(shop.target, one)
    seen = await shop.stable()
    assert (seen.paused, seen.replicas) == (False, 3)
    await client.close()


async def test_scaled_to_zero_it_is_seen_with_nothing_serving(shop: Stage) -> None:
    shop.kubectl("scale", "deployment/shop", "--replicas=0")

    async def gone() -> bool:
        return not (await shop.stable()).serving

    await eventually(gone)
    seen = await shop.stable()
    assert (seen.replicas, seen.rolled_out) == (0, False)


async def test_letting_go_leaves_an_unverified_template_paused(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    shop.user_applies(deployment("shop:2"))
    await shop.workloads.let_go(shop.target)
    found = await shop.read(DEPLOYMENTS, "shop")
    assert found["spec"]["paused"] is True
    assert RELEASE not in found["metadata"].get("labels", {})
    assert "linnet" not in {entry["manager"] for entry in found["metadata"]["managedFields"]}
    shop.kubectl("rollout", "resume", "deployment/shop")
    await shop.settle()


async def test_letting_go_resumes_what_serves(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    await shop.workloads.hold(shop.target)
    await shop.workloads.let_go(shop.target, one)
    found = await shop.read(DEPLOYMENTS, "shop")
    assert not found["spec"].get("paused")
    assert RELEASE not in found["metadata"].get("labels", {})
    assert len(await shop.client.list(REPLICASETS, shop.namespace)) == 1


async def test_letting_go_and_guarding_again(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    await shop.workloads.let_go(shop.target)
    await shop.workloads.hold(shop.target)
    one = (await shop.stable()).template_revision
    await shop.workloads.let_go(shop.target, one)
    assert not (await shop.stable()).paused


async def test_letting_go_does_not_resume_another_template(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    await shop.workloads.hold(shop.target)
    shop.user_applies(deployment("shop:2"))
    with pytest.raises(Conflict):
        await shop.workloads.let_go(shop.target, one)
    assert (await shop.stable()).paused


async def test_what_another_release_guards_is_left_to_it(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    one = (await shop.stable()).template_revision
    await shop.workloads.ensure_canary(shop.target, one, 1)
    other = Target(shop.namespace, "shop", "shop", "second")
    for refused in (
        shop.workloads.observe_stable(other),
        shop.workloads.hold(other),
        shop.workloads.ensure_canary(other, one, 1),
    ):
        with pytest.raises(Unusable, match="guarded by CanaryRelease shop-release"):
            await refused
    with pytest.raises(Unusable, match="not made for this CanaryRelease"):
        await shop.workloads.observe_canary(other)
    await shop.workloads.let_go(other, one)
    await shop.workloads.remove_canary(other)
    assert (await shop.stable()).paused
    assert (await shop.canary()).revision == one


async def test_a_canary_runs_beside_stable_and_shares_nothing_with_it(shop: Stage) -> None:
    await shop.workloads.hold(shop.target)
    two = shop.user_applies(deployment("shop:2"))
    await shop.workloads.ensure_canary(shop.target, two, 2)

    async def ready() -> bool:
        await shop.set_pods(READY, "linnet.dev/track=canary")
        return (await shop.canary()).ready == 2

    await eventually(ready)
    assert await shop.canary() == CanaryObserved(revision=two, replicas=2, ready=2)
    canary = await shop.pods("linnet.dev/track=canary")
    assert {pod["spec"]["containers"][0]["image"] for pod in canary} == {"shop:2"}
    assert {pod["metadata"]["labels"]["tier"] for pod in canary} == {"web"}
    assert len(await shop.pods("app=shop")) == 2
    assert (await shop.read(DEPLOYMENTS, "shop-canary"))["metadata"].get("ownerReferences") is None

    # What a Service selects, asked of the API server: there are no nodes, so no endpoints.
    for name in ("shop", "shop-canary"):
        wanted = (await shop.read(SERVICES, name))["spec"]["selector"]
        pods = await shop.pods(",".join(f"{key}={value}" for key, value in wanted.items()))
        owners = {pod["metadata"]["ownerReferences"][0]["name"].rpartition("-")[0] for pod in pods}
        assert (len(pods), owners) == (2, {name})


async def test_ensuring_again_changes_only_what_differs(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    await shop.workloads.ensure_canary(shop.target, one, 1)
    before = (await shop.read(DEPLOYMENTS, "shop-canary"))["metadata"]["generation"]
    await shop.workloads.ensure_canary(shop.target, one, 1)
    assert (await shop.read(DEPLOYMENTS, "shop-canary"))["metadata"]["generation"] == before
    await shop.workloads.ensure_canary(shop.target, one, 3)
    assert (await shop.canary()).replicas == 3


async def test_a_canary_of_another_template_is_refused(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    await shop.workloads.ensure_canary(shop.target, one, 1)
    two = shop.user_applies(deployment("shop:2"))
    with pytest.raises(Conflict, match="has to go before"):
        await shop.workloads.ensure_canary(shop.target, two, 1)
    with pytest.raises(Conflict, match=f"not {one}"):
        await shop.workloads.ensure_canary(shop.target, one, 1)


async def test_removing_the_canary(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    await shop.workloads.ensure_canary(shop.target, one, 1)
    await shop.workloads.remove_canary(shop.target)
    await shop.workloads.remove_canary(shop.target)
    assert await shop.workloads.observe_canary(shop.target) is None
    assert await shop.client.get(SERVICES, shop.namespace, "shop-canary") is None
    assert await shop.client.get(SERVICES, shop.namespace, "shop") is not None
    await shop.workloads.ensure_canary(shop.target, one, 1)


async def test_the_users_own_deployment_of_that_name_is_left_alone(shop: Stage) -> None:
    own = deployment()
    own["metadata"] |= {"name": "shop-canary", "namespace": shop.namespace}
    own["spec"]["selector"]["matchLabels"] = {"app": "mine"}
    own["spec"]["template"]["metadata"]["labels"] = {"app": "mine"}
    await shop.client.create(DEPLOYMENTS, own)
    one = (await shop.stable()).template_revision
    for refused in (
        shop.workloads.observe_canary(shop.target),
        shop.workloads.ensure_canary(shop.target, one, 1),
    ):
        with pytest.raises(Unusable, match="rename or delete") as caught:
            await refused
        assert caught.value.reason == "NameTaken"
    await shop.workloads.remove_canary(shop.target)
    assert await shop.read(DEPLOYMENTS, "shop-canary")


async def test_why_a_canary_cannot_come_up(shop: Stage) -> None:
    one = (await shop.stable()).template_revision
    await shop.workloads.ensure_canary(shop.target, one, 1)

    async def started() -> bool:
        return len(await shop.pods("linnet.dev/track=canary")) == 1

    await eventually(started)
    assert (await shop.canary()).failure == ""
    waiting = {"reason": "ImagePullBackOff", "message": "no shop:2"}
    container = {"name": "app", "state": {"waiting": waiting}, "image": "", "imageID": ""}
    status = {"containerStatuses": [{**container, "ready": False, "restartCount": 0}]}
    await shop.set_pods(status, "linnet.dev/track=canary")
    assert (await shop.canary()).failure.startswith("ImagePullBackOff: container app of pod shop-")
    await shop.client.delete(SERVICES, shop.namespace, "shop-canary")
    assert (await shop.canary()).failure.startswith("ServiceMissing: ")
