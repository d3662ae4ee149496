"""A namespace of a real API server with its controllers, and hands for the user and the kubelet."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from linnet.api.config import TrackedConfig
from linnet.core.observed import CanaryObserved, StableObserved
from linnet.core.revision import template_revision
from linnet.providers.errors import NotFound
from linnet.providers.kubernetes import PODS, KubernetesClient, Manifest, Resource
from linnet.providers.workloads import Target, Workloads
from tests.support.apiserver import ApiServer

READY = {
    "phase": "Running",
    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": None}],
}


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until the controllers got there."""
    deadline = monotonic() + seconds
    while not await check():
        if monotonic() > deadline:
            raise AssertionError("the controllers did not get there in time")
        await asyncio.sleep(0.05)


@dataclass
class Stage:
    """A namespace with the app `shop`, and hands for the user and the kubelet."""

    server: ApiServer
    client: KubernetesClient
    namespace: str
    tracked: tuple[TrackedConfig, ...] = ()

    @property
    def workloads(self) -> Workloads:
        return Workloads(self.client)

    @property
    def target(self) -> Target:
        return Target(self.namespace, "shop", "shop", "shop-release", tracked=self.tracked)

    def kubectl(self, *args: str) -> str:
        return self.server.kubectl("-n", self.namespace, *args)

    def user_applies(self, manifest: Manifest) -> str:
        """What `kubectl apply` and a GitOps tool do; returns the template's revision or ''."""
        manifest["metadata"]["namespace"] = self.namespace
        self.server.kubectl("apply", "-f", "-", input=manifest)
        if manifest["kind"] != "Deployment":
            return ""
        found = self.server.get("deployment", "shop", "-n", self.namespace)
        return template_revision(found["spec"]["template"])

    async def read(self, resource: Resource, name: str) -> Manifest:
        found = await self.client.get(resource, self.namespace, name)
        assert found is not None
        return found

    async def stable(self) -> StableObserved:
        seen = await self.workloads.observe_stable(self.target)
        assert seen is not None
        return seen

    async def canary(self) -> CanaryObserved:
        seen = await self.workloads.observe_canary(self.target)
        assert seen is not None
        return seen

    async def pods(self, selector: str = "") -> list[Manifest]:
        return await self.client.list(PODS, self.namespace, selector)

    async def set_pods(self, status: dict[str, Any], selector: str = "") -> None:
        """Give all pods this status, as their kubelet would."""
        for pod in await self.pods(selector):
            name = pod["metadata"]["name"]
            try:
                await self.client.patch(PODS, self.namespace, name, {"status": status}, "status")
            except NotFound:
                continue

    async def settle(self) -> None:
        """Make pods ready until stable runs its template."""

        async def step() -> bool:
            await self.set_pods(READY, "app=shop")
            return (await self.stable()).rolled_out

        await eventually(step)
