"""Whole releases through the Reconciler, and the operator killed at every single write."""

import pytest

from linnet.controller.release import FINALIZER
from linnet.providers.errors import Conflict, Unreachable
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    DEPLOYMENTS,
    EVENTS,
    HTTPROUTES,
    SERVICES,
)
from tests.support.builders import SECOND
from tests.support.simulated_cluster import KEY, NAMESPACE, SimulatedCluster

ENDS = pytest.mark.parametrize(
    ("error_rate", "end"), [(0.1, "Promoted"), (7.0, "RolledBack")], ids=["good", "bad"]
)


class Killed(Exception):
    """The process ended here."""


async def guarded() -> SimulatedCluster:
    cluster = SimulatedCluster()
    await cluster.run("Idle")
    return cluster


def left_as_found(cluster: SimulatedCluster) -> bool:
    """No canary is left, and the route reads as the user wrote it."""
    route = cluster.client.see(HTTPROUTES, NAMESPACE, "shop")
    assert route is not None
    refs = [(ref["name"], ref["weight"]) for ref in route["spec"]["rules"][0]["backendRefs"]]
    here = [cluster.client.see(kind, NAMESPACE, "shop-canary") for kind in (DEPLOYMENTS, SERVICES)]
    return refs == [("shop", 1)] and here == [None, None]


async def test_from_a_new_resource_to_promoted() -> None:
    cluster = await guarded()
    cluster.push("shop:2")
    await cluster.run("Promoted")
    cluster.pass_time(10 * SECOND)
    assert cluster.weights == [0, 50, 100, 0]
    assert left_as_found(cluster)
    kinds = [str(entry.decision) for entry in cluster.status.history]
    assert kinds == [
        "Adopted", "Started", "Advanced", "Advanced", "Promoting", "Returned", "Promoted",
    ]  # fmt: skip
    events = await cluster.client.list(EVENTS)
    assert [event["reason"] for event in events] == kinds


async def test_a_bad_version_is_rolled_back() -> None:
    cluster = await guarded()
    cluster.push("shop:2")
    cluster.measure(errorRate=7.0)
    await cluster.run("RolledBack")
    assert cluster.weights == [0, 50, 0]
    assert left_as_found(cluster)
    assert cluster.status.failed_revision == cluster.status.canary_revision


async def test_a_version_that_does_not_come_up_gets_no_traffic() -> None:
    cluster = await guarded()
    cluster.push("shop:broken")
    await cluster.run("RolledBack")
    assert cluster.weights == [0]
    assert left_as_found(cluster)


async def test_a_guarded_deployment_at_rest_costs_no_write() -> None:
    cluster = await guarded()
    for _ in range(3):
        cluster.pass_time(10 * SECOND)
        await cluster.reconciler.reconcile(KEY)
    before = len(cluster.client.writes)
    assert await cluster.reconciler.reconcile(KEY) is None
    assert len(cluster.client.writes) == before


async def test_a_deletion_in_mid_release_gives_everything_back() -> None:
    cluster = await guarded()
    cluster.push("shop:2")
    await cluster.run("Progressing")
    cluster.pass_time(10 * SECOND)
    assert await cluster.client.delete(CANARYRELEASES, NAMESPACE, "shop")
    for _ in range(20):
        await cluster.reconciler.reconcile(KEY)
        cluster.pass_time(5 * SECOND)
    assert cluster.release is None
    assert left_as_found(cluster)
    assert await cluster.reconciler.reconcile(KEY) is None


class Restarting:
    """Runs a release; when the operator is killed, another one takes over."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.cluster = cluster
        self.kills = 0

    async def run(self, *phases: str) -> None:
        for phase in phases:
            while True:
                try:
                    await self.cluster.run(phase)
                    break
                except (Killed, Unreachable, Conflict):
                    self.kills += 1
                    self.cluster.start_operator()
                    self.cluster.pass_time(SECOND)
            if phase == "Idle":
                self.cluster.push("shop:2")


async def writes_of_a_release(*phases: str, error_rate: float) -> int:
    cluster = SimulatedCluster()
    cluster.measure(errorRate=error_rate)
    await Restarting(cluster).run(*phases)
    return len(cluster.client.writes)


@ENDS
async def test_killed_at_any_one_write_it_ends_the_same(error_rate: float, end: str) -> None:
    count = await writes_of_a_release("Idle", end, error_rate=error_rate)
    assert count > 20
    for skip in range(count):
        cluster = SimulatedCluster()
        cluster.measure(errorRate=error_rate)
        cluster.client.fail(Killed(), skip=skip)
        restarting = Restarting(cluster)
        await restarting.run("Idle", end)
        assert restarting.kills == 1
        await settled(cluster, end)


async def settled(cluster: SimulatedCluster, end: str) -> None:
    """Nothing is left to do, and stable runs what it should."""
    for _ in range(3):
        cluster.pass_time(10 * SECOND)
        await cluster.reconciler.reconcile(KEY)
    assert cluster.status.phase == end
    assert cluster.release is not None
    assert FINALIZER in cluster.release["metadata"]["finalizers"]
    assert left_as_found(cluster)
    stable = cluster.client.see(DEPLOYMENTS, NAMESPACE, "shop")
    assert stable is not None
    assert stable["spec"]["paused"] is True


@ENDS
async def test_killed_at_every_other_write_it_ends_the_same(error_rate: float, end: str) -> None:
    await troubled(Killed(), error_rate, end)


@ENDS
async def test_with_every_other_answer_lost_it_ends_the_same(error_rate: float, end: str) -> None:
    await troubled(Unreachable("the answer is lost"), error_rate, end, done=True)


async def troubled(error: Exception, error_rate: float, end: str, *, done: bool = False) -> None:
    cluster = SimulatedCluster()
    cluster.measure(errorRate=error_rate)
    for skip in range(60):
        cluster.client.fail(error, skip=skip, done=done)
    restarting = Restarting(cluster)
    await restarting.run("Idle", end)
    assert restarting.kills > 10
    await settled(cluster, end)
