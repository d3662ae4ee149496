"""Tracked config in a cluster: what is written, when, and what is left alone."""

import asyncio
from typing import Any

import pytest

from linnet.api.config import TrackedConfig
from linnet.core.config import copy_manifest
from linnet.core.labels import CONFIG
from linnet.core.observed import ConfigObserved
from linnet.core.references import Reference
from linnet.providers.config import ConfigCopies
from linnet.providers.errors import Conflict, Forbidden, OtherRevision, Unusable
from linnet.providers.kubernetes import CONFIGMAPS, SECRETS, Manifest
from linnet.providers.mirror import Mirror, watch_selectors
from linnet.providers.mirrored import MirroredClient
from linnet.providers.workloads import Target
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.workload_manifests import config_map

LIVE = Reference("ConfigMap", "settings-live")
SETTINGS = TrackedConfig.model_validate({"name": "settings", "mountedAs": "settings-live"})
KEYS = TrackedConfig.model_validate({"kind": "Secret", "name": "keys", "mountedAs": "keys-live"})
TARGET = Target("default", "shop", "shop", "shop", tracked=(SETTINGS,))
BOTH = Target("default", "shop", "shop", "shop", tracked=(SETTINGS, KEYS))


class Place:
    def __init__(self) -> None:
        self.client = FakeKubernetes()
        self.client.add(CONFIGMAPS, config_map(colour="red"))
        self.config = ConfigCopies(self.client)

    async def observe(self, target: Target = TARGET) -> ConfigObserved:
        seen = await self.config.observe(target)
        assert seen is not None
        return seen

    def edit(self, name: str = "settings", **data: str | None) -> None:
        self.client.edit(CONFIGMAPS, "default", name, {"data": data})

    def data(self, name: str) -> Any:
        found = self.client.see(CONFIGMAPS, "default", name)
        return found and found.get("data")

    @property
    def names(self) -> set[str]:
        return {name for _, _, name in self.client.cluster.objects}

    async def written(self) -> str:
        """Have the first content written, and return its hash."""
        seen = await self.observe()
        await self.config.write(TARGET, seen.live)
        return seen.live


@pytest.fixture
def place() -> Place:
    return Place()


async def test_nothing_tracked_costs_no_call(place: Place) -> None:
    assert await place.config.observe(Target("default", "shop", "shop", "shop")) is None
    assert place.client.cluster.calls == []


async def test_a_kind_that_the_operator_may_not_read_is_not_asked_for(place: Place) -> None:
    config = ConfigCopies(place.client, ["ConfigMap"])
    seen = await config.observe(BOTH)
    assert seen is not None
    assert seen.problem is not None
    reason, message = seen.problem
    assert reason == "KindNotTracked"
    assert message.startswith("spec.trackedConfig[1].kind: this operator may not read Secrets")
    assert "configTracking.secrets=true" in message
    assert place.client.cluster.calls == []


async def test_a_right_that_is_missing_is_a_problem_and_not_the_end_of_the_look(
    place: Place,
) -> None:
    place.client.fail(Forbidden(403, "Forbidden", "configmaps is forbidden"), verbs=("list",))
    problem = (await place.observe()).problem
    assert problem == ("ConfigForbidden", "spec.trackedConfig: configmaps is forbidden")


async def test_the_first_write_makes_what_pods_read_and_a_copy(place: Place) -> None:
    seen = await place.observe()
    assert (seen.written, seen.source) == (False, seen.live)
    await place.config.write(TARGET, seen.live)
    assert place.names == {"settings", "settings-live", f"settings-live-{seen.live}"}
    after = await place.observe()
    assert (after.written, after.copies) == (True, {seen.live: True})


async def test_writing_again_writes_nothing(place: Place) -> None:
    one = await place.written()
    before = len(place.client.writes)
    await place.config.write(TARGET, one)
    await place.config.keep(TARGET, one)
    assert len(place.client.writes) == before


async def test_a_secret_is_written_as_a_secret(place: Place) -> None:
    metadata = {"name": "keys", "namespace": "default", "labels": {"linnet.dev/tracked": ""}}
    found = {"metadata": metadata, "type": "kubernetes.io/tls", "data": {"key": "c2VjcmV0"}}
    place.client.add(SECRETS, {"apiVersion": "v1", "kind": "Secret", **found})
    seen = await place.observe(BOTH)
    assert seen.problem is None
    await place.config.write(BOTH, seen.live)
    live = place.client.see(SECRETS, "default", "keys-live")
    assert live is not None
    assert live["data"] == {"key": "c2VjcmV0"}
    assert place.client.see(SECRETS, "default", f"keys-live-{seen.live}") is not None
    assert "type" not in live


async def test_what_is_kept_outlives_the_source(place: Place) -> None:
    one = await place.written()
    place.edit(colour="blue")
    two = (await place.observe()).source
    await place.config.keep(TARGET, two)
    assert place.data("settings-live") == {"colour": "red"}
    place.edit(colour="green")
    await place.config.write(TARGET, two)
    assert place.data("settings-live") == {"colour": "blue"}
    await place.config.write(TARGET, one)
    assert place.data("settings-live") == {"colour": "red"}


