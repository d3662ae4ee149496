"""Name -> way of splitting traffic. A new one is a module beside this and a line here."""

from collections.abc import Callable, Mapping

from linnet.api.spec import Provider
from linnet.core.observed import RouteObserved
from linnet.providers.kubernetes import KubernetesClient
from linnet.providers.traffic.base import Split, TrafficProvider
from linnet.providers.traffic.gateway_api import GatewayApiTraffic
from linnet.providers.traffic.replicas import ReplicasTraffic

PROVIDERS: Mapping[Provider, Callable[[KubernetesClient], TrafficProvider]] = {
    Provider.GATEWAY_API: GatewayApiTraffic,
    Provider.REPLICAS: ReplicasTraffic,
}


class EveryTraffic:
    """All ways as one `TrafficProvider`: each split goes the way that it names."""

    def __init__(self, client: KubernetesClient) -> None:
        self._ways = {name: make(client) for name, make in PROVIDERS.items()}

    async def observe(self, split: Split) -> RouteObserved | None:
        """See `TrafficProvider`."""
        return await self._ways[split.provider].observe(split)

    async def set_weight(self, split: Split, weight: int, experiment: str = "") -> None:
        """See `TrafficProvider`."""
        await self._ways[split.provider].set_weight(split, weight, experiment)

    async def restore(self, split: Split) -> None:
        """See `TrafficProvider`."""
        await self._ways[split.provider].restore(split)
