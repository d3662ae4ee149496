"""Whole releases through the Reconciler, and the operator killed at every single write."""

from collections.abc import Callable

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
from tests.support.gateway_rules import set_cookie
from tests.support.simulated_cluster import KEY, NAMESPACE, SPEC, TRACKED, SimulatedCluster
from tests.support.simulated_service import SimulatedService
from tests.support.workload_manifests import service

Make = Callable[[], SimulatedCluster]

ENDS = pytest.mark.parametrize(
    ("error_rate", "end"), [(0.1, "Promoted"), (7.0, "RolledBack")], ids=["good", "bad"]
)


def tracking() -> SimulatedCluster:
    """A cluster whose app reads tracked config."""
    return SimulatedCluster(TRACKED)


@pytest.fixture(params=[SimulatedCluster, SimulatedService, tracking])
def make(request: pytest.FixtureRequest) -> Make:
    """Both ways to split traffic, and an app with tracked config."""
    way: Make = request.param
    return way


class Killed(Exception):
    """The process ended here."""


async def guarded(make: Make) -> SimulatedCluster:
    cluster = make()
    await cluster.run("Idle")
    return cluster


def left_as_found(cluster: SimulatedCluster) -> bool:
    """No canary is left, and route or Service read as the user wrote them."""
    here = [cluster.client.see(kind, NAMESPACE, "shop-canary") for kind in (DEPLOYMENTS, SERVICES)]
    return cluster.as_written() and here == [None, None]


async def test_from_a_new_resource_to_promoted(make: Make) -> None:
    cluster = await guarded(make)
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


async def test_of_a_canary_that_is_half_gone_nothing_is_left(make: Make) -> None:
    cluster = await guarded(make)
    cluster.push("shop:2")
    await cluster.run("Progressing")
    await cluster.client.delete(DEPLOYMENTS, NAMESPACE, "shop-canary")
    await cluster.run("RolledBack")
    assert cluster.status.history[-1].reason == "CanaryMissing"
    assert left_as_found(cluster)


async def test_a_canary_of_which_only_the_service_was_made_is_made_whole() -> None:
    cluster = await guarded(SimulatedCluster)
    cluster.push("shop:2")
    refused = Unreachable("no answer")
    cluster.client.fail(refused, verbs=("apply",), resource=DEPLOYMENTS)
    with pytest.raises(Unreachable):
        await cluster.run("Progressing")
    assert cluster.client.see(SERVICES, NAMESPACE, "shop-canary") is not None
    await cluster.run("Promoted")
    assert left_as_found(cluster)


STICKY = {**SPEC, "traffic": {"httpRoute": "shop", "sticky": {"cookie": {"name": "linnet-shop"}}}}


@pytest.mark.thorough
@ENDS
async def test_users_are_kept_on_their_version_over_restarts(error_rate: float, end: str) -> None:
    cluster = SimulatedCluster(STICKY)
    cluster.measure(errorRate=error_rate)
    for skip in range(60):
        cluster.client.fail(Killed(), skip=skip)
    restarting = Restarting(cluster)
    await restarting.run("Idle", "Progressing")
    rules = cluster.rules
    assert len(rules) == 3
    cluster.start_operator()
    await restarting.run(end)
    assert restarting.kills > 10
    assert cluster.weights == ([0, 50, 100, 0] if end == "Promoted" else [0, 50, 0])
    await settled(cluster, end)


async def test_the_same_version_released_again_draws_its_users_anew() -> None:
    cluster = SimulatedCluster(STICKY)
    await cluster.run("Idle")
    stamps = []
    for _ in range(2):
        cluster.push("shop:2")
        cluster.pass_time(10 * SECOND)
        await cluster.run("Progressing")
        stamps.append({set_cookie(ref) for rule in cluster.rules for ref in rule["backendRefs"]})
        cluster.push("shop:1")
        await cluster.run("Idle")
    assert all(len(each - {None}) == 2 for each in stamps)
    assert stamps[0] & stamps[1] == {None}


async def test_a_bad_version_is_rolled_back(make: Make) -> None:
    cluster = await guarded(make)
    cluster.push("shop:2")
    cluster.measure(errorRate=7.0)
    await cluster.run("RolledBack")
    assert cluster.weights == [0, 50, 0]
    assert left_as_found(cluster)
    assert cluster.status.failed_revision == cluster.status.canary_revision


async def test_a_version_that_does_not_come_up_gets_no_traffic(make: Make) -> None:
    cluster = await guarded(make)
    cluster.push("shop:broken")
    await cluster.run("RolledBack")
    assert cluster.weights == [0]
    assert left_as_found(cluster)


