import pytest
from kubernetes.aio.client import ApiClient

from linnet.providers.kubernetes import KubernetesClient
from linnet.providers.traffic.gateway_api import GatewayApiTraffic
from linnet.providers.traffic.registry import traffic_provider


async def test_by_name() -> None:
    client = KubernetesClient(ApiClient())
    assert isinstance(traffic_provider("gateway-api", client), GatewayApiTraffic)
    with pytest.raises(ValueError, match="gateway-api"):
        traffic_provider("smi", client)
    await client.close()
