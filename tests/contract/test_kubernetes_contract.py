"""What the client of the Kubernetes API promises, in memory and on a real API server."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from linnet.providers.errors import ApiError, Conflict, LeaseLost, NotFound
from linnet.providers.kubernetes import (
    DEPLOYMENTS,
    EVENTS,
    HTTPROUTES,
    LEASES,
    SERVICES,
    KubernetesClient,
    Manifest,
    Resource,
)
from linnet.providers.mirror import WATCHED, Mirror
from linnet.providers.mirrored import MirroredClient
from tests.support.apiserver import ApiServer
from tests.support.fake_kubernetes import Cluster, FakeKubernetes
from tests.support.workload_manifests import deployment, http_route, service

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")


class Subject:
    """A client, and a namespace of its own."""

    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    def here(self, manifest: Manifest, **metadata: Any) -> Manifest:
        return {**manifest, "metadata": {"name": "shop", "namespace": self.namespace, **metadata}}

    async def have(self, resource: Resource, manifest: Manifest, **metadata: Any) -> Manifest:
        return await self.client.create(resource, self.here(manifest, **metadata))

    async def read(self, resource: Resource) -> Manifest:
        found = await self.client.get(resource, self.namespace, "shop")
        assert found is not None
        return found

    async def patch(self, resource: Resource, patch: Any, subresource: str = "") -> Manifest:
        return await self.client.patch(resource, self.namespace, "shop", patch, subresource)

    async def pause(self, paused: bool, manager: str = "guard", **how: Any) -> Manifest:
        manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"paused": paused}}
        return await self.client.apply(DEPLOYMENTS, self.here(manifest), manager, **how)


@pytest.fixture
async def real(gateway_server: ApiServer) -> AsyncIterator[Subject]:
    namespace = f"test-{secrets.token_hex(4)}"
    gateway_server.kubectl("create", "namespace", namespace)
    client = await KubernetesClient.connect(kubeconfig=str(gateway_server.kubeconfig))
    yield Subject(client, namespace)
    await client.close()


@pytest.fixture(params=["fake", "real", "mirrored"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "real":
        found: Subject = request.getfixturevalue("real")
        return found
    fake = FakeKubernetes(Cluster(unknown={WIDGETS}))
    if request.param == "fake":
        return Subject(fake, "default")
    mirror = Mirror(lambda: 0.0)
    for resource in WATCHED:
        mirror.fill(resource, [])
    return Subject(MirroredClient(fake, mirror), "default")


def version(manifest: Manifest) -> str:
    return str(manifest["metadata"]["resourceVersion"])


def generation(manifest: Manifest) -> int:
    return int(manifest["metadata"]["generation"])


async def test_what_is_absent(subject: Subject) -> None:
    client, namespace = subject.client, subject.namespace
    assert await client.get(SERVICES, namespace, "shop") is None
    assert await client.list(SERVICES, namespace) == []
    assert not await client.delete(SERVICES, namespace, "shop")
    await client.disown(SERVICES, namespace, "shop", "guard")
    with pytest.raises(NotFound):
        await client.patch(SERVICES, namespace, "shop", {"metadata": {"labels": {"a": "b"}}})


async def test_a_kind_that_the_cluster_does_not_know(subject: Subject) -> None:
    with pytest.raises(NotFound, match="widgets"):
        await subject.client.get(WIDGETS, subject.namespace, "shop")
    with pytest.raises(NotFound):
        await subject.client.list(WIDGETS)


async def test_create_gives_identity_and_version(subject: Subject) -> None:
    created = await subject.have(DEPLOYMENTS, {**deployment(), "status": {"replicas": 9}})
    assert created["metadata"]["uid"]
    assert generation(created) == 1
    found = await subject.read(DEPLOYMENTS)
    assert version(found) == version(created)
    assert not (found.get("status") or {}).get("replicas"), "a status is written apart"


async def test_create_of_what_is_there(subject: Subject) -> None:
    await subject.have(SERVICES, service())
    with pytest.raises(Conflict):
        await subject.have(SERVICES, service())


async def test_what_is_read_is_a_copy(subject: Subject) -> None:
    await subject.have(SERVICES, service())
    (await subject.read(SERVICES))["spec"]["selector"]["app"] = "other"
    assert (await subject.read(SERVICES))["spec"]["selector"]["app"] == "shop"


async def test_an_event_gets_a_name(subject: Subject) -> None:
    regarding = {"kind": "Service", "namespace": subject.namespace, "name": "shop"}
    created = await subject.client.create(
        EVENTS,
        {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"namespace": subject.namespace, "generateName": "shop-"},
            "eventTime": "2030-01-01T00:00:00.000000Z",
            "reportingController": "linnet.dev/operator",
            "reportingInstance": "one",
            "type": "Normal",
            "reason": "Started",
            "action": "TemplateChanged",
            "note": "a note",
            "regarding": regarding,
        },
    )
    assert created["metadata"]["name"].startswith("shop-")
    assert len(await subject.client.list(EVENTS, subject.namespace)) == 1


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", ["shop", "tea"]),
        ("app=shop", ["shop"]),
        ("app=shop,tier=web", ["shop"]),
        ("app=shop,tier=db", []),
        ("tier", ["shop"]),
        ("!tier", ["tea"]),
        ("app in (shop,tea)", ["shop", "tea"]),
        ("app notin (shop),app", ["tea"]),
    ],
)
async def test_list_by_labels(subject: Subject, selector: str, found: list[str]) -> None:
    await subject.have(SERVICES, service(), labels={"app": "shop", "tier": "web"})
    await subject.have(SERVICES, service(), name="tea", labels={"app": "tea"})
    services = await subject.client.list(SERVICES, subject.namespace, selector)
    assert [each["metadata"]["name"] for each in services] == found


async def test_a_merge_patch_adds_changes_and_removes(subject: Subject) -> None:
    await subject.have(SERVICES, service(), labels={"a": "1", "b": "2"})
    changed = await subject.patch(SERVICES, {"metadata": {"labels": {"a": None, "b": "3"}}})
    assert changed["metadata"]["labels"] == {"b": "3"}
    assert changed["spec"]["selector"] == {"app": "shop"}


async def test_a_patch_of_an_older_version_is_refused(subject: Subject) -> None:
    old = version(await subject.have(SERVICES, service()))
    await subject.patch(SERVICES, {"metadata": {"resourceVersion": old, "labels": {"a": "1"}}})
    with pytest.raises(Conflict):
        await subject.patch(SERVICES, {"metadata": {"resourceVersion": old, "labels": {"a": "2"}}})


async def test_a_patch_that_changes_nothing_keeps_the_version(subject: Subject) -> None:
    before = await subject.have(SERVICES, service(), labels={"a": "1"})
    after = await subject.patch(SERVICES, {"metadata": {"labels": {"a": "1"}}})
    assert version(after) == version(before)


async def test_the_generation_counts_changes_of_the_spec(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment())
    assert generation(await subject.patch(DEPLOYMENTS, {"spec": {"paused": True}})) == 2
    assert generation(await subject.patch(DEPLOYMENTS, {"metadata": {"labels": {"a": "1"}}})) == 2
    status = {"status": {"observedGeneration": 2}}
    assert generation(await subject.patch(DEPLOYMENTS, status, "status")) == 2


async def test_status_and_the_rest_are_written_apart(subject: Subject) -> None:
    await subject.have(HTTPROUTES, http_route())
    both = {"spec": {"hostnames": ["a.example"]}, "status": {"parents": []}}
    assert "status" not in await subject.patch(HTTPROUTES, both)
    both["spec"] = {"hostnames": ["b.example"]}
    changed = await subject.patch(HTTPROUTES, both, "status")
    assert changed["status"] == {"parents": []}
    assert changed["spec"]["hostnames"] == ["a.example"]


async def test_a_json_patch_puts_the_status_whole(subject: Subject) -> None:
    await subject.have(HTTPROUTES, http_route())
    patch: Any = [{"op": "add", "path": "/status", "value": {"parents": []}}]
    for _ in range(2):
        changed = await subject.patch(HTTPROUTES, patch, "status")
    assert changed["status"] == {"parents": []}


async def test_a_status_is_put_over_one_version_only(subject: Subject) -> None:
    made = await subject.have(HTTPROUTES, http_route())
    version = {"op": "replace", "path": "/metadata/resourceVersion"}
    patch: Any = [
        {"op": "add", "path": "/status", "value": {"parents": []}},
        {**version, "value": made["metadata"]["resourceVersion"]},
    ]
    changed = await subject.patch(HTTPROUTES, patch, "status")
    assert changed["status"] == {"parents": []}
    with pytest.raises(Conflict):
        await subject.patch(HTTPROUTES, patch, "status")


async def test_a_json_patch_that_does_not_fit(subject: Subject) -> None:
    await subject.have(SERVICES, service())
    with pytest.raises(ApiError) as refused:
        await subject.patch(SERVICES, [{"op": "test", "path": "/spec/type", "value": "Other"}])
    assert refused.value.status == 422


async def test_apply_makes_what_is_absent(subject: Subject) -> None:
    await subject.client.apply(SERVICES, subject.here(service()), "linnet")
    assert (await subject.read(SERVICES))["spec"]["selector"] == {"app": "shop"}


async def test_apply_keeps_what_others_wrote(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment(), labels={"team": "web"})
    await subject.pause(True)
    found = await subject.read(DEPLOYMENTS)
    assert found["spec"]["paused"] is True
    assert found["spec"]["replicas"] == 2
    assert found["metadata"]["labels"] == {"team": "web"}


async def test_apply_takes_back_what_it_no_longer_says(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment(), labels={"team": "web"})
    spoken = {"apiVersion": "apps/v1", "kind": "Deployment"}
    labelled = subject.here(spoken, labels={"release": "shop"})
    await subject.client.apply(DEPLOYMENTS, labelled, "linnet")
    await subject.client.apply(DEPLOYMENTS, subject.here(spoken), "linnet")
    assert (await subject.read(DEPLOYMENTS))["metadata"]["labels"] == {"team": "web"}


async def test_apply_of_the_same_keeps_the_version(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment())
    before = version(await subject.pause(True))
    assert version(await subject.pause(True)) == before


async def test_apply_to_an_older_version_is_refused(subject: Subject) -> None:
    old = version(await subject.have(DEPLOYMENTS, deployment()))
    await subject.pause(True)
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"paused": False}}
    with pytest.raises(Conflict):
        await subject.client.apply(
            DEPLOYMENTS, subject.here(manifest, resourceVersion=old), "linnet"
        )


async def test_apply_over_another_manager(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment())
    await subject.pause(True, "somebody")
    with pytest.raises(Conflict):
        await subject.pause(False, force=False)
    assert not (await subject.pause(False))["spec"].get("paused")


async def test_disown_leaves_the_value_and_frees_the_field(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment())
    await subject.pause(True)
    await subject.client.disown(DEPLOYMENTS, subject.namespace, "shop", "guard")
    assert (await subject.read(DEPLOYMENTS))["spec"]["paused"] is True
    await subject.pause(False, "somebody", force=False)


async def test_a_finalizer_keeps_what_is_deleted(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment(), finalizers=["linnet.dev/test"])
    assert await subject.client.delete(DEPLOYMENTS, subject.namespace, "shop")
    found = await subject.read(DEPLOYMENTS)
    assert found["metadata"]["deletionTimestamp"]
    assert generation(found) == 2
    with pytest.raises(ApiError) as refused:
        await subject.patch(
            DEPLOYMENTS, {"metadata": {"finalizers": ["linnet.dev/test", "linnet.dev/new"]}}
        )
    assert refused.value.status == 422
    await subject.patch(DEPLOYMENTS, {"metadata": {"finalizers": []}})
    assert await subject.client.get(DEPLOYMENTS, subject.namespace, "shop") is None


@pytest.mark.parametrize("precondition", ["uid", "resource_version"])
async def test_delete_only_the_one_that_was_meant(subject: Subject, precondition: str) -> None:
    made = await subject.have(LEASES, {"apiVersion": LEASES.api_version, "kind": LEASES.kind})
    right = {"uid": made["metadata"]["uid"], "resource_version": version(made)}[precondition]
    with pytest.raises(Conflict):
        await subject.client.delete(LEASES, subject.namespace, "shop", **{precondition: "77"})
    assert await subject.client.delete(LEASES, subject.namespace, "shop", **{precondition: right})
    assert await subject.client.get(LEASES, subject.namespace, "shop") is None


async def test_a_fence_stops_every_write_and_no_read(subject: Subject) -> None:
    await subject.have(DEPLOYMENTS, deployment())

    def shut() -> None:
        raise LeaseLost()

    fenced = Subject(subject.client.fenced(shut), subject.namespace)
    for write in (
        fenced.have(SERVICES, service()),
        fenced.patch(DEPLOYMENTS, {"spec": {"paused": True}}),
        fenced.pause(True),
        fenced.client.delete(DEPLOYMENTS, subject.namespace, "shop"),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert not (await fenced.read(DEPLOYMENTS))["spec"].get("paused")
    await subject.pause(True)
