"""Each release's traffic goes the way that its spec names."""

import pytest

from linnet.api.spec import Provider
from linnet.providers.errors import NotFound
from linnet.providers.traffic.base import Split
from linnet.providers.traffic.registry import PROVIDERS, EveryTraffic
from tests.support.fake_kubernetes import FakeKubernetes

READS = {Provider.GATEWAY_API: "get HTTPRoute route", Provider.REPLICAS: "get Service stable"}


def test_every_way_that_a_spec_can_name_is_there() -> None:
    assert set(PROVIDERS) == set(Provider)


@pytest.mark.parametrize("name", Provider)
async def test_a_split_goes_the_way_that_it_names(name: Provider) -> None:
    client = FakeKubernetes()
    traffic = EveryTraffic(client)
    split = Split("default", "route", "stable", "canary", provider=name, target="shop")
    assert await traffic.observe(split) is None
    with pytest.raises(NotFound):
        await traffic.set_weight(split, 5)
    await traffic.restore(split)
    read = {str(call) for call in client.cluster.calls}
    assert {text for text in READS.values() if text in read} == {READS[name]}
