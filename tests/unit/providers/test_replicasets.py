"""When the ReplicaSets of a Deployment are read, and when they are known."""

from typing import Any

import pytest

from linnet.providers.kubernetes import REPLICASETS, Manifest
from linnet.providers.replicasets import ROLLOUTS, ReplicaSets
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.workload_manifests import deployment


def replicaset(name: str, pods: int, image: str = "shop:1") -> Manifest:
    template = deployment(image)["spec"]["template"]
    owner = {"uid": "u1", "controller": True, "kind": "Deployment", "name": "shop"}
    metadata = {"name": name, "namespace": "default", "ownerReferences": [owner]}
    labels = template["metadata"]["labels"]
    return {
        "metadata": {**metadata, "labels": labels},
        "spec": {"replicas": pods, "template": template},
        "status": {"replicas": pods},
    }


def live(generation: int = 1, paused: bool = True, **status: Any) -> Manifest:
    found = deployment()
    metadata = {**found["metadata"], "uid": "u1", "generation": generation}
    return {
        **found,
        "metadata": {**metadata, "namespace": "default"},
        "spec": {**found["spec"], "paused": paused},
        "status": {"observedGeneration": generation, "updatedReplicas": 2, **status},
    }


def rolled_out(generation: int = 1) -> Manifest:
    return live(generation, paused=False, replicas=2, availableReplicas=2)


class Bench:
    def __init__(self) -> None:
        self.client = FakeKubernetes()
        self.sets = ReplicaSets(self.client)
        self.client.add(REPLICASETS, replicaset("shop-1", 2))
        self.client.add(REPLICASETS, replicaset("shop-0", 0))

    async def names(self, found: Manifest) -> list[str]:
        return [each["metadata"]["name"] for each in await self.sets.of(found)]

    @property
    def reads(self) -> int:
        return len(self.client.cluster.calls)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_settled_deployments_sets_are_read_once(bench: Bench) -> None:
    assert set(await bench.names(live(replicas=2))) == {"shop-0", "shop-1"}
    first = await bench.sets.of(live(replicas=2, readyReplicas=1))
    assert [each["metadata"]["name"] for each in first] == ["shop-1"]
    assert first[0]["spec"] == replicaset("shop-1", 2)["spec"]
    assert bench.reads == 1


async def test_a_paused_deployments_template_makes_no_other_set(bench: Bench) -> None:
    await bench.names(live(replicas=2))
    await bench.names(live(2, replicas=2, updatedReplicas=0))
    assert bench.reads == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (live(replicas=2), live(replicas=3)),
        (live(replicas=2), rolled_out()),
        (rolled_out(1), rolled_out(2)),
    ],
    ids=["another pod", "resumed", "another template"],
)
async def test_a_change_has_them_read_again(
    bench: Bench, before: Manifest, after: Manifest
) -> None:
    await bench.names(before)
    await bench.names(after)
    assert bench.reads == 2


async def test_a_rollout_that_nobody_saw_has_them_read_again(bench: Bench) -> None:
    for rollouts in ("1", "2", "2"):
        found = live(replicas=2)
        found["metadata"]["annotations"] = {ROLLOUTS: rollouts}
        await bench.names(found)
    assert bench.reads == 2


async def test_another_deployment_of_the_name_has_other_sets(bench: Bench) -> None:
    await bench.names(live(replicas=2))
    other = live(replicas=2)
    other["metadata"]["uid"] = "u2"
    await bench.names(other)
    assert bench.reads == 2


async def test_where_two_have_pods_they_are_read_each_time(bench: Bench) -> None:
    bench.client.add(REPLICASETS, replicaset("shop-2", 1, "shop:2"))
    for _ in range(2):
        assert len(await bench.names(live(replicas=3))) == 3
    assert bench.reads == 2


async def test_a_canarys_sets_are_left_out_though_the_selector_matches_them(bench: Bench) -> None:
    canary = replicaset("shop-canary-1", 1, "shop:2")
    canary["metadata"]["ownerReferences"][0]["uid"] = "u2"
    bench.client.add(REPLICASETS, canary)
    for _ in range(2):
        assert "shop-canary-1" not in await bench.names(live(replicas=2))
    assert bench.reads == 1
    assert len(await bench.sets.read(live(replicas=2))) == 2


async def test_in_the_middle_of_a_rollout_they_say_nothing(bench: Bench) -> None:
    assert await bench.names(live(paused=False, replicas=3, availableReplicas=2)) == []
    assert bench.reads == 0
