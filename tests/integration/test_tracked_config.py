"""Tracked config on a real API server with its controllers; the test plays the kubelet."""

import base64
from typing import Any

import pytest

from linnet.api.config import TrackedConfig
from linnet.core.labels import CONFIG
from linnet.core.observed import ConfigObserved
from linnet.core.references import Reference, references
from linnet.core.revision import revision
from linnet.providers.config import ConfigCopies
from linnet.providers.kubernetes import CONFIGMAPS, DEPLOYMENTS, REPLICASETS, SECRETS, Manifest
from tests.support.apiserver import KubectlError
from tests.support.stage import Stage, eventually
from tests.support.workload_manifests import config_map, deployment, service

SETTINGS = TrackedConfig.model_validate({"name": "settings", "mountedAs": "settings-live"})
KEYS = TrackedConfig.model_validate({"kind": "Secret", "name": "keys", "mountedAs": "keys-live"})
MIB = 1024 * 1024


def reading_live(image: str = "shop:1") -> Manifest:
    """The Deployment, its template reading what Linnet writes."""
    manifest = deployment(image)
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    container["envFrom"] = [{"configMapRef": {"name": "settings-live"}}]
    return manifest


def config_of(stage: Stage) -> ConfigCopies:
    return ConfigCopies(stage.client)


async def seen(stage: Stage) -> ConfigObserved:
    found = await config_of(stage).observe(stage.target)
    assert found is not None
    return found


async def data(stage: Stage, name: str) -> Any:
    return (await stage.read(CONFIGMAPS, name)).get("data")


async def sets(stage: Stage) -> int:
    return len(await stage.client.list(REPLICASETS, stage.namespace, "app=shop"))


@pytest.fixture
async def shop(cluster: Stage) -> Stage:
    """The app `shop`, version 1, rolled out and held, with its config written."""
    cluster.tracked = (SETTINGS,)
    cluster.user_applies(config_map(colour="red"))
    await config_of(cluster).write(cluster.target, (await seen(cluster)).live)
    cluster.user_applies(service())
    cluster.user_applies(reading_live())
    await cluster.settle()
    await cluster.workloads.hold(cluster.target)
    return cluster


async def changed(shop: Stage, **content: str) -> str:
    """The user changes the config; returns the revision that is then wanted."""
    shop.user_applies(config_map(**content))
    return revision((await shop.stable()).template_revision, (await seen(shop)).source)


async def test_what_is_there_before_the_first_promotion(shop: Stage) -> None:
    found, stable = await seen(shop), await shop.stable()
    assert found == ConfigObserved(found.source, found.source, True, {found.source: True})
    assert (stable.config, set(stable.serving)) == ("", {stable.template_revision})
    assert stable.reads == {Reference("ConfigMap", "settings-live")}


async def test_a_canary_reads_the_new_content_and_stable_the_old(shop: Stage) -> None:
    two = await changed(shop, colour="blue")
    _, _, content = two.partition("-")
    await config_of(shop).keep(shop.target, content)
    await shop.workloads.ensure_canary(shop.target, two, 1)
    canary = await shop.read(DEPLOYMENTS, "shop-canary")
    [read] = references(canary["spec"]["template"])
    assert read == Reference("ConfigMap", f"settings-live-{content}")
    assert await data(shop, read.name) == {"colour": "blue"}
    assert await data(shop, "settings-live") == {"colour": "red"}
    assert (await shop.canary()).revision == two
    stable = await shop.stable()
    assert stable.rolled_out
    assert await sets(shop) == 1


async def test_a_promoted_content_gives_new_pods_and_stays_promoted(shop: Stage) -> None:
    two = await changed(shop, colour="blue")
    await config_of(shop).write(shop.target, two.partition("-")[2])
    assert not set((await shop.stable()).serving) & {two}
    await shop.workloads.resume(shop.target, two)
    await shop.settle()
    assert dict((await shop.stable()).serving) == {two: 2}
    assert await data(shop, "settings-live") == {"colour": "blue"}
    await shop.workloads.hold(shop.target)
    # The user's next apply, of either sort, takes nothing of that away.
    template = reading_live()
    shop.user_applies(template)
    flags = ("--server-side", "--field-manager=gitops", "--force-conflicts=false")
    shop.server.kubectl("apply", *flags, "-f", "-", input=template)
    stable = await shop.stable()
    assert (stable.paused, stable.rolled_out, dict(stable.serving)) == (True, True, {two: 2})
    assert await sets(shop) == 2


async def test_letting_go_restarts_nothing_and_leaves_what_pods_read(shop: Stage) -> None:
    two = await changed(shop, colour="blue")
    await config_of(shop).write(shop.target, two.partition("-")[2])
    await shop.workloads.resume(shop.target, two)
    await shop.settle()
    await shop.workloads.hold(shop.target)
    await shop.workloads.let_go(shop.target, two)
    await config_of(shop).remove_copies(shop.target)
    found = await shop.read(DEPLOYMENTS, "shop")
    assert found["spec"]["template"]["metadata"]["annotations"] == {CONFIG: two.partition("-")[2]}
    assert "linnet" not in {entry["manager"] for entry in found["metadata"]["managedFields"]}
    stable = await shop.stable()
    assert (stable.paused, stable.rolled_out) == (False, True)
    names = {
        each["metadata"]["name"] for each in await shop.client.list(CONFIGMAPS, shop.namespace)
    }
    assert names - {"kube-root-ca.crt"} == {"settings", "settings-live"}


