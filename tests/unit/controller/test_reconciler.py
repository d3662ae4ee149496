"""One look: what is written, in which order, and what a failure leaves behind."""

import pytest
from prometheus_client import REGISTRY

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.controller import telemetry
from linnet.controller.reconcile import AFTER_ACTION_SECONDS, TELL_SECONDS
from linnet.controller.release import FINALIZER, InvalidSpec, Key, write_status
from linnet.providers.attempts import CONFLICT_ATTEMPTS
from linnet.providers.errors import Conflict, Forbidden, LeaseLost, Unreachable, Unusable
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    DEPLOYMENTS,
    EVENTS,
    HTTPROUTES,
)
from tests.support.builders import SECOND, make_spec
from tests.support.simulated_cluster import KEY, NAMESPACE, SimulatedCluster

REFUSED = Forbidden(403, "Forbidden", "you may not")


async def progressing() -> SimulatedCluster:
    """A release at its first weight, reported and not measured yet."""
    cluster = SimulatedCluster()
    await cluster.run("Idle")
    cluster.push("shop:2")
    await cluster.run("Progressing")
    for _ in range(2):
        cluster.pass_time(2 * SECOND)
    return cluster


async def look(cluster: SimulatedCluster) -> list[str]:
    """Look once; the writes that were tried."""
    before = len(cluster.client.writes)
    try:
        await cluster.reconciler.reconcile(KEY)
    finally:
        cluster.tried = [str(call) for call in cluster.client.writes[before:]]
    return cluster.tried


def history(cluster: SimulatedCluster) -> list[str]:
    return [str(entry.decision) for entry in cluster.status.history]


def shown(name: str, **labels: str) -> float | None:
    place = {"namespace": NAMESPACE, "name": "shop"}
    return REGISTRY.get_sample_value(name, {**place, **labels})


async def test_the_finalizer_comes_first() -> None:
    cluster = SimulatedCluster()
    assert await cluster.reconciler.reconcile(KEY) == 0
    assert [str(call) for call in cluster.client.writes] == ["patch CanaryRelease shop"]
    assert cluster.release is not None
    assert cluster.release["metadata"]["finalizers"] == [FINALIZER]


async def test_a_resource_that_goes_before_it_was_guarded_is_left_alone() -> None:
    cluster = SimulatedCluster()
    patch = {"metadata": {"finalizers": ["a.example/x"]}}
    cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", patch)
    await cluster.client.delete(CANARYRELEASES, NAMESPACE, "shop")
    assert await look(cluster) == []


async def test_adoption_pauses_and_stores_and_tells() -> None:
    cluster = SimulatedCluster()
    await cluster.reconciler.reconcile(KEY)
    writes = await look(cluster)
    assert [write.split()[:2] for write in writes] == [
        ["apply", "Deployment"],
        ["patch", "CanaryRelease"],
        ["create", "Event"],
    ]
    assert cluster.status.phase is Phase.IDLE


async def test_a_status_that_says_nothing_new_is_not_written() -> None:
    cluster = await progressing()
    await look(cluster)
    assert await look(cluster) == []


async def test_traffic_moves_before_the_status_and_the_event() -> None:
    cluster = await progressing()
    cluster.push("shop:3")
    assert [write.split()[:2] for write in await look(cluster)] == [
        ["apply", "HTTPRoute"],
        ["patch", "CanaryRelease"],
        ["create", "Event"],
    ]


@pytest.mark.parametrize(
    "error", [Unreachable("down"), REFUSED, Unusable("NoStableBackend", "edit it")], ids=repr
)
async def test_an_action_that_fails_stores_the_decision_and_raises(error: Exception) -> None:
    cluster = await progressing()
    cluster.push("shop:1")
    cluster.client.fail(error, resource=HTTPROUTES)
    with pytest.raises(type(error)):
        await look(cluster)
    assert cluster.status.phase is Phase.ROLLING_BACK
    assert history(cluster)[-1] == "Reverted"
    assert await look(cluster) == ["apply HTTPRoute shop"]


async def test_what_follows_a_failed_action_waits() -> None:
    cluster = await progressing()
    cluster.client.edit(DEPLOYMENTS, NAMESPACE, "shop", {"spec": {"paused": False}})
    cluster.push("shop:1")
    cluster.client.fail(Unreachable("down"), resource=HTTPROUTES)
    with pytest.raises(Unreachable):
        await look(cluster)
    assert not [write for write in cluster.tried if "Deployment" in write]
    assert "apply Deployment shop" in await look(cluster)


