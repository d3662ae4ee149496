"""The cluster in memory without a gateway: pods, and endpoints that follow Service and pods.

What the endpoints say is what clients get: it is checked after every write and every change.
"""

from datetime import timedelta
from typing import Any

from linnet.core.labels import TRACKS, labels_of, matches
from linnet.providers.kubernetes import (
    ENDPOINTSLICES,
    PODS,
    REPLICASETS,
    SERVICES,
    Manifest,
)
from linnet.providers.traffic.replicas import FIELD_MANAGER, SERVICE_NAME
from tests.support.builders import SECOND
from tests.support.simulated_cluster import NAMESPACE, SPEC, LostRequests, SimulatedCluster

ENDPOINTS_LAG = 2 * SECOND
"""Time from a change of the Service to endpoints that follow it."""


class Leak(AssertionError):
    """A pod got traffic that was not to have any."""


class SimulatedService(SimulatedCluster):
    """The app, its pods and their Service. `weights` are the shares that clients saw."""

    def __init__(self) -> None:
        self._followed: Manifest = {}
        self._asked: Manifest = {}
        self._asked_for = timedelta()
        super().__init__({**SPEC, "traffic": {"provider": "Replicas"}})

    def as_written(self) -> bool:
        found = self._service()
        owned = self.client.cluster.owners.get((SERVICES, NAMESPACE, "shop"), {})
        own = found["spec"]["selector"] == {"app": "shop"} and not labels_of(found)
        return own and FIELD_MANAGER not in owned

    def pass_time(self, span: timedelta) -> None:
        self._asked_for += span
        super().pass_time(span)

    def _accept_route(self) -> None:
        self._make_pods()
        found = self._service()
        asked = {"labels": dict(labels_of(found)), "selector": found["spec"]["selector"]}
        if asked != self._asked:
            self._asked, self._asked_for = asked, timedelta()
        if self._asked_for >= ENDPOINTS_LAG or not self._followed:
            self._followed = asked
        self._fill_endpoints()

    def _make_pods(self) -> None:
        """As many pods as each ReplicaSet is to have."""
        for (resource, _, name), found in list(self.client.cluster.objects.items()):
            if resource != REPLICASETS:
                continue
            there = [f"{name}-{number}" for number in range(found["spec"]["replicas"])]
            for pod in there:
                if not self.client.see(PODS, NAMESPACE, pod):
                    self.client.add(PODS, _pod(pod, found))
            for place in list(self.client.cluster.objects):
                if place[0] == PODS and place[2].startswith(f"{name}-") and place[2] not in there:
                    self.client.cluster.remove(place)

    def _fill_endpoints(self) -> None:
        pods = [found for (kind, *_), found in self.client.cluster.objects.items() if kind == PODS]
        endpoints = [
            {
                "conditions": {"ready": self._is_ready(pod)},
                "targetRef": {"name": pod["metadata"]["name"]},
            }
            for pod in pods
            if matches(self._followed["selector"], labels_of(pod))
        ]
        metadata = {"name": "shop-slice", "namespace": NAMESPACE}
        labels = {**self._followed["labels"], SERVICE_NAME: "shop"}
        self.client.cluster.remove((ENDPOINTSLICES, NAMESPACE, "shop-slice"))
        self.client.add(
            ENDPOINTSLICES, {"metadata": {**metadata, "labels": labels}, "endpoints": endpoints}
        )

    def _is_ready(self, pod: Manifest) -> bool:
        owner = pod["metadata"]["ownerReferences"][0]["name"]
        found = self.client.see(REPLICASETS, NAMESPACE, owner)
        return found is not None and self._ready(found) > 0

    def _check_traffic(self) -> None:
        found = self.client.see(ENDPOINTSLICES, NAMESPACE, "shop-slice")
        if found is None:
            return
        ready = [e["targetRef"]["name"] for e in found["endpoints"] if e["conditions"]["ready"]]
        canary = sum(1 for name in ready if name.startswith("shop-canary-"))
        tracks = labels_of(found).get(TRACKS, "")
        if len(self.weights) and not ready:
            raise LostRequests(f"{self.now:%H:%M:%S} no pod is ready")
        if (tracks in ("", "stable") and canary) or (tracks == "canary" and canary < len(ready)):
            raise Leak(f"{self.now:%H:%M:%S} {tracks or 'nobody'}: {ready}")
        share = 100 * canary // len(ready) if ready else 0
        if ready and self.weights[-1:] != [share]:
            self.weights.append(share)

    def _service(self) -> Manifest:
        found = self.client.see(SERVICES, NAMESPACE, "shop")
        assert found is not None
        return found


def _pod(name: str, owner: Manifest) -> Manifest:
    metadata: dict[str, Any] = owner["metadata"]
    owners = [{"name": metadata["name"], "uid": metadata["uid"], "controller": True}]
    labels = owner["spec"]["template"]["metadata"]["labels"]
    return {
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": labels,
            "ownerReferences": owners,
        }
    }
