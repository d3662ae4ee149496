"""What the mirror believes, and what it wants to have read again."""

from typing import Any

import pytest

from linnet.providers.errors import Conflict, Unreachable
from linnet.providers.mirror import (
    ABSENCE_SECONDS,
    BELIEVED_SECONDS,
    RELIST_SECONDS,
    WATCHED,
    Mirror,
    watch_selectors,
)
from linnet.providers.mirrored import MirroredClient
from linnet.providers.resources import CANARYRELEASES, DEPLOYMENTS, HTTPROUTES, PODS, REPLICASETS
from tests.support.clock import Clock
from tests.support.fake_kubernetes import Cluster, FakeKubernetes
from tests.support.releases import MINIMAL, release
from tests.support.workload_manifests import deployment, http_route

OURS = {"linnet.dev/release": "shop"}
CANARY = {"app": "shop-canary", "linnet.dev/track": "canary"}
UNKNOWN = (False, None)
ABSENT = (True, None)


def body(version: int = 1, name: str = "shop", uid: str = "one", **more: Any) -> dict[str, Any]:
    metadata = {"namespace": "default", "name": name, "uid": uid, "resourceVersion": str(version)}
    return {"metadata": {**metadata, **more}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mirror(clock: Clock) -> Mirror:
    mirror = Mirror(clock)
    for resource in WATCHED:
        mirror.fill(resource, [])
    return mirror


def find(mirror: Mirror, resource: Any = HTTPROUTES, name: str = "shop") -> Any:
    return mirror.find(resource, "default", name)


def test_the_newest_version_counts_whatever_comes_last(mirror: Mirror) -> None:
    assert mirror.told(HTTPROUTES, body(9))
    assert not mirror.told(HTTPROUTES, body(8))
    assert not mirror.told(HTTPROUTES, body(9))
    assert mirror.told(HTTPROUTES, body(10))
    assert find(mirror) == (True, body(10))


def test_what_is_found_is_a_copy_without_managed_fields(mirror: Mirror) -> None:
    mirror.told(HTTPROUTES, body(managedFields=[{"manager": "kubectl"}]))
    _, found = find(mirror)
    found["metadata"]["name"] = "changed"
    assert find(mirror) == (True, body())


def test_what_a_complete_watch_has_not_told_of_is_absent(clock: Clock, mirror: Mirror) -> None:
    assert find(mirror) == ABSENT
    assert find(Mirror(clock)) == UNKNOWN, "not before the first list"
    assert find(mirror, DEPLOYMENTS) == UNKNOWN, "one without the watch's label may be there"


def test_an_object_that_the_watch_does_not_cover_is_read_each_time(mirror: Mirror) -> None:
    mirror.told(DEPLOYMENTS, body())
    assert find(mirror, DEPLOYMENTS) == UNKNOWN
    mirror.told(DEPLOYMENTS, body(2, labels=OURS))
    assert find(mirror, DEPLOYMENTS)[0]


def test_the_end_of_an_object(mirror: Mirror) -> None:
    mirror.told(HTTPROUTES, body(5))
    mirror.gone(HTTPROUTES, body(6))
    assert find(mirror) == ABSENT
    assert not mirror.told(HTTPROUTES, body(7)), "late word of the one that is gone"
    assert mirror.told(HTTPROUTES, body(8, uid="two"))
    assert find(mirror)[1] == body(8, uid="two")


def test_an_object_that_loses_the_label_may_still_be_there(mirror: Mirror) -> None:
    mirror.told(DEPLOYMENTS, body(labels=OURS))
    mirror.gone(DEPLOYMENTS, body(2))
    assert find(mirror, DEPLOYMENTS) == UNKNOWN


def test_an_absence_is_believed_for_a_moment_where_no_watch_tells_its_end(
    clock: Clock, mirror: Mirror
) -> None:
    mirror.absent(DEPLOYMENTS, "default", "shop")
    assert find(mirror, DEPLOYMENTS) == ABSENT
    clock.now = ABSENCE_SECONDS
    assert find(mirror, DEPLOYMENTS) == UNKNOWN


def test_nothing_is_believed_for_ever(clock: Clock, mirror: Mirror) -> None:
    mirror.told(HTTPROUTES, body())
    clock.now = BELIEVED_SECONDS - 1
    assert find(mirror)[0]
    mirror.told(HTTPROUTES, body())
    clock.now = BELIEVED_SECONDS
    assert find(mirror)[0], "told again in between"
    clock.now = 2 * BELIEVED_SECONDS
    assert find(mirror) == UNKNOWN


def test_a_list_that_leaves_an_object_out_casts_doubt_on_it(clock: Clock, mirror: Mirror) -> None:
    mirror.told(HTTPROUTES, body(1))
    mirror.told(HTTPROUTES, body(2, "tea", "two"))
    clock.now = RELIST_SECONDS + 1
    assert not mirror.named(HTTPROUTES, body(1))
    assert find(mirror)[0]
    assert find(mirror, name="tea") == UNKNOWN
    clock.now += 1
    assert mirror.named(HTTPROUTES, body(3, "cups", "three"))
    assert find(mirror)[0], "both belong to one list"


@pytest.mark.parametrize("there", [True, False])
def test_doubt(mirror: Mirror, there: bool) -> None:
    if there:
        mirror.told(HTTPROUTES, body())
    mirror.doubt(HTTPROUTES, "default", "shop")
    assert find(mirror) == UNKNOWN
    mirror.told(HTTPROUTES, body())
    assert find(mirror) == (True, body())


def pod(version: int, name: str) -> dict[str, Any]:
    return body(version, name, name, labels=CANARY)


def select(mirror: Mirror, labels: Any = None) -> Any:
    return mirror.select(PODS, "default", labels or CANARY)


def test_objects_by_their_labels(clock: Clock, mirror: Mirror) -> None:
    mirror.told(PODS, pod(1, "a"))
    mirror.told(PODS, pod(2, "b"))
    assert select(mirror) == (True, [pod(1, "a"), pod(2, "b")])
    assert select(mirror, {**CANARY, "app": "tea"}) == (True, [])
    assert select(mirror, {"app": "shop-canary"}) == (False, []), "the watch has not all of these"
    assert select(Mirror(clock)) == (False, [])


def test_a_selection_with_one_in_doubt_is_read_anew(clock: Clock, mirror: Mirror) -> None:
    mirror.told(PODS, pod(1, "a"))
    mirror.told(PODS, pod(2, "b"))
    clock.now = RELIST_SECONDS + 1
    mirror.named(PODS, pod(1, "a"))
    assert select(mirror) == (False, [])
    mirror.selected(PODS, "default", CANARY, [pod(1, "a")])
    assert select(mirror) == (True, [pod(1, "a")])


def test_a_selection_that_no_watch_covers_is_not_kept(mirror: Mirror) -> None:
    mirror.selected(PODS, "default", {"app": "shop-canary"}, [pod(1, "a")])
    assert select(mirror) == (True, [])


class Mirrored:
    """A client with a mirror, and the one that it asks."""

    def __init__(self, clock: Clock) -> None:
        self.inner = FakeKubernetes(Cluster())
        self.mirror = Mirror(clock)
        self.client = MirroredClient(self.inner, self.mirror)

    @property
    def asked(self) -> list[str]:
        calls = [f"{call.verb} {call.resource.kind}" for call in self.inner.cluster.calls]
        self.inner.cluster.calls.clear()
        return calls


@pytest.fixture
async def mirrored(clock: Clock) -> Mirrored:
    found = Mirrored(clock)
    manifest = release(MINIMAL)
    manifest["metadata"]["namespace"] = "default"
    found.inner.add(CANARYRELEASES, manifest)
    found.inner.add(HTTPROUTES, http_route())
    read = await found.client.fill("", watch_selectors(tracked=("ConfigMap", "Secret")))
    assert [each["metadata"]["name"] for each in read] == ["shop"]
    assert len(found.asked) == len(WATCHED)
    return found


async def test_what_the_watches_tell_is_not_asked_for(mirrored: Mirrored) -> None:
    assert await mirrored.client.get(HTTPROUTES, "default", "shop")
    assert await mirrored.client.get(HTTPROUTES, "default", "tea") is None
    assert await mirrored.client.list(PODS, "default", "linnet.dev/track=canary") == []
    assert mirrored.asked == []


async def test_everything_else_is(mirrored: Mirrored) -> None:
    assert await mirrored.client.get(DEPLOYMENTS, "default", "shop") is None
    assert await mirrored.client.get(REPLICASETS, "default", "shop") is None
    await mirrored.client.list(PODS, "default", "app in (shop)")
    await mirrored.client.list(PODS, "default", "!app")
    await mirrored.client.list(REPLICASETS, "default", "app=shop")
    assert mirrored.asked == [
        "get Deployment",
        "get ReplicaSet",
        "list Pod",
        "list Pod",
        "list ReplicaSet",
    ]
    await mirrored.client.get(DEPLOYMENTS, "default", "shop")
    assert mirrored.asked == [], "for a moment it is known to be absent"


async def test_a_kind_that_the_cluster_does_not_know_is_read_when_needed(clock: Clock) -> None:
    mirrored = Mirrored(clock)
    mirrored.inner.cluster.unknown.add(HTTPROUTES)
    await mirrored.client.fill("", watch_selectors())
    mirrored.inner.cluster.unknown.clear()
    mirrored.inner.add(HTTPROUTES, http_route())
    assert await mirrored.client.get(HTTPROUTES, "default", "shop")


async def test_a_write_is_known_by_its_answer(mirrored: Mirrored) -> None:
    patch = {"metadata": {"labels": {"tier": "web"}}}
    await mirrored.client.patch(HTTPROUTES, "default", "shop", patch)
    manifest = {**deployment(), "metadata": {"name": "tea", "namespace": "default", "labels": OURS}}
    await mirrored.client.create(DEPLOYMENTS, manifest)
    mirrored.inner.cluster.calls.clear()
    found = await mirrored.client.get(HTTPROUTES, "default", "shop")
    assert found is not None
    assert found["metadata"]["labels"] == {"tier": "web"}
    assert await mirrored.client.get(DEPLOYMENTS, "default", "tea")
    assert mirrored.asked == []
    uid = found["metadata"]["uid"]
    assert await mirrored.client.delete(HTTPROUTES, "default", "shop", uid=uid)
    assert await mirrored.client.get(HTTPROUTES, "default", "shop") is None
    assert mirrored.asked == ["delete HTTPRoute"]


@pytest.mark.parametrize("error", [Conflict("changed"), Unreachable("reset")], ids=repr)
async def test_after_a_write_that_failed_it_is_read_again(
    mirrored: Mirrored, error: Exception
) -> None:
    mirrored.inner.fail(error)
    with pytest.raises(type(error)):
        await mirrored.client.patch(HTTPROUTES, "default", "shop", {"metadata": {}})
    await mirrored.client.get(HTTPROUTES, "default", "shop")
    assert mirrored.asked == ["patch HTTPRoute", "get HTTPRoute"]


@pytest.mark.parametrize("others", [(), ("other.dev/one",)], ids=["last", "one of two"])
async def test_with_its_last_finalizer_an_object_goes(
    mirrored: Mirrored, others: tuple[str, ...]
) -> None:
    """The watch may say so later, and meanwhile tell of the deletion that was asked for."""
    place = (CANARYRELEASES, "default", "shop")
    held = {"metadata": {"finalizers": ["linnet.dev/traffic", *others]}}
    await mirrored.client.patch(*place, held)
    await mirrored.inner.delete(*place)
    asked = await mirrored.inner.get(*place)
    assert asked is not None
    mirrored.mirror.told(CANARYRELEASES, asked)
    await mirrored.client.patch(*place, {"metadata": {"finalizers": list(others)}})
    mirrored.mirror.told(CANARYRELEASES, asked)
    assert (await mirrored.client.get(*place) is None) is not bool(others)


async def test_fields_are_given_up_on_what_is_there(mirrored: Mirrored) -> None:
    rules = http_route()["spec"]
    metadata = {"name": "shop", "namespace": "default"}
    manifest = {**http_route(), "metadata": metadata, "spec": rules}
    written = await mirrored.client.apply(HTTPROUTES, manifest, "traffic")
    await mirrored.client.disown(HTTPROUTES, "default", "shop", "traffic", written)
    await mirrored.client.get(HTTPROUTES, "default", "shop")
    assert mirrored.asked[-1] == "get HTTPRoute", "its version is another now"


async def test_a_fence_and_an_end(mirrored: Mirrored) -> None:
    def closed() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        await mirrored.client.fenced(closed).patch(HTTPROUTES, "default", "shop", {})
    await mirrored.client.close()
    assert mirrored.inner.closed