async def test_a_status_that_is_not_stored_tells_nothing_yet() -> None:
    cluster = await progressing()
    cluster.push("shop:1")
    cluster.client.fail(Unreachable("down"), resource=CANARYRELEASES)
    with pytest.raises(Unreachable):
        await look(cluster)
    assert not [write for write in cluster.tried if "Event" in write]
    assert len([write for write in await look(cluster) if "Event" in write]) == 1
    assert history(cluster)[-1] == "Reverted"


async def test_weight_0_needs_neither_prometheus_nor_status_nor_event() -> None:
    cluster = await progressing()
    cluster.metrics.down = "connection refused"
    cluster.push("shop:1")
    for kind in (CANARYRELEASES, EVENTS):
        cluster.client.fail(Unreachable("down"), resource=kind)
    with pytest.raises(Unreachable):
        await look(cluster)
    for _ in range(2):
        cluster.pass_time(2 * SECOND)
    assert cluster.weights[-1] == 0


async def test_every_new_entry_of_the_history_is_an_event() -> None:
    cluster = await progressing()
    events = await cluster.client.list(EVENTS)
    assert [event["reason"] for event in events] == history(cluster)


async def test_an_event_that_is_refused_costs_nothing_else() -> None:
    cluster = SimulatedCluster()
    cluster.client.fail(REFUSED, resource=EVENTS, times=1000)
    await cluster.run("Idle")
    cluster.push("shop:2")
    await cluster.run("Promoted")
    assert await cluster.client.list(EVENTS) == []


@pytest.mark.parametrize("times", range(2))
async def test_a_lost_lease_stops_every_write(times: int) -> None:
    cluster = SimulatedCluster()
    cluster.client.fail(LeaseLost(), skip=times, times=1000)
    cluster.push("shop:2")
    with pytest.raises(LeaseLost):
        await cluster.run("Promoted")
    assert len(cluster.client.writes) == times + 1


async def test_letting_go_writes_no_status() -> None:
    cluster = SimulatedCluster()
    await cluster.run("Idle")
    await cluster.client.delete(CANARYRELEASES, NAMESPACE, "shop")
    writes = await look(cluster)
    assert [write for write in writes if "Release" in write] == ["patch CanaryRelease shop"]
    assert cluster.release is None
    stable = cluster.client.see(DEPLOYMENTS, NAMESPACE, "shop")
    assert stable is not None
    assert stable["spec"]["paused"] is False


async def test_letting_go_that_fails_is_tried_again() -> None:
    cluster = SimulatedCluster()
    await cluster.run("Idle")
    await cluster.client.delete(CANARYRELEASES, NAMESPACE, "shop")
    cluster.client.fail(Unreachable("down"), resource=DEPLOYMENTS)
    with pytest.raises(Unreachable):
        await look(cluster)
    assert cluster.release is not None, "not let go before the Deployment is"
    await look(cluster)
    assert cluster.release is None


async def test_after_an_action_it_looks_again_soon() -> None:
    cluster = SimulatedCluster()
    await cluster.reconciler.reconcile(KEY)
    wake = await cluster.reconciler.reconcile(KEY)
    assert wake is not None
    assert wake <= AFTER_ACTION_SECONDS


async def test_a_spec_that_cannot_be_read_is_said_and_nothing_done() -> None:
    cluster = SimulatedCluster()
    await cluster.run("Idle")
    cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", {"spec": {"steps": "all"}})
    with pytest.raises(InvalidSpec, match=r"spec\.steps"):
        await look(cluster)
    assert cluster.tried == []


@pytest.mark.thorough
async def test_a_status_lost_in_mid_release_ends_with_traffic_on_stable() -> None:
    cluster = await progressing()
    cluster.client.cluster.objects[CANARYRELEASES, NAMESPACE, "shop"].pop("status")
    assert cluster.status == CanaryReleaseStatus()
    await cluster.run("Promoted")
    cluster.pass_time(3 * SECOND)
    assert cluster.weights == [0, 50, 0, 50, 100, 0]


async def test_other_words_alone_are_written_when_they_last() -> None:
    cluster = await progressing()
    await look(cluster)
    words = cluster.status.message
    cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", {"status": {"message": "other words"}})
    assert await look(cluster) == []
    assert await cluster.reconciler.reconcile(KEY) == TELL_SECONDS
    cluster.pass_time(SECOND)
    assert await look(cluster) == ["patch CanaryRelease shop status"]
    assert cluster.status.message == words


