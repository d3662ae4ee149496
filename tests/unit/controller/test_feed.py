"""From a watch's event to the releases that have to be looked at."""

from typing import Any

import pytest

from linnet.controller.alerts import Targets
from linnet.controller.feed import Feed, Keys
from linnet.controller.release import Key
from linnet.controller.workqueue import WorkQueue
from linnet.providers.mirror import Mirror
from linnet.providers.resources import (
    CANARYRELEASES,
    CONFIGMAPS,
    ENDPOINTSLICES,
    HTTPROUTES,
    PODS,
    SECRETS,
    SERVICES,
    Resource,
)

SHOP, TEA = Key("shops", "shop"), Key("shops", "tea")


def body(name: str = "shop", version: int = 1, **metadata: Any) -> dict[str, Any]:
    found = {"namespace": "shops", "name": name, "uid": f"uid-{name}"}
    return {"metadata": {**found, "resourceVersion": str(version), **metadata}}


def release(name: str = "shop", route: str = "public", service: str = "", **more: Any) -> Any:
    traffic = {"httpRoute": route} | ({"service": service} if service else {})
    return {**body(name), "spec": {"targetRef": {"name": name}, "traffic": traffic}, **more}


def test_a_labelled_object_concerns_its_release() -> None:
    found = body("shop-canary-5d-x7", labels={"linnet.dev/release": "shop"})
    assert Keys().concerned(PODS, found) == {SHOP}


def test_the_endpoints_of_a_split_service_concern_the_release_that_splits_it() -> None:
    found = body("shop-x7k2p", labels={"linnet.dev/split": "shop", "linnet.dev/tracks": "both"})
    assert Keys().concerned(ENDPOINTSLICES, found) == {SHOP}


@pytest.mark.parametrize("labels", [{}, {"app": "shop"}, {"linnet.dev/release": ""}])
def test_an_object_without_the_label_concerns_nobody(labels: dict[str, str]) -> None:
    assert Keys().concerned(PODS, body(labels=labels)) == set()


def test_a_route_concerns_every_release_that_names_it() -> None:
    keys = Keys()
    for each in (release("tea"), release("shop"), release("other", route="private")):
        keys.remember(each)
    assert keys.concerned(HTTPROUTES, body("public")) == {SHOP, TEA}
    assert keys.concerned(HTTPROUTES, body("unknown")) == set()
    assert keys.concerned(HTTPROUTES, body("public", namespace="teas")) == set()


def test_a_service_concerns_the_release_that_names_it_or_its_deployment() -> None:
    keys = Keys()
    keys.remember(release("shop"))
    keys.remember(release("tea", service="cups"))
    assert keys.concerned(SERVICES, body("shop")) == {SHOP}
    assert keys.concerned(SERVICES, body("cups")) == {TEA}
    assert keys.concerned(SERVICES, body("tea")) == set()


def test_a_release_that_changes_its_route_leaves_the_old_one() -> None:
    keys = Keys()
    keys.remember(release(route="old"))
    keys.remember(release(route="new"))
    assert keys.concerned(HTTPROUTES, body("old")) == set()
    assert keys.concerned(HTTPROUTES, body("new")) == {SHOP}


def test_a_release_that_is_deleted_leaves_its_route() -> None:
    keys = Keys()
    keys.remember(release())
    assert keys.remember(release(), deleted=True) == SHOP
    assert keys.concerned(HTTPROUTES, body("public")) == set()


def tracking(name: str, *configs: tuple[str, str], kind: str = "ConfigMap") -> Any:
    tracked = [{"kind": kind, "name": source, "mountedAs": live} for source, live in configs]
    return {**body(name), "spec": {"trackedConfig": tracked}}


def test_config_concerns_every_release_that_tracks_it_or_reads_it() -> None:
    keys = Keys()
    keys.remember(tracking("tea", ("settings", "tea-live")))
    keys.remember(tracking("shop", ("settings", "shop-live"), ("more", "more-live")))
    assert keys.concerned(CONFIGMAPS, body("settings")) == {SHOP, TEA}
    assert keys.concerned(CONFIGMAPS, body("more-live")) == {SHOP}
    assert keys.concerned(SECRETS, body("settings")) == set()
    keys.remember(tracking("shop", ("settings", "shop-live"), kind="Secret"))
    assert keys.concerned(CONFIGMAPS, body("settings")) == {TEA}
    assert keys.concerned(SECRETS, body("settings")) == {SHOP}


@pytest.mark.parametrize("spec", [None, {}, {"traffic": None}, {"targetRef": {}}])
def test_a_release_whose_spec_makes_no_sense_is_a_key_too(spec: Any) -> None:
    assert Keys().remember({**body(), "spec": spec}) == SHOP


class Fed:
    """A feed whose queue can be seen, and a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.queue: WorkQueue[Key] = WorkQueue(lambda: self.now)
        self.mirror = Mirror(lambda: self.now)
        self.targets = Targets("namespace", "linnet_release")
        self.feed = Feed(self.mirror, self.queue, self.targets)

    async def keys(self) -> list[Key]:
        """What is due, done at once."""
        self.queue.add_after(END, 0)
        found: list[Key] = []
        while (key := await self.queue.get()) != END:
            found.append(key)
            self.queue.done(key)
        self.queue.done(key)
        return found

    async def told(self, resource: Resource, event: str | None, found: Any) -> list[Key]:
        """What an event makes due."""
        self.feed.told(resource, event, found)
        return await self.keys()


END = Key("", "")


async def test_news_bring_a_look_and_old_news_don_t() -> None:
    fed = Fed()
    assert await fed.told(CANARYRELEASES, "ADDED", release()) == [SHOP]
    assert await fed.told(HTTPROUTES, None, body("public", 3)) == [SHOP]
    assert await fed.told(HTTPROUTES, "MODIFIED", body("public", 3)) == []
    assert await fed.told(HTTPROUTES, "MODIFIED", body("public", 2)) == []
    assert await fed.told(HTTPROUTES, "MODIFIED", body("public", 4)) == [SHOP]
    assert await fed.told(HTTPROUTES, "DELETED", body("public", 5)) == [SHOP]
    assert fed.mirror.find(HTTPROUTES, "shops", "public") == (True, None)


async def test_our_own_write_brings_no_look() -> None:
    fed = Fed()
    fed.mirror.told(CANARYRELEASES, release())
    assert await fed.told(CANARYRELEASES, "MODIFIED", release()) == []


async def test_at_the_start_what_is_under_way_comes_first() -> None:
    fed = Fed()
    resting = [release(f"r{number}", status={"phase": "Promoted"}) for number in range(100)]
    leaving = release("tea", status={"phase": "Idle"})
    leaving["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"
    fed.feed.begin([*resting, release("shop", status={"phase": "Progressing"}), leaving])
    assert await fed.keys() == [SHOP, TEA]
    fed.now = 0.5
    some = await fed.keys()
    assert 20 < len(some) < 80
    fed.now = 1.1
    assert len(some) + len(await fed.keys()) == 100


async def test_what_was_read_at_the_start_is_known_by_its_route() -> None:
    fed = Fed()
    fed.feed.begin([release()])
    fed.now = 1
    await fed.keys()
    assert await fed.told(HTTPROUTES, "MODIFIED", body("public")) == [SHOP]
