"""Whole releases behind one Service: a real API server, its controllers, pods that seem to run.

A watcher looks at the Service's endpoints all the time, and so sees what its clients would get.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import pytest

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus
from linnet.controller import clock
from linnet.controller.inbox import Inbox
from linnet.controller.observe import Providers
from linnet.controller.reconcile import Reconciler
from linnet.controller.release import Key, read_status
from linnet.core.labels import SPLIT, TRACKS, labels_of
from linnet.core.observed import Table
from linnet.core.queries import questions
from linnet.providers.config import ConfigCopies
from linnet.providers.errors import ApiError
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    DEPLOYMENTS,
    ENDPOINTSLICES,
    SERVICES,
    KubernetesClient,
    Manifest,
    Resource,
)
from linnet.providers.metrics.shared import SharedMetrics
from linnet.providers.traffic.registry import EveryTraffic
from linnet.providers.traffic.replicas import SERVICE_NAME
from linnet.providers.workloads import Workloads
from tests.support.apiserver import ApiServer
from tests.support.fake_metrics import FakeMetrics
from tests.support.releases import release
from tests.support.workload_manifests import deployment, service

BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
PATIENCE_S = 300
LOOK_S = 0.2
SPEC: Manifest = {
    "targetRef": {"name": "shop"},
    "traffic": {"provider": "Replicas"},
    "steps": [
        {"weight": 5, "hold": "1s"},
        {"weight": 50, "hold": "2s"},
        {"weight": 100, "hold": "1s"},
    ],
    "analysis": {
        "interval": "1s",
        "window": "1s",
        "minSamples": 1,
        "metrics": [{"use": "errorRate"}],
    },
    "canary": {"drainPeriod": "1s"},
}


@dataclass(frozen=True)
class Seen:
    """The Service's endpoints at one moment: whose they are said to be, and ready pods."""

    tracks: str
    canary: int
    stable: int


@dataclass
class Shop:
    """The app in a namespace of its own, guarded, with an operator that looks all the time."""

    server: ApiServer
    client: KubernetesClient
    namespace: str
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    trail: list[Seen] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return Key(self.namespace, "shop")

    def kubectl(self, *words: str) -> str:
        return self.server.kubectl("-n", self.namespace, *words)

    def apply(self, manifest: Manifest) -> None:
        manifest["metadata"]["namespace"] = self.namespace
        self.server.kubectl("apply", "-f", "-", input=manifest)

    def measure(self, error_rate: float) -> None:
        """What Prometheus says of the canary."""
        spec = CanaryReleaseSpec.model_validate(SPEC)
        asked = questions(spec, self.namespace, "shop")["errorRate"].promql
        self.metrics.tables = {asked: Table({(self.namespace, "shop-canary"): error_rate})}

    async def read(self, resource: Resource, name: str = "shop") -> Manifest:
        found = await self.client.get(resource, self.namespace, name)
        assert found is not None
        return found

    async def status(self) -> CanaryReleaseStatus:
        return read_status(await self.read(CANARYRELEASES))

    async def selector(self) -> dict[str, str]:
        return dict((await self.read(SERVICES))["spec"]["selector"])

    async def wait(self, phase: str, weight: int | None = None) -> CanaryReleaseStatus:
        """Wait for a phase, and for the clock of a weight."""
        deadline = monotonic() + PATIENCE_S
        while True:
            status = await self.status()
            there = weight is None or (
                status.weight.wanted == weight and status.weight.seen_since is not None
            )
            if status.phase == phase and there:
                return status
            told = "\n".join(f"{e.at} {e.decision} {e.message}" for e in status.history)
            assert monotonic() < deadline, f"{status.phase}: {status.message}\n{told}"
            await asyncio.sleep(LOOK_S)

    async def operate(self) -> None:
        metrics = SharedMetrics(self.metrics, clock.now)
        client = self.client
        config = ConfigCopies(client)
        providers = Providers(Workloads(client), EveryTraffic(client), metrics, config)
        reconciler = Reconciler(
            self.client, providers, identity="one", now=clock.now, inbox=Inbox(print)
        )
        while True:
            try:
                wake = await reconciler.reconcile(self.key)
            except ApiError:
                wake = None  # e.g. the pods' status came in between: look again
            await asyncio.sleep(min(LOOK_S, LOOK_S if wake is None else wake))

    async def served(self) -> list[Seen]:
        """What the Service's endpoints say now, one for each slice."""
        found = []
        for slice_ in await self.client.list(
            ENDPOINTSLICES, self.namespace, f"{SERVICE_NAME}=shop"
        ):
            ready = [
                each["targetRef"]["name"]
                for each in slice_.get("endpoints") or ()
                if each["conditions"]["ready"]
            ]
            canary = sum(1 for name in ready if name.startswith("shop-canary-"))
            tracks = labels_of(slice_).get(TRACKS, "")
            found.append(Seen(tracks, canary, len(ready) - canary))
        return found

    async def watch(self) -> None:
        while True:
            self.trail += await self.served()
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def guarded(self, spec: Manifest = SPEC) -> AsyncIterator[None]:
        """Guarded and operated until the block ends; what was seen is then checked."""
        self.measure(0.1)
        self.apply(release(spec))
        tasks = [asyncio.create_task(self.operate()), asyncio.create_task(self.watch())]
        try:
            await self.wait("Idle")
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended
        self.check()

    def check(self) -> None:
        """Nobody got a pod that wasn't to serve, and nobody got none."""
        for seen in self.trail:
            assert seen.canary + seen.stable > 0, seen
            assert not (seen.tracks in ("", "stable") and seen.canary), seen
            assert not (seen.tracks == "canary" and seen.stable), seen

    @property
    def shares(self) -> list[tuple[int, int]]:
        """Numbers of canary and stable pods that served, without repetitions."""
        told: list[tuple[int, int]] = []
        for seen in self.trail:
            if told[-1:] != [(seen.canary, seen.stable)]:
                told.append((seen.canary, seen.stable))
        return told


