"""Name -> way of splitting traffic. A new one is a module beside this and a line here."""

from collections.abc import Callable, Mapping

from linnet.providers.kubernetes import KubernetesClient
from linnet.providers.traffic.base import TrafficProvider
from linnet.providers.traffic.gateway_api import GatewayApiTraffic

PROVIDERS: Mapping[str, Callable[[KubernetesClient], TrafficProvider]] = {
    "gateway-api": GatewayApiTraffic,
}


def traffic_provider(name: str, client: KubernetesClient) -> TrafficProvider:
    """Make the provider of this name.

    Raises:
        ValueError: there is none; the text names those there are.
    """
    try:
        make = PROVIDERS[name]
    except KeyError:
        known = ", ".join(sorted(PROVIDERS))
        raise ValueError(f"unknown traffic provider {name!r}: use one of {known}") from None
    return make(client)
