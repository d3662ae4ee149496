"""What the records of experiments promise: in memory, and in ConfigMaps of a real API server."""

import json
import secrets
from collections.abc import AsyncIterator

import pytest

from linnet.core.labels import RELEASE
from linnet.experiment.record import KEY, LABEL_EXPERIMENT, Record, kept_as
from linnet.providers.kubernetes import CONFIGMAPS, KubernetesClient, Manifest
from linnet.providers.mirror import Mirror
from linnet.providers.mirrored import MirroredClient
from linnet.providers.records import ConfigMapRecords
from linnet.server.records import Records
from tests.support.apiserver import ApiServer
from tests.support.experiments import kept
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.fake_records import FakeRecords


class InMemory:
    """Records that a test holds itself."""

    namespace = "default"

    def __init__(self) -> None:
        self._fake = FakeRecords()
        self.records: Records = self._fake

    async def keep(self, record: Record) -> None:
        self._fake.keep(record)

    async def spoil(self, record: Record) -> None:
        self._fake.spoil(record.namespace, record.release, record.revision)


class OnCluster:
    """Records in ConfigMaps."""

    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self.client, self.namespace = client, namespace
        self.records: Records = ConfigMapRecords(client)

    async def keep(self, record: Record) -> None:
        await self.client.create(CONFIGMAPS, self.config_map(record, record.to_text()))

    async def spoil(self, record: Record) -> None:
        await self.client.create(CONFIGMAPS, self.config_map(record, "{"))

    def config_map(self, record: Record, text: str, **labels: str) -> Manifest:
        name = kept_as(record.release, record.revision)
        told = {RELEASE: record.release, LABEL_EXPERIMENT: record.id} | labels
        metadata = {"name": name, "namespace": self.namespace, "labels": told}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        return {**manifest, "data": {KEY: text}}


Place = InMemory | OnCluster


@pytest.fixture
async def real(gateway_server: ApiServer) -> AsyncIterator[OnCluster]:
    namespace = f"test-{secrets.token_hex(4)}"
    gateway_server.kubectl("create", "namespace", namespace)
    client = await KubernetesClient.connect(kubeconfig=str(gateway_server.kubeconfig))
    yield OnCluster(MirroredClient(client, Mirror(lambda: 0.0)), namespace)
    await client.close()


@pytest.fixture(params=["in memory", "fake cluster", "real"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "real":
        found: OnCluster = request.getfixturevalue("real")
        return found
    return InMemory() if request.param == "in memory" else OnCluster(FakeKubernetes(), "default")


async def test_a_record_is_found_by_release_and_version(place: Place) -> None:
    record = kept(namespace=place.namespace)
    await place.keep(record)
    assert await place.records.find(place.namespace, "shop", "v2") == record
    assert await place.records.find(place.namespace, "shop", "v3") is None
    assert await place.records.find(place.namespace, "tea", "v2") is None
    assert await place.records.find("elsewhere", "shop", "v2") is None


async def test_what_can_not_be_read_is_said(place: Place) -> None:
    await place.spoil(kept(namespace=place.namespace))
    with pytest.raises(ValueError, match="is no JSON"):
        await place.records.find(place.namespace, "shop", "v2")


async def test_what_only_has_the_name_of_a_record_is_none() -> None:
    place = OnCluster(FakeKubernetes(), "default")
    stranger = place.config_map(kept(), json.dumps({"password": "x"}), **{RELEASE: "tea"})
    await place.client.create(CONFIGMAPS, stranger)
    assert await place.records.find("default", "shop", "v2") is None


async def test_a_config_map_without_the_key_is_none() -> None:
    place = OnCluster(FakeKubernetes(), "default")
    found = place.config_map(kept(), "")
    await place.client.create(CONFIGMAPS, {**found, "data": {}})
    assert await place.records.find("default", "shop", "v2") is None


async def test_a_record_of_another_release_is_refused() -> None:
    place = OnCluster(FakeKubernetes(), "default")
    other = kept(namespace="elsewhere")
    await place.client.create(CONFIGMAPS, place.config_map(other, other.to_text()))
    with pytest.raises(ValueError, match="is of another release"):
        await place.records.find("default", "shop", "v2")
