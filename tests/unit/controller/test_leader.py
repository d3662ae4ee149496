"""Who leads: replicas on clocks of their own, and a Lease in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from linnet.controller.leader import (
    DURATION_SECONDS,
    RENEW_DEADLINE,
    RETRY_SECONDS,
    WRITE_SECONDS,
    Leader,
)
from linnet.providers.errors import Conflict, LeaseLost, Unreachable
from linnet.providers.kubernetes import DEPLOYMENTS, LEASES, Manifest, Resource
from tests.support.builders import HOUR, START
from tests.support.fake_kubernetes import WRITES, Cluster, FakeKubernetes
from tests.support.workload_manifests import deployment

FOR_EVER = 10**6
AWAY: dict[str, Any] = {"resource": LEASES, "verbs": ("get", *WRITES), "times": FOR_EVER}


class EnoughPauses(Exception):
    """The test has seen enough."""


class SlowReads(FakeKubernetes):
    """Something happens between a read and its answer."""

    def __init__(self, cluster: Cluster, on_read: Callable[[], Awaitable[object]]) -> None:
        super().__init__(cluster)
        self.on_read = on_read

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        found = await super().get(resource, namespace, name)
        await self.on_read()
        return found


class Replica:
    """A leader with clocks of its own; a pause takes no time but turns its clock."""

    def __init__(
        self, client: FakeKubernetes, name: str, ahead: timedelta = timedelta(), pauses: int = 0
    ) -> None:
        self.client = client
        self.seconds = 1000.0 * len(name)
        self.pauses = pauses
        self.on_pause: Callable[[], Awaitable[object]] | None = None
        self.leader = Leader(
            client,
            namespace="linnet",
            name="linnet-operator",
            identity=name,
            address=f"{name}.example:8080",
            now=lambda: START + ahead + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
            pause=self.pause,
        )

    async def pause(self, seconds: float) -> None:
        if self.pauses == 0:
            raise EnoughPauses()
        self.pauses -= 1
        self.seconds += seconds
        if self.on_pause:
            await self.on_pause()

    async def waits(self, pauses: int) -> bool:
        """Whether it still waits for the lease after so many pauses."""
        self.pauses = pauses
        try:
            await self.leader.acquire()
        except EnoughPauses:
            return True
        return False


@pytest.fixture
def client() -> FakeKubernetes:
    return FakeKubernetes()


def lease(client: FakeKubernetes) -> Manifest:
    found = client.see(LEASES, "linnet", "linnet-operator")
    assert found is not None
    return dict(found["spec"])


async def test_a_lease_that_is_absent_is_made(client: FakeKubernetes) -> None:
    one = Replica(client, "one")
    assert not one.leader.leads
    await one.leader.acquire()
    assert one.leader.leads
    spec = lease(client)
    assert spec["holderIdentity"] == "one"
    assert spec["leaseDurationSeconds"] == DURATION_SECONDS
    assert spec["renewTime"] == spec["acquireTime"] == "2030-01-01T12:50:00.000000Z"


async def test_a_free_lease_is_taken(client: FakeKubernetes) -> None:
    manifest = {"metadata": {"namespace": "linnet", "name": "linnet-operator"}}
    client.add(LEASES, manifest)
    await Replica(client, "one").leader.acquire()
    assert lease(client)["holderIdentity"] == "one"
    assert lease(client)["leaseTransitions"] == 1


async def test_its_own_lease_is_taken_up_again_at_once(client: FakeKubernetes) -> None:
    await Replica(client, "one").leader.acquire()
    again = Replica(client, "one")
    await again.leader.acquire()
    assert again.leader.leads
    assert lease(client)["leaseTransitions"] == 0


async def test_it_waits_while_another_one_renews(client: FakeKubernetes) -> None:
    one, two = Replica(client, "one"), Replica(client, "two")
    await one.leader.acquire()

    async def renew() -> None:
        one.seconds += RETRY_SECONDS
        await one.leader.acquire()

    two.on_pause = renew
    assert await two.waits(50)
    assert lease(client)["holderIdentity"] == "one"


@pytest.mark.parametrize("ahead", [-HOUR, 0 * HOUR, HOUR])
async def test_it_takes_over_by_its_own_clock_alone(
    client: FakeKubernetes, ahead: timedelta
) -> None:
    await Replica(client, "one", ahead).leader.acquire()
    two = Replica(client, "two")
    needed = int(DURATION_SECONDS / RETRY_SECONDS) + 1
    assert await two.waits(needed - 1)
    assert lease(client)["holderIdentity"] == "one"
    assert not await two.waits(1)
    assert lease(client)["holderIdentity"] == "two"
    assert lease(client)["leaseTransitions"] == 1


async def test_of_two_candidates_exactly_one_leads(client: FakeKubernetes) -> None:
    client.add(LEASES, {"metadata": {"namespace": "linnet", "name": "linnet-operator"}})
    both_have_read = asyncio.Barrier(2)
    together = SlowReads(client.cluster, both_have_read.wait)
    replicas = [Replica(together, name) for name in ("one", "two")]
    waits = await asyncio.gather(*(each.waits(0) for each in replicas))
    assert sorted(waits) == [False, True]
    assert sorted(each.leader.leads for each in replicas) == [False, True]


async def test_of_two_that_make_the_lease_exactly_one_leads(client: FakeKubernetes) -> None:
    client.fail(Conflict("there is one"), verbs=("create",))
    one = Replica(client, "one")
    assert await one.waits(0)
    assert not one.leader.leads


async def test_it_keeps_renewing(client: FakeKubernetes) -> None:
    one = Replica(client, "one", pauses=30)
    await one.leader.acquire()
    with pytest.raises(EnoughPauses):
        await one.leader.keep()
    assert one.leader.leads
    assert lease(client)["renewTime"] == "2030-01-01T12:51:00.000000Z"


async def test_a_short_outage_is_survived(client: FakeKubernetes) -> None:
    one = Replica(client, "one", pauses=10)
    await one.leader.acquire()
    client.fail(Unreachable("down"), resource=LEASES, times=3)
    with pytest.raises(EnoughPauses):
        await one.leader.keep()
    assert one.leader.leads


async def test_it_gives_up_after_the_deadline(client: FakeKubernetes) -> None:
    one = Replica(client, "one", pauses=100)
    await one.leader.acquire()
    start = one.seconds
    client.fail(Unreachable("down"), **AWAY)
    with pytest.raises(LeaseLost):
        await one.leader.keep()
    assert RENEW_DEADLINE <= one.seconds - start <= RENEW_DEADLINE + RETRY_SECONDS


async def test_it_gives_up_at_once_when_another_one_leads(client: FakeKubernetes) -> None:
    one = Replica(client, "one", pauses=100)
    await one.leader.acquire()
    client.edit(LEASES, "linnet", "linnet-operator", {"spec": {"holderIdentity": "two"}})
    with pytest.raises(LeaseLost):
        await one.leader.keep()
    assert one.pauses == 99


async def test_a_renewal_that_took_too_long_is_none(client: FakeKubernetes) -> None:
    async def take_long() -> None:
        one.seconds += RENEW_DEADLINE

    one = Replica(SlowReads(client.cluster, take_long), "one", pauses=1)
    await one.leader.acquire()
    assert not one.leader.leads
    with pytest.raises(LeaseLost):
        await one.leader.keep()


async def test_the_fence_shuts_before_another_one_can_lead(client: FakeKubernetes) -> None:
    one, two = Replica(client, "one"), Replica(client, "two")
    await one.leader.acquire()
    fenced = client.fenced(one.leader.fence)
    client.add(DEPLOYMENTS, deployment())
    await two.waits(0)
    one.seconds += RENEW_DEADLINE - 0.001
    two.seconds += RENEW_DEADLINE - 0.001
    await fenced.patch(DEPLOYMENTS, "default", "shop", {"spec": {"paused": True}})
    one.seconds += 0.001
    with pytest.raises(LeaseLost):
        await fenced.patch(DEPLOYMENTS, "default", "shop", {"spec": {"paused": False}})
    two.seconds += 0.001 + WRITE_SECONDS
    assert await two.waits(0), "the last write that passed has ended by now"


async def test_without_the_lease_nothing_is_written(client: FakeKubernetes) -> None:
    with pytest.raises(LeaseLost):
        Replica(client, "one").leader.fence()


async def test_a_released_lease_is_free_at_once(client: FakeKubernetes) -> None:
    one, two = Replica(client, "one"), Replica(client, "two")
    await one.leader.acquire()
    await one.leader.release()
    assert not one.leader.leads
    assert lease(client)["holderIdentity"] == ""
    assert not await two.waits(0)


async def test_only_its_own_lease_is_released(client: FakeKubernetes) -> None:
    one = Replica(client, "one")
    await one.leader.release()
    assert not client.writes
    await one.leader.acquire()
    client.edit(LEASES, "linnet", "linnet-operator", {"spec": {"holderIdentity": "two"}})
    await one.leader.release()
    assert lease(client)["holderIdentity"] == "two"


async def test_a_release_that_fails_is_no_failure(client: FakeKubernetes) -> None:
    one = Replica(client, "one")
    await one.leader.acquire()
    client.fail(Unreachable("down"), **AWAY)
    await one.leader.release()
    assert not one.leader.leads


async def test_it_is_in_touch_once_the_api_server_has_answered(client: FakeKubernetes) -> None:
    await Replica(client, "other").leader.acquire()
    one = Replica(client, "one")
    failure = client.fail(Unreachable("down"), **AWAY)
    assert await one.waits(2)
    assert not one.leader.in_touch
    failure.times = 0
    assert await one.waits(0)
    assert one.leader.in_touch
    assert not one.leader.leads


async def test_who_waits_knows_where_the_leader_is_reached(client: FakeKubernetes) -> None:
    one, two = Replica(client, "one"), Replica(client, "two")
    assert (one.leader.elsewhere, two.leader.elsewhere) == ("", "")
    assert not await one.waits(0)
    assert await two.waits(1)
    assert (one.leader.elsewhere, two.leader.elsewhere) == ("", "one.example:8080")
    await one.leader.release()
    assert not await two.waits(1)
    assert two.leader.elsewhere == ""
    assert await one.waits(1)
    assert one.leader.elsewhere == "two.example:8080"
