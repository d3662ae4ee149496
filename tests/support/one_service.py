"""The app `shop` behind one Service on an API server; the test plays every controller."""

from dataclasses import replace
from typing import Any

from linnet.api.spec import Provider
from linnet.core import shares
from linnet.core.labels import RELEASE, TRACK, labels_of, selector_text
from linnet.core.revision import HASH_LABEL, template_revision
from linnet.core.service import asked_weight, split_by
from linnet.providers.kubernetes import (
    DEPLOYMENTS,
    ENDPOINTSLICES,
    PODS,
    REPLICASETS,
    SERVICES,
    KubernetesClient,
    Manifest,
    Resource,
)
from linnet.providers.traffic.base import Split
from linnet.providers.traffic.replicas import SERVICE_NAME, ReplicasTraffic
from tests.support.workload_manifests import deployment, service

REPLICAS = 4


class OneService:
    """The provider, and hands for the user and the cluster. `provider` and `split` may be changed.

    A ReplicaSet is called after its hash: `shop-HASH`.
    """

    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.provider = ReplicasTraffic(client)
        self.split = Split(
            namespace,
            route="",
            stable_service="shop",
            canary_service="shop-canary",
            provider=Provider.REPLICAS,
            target="shop",
            release="shop",
        )

    # What the user has.

    async def add(self, **spec: Any) -> None:
        """The Deployment, its Service with these fields, and its pods."""
        await self.add_service(**spec)
        await self._create(DEPLOYMENTS, deployment("shop:1", replicas=REPLICAS))
        revision = await self.roll_out("shop:1", "one", ready=REPLICAS)
        self.split = replace(self.split, stable_revision=revision)

    async def add_service(self, **spec: Any) -> None:
        made = service()
        made["spec"] |= spec
        await self._create(SERVICES, made)

    async def add_without_stable(self) -> None:
        await self.add(selector={"app": "cart"})

    async def read(self) -> Manifest:
        """The Service."""
        found = await self.client.get(SERVICES, self.namespace, "shop")
        assert found is not None
        return found

    async def selector(self) -> dict[str, str]:
        return dict((await self.read())["spec"]["selector"])

    async def select_by(self, **labels: str | None) -> None:
        """Somebody edits the Service's selector; None takes a label off."""
        patch = {"spec": {"selector": labels}}
        await self.client.patch(SERVICES, self.namespace, "shop", patch)

    # What the cluster makes of it.

    async def roll_out(self, image: str, pod_hash: str, ready: int) -> str:
        """A ReplicaSet of the Deployment with that many pods, all ready; returns its revision."""
        owner = await self.client.get(DEPLOYMENTS, self.namespace, "shop")
        assert owner is not None
        template = deployment(image)["spec"]["template"]
        template["metadata"]["labels"][HASH_LABEL] = pod_hash
        labels = labels_of(template)
        spec = {"replicas": ready, "selector": {"matchLabels": labels}, "template": template}
        made = {
            "apiVersion": REPLICASETS.api_version,
            "kind": REPLICASETS.kind,
            "metadata": {
                "name": f"shop-{pod_hash}",
                "labels": labels,
                "ownerReferences": [_owner("Deployment", owner)],
            },
            "spec": spec,
        }
        found = await self._create(REPLICASETS, made)
        await self.set_ready(pod_hash, ready)
        status = {"replicas": ready, "updatedReplicas": ready}
        await self._set_status(DEPLOYMENTS, "shop", **status)
        for number in range(ready):
            await self.add_pod(f"shop-{pod_hash}-{number}", dict(labels), found)
        return template_revision(found["spec"]["template"])

    async def set_ready(self, pod_hash: str, ready: int) -> None:
        """That many pods of a ReplicaSet are ready."""
        status = {"replicas": max(1, ready), "readyReplicas": ready}
        await self._set_status(REPLICASETS, f"shop-{pod_hash}", **status)

    async def add_pod(
        self, name: str, labels: dict[str, str], owner: Manifest | None = None
    ) -> None:
        owners = [_owner("ReplicaSet", owner)] if owner else []
        spec = {"containers": [{"name": "app", "image": "shop:1"}]}
        metadata = {"name": name, "labels": labels, "ownerReferences": owners}
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        await self._create(PODS, made)

    async def accept(self) -> None:
        """All controllers at once: the canary's pods for the weight, then the endpoints."""
        found = await self.read()
        weight = asked_weight(found) if split_by(found) else 0
        await self.set_canary(shares.pods_for(weight, REPLICAS) if weight else 0)
        await self.fill_endpoints()

    async def set_canary(self, pods: int) -> None:
        """Have this many pods of the canary."""
        labels = {"app": "shop", RELEASE: "shop", TRACK: "canary"}
        there = await self.client.list(PODS, self.namespace, selector_text({"matchLabels": labels}))
        for pod in there[pods:]:
            await self.client.delete(PODS, self.namespace, pod["metadata"]["name"])
        for number in range(len(there), pods):
            await self.add_pod(f"shop-canary-two-{number}", labels)

    async def fill_endpoints(self) -> None:
        """What the endpoint slice controller does."""
        found = await self.read()
        selector = selector_text({"matchLabels": found["spec"]["selector"]})
        pods = await self.client.list(PODS, self.namespace, selector)
        endpoints = [
            {
                "addresses": [f"10.0.0.{number}"],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"]},
            }
            for number, pod in enumerate(pods, start=1)
        ]
        slice_ = {
            "apiVersion": ENDPOINTSLICES.api_version,
            "kind": ENDPOINTSLICES.kind,
            "metadata": {
                "name": "shop-slice",
                "namespace": self.namespace,
                "labels": {**labels_of(found), SERVICE_NAME: "shop"},
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
        await self.client.apply(ENDPOINTSLICES, slice_, "controllers")

    async def _set_status(self, resource: Resource, name: str, **status: Any) -> None:
        await self.client.patch(resource, self.namespace, name, {"status": status}, "status")

    async def _create(self, resource: Resource, manifest: Manifest) -> Manifest:
        manifest["metadata"]["namespace"] = self.namespace
        return await self.client.create(resource, manifest)


def _owner(kind: str, found: Manifest) -> Manifest:
    metadata = found["metadata"]
    owner = {"name": metadata["name"], "uid": metadata["uid"], "controller": True}
    return {"apiVersion": "apps/v1", "kind": kind, **owner}
