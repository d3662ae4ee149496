"""Whole releases of tracked config through the Reconciler: what pods start with, and when."""

from linnet.providers.kubernetes import CANARYRELEASES, DEPLOYMENTS
from tests.support.builders import SECOND
from tests.support.simulated_cluster import KEY, NAMESPACE, TRACKED, SimulatedCluster


async def test_a_change_of_content_is_promoted_with_new_pods() -> None:
    cluster = SimulatedCluster(TRACKED)
    await cluster.run("Idle")
    cluster.edit_config(colour="blue")
    await cluster.run("Progressing")
    assert cluster.read() == {"colour": "red"}
    await cluster.run("Promoted")
    assert cluster.read() == {"colour": "blue"}
    assert cluster.weights == [0, 50, 100, 0]
    before, after = (with_ for name, with_ in cluster.started_with.items() if "canary" not in name)
    assert (before, after) == ([{"colour": "red"}], [{"colour": "blue"}])
    assert cluster.as_written()


async def test_tracking_begins_in_a_guarded_app_with_the_template_that_comes_later() -> None:
    cluster = SimulatedCluster()
    await cluster.run("Idle")
    cluster.spec = TRACKED
    cluster.client.edit(CANARYRELEASES, NAMESPACE, "shop", {"spec": TRACKED})
    await cluster.run("Pending")
    assert [c.reason for c in cluster.status.conditions if c.type == "Stalled"] == [
        "ConfigNotMounted"
    ]
    assert cluster.configs == ["settings"]
    cluster.push("shop:1")  # the same image, reading what Linnet writes
    await cluster.run("Promoted")
    assert cluster.weights == [0, 50, 100, 0]
    assert cluster.read() == {"colour": "red"}
    assert cluster.as_written()


async def test_a_bad_content_reaches_no_pod_of_stable() -> None:
    cluster = SimulatedCluster(TRACKED)
    await cluster.run("Idle")
    copies = cluster.configs
    cluster.edit_config(colour="blue")
    cluster.measure(errorRate=7.0)
    await cluster.run("Progressing")
    assert len(cluster.configs) == len(copies) + 1
    await cluster.run("RolledBack")
    for _ in range(3):
        await cluster.reconciler.reconcile(KEY)
    assert cluster.read() == {"colour": "red"}
    assert cluster.configs == copies
    read = {name: with_ for name, with_ in cluster.started_with.items()}
    [canary] = [with_ for name, with_ in read.items() if "canary" in name]
    [stable] = [with_ for name, with_ in read.items() if "canary" not in name]
    assert (canary, stable) == ([{"colour": "blue"}], [{"colour": "red"}])


async def test_deleted_after_a_content_was_promoted_no_pod_restarts() -> None:
    cluster = SimulatedCluster(TRACKED)
    await cluster.run("Idle")
    cluster.edit_config(colour="blue")
    await cluster.run("Promoted")
    pods = set(cluster.started_with)
    cluster.edit_config(colour="green")
    assert await cluster.client.delete(CANARYRELEASES, NAMESPACE, "shop")
    for _ in range(5):
        await cluster.reconciler.reconcile(KEY)
        cluster.pass_time(5 * SECOND)
    assert cluster.release is None
    assert cluster.configs == ["settings", "settings-live"]
    assert cluster.read() == {"colour": "blue"}
    assert set(cluster.started_with) == pods
    stable = cluster.client.see(DEPLOYMENTS, NAMESPACE, "shop")
    assert stable is not None
    assert stable["spec"]["paused"] is False