async def test_a_spec_that_changes_just_before_the_status_is_written_is_looked_at_at_once() -> None:
    cluster = SimulatedCluster()
    await cluster.reconciler.reconcile(KEY)

    def edit() -> None:
        """Somebody edits the spec when the Deployment is paused, before the status is written."""
        cluster.client.cluster.after_write = lambda: None
        cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", {"spec": {"suspend": True}})

    cluster.client.cluster.after_write = edit
    assert await cluster.reconciler.reconcile(KEY) == 0


async def test_an_older_look_does_not_undo_what_was_decided_since() -> None:
    """The process stood still between its look and its write, while another one led."""
    cluster = await progressing()
    cluster.push("shop:1")
    decided = cluster.status.model_copy(update={"phase": Phase.ROLLING_BACK, "history": ()})

    def decide() -> None:
        cluster.client.cluster.after_write = lambda: None
        patch = {"status": write_status(decided)}
        cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", patch)

    cluster.client.cluster.after_write = decide
    with pytest.raises(Conflict):
        await look(cluster)
    assert cluster.status == decided
    assert not [write for write in cluster.tried if "Event" in write]


async def test_a_status_that_others_always_edit_beside_is_given_up_for_this_look() -> None:
    cluster = await progressing()
    cluster.push("shop:1")

    def edit() -> None:
        labels = {"metadata": {"labels": {"a": str(len(cluster.client.writes))}}}
        cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", labels)

    tries = cluster.client.fail(Conflict("another version"), resource=CANARYRELEASES, times=100)
    cluster.client.cluster.after_write = edit
    with pytest.raises(Conflict):
        await look(cluster)
    assert tries.times == 100 - CONFLICT_ATTEMPTS


async def test_the_gauges_follow_the_release() -> None:
    cluster = await progressing()
    await look(cluster)
    assert shown("linnet_release_phase", phase="Progressing") == 1
    assert shown("linnet_release_phase", phase="Idle") is None
    assert shown("linnet_release_weight_percent", kind="wanted") == 50
    assert shown("linnet_release_weight_percent", kind="seen") == 50


async def test_a_weight_that_is_not_seen_shows_as_minus_one() -> None:
    telemetry.RELEASES.show(KEY, make_spec(), CanaryReleaseStatus())
    assert shown("linnet_release_weight_percent", kind="seen") == -1


async def test_a_release_that_is_gone_is_no_longer_shown() -> None:
    cluster = await progressing()
    cluster.client.cluster.remove((CANARYRELEASES, NAMESPACE, "shop"))
    assert await cluster.reconciler.reconcile(KEY) is None
    assert shown("linnet_release_phase", phase="Progressing") is None
    assert shown("linnet_release_weight_percent", kind="wanted") is None


def test_what_was_never_shown_can_be_forgotten() -> None:
    telemetry.RELEASES.forget(Key("never", "shown"))


def ask(cluster: SimulatedCluster, action: str) -> None:
    request = {"linnet.dev/request": f'{{"id": "{action}", "action": "{action}", "by": "jane"}}'}
    cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", {"metadata": {"annotations": request}})


async def test_a_rollback_that_is_asked_for_moves_traffic_first_and_is_told() -> None:
    cluster = await progressing()
    ask(cluster, "Rollback")
    assert [write.split()[:2] for write in await look(cluster)] == [
        ["apply", "HTTPRoute"],
        ["patch", "CanaryRelease"],
        ["create", "Event"],
    ]
    last = cluster.status.history[-1]
    assert (last.reason, last.message) == ("Requested", "Rollback was asked for by jane")


async def test_a_request_that_comes_just_before_the_status_is_written_is_looked_at_at_once() -> (
    None
):
    cluster = SimulatedCluster()
    await cluster.reconciler.reconcile(KEY)

    def come() -> None:
        cluster.client.cluster.after_write = lambda: None
        ask(cluster, "Retry")

    cluster.client.cluster.after_write = come
    assert await cluster.reconciler.reconcile(KEY) == 0


async def test_what_a_release_waits_for_is_shown() -> None:
    cluster = await progressing()
    ask(cluster, "Rollback")
    await cluster.run("RolledBack")
    assert shown("linnet_release_stalled", reason="RolledBack") == 1
    telemetry.RELEASES.show(KEY, make_spec(), CanaryReleaseStatus())
    assert shown("linnet_release_stalled", reason="RolledBack") is None
