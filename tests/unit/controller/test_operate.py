"""The process without its start: lead, watch, work, and stop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import REGISTRY

from linnet.api.notifications import Receiver
from linnet.controller.release import FINALIZER
from linnet.controller.run import address_of, operate
from linnet.controller.settings import Settings
from linnet.controller.watches import Tell
from linnet.providers.errors import LeaseLost, Unreachable
from linnet.providers.kubernetes import CANARYRELEASES, LEASES, Resource
from tests.support.fake_kubernetes import Cluster, FakeKubernetes
from tests.support.releases import MINIMAL, release
from tests.support.simulated_cluster import NAMESPACE, SimulatedCluster

SETTINGS = Settings(
    prometheus_url="http://127.0.0.1:9",
    prometheus_token_file="",
    prometheus_ca_file="",
    namespace="default",
    shard="",
    lease_namespace="linnet",
    lease_name="linnet-operator",
    identity="one",
    address="",
    port=0,
    workers=2,
    tracked_kinds=(),
    alert_token_file="",
    alert_namespace_label="namespace",
    alert_release_label="linnet_release",
    receivers=(),
    api=False,
    api_audiences=(),
    console=True,
    log_level="INFO",
)

Event = tuple[Resource, str | None, dict[str, Any]]


@dataclass
class Script:
    """Makes watches that tell of what they are told to."""

    events: list[Event] = field(default_factory=list)
    ends: bool = False
    namespace: str = ""
    stopped: list[float] = field(default_factory=list)

    def watch(
        self,
        namespace: str,
        selectors: Mapping[Resource, str],
        tell: Tell,
        ended: Callable[[], object],
    ) -> "Told":
        self.namespace = namespace
        return Told(self, tell, ended)


@dataclass
class Told:
    script: Script
    tell: Tell
    ended: Callable[[], object]

    def start(self) -> None:
        threading.Thread(target=self._tell).start()

    def _tell(self) -> None:
        for event in self.script.events:
            self.tell(*event)
        if self.script.ends:
            self.ended()

    def stop(self, timeout: float) -> None:
        self.script.stopped.append(timeout)


class Noisy(FakeKubernetes):
    """Says after each write of a kind that it was done."""

    def __init__(self) -> None:
        self.written: dict[str, asyncio.Event] = {}
        super().__init__(Cluster(after_write=self._tell))

    def _tell(self) -> None:
        self.when(self.cluster.calls[-1].resource.kind).set()

    def when(self, kind: str) -> asyncio.Event:
        return self.written.setdefault(kind, asyncio.Event())


@pytest.fixture
def client() -> Noisy:
    found = Noisy()
    manifest = release(MINIMAL)
    manifest["metadata"]["namespace"] = "default"
    found.add(CANARYRELEASES, manifest)
    return found


@asynccontextmanager
async def operating(client: Noisy, script: Script) -> AsyncIterator[asyncio.Task[int]]:
    """An operator that is stopped in the end; if it ends by itself nobody waits for ever."""
    stopped = asyncio.Event()
    task = asyncio.create_task(operate(SETTINGS, client, script.watch, stopped))
    async with asyncio.timeout(60):
        yield task
    stopped.set()
    assert await task == 0


def holder(client: Noisy) -> str:
    found = client.see(LEASES, "linnet", "linnet-operator")
    assert found is not None
    return str(found["spec"]["holderIdentity"])


async def test_it_leads_and_works_on_what_there_is(client: Noisy) -> None:
    script = Script()
    async with operating(client, script):
        await client.when("CanaryRelease").wait()
        assert holder(client) == "one"
        assert REGISTRY.get_sample_value("linnet_leader") == 1
        found = client.see(CANARYRELEASES, "default", "shop")
        assert found is not None
        assert found["metadata"]["finalizers"] == [FINALIZER]
    assert script.namespace == "default"
    assert len(script.stopped) == 1
    assert holder(client) == "", "the next one need not wait"
    assert REGISTRY.get_sample_value("linnet_leader") == 0


async def test_it_works_on_what_the_watches_tell(client: Noisy) -> None:
    manifest = client.see(CANARYRELEASES, "default", "shop")
    assert manifest is not None
    other = {**manifest, "metadata": {**manifest["metadata"], "name": "tea"}}
    script = Script([(CANARYRELEASES, "ADDED", client.add(CANARYRELEASES, other))])
    async with operating(client, script):
        while not has_finalizer(client, "tea"):
            await client.when("CanaryRelease").wait()
            client.when("CanaryRelease").clear()


def has_finalizer(client: Noisy, name: str) -> bool:
    found = client.see(CANARYRELEASES, "default", name)
    return found is not None and found["metadata"].get("finalizers") == [FINALIZER]


async def test_it_tells_receivers_of_what_it_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        told.put_nowait(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    cluster, stopped = SimulatedCluster(), asyncio.Event()
    async with TestServer(app) as server:
        receiver = Receiver(name="ops", url=str(server.make_url("/")))
        settings = replace(SETTINGS, namespace=NAMESPACE, receivers=(receiver,))
        task = asyncio.create_task(operate(settings, cluster.client, Script().watch, stopped))
        async with asyncio.timeout(60):
            event = await told.get()
        stopped.set()
        assert await task == 0
    assert event["type"] == "dev.linnet.release.adopted"
    assert event["subject"] == "shop"


async def test_it_ends_with_the_watches(client: Noisy) -> None:
    stopped = asyncio.Event()
    script = Script(ends=True)
    assert await operate(SETTINGS, client, script.watch, stopped) == 1
    assert holder(client) == ""


async def test_it_ends_with_the_lease(client: Noisy) -> None:
    client.fail(LeaseLost(), resource=CANARYRELEASES)
    script = Script()
    assert await operate(SETTINGS, client, script.watch, asyncio.Event()) == 1
    assert len(script.stopped) == 1


async def test_a_replica_that_waits_can_be_stopped(client: Noisy) -> None:
    client.add(
        LEASES,
        {
            "metadata": {"namespace": "linnet", "name": "linnet-operator"},
            "spec": {"holderIdentity": "two", "renewTime": "x"},
        },
    )
    script = Script()
    async with operating(client, script):
        for _ in range(10):
            await asyncio.sleep(0)
    assert script.namespace == "", "who does not lead does not watch"
    assert holder(client) == "two"


async def test_a_port_that_is_taken_is_an_error(client: Noisy) -> None:
    async def nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    taken = await asyncio.start_server(nobody, port=0, host="0.0.0.0")
    async with taken:
        port = taken.sockets[0].getsockname()[1]
        settings = replace(SETTINGS, port=port)
        with pytest.raises(OSError, match=str(port)):
            await operate(settings, client, Script().watch, asyncio.Event())
    assert client.writes == []


async def test_an_api_server_that_is_away_is_waited_for(client: Noisy) -> None:
    client.fail(Unreachable("down"), verbs=("get",), times=1000)
    async with operating(client, Script()):
        for _ in range(10):
            await asyncio.sleep(0)
    assert client.writes == []


async def test_a_first_reading_that_fails_is_tried_again(
    client: Noisy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linnet.controller.run.FIRST_READ_SECONDS", 0)
    client.fail(Unreachable("down"), verbs=("list",))
    async with operating(client, Script()):
        await client.when("CanaryRelease").wait()


@pytest.mark.parametrize(
    ("host", "address"), [("", ""), ("10.0.0.7", "10.0.0.7:8080"), ("fd00::7", "[fd00::7]:8080")]
)
def test_where_other_replicas_reach_this_one(host: str, address: str) -> None:
    assert address_of(replace(SETTINGS, address=host, port=8080)) == address
