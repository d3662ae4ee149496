"""What a Service goes through that is split by pods, on a real API server.

The test plays the controllers that make pods and fill endpoints.
"""

import dataclasses
import json

import pytest

from linnet.core.labels import SPLIT, TRACKS, WEIGHT, labels_of
from linnet.core.observed import RouteObserved
from linnet.providers.errors import Conflict, Unusable
from linnet.providers.kubernetes import DEPLOYMENTS, SERVICES, KubernetesClient, Manifest, Resource
from linnet.providers.traffic.replicas import FIELD_MANAGER, ReplicasTraffic
from tests.support.apiserver import ApiServer
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.one_service import OneService
from tests.support.workload_manifests import service

OWN = {"app": "shop"}
STABLE_ONLY = OWN | {"pod-template-hash": "one"}
CANARY_ONLY = OWN | {"linnet.dev/track": "canary"}


async def seen(shop: OneService) -> RouteObserved:
    found = await shop.provider.observe(shop.split)
    assert found is not None
    return found


async def test_the_selector_is_the_switch(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    for weight, selector in ((0, STABLE_ONLY), (5, OWN), (99, OWN), (100, CANARY_ONLY)):
        await shop.provider.set_weight(shop.split, weight)
        assert await shop.selector() == selector


async def test_a_split_service_says_whose_and_how(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 5)
    metadata = (await shop.read())["metadata"]
    assert labels_of({"metadata": metadata}) == {SPLIT: "shop", TRACKS: "both"}
    assert metadata["annotations"] == {WEIGHT: "5"}


async def test_restoring_leaves_the_service_as_its_user_wrote_it(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    before = await shop.read()
    for weight in (0, 50, 100):
        await shop.provider.set_weight(shop.split, weight)
    await shop.provider.restore(shop.split)
    after = await shop.read()
    assert after["spec"] == before["spec"]
    assert labels_of(after) == {}
    assert "annotations" not in after["metadata"]


async def test_the_share_is_the_one_that_pods_give(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 5)
    await shop.accept()
    found = await seen(shop)
    assert (found.weight, found.share, found.accepted, found.pods) == (5, 20, True, 1)


@pytest.mark.parametrize(
    ("pods", "share", "accepted", "near"),
    [(1, 20, False, False), (3, 43, False, True), (4, 50, True, True), (5, 56, True, True)],
)
async def test_a_weight_counts_once_its_pods_have_joined(
    one_service: OneService, pods: int, share: int, accepted: bool, near: bool
) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 50)
    await shop.set_canary(pods)
    await shop.fill_endpoints()
    found = await seen(shop)
    assert (found.share, found.accepted, found.near) == (share, accepted, near)
    said = f"{pods} of {pods + 4} ready pods are the canary's"
    assert found.message == ("" if accepted else said)


@pytest.mark.parametrize("weight", [0, 100])
async def test_a_weight_counts_once_the_endpoints_follow_the_selector(
    one_service: OneService, weight: int
) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 50)
    await shop.accept()
    await shop.provider.set_weight(shop.split, weight)
    found = await seen(shop)
    assert (found.weight, found.accepted, found.share) == (weight, False, None)
    assert found.message == "the Service's endpoints don't follow its selector yet"
    await shop.fill_endpoints()
    found = await seen(shop)
    assert (found.weight, found.accepted, found.share) == (weight, True, weight)


@pytest.mark.parametrize(
    ("weight", "edit"),
    [
        (0, {"pod-template-hash": None}),
        (0, {"pod-template-hash": "other"}),
        (0, {"pod-template-hash": None, "linnet.dev/track": "canary"}),
        (50, {"pod-template-hash": "one"}),
        (100, {"linnet.dev/track": None}),
    ],
)
async def test_a_selector_edited_by_hand_is_noticed_and_put_right(
    one_service: OneService, weight: int, edit: dict[str, str | None]
) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, weight)
    before = await shop.selector()
    await shop.select_by(**edit)
    assert (await seen(shop)).weight is None
    await shop.provider.set_weight(shop.split, weight)
    assert await shop.selector() == before
    assert (await seen(shop)).weight == weight


@pytest.mark.parametrize("text", ["", "many", "101"])
async def test_a_weight_that_was_edited_by_hand_is_no_weight(
    one_service: OneService, text: str
) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 50)
    annotations = {"metadata": {"annotations": {WEIGHT: text}}}
    await shop.client.patch(SERVICES, shop.namespace, "shop", annotations)
    assert (await seen(shop)).weight is None


async def test_what_the_user_changes_of_the_selector_stays(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 0)
    await shop.select_by(tier="web")
    assert (await seen(shop)).weight == 0
    await shop.provider.set_weight(shop.split, 50)
    await shop.provider.restore(shop.split)
    assert await shop.selector() == {"app": "shop", "tier": "web"}


async def test_pods_of_another_workload_behind_the_service_are_refused(
    one_service: OneService,
) -> None:
    shop = one_service
    await shop.add()
    await shop.add_pod("legacy-7", {"app": "shop"})
    with pytest.raises(Unusable, match="Service shop also selects pod legacy-7") as caught:
        await shop.provider.set_weight(shop.split, 0)
    assert caught.value.reason == "ServiceSelectsOthers"
    assert (await seen(shop)).problem == (caught.value.reason, caught.value.message)


async def test_a_service_with_unready_addresses_is_refused(one_service: OneService) -> None:
    shop = one_service
    await shop.add(publishNotReadyAddresses=True)
    reason, message = (await seen(shop)).problem or ("", "")
    assert reason == "ServicePublishesUnready"
    assert "set spec.publishNotReadyAddresses to false" in message