async def test_a_guarded_deployment_at_rest_costs_no_write(make: Make) -> None:
    cluster = await guarded(make)
    for _ in range(3):
        cluster.pass_time(10 * SECOND)
        await cluster.reconciler.reconcile(KEY)
    before = len(cluster.client.writes)
    assert await cluster.reconciler.reconcile(KEY) is None
    assert len(cluster.client.writes) == before


async def test_a_deletion_in_mid_release_gives_everything_back(make: Make) -> None:
    cluster = await guarded(make)
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


@pytest.mark.parametrize(("weight", "end"), [(50, "RolledBack"), (100, "Promoted")])
async def test_stable_taken_out_of_the_rule_in_mid_release_loses_no_request(
    weight: int, end: str
) -> None:
    cluster = await guarded(SimulatedCluster)
    cluster.push("shop:2")
    await cluster.run("Progressing" if weight == 50 else "Promoting")
    cluster.pass_time(5 * SECOND)
    [rule] = cluster.rules
    rule["backendRefs"] = [ref for ref in rule["backendRefs"] if ref["name"] == "shop-canary"]
    cluster.client.edit(HTTPROUTES, NAMESPACE, "shop", {"spec": {"rules": [rule]}})
    cluster.measure(errorRate=7.0)
    await cluster.run(end)
    assert left_as_found(cluster)


@pytest.mark.thorough
async def test_a_template_changed_at_any_write_of_a_promotion_loses_no_request() -> None:
    """Whatever stable has come to by then, the changed template is released from step one."""
    for skip in range(8):
        cluster = await guarded(SimulatedCluster)
        cluster.push("shop:2")
        await cluster.run("Promoting")
        cluster.client.fail(Killed(), skip=skip)
        with pytest.raises(Killed):
            await cluster.run("Promoted")
        cluster.start_operator()
        cluster.push("shop:3")
        cluster.pass_time(skip % 3 * 5 * SECOND)
        await cluster.run("Starting")
        await cluster.run("Promoted")
        cluster.pass_time(5 * SECOND)
        assert cluster.image == "shop:3"
        assert left_as_found(cluster)


async def test_behind_one_service_a_service_of_the_canarys_name_is_somebody_elses() -> None:
    cluster = SimulatedService()
    theirs = service()
    theirs["metadata"]["name"] = "shop-canary"
    theirs["spec"]["selector"] = {"app": "other"}
    before = cluster.client.add(SERVICES, theirs)
    await cluster.run("Idle")
    cluster.push("shop:2")
    await cluster.run("Promoted")
    assert cluster.client.see(SERVICES, NAMESPACE, "shop-canary") == before


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
                self.change()

    def change(self) -> None:
        if self.cluster.spec is TRACKED:
            self.cluster.edit_config(colour="blue")
        else:
            self.cluster.push("shop:2")


async def writes_of_a_release(make: Make, *phases: str, error_rate: float) -> int:
    cluster = make()
    cluster.measure(errorRate=error_rate)
    await Restarting(cluster).run(*phases)
    return len(cluster.client.writes)


@pytest.mark.thorough
@ENDS
async def test_killed_at_any_one_write_it_ends_the_same(
    make: Make, error_rate: float, end: str
) -> None:
    count = await writes_of_a_release(make, "Idle", end, error_rate=error_rate)
    assert count > 20
    for skip in range(count):
        cluster = make()
        cluster.measure(errorRate=error_rate)
        cluster.client.fail(Killed(), skip=skip)
        restarting = Restarting(cluster)
        await restarting.run("Idle", end)
        assert restarting.kills == 1
        await settled(cluster, end)


async def settled(cluster: SimulatedCluster, end: str) -> None:
    """Once the trouble is over nothing is left to do, and stable runs what it should."""
    cluster.client.cluster.failures.clear()
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
    if cluster.spec is TRACKED:
        assert cluster.read() == {"colour": "blue" if end == "Promoted" else "red"}
        assert len(cluster.configs) == 3


@pytest.mark.thorough
@ENDS
async def test_killed_at_every_other_write_it_ends_the_same(
    make: Make, error_rate: float, end: str
) -> None:
    await troubled(make, Killed(), error_rate, end)


@pytest.mark.thorough
@ENDS
async def test_with_every_other_answer_lost_it_ends_the_same(
    make: Make, error_rate: float, end: str
) -> None:
    await troubled(make, Unreachable("the answer is lost"), error_rate, end, done=True)


async def troubled(
    make: Make, error: Exception, error_rate: float, end: str, *, done: bool = False
) -> None:
    cluster = make()
    cluster.measure(errorRate=error_rate)
    for skip in range(60):
        cluster.client.fail(error, skip=skip, done=done)
    restarting = Restarting(cluster)
    await restarting.run("Idle", end)
    assert restarting.kills > 8
    await settled(cluster, end)