async def test_a_new_template_during_the_pause_keeps_the_content_of_the_old(shop: Stage) -> None:
    two = shop.user_applies(reading_live("shop:2"))
    stable = await shop.stable()
    assert stable.template_revision == two
    await shop.workloads.resume(shop.target, revision(two, (await seen(shop)).live))
    await shop.settle()
    assert dict((await shop.stable()).serving) == {revision(two, (await seen(shop)).live): 2}


async def test_a_copy_cannot_be_edited(shop: Stage) -> None:
    name = f"settings-live-{(await seen(shop)).live}"
    with pytest.raises(KubectlError, match="field is immutable"):
        shop.kubectl("patch", "configmap", name, "-p", '{"data": {"colour": "blue"}}')


async def test_an_edit_by_hand_is_undone_to_the_last_key(shop: Stage) -> None:
    one = (await seen(shop)).live
    patch = '{"data": {"colour": "blue", "size": "xl"}, "binaryData": {"logo": "AAE="}}'
    shop.kubectl("patch", "configmap", "settings-live", "-p", patch)
    assert (await seen(shop)).live != one
    await config_of(shop).write(shop.target, one)
    live = await shop.read(CONFIGMAPS, "settings-live")
    assert live["data"] == {"colour": "red"}
    assert "binaryData" not in live
    shop.kubectl("delete", "configmap", "settings-live")
    await config_of(shop).write(shop.target, one)
    assert await data(shop, "settings-live") == {"colour": "red"}


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # a mebibyte at once
async def test_the_most_that_a_config_map_holds_is_copied(shop: Stage) -> None:
    content = {"text": "x" * (MIB // 2), "more": "\u20ac" * (MIB // 6 - 400)}
    manifest = config_map(**content)
    manifest["metadata"]["namespace"] = shop.namespace
    blob = base64.b64encode(bytes(1000)).decode()
    manifest["binaryData"] = {"blob": blob}
    # Not by client-side apply: its annotation would double the size.
    shop.server.kubectl("replace", "-f", "-", input=manifest)
    two = (await seen(shop)).source
    await config_of(shop).write(shop.target, two)
    live = await shop.read(CONFIGMAPS, "settings-live")
    assert (live["data"], live["binaryData"]) == (content, {"blob": blob})
    assert (await seen(shop)).copies[two]


async def test_a_source_that_is_immutable_is_replaced_by_another(shop: Stage) -> None:
    shop.kubectl("patch", "configmap", "settings", "-p", '{"immutable": true}')
    assert (await seen(shop)).problem is None
    shop.kubectl("delete", "configmap", "settings")
    problem = (await seen(shop)).problem
    assert problem is not None
    assert problem[0] == "ConfigMissing"
    two = await changed(shop, colour="blue")
    await config_of(shop).write(shop.target, two.partition("-")[2])
    assert await data(shop, "settings-live") == {"colour": "blue"}


async def test_the_command_of_a_missing_label_mends_it(shop: Stage) -> None:
    shop.kubectl("label", "configmap", "settings", "linnet.dev/tracked-")
    problem = (await seen(shop)).problem
    assert problem is not None
    reason, message = problem
    assert reason == "ConfigNotLabelled"
    words = message.partition("kubectl ")[2].split()
    shop.server.kubectl(*words)
    assert (await seen(shop)).problem is None


async def test_the_command_of_a_taken_name_hands_it_over(cluster: Stage) -> None:
    cluster.tracked = (SETTINGS,)
    cluster.user_applies(config_map(colour="red"))
    cluster.kubectl("create", "configmap", "settings-live", "--from-literal=colour=blue")
    problem = (await seen(cluster)).problem
    assert problem is not None
    reason, message = problem
    assert reason == "NameTaken"
    cluster.server.kubectl(*message.partition("kubectl ")[2].split())
    found = await seen(cluster)
    assert (found.problem, found.written, found.live == found.source) == (None, True, False)


async def test_a_secret_of_any_type_is_copied_for_pods_to_read(cluster: Stage) -> None:
    cluster.tracked = (SETTINGS, KEYS)
    cluster.user_applies(config_map(colour="red"))
    content = {"username": "c2hvcA==", "password": "c2VjcmV0"}
    metadata = {"name": "keys", "labels": {"linnet.dev/tracked": "true"}}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": content}
    cluster.user_applies({**manifest, "type": "kubernetes.io/basic-auth"})
    found = await seen(cluster)
    await config_of(cluster).write(cluster.target, found.live)
    for name in ("keys-live", f"keys-live-{found.live}"):
        assert (await cluster.read(SECRETS, name))["data"] == content
    assert await seen(cluster) == ConfigObserved(found.live, found.live, True, {found.live: True})


async def test_nothing_is_written_twice(shop: Stage) -> None:
    async def versions() -> dict[str, str]:
        found = await shop.client.list(CONFIGMAPS, shop.namespace, "linnet.dev/tracked")
        return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}

    before = await versions()
    await config_of(shop).write(shop.target, (await seen(shop)).live)
    assert await versions() == before
    assert len(before) == 3


async def test_what_pods_wait_for_is_written_once_the_source_is_there(cluster: Stage) -> None:
    """The installation of everything at once: nothing is there that the template names."""
    cluster.tracked = (SETTINGS,)
    cluster.user_applies(service())
    cluster.user_applies(reading_live())

    async def made() -> bool:
        return len(await cluster.pods("app=shop")) == 2

    await eventually(made)
    assert (await seen(cluster)).problem is not None
    cluster.user_applies(config_map(colour="red"))
    found = await seen(cluster)
    assert (found.problem, found.written) == (None, False)
    await config_of(cluster).write(cluster.target, found.live)
    assert await data(cluster, "settings-live") == {"colour": "red"}
