"""The app `shop` behind an HTTPRoute on an API server; the test plays the gateway."""

from typing import Any

from linnet.core.sticky import CookiePins, HeaderPins, Pins
from linnet.providers.kubernetes import HTTPROUTES, KubernetesClient, Manifest
from linnet.providers.traffic.base import Split, TrafficProvider
from linnet.providers.traffic.gateway_api import GatewayApiTraffic
from tests.support.workload_manifests import http_route

COOKIE = CookiePins("linnet-shop", 3600, "7e8a1b-1767225600", (1, 50, 100))
EXACT = HeaderPins("X-User-Bucket", True, (1, 50, 100))
PINS: dict[str, Pins] = {
    "cookie": COOKIE,
    "header": EXACT,
    "header by regular expression": HeaderPins("X-User-Bucket", False, (1, 50, 100)),
}


class OneRoute:
    """The provider, and hands for the user and the gateway. `split` may be changed."""

    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self.provider: TrafficProvider = GatewayApiTraffic(client)
        self.client = client
        self.namespace = namespace
        self.split = Split(namespace, "shop", "shop", "shop-canary", release="shop")

    async def add(self, *refs: Manifest) -> None:
        """The user makes the route, to these backends, or to stable's Service alone."""
        route = http_route(*refs)
        route["metadata"]["namespace"] = self.namespace
        await self.client.create(HTTPROUTES, route)

    async def add_without_stable(self) -> None:
        """The user makes a route that doesn't name stable."""
        await self.add({"name": "cart", "port": 80})

    async def read(self) -> Manifest:
        """The route as the API server has it."""
        found = await self.client.get(HTTPROUTES, self.namespace, "shop")
        assert found is not None
        return found

    async def backends(self) -> dict[str, int]:
        """The weights of its only rule, by the Service's name."""
        (rule,) = (await self.read())["spec"]["rules"]
        return {ref["name"]: ref["weight"] for ref in rule["backendRefs"]}

    async def accept(self, **change: Any) -> None:
        """The gateway reports the route as it is; change: of the condition ResolvedRefs."""
        found = await self.read()
        conditions = [
            {
                "type": kind,
                "status": "True",
                "reason": "Fine",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": found["metadata"]["generation"],
                **(change if kind == "ResolvedRefs" else {}),
            }
            for kind in ("Accepted", "ResolvedRefs")
        ]
        parent = {
            "parentRef": {"name": "gateway"},
            "controllerName": "example.com/test",
            "conditions": conditions,
        }
        await self.client.patch(
            HTTPROUTES, self.namespace, "shop", {"status": {"parents": [parent]}}, "status"
        )