async def test_keys_that_are_gone_and_keys_of_others_leave_what_pods_read(place: Place) -> None:
    one = await place.written()
    place.edit("settings-live", colour=None, size="xl")
    assert (await place.observe()).live != one
    await place.config.write(TARGET, one)
    assert place.data("settings-live") == {"colour": "red"}


async def test_binary_data_is_copied_and_may_take_the_place_of_text(place: Place) -> None:
    await place.written()
    place.client.edit(
        CONFIGMAPS, "default", "settings", {"data": None, "binaryData": {"logo": "AAE="}}
    )
    two = (await place.observe()).source
    await place.config.write(TARGET, two)
    live = place.client.see(CONFIGMAPS, "default", "settings-live")
    assert live is not None
    assert (live["data"], live["binaryData"]) == ({}, {"logo": "AAE="})
    assert (await place.observe()).live == two


async def test_content_that_nothing_has_is_refused_at_once(place: Place) -> None:
    await place.written()
    before = len(place.client.writes)
    with pytest.raises(OtherRevision, match="0123456789"):
        await place.config.keep(TARGET, "0123456789")
    with pytest.raises(OtherRevision):
        await place.config.write(TARGET, "0123456789")
    assert len(place.client.writes) == before


@pytest.mark.parametrize("labels", [{}, {"linnet.dev/tracked": "true", "linnet.dev/release": "x"}])
async def test_what_is_somebody_elses_is_not_written(place: Place, labels: dict[str, str]) -> None:
    theirs = {**config_map(colour="theirs"), "metadata": {"name": "settings-live"}}
    theirs["metadata"] |= {"namespace": "default", "labels": labels}
    place.client.add(CONFIGMAPS, theirs)
    seen = await place.observe()
    assert seen.problem is not None
    assert seen.problem[0] == "NameTaken"
    with pytest.raises(Unusable, match="not made for CanaryRelease shop"):
        await place.config.write(TARGET, seen.source)
    assert place.data("settings-live") == {"colour": "theirs"}


async def test_a_copy_that_was_exchanged_is_made_anew(place: Place) -> None:
    one = await place.written()
    place.edit(f"settings-live-{one}", colour="other")
    assert (await place.observe()).copies == {one: False}
    await place.config.keep(TARGET, one)
    assert place.data(f"settings-live-{one}") == {"colour": "red"}


async def test_a_copy_that_lost_its_labels_gets_them_again(place: Place) -> None:
    one = await place.written()
    name = f"settings-live-{one}"
    place.client.edit(CONFIGMAPS, "default", name, {"metadata": {"labels": None}})
    assert (await place.observe()).copies == {}
    await place.config.keep(TARGET, one)
    assert (await place.observe()).copies == {one: True}


async def test_another_content_between_reading_and_writing_is_met_again(place: Place) -> None:
    one = await place.written()
    place.edit("settings-live", colour="by hand")
    place.client.fail(Conflict("somebody wrote"), verbs=("patch",), times=2)
    await place.config.write(TARGET, one)
    assert place.data("settings-live") == {"colour": "red"}


async def test_copies_of_other_content_are_removed_and_nothing_else(place: Place) -> None:
    one = await place.written()
    other = copy_manifest(LIVE, "abc", {"data": {"colour": "old"}}, "default", "shop")
    foreign = copy_manifest(LIVE, "abd", {"data": {"colour": "tea"}}, "default", "tea")
    mine = copy_manifest(LIVE, "abe", {}, "default", "shop")
    mine["metadata"]["labels"] = {CONFIG: "abe"}
    for manifest in (other, foreign, mine):
        place.client.add(CONFIGMAPS, manifest)
    kept = {"settings", "settings-live", "settings-live-abd", "settings-live-abe"}
    await place.config.remove_copies(TARGET, one)
    assert place.names == kept | {f"settings-live-{one}"}
    await place.config.remove_copies(TARGET)
    assert place.names == kept


async def test_releases_that_share_a_source_each_have_their_own(place: Place) -> None:
    tea = TrackedConfig.model_validate({"name": "settings", "mountedAs": "tea-live"})
    other = Target("default", "tea", "tea", "tea", tracked=(tea,))
    await place.written()
    seen = await place.observe(other)
    assert (seen.problem, seen.copies, seen.written) == (None, {}, False)
    await asyncio.gather(place.config.write(other, seen.live), place.written())
    assert place.data("tea-live") == place.data("settings-live") == {"colour": "red"}


async def test_at_rest_the_mirror_answers_everything(place: Place) -> None:
    one = await place.written()
    mirrored = MirroredClient(place.client, Mirror(lambda: 0.0))
    await mirrored.fill("", watch_selectors(tracked=["ConfigMap"]))
    place.client.cluster.calls.clear()
    seen = await ConfigCopies(mirrored).observe(TARGET)
    assert seen == ConfigObserved(one, one, written=True, copies={one: True})
    assert place.client.cluster.calls == []


def test_a_copy_says_whose_it_is() -> None:
    made: Manifest = copy_manifest(LIVE, "abc", {}, "default", "shop")
    assert made["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "linnet",
        "linnet.dev/release": "shop",
        "linnet.dev/tracked": "true",
        "linnet.dev/config": "abc",
    }