async def test_a_service_that_is_narrowed_already_is_refused(one_service: OneService) -> None:
    shop = one_service
    await shop.add(selector=STABLE_ONLY)
    reason, message = (await seen(shop)).problem or ("", "")
    assert reason == "ServiceNarrowed"
    assert "Service shop selects by pod-template-hash" in message


async def test_a_service_is_split_by_one_release_only(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 50)
    other = dataclasses.replace(shop.split, release="tea")
    with pytest.raises(Unusable, match="split by CanaryRelease shop") as caught:
        await shop.provider.set_weight(other, 0)
    assert caught.value.reason == "ServiceSplitAlready"
    found = await shop.provider.observe(other)
    assert found is not None
    assert found.problem == (caught.value.reason, caught.value.message)
    await shop.provider.restore(other)
    assert (await seen(shop)).weight == 50


async def test_stable_is_the_version_that_was_decided_on(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    new = await shop.roll_out("shop:2", "two", ready=5)
    await shop.provider.set_weight(shop.split, 0)
    assert await shop.selector() == STABLE_ONLY
    later = dataclasses.replace(shop.split, stable_revision=new)
    await shop.provider.set_weight(later, 0)
    assert await shop.selector() == OWN | {"pod-template-hash": "two"}


async def test_stable_is_what_works_where_nothing_runs_that_version(
    one_service: OneService,
) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 0)
    await shop.roll_out("shop:2", "two", ready=1)
    await shop.set_ready("one", 0)
    assert (await seen(shop)).weight is None
    await shop.provider.set_weight(shop.split, 0)
    assert await shop.selector() == OWN | {"pod-template-hash": "two"}


async def test_all_pods_are_stable_while_it_rolls_over(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    rolling = dataclasses.replace(shop.split, stable_revision="")
    await shop.provider.set_weight(rolling, 0)
    assert await shop.selector() == OWN
    await shop.fill_endpoints()
    found = await shop.provider.observe(rolling)
    assert found is not None
    assert (found.weight, found.accepted) == (0, True)


async def test_without_the_deployment_traffic_stays_on_what_there_is(
    one_service: OneService,
) -> None:
    shop = one_service
    await shop.add()
    await shop.provider.set_weight(shop.split, 50)
    await shop.accept()
    await shop.client.delete(DEPLOYMENTS, shop.namespace, "shop")
    assert (await seen(shop)).weight == 50
    await shop.provider.set_weight(shop.split, 0)
    assert await shop.selector() == OWN
    assert not (await seen(shop)).accepted
    await shop.provider.restore(shop.split)
    assert (await seen(shop)).canary_listed


async def test_pods_of_a_canary_behind_a_whole_service_are_seen(one_service: OneService) -> None:
    shop = one_service
    await shop.add()
    await shop.set_canary(2)
    found = await seen(shop)
    assert (found.weight, found.canary_listed, found.accepted, found.pods) == (None, True, False, 2)


class Interfering(KubernetesClient):
    """Edits the Service right after somebody reads it."""

    edits: list[Manifest]

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        found = await super().get(resource, namespace, name)
        if resource == SERVICES and self.edits:
            await self.patch(resource, namespace, name, self.edits.pop())
        return found


async def test_an_edit_in_between_is_not_lost(
    one_service: OneService, gateway_server: ApiServer
) -> None:
    shop = one_service
    await shop.add()
    client = await Interfering.connect(kubeconfig=str(gateway_server.kubeconfig))
    provider = ReplicasTraffic(client)
    client.edits = [{"spec": {"selector": {"tier": "web"}}}, {"metadata": {"labels": {"a": "b"}}}]
    await provider.set_weight(shop.split, 100)
    assert await shop.selector() == CANARY_ONLY | {"tier": "web"}
    client.edits = [{"spec": {"selector": {"tier": None}}}]
    await provider.restore(shop.split)
    assert await shop.selector() == OWN
    assert labels_of(await shop.read()) == {"a": "b"}
    await client.close()


async def test_a_users_apply_conflicts_during_a_release_only(
    one_service: OneService, gateway_server: ApiServer
) -> None:
    shop = one_service
    await shop.add()
    manifest = service()
    manifest["metadata"]["namespace"] = shop.namespace
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    gateway_server.kubectl(*apply, input=manifest)
    await shop.provider.set_weight(shop.split, 100)
    with pytest.raises(Conflict, match="linnet-traffic"):
        await shop.client.apply(SERVICES, manifest, "user", force=False)
    await shop.provider.restore(shop.split)
    found = json.loads(
        gateway_server.kubectl(
            "-n", shop.namespace, "get", "service/shop", "-o", "json", "--show-managed-fields"
        )
    )
    assert FIELD_MANAGER not in {entry["manager"] for entry in found["metadata"]["managedFields"]}
    manifest["spec"]["selector"] = {"app": "shop", "tier": "web"}
    await shop.client.apply(SERVICES, manifest, "user", force=False)
    assert await shop.selector() == {"app": "shop", "tier": "web"}


async def test_a_rollback_is_one_write() -> None:
    client = FakeKubernetes()
    shop = OneService(client, "default")
    await shop.add()
    await shop.provider.set_weight(shop.split, 50)
    await shop.accept()
    before = len(client.writes)
    await shop.provider.set_weight(shop.split, 0)
    assert [str(call) for call in client.writes[before:]] == ["apply Service shop"]