@pytest.fixture
async def shop(simulated: ApiServer) -> AsyncIterator[Shop]:
    namespace = f"test-{secrets.token_hex(4)}"
    simulated.kubectl("create", "namespace", namespace)
    client = await KubernetesClient.connect(kubeconfig=str(simulated.kubeconfig))
    made = Shop(simulated, client, namespace)
    made.apply(service())
    made.apply(deployment("shop:1", replicas=4))
    deadline = monotonic() + PATIENCE_S
    while await made.served() != [Seen("", canary=0, stable=4)]:  # later than the Deployment says
        assert monotonic() < deadline
        await asyncio.sleep(LOOK_S)
    yield made
    await client.close()


async def test_a_good_version_is_promoted(shop: Shop) -> None:
    before = await shop.read(SERVICES)
    async with shop.guarded():
        shop.apply(deployment("shop:2", replicas=4))
        status = await shop.wait("Promoted")
    shares = shop.shares
    assert shares[0] == shares[-1] == (0, 4)
    assert [share for share in shares if share in {(1, 4), (4, 4), (4, 0)}] == [
        (1, 4),
        (4, 4),
        (4, 0),
    ]
    after = await shop.read(SERVICES)
    assert after["spec"] == before["spec"]
    assert SPLIT not in labels_of(after)
    assert "gets 20 % (5 % asked for) of traffic" in status.history[2].message
    found = await shop.read(DEPLOYMENTS)
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:2"


async def test_a_bad_version_is_rolled_back(shop: Shop) -> None:
    async with shop.guarded():
        shop.apply(deployment("shop:2", replicas=4))
        await shop.wait("Progressing", 50)
        shop.measure(9.0)
        status = await shop.wait("RolledBack")
    assert status.history[-1].reason == "ErrorRateBreached"
    assert shop.shares[-1] == (0, 4)
    assert await shop.selector() == {"app": "shop"}
    assert await shop.client.get(DEPLOYMENTS, shop.namespace, "shop-canary") is None


async def test_the_canary_follows_stable_that_is_scaled(shop: Shop) -> None:
    steps = [{"weight": 50, "hold": "10s"}, {"weight": 100, "hold": "1s"}]
    async with shop.guarded(SPEC | {"steps": steps}):
        shop.apply(deployment("shop:2", replicas=4))
        await shop.wait("Progressing", 50)
        shop.kubectl("scale", "deployment/shop", "--replicas=6")
        await shop.wait("Promoted")
    assert (6, 6) in shop.shares
    assert shop.shares[-1] == (0, 6)


async def test_deleting_the_resource_gives_the_selector_back(shop: Shop) -> None:
    async with shop.guarded():
        shop.apply(deployment("shop:2", replicas=4))
        await shop.wait("Progressing", 50)
        await asyncio.to_thread(shop.kubectl, "delete", "crel/shop", "--timeout=60s")
        await asyncio.sleep(1)
    assert shop.shares[-1] == (0, 4)
    assert await shop.selector() == {"app": "shop"}


async def test_a_canary_deployment_deleted_by_hand_leaves_no_pod_in_service(shop: Shop) -> None:
    async with shop.guarded():
        shop.apply(deployment("shop:2", replicas=4))
        await shop.wait("Progressing", 50)
        shop.kubectl("delete", "deployment/shop-canary", "--wait=false")
        status = await shop.wait("RolledBack")
    assert status.history[-1].reason == "CanaryMissing"
    assert await shop.selector() == {"app": "shop"}


async def test_a_budget_for_stables_pods_counts_the_canarys_too(shop: Shop) -> None:
    """A price, see docs/limits.md: what selects stable by the Service's labels sees both."""
    budget = {
        "apiVersion": BUDGETS.api_version,
        "kind": BUDGETS.kind,
        "metadata": {"name": "shop"},
        "spec": {"minAvailable": 4, "selector": {"matchLabels": {"app": "shop"}}},
    }
    shop.apply(budget)
    steps = [{"weight": 50, "hold": "1h"}, {"weight": 100}]
    async with shop.guarded(SPEC | {"steps": steps}):
        shop.apply(deployment("shop:2", replicas=4))
        await shop.wait("Progressing", 50)
        deadline = monotonic() + PATIENCE_S
        while (await shop.read(BUDGETS))["status"]["currentHealthy"] != 8:
            assert monotonic() < deadline
            await asyncio.sleep(LOOK_S)
        assert (await shop.read(BUDGETS))["status"]["disruptionsAllowed"] == 4
