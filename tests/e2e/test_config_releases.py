"""A change of a ConfigMap's content as a release, with real traffic."""

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from linnet.api.status import Phase
from tests.support.shop import NAME, Shop, decided
from tests.support.stories import Story

FIRST = {"RECOCHAT_LOG_LEVEL": "WARNING"}
GOOD = {"RECOCHAT_LOG_LEVEL": "INFO"}
BAD = {"RECOCHAT_LOG_LEVEL": "INFO", "RECOCHAT_FAULT_ERROR_SHARE": "0.2"}


def content(shop: Shop, name: str) -> dict[str, str]:
    return dict(shop.get("configmap", name)["data"])


def names(shop: Shop) -> set[str]:
    listed = shop.get("configmaps", "-l", "linnet.dev/tracked")["items"]
    return {each["metadata"]["name"] for each in listed}


def running(shop: Shop) -> dict[str, str]:
    """The pods of stable that stay: name -> the config that they were started with."""
    listed = shop.get("pods", "-l", f"app.kubernetes.io/name={NAME}")["items"]
    return {
        pod["metadata"]["name"]: pod["metadata"]["annotations"].get("linnet.dev/config", "")
        for pod in listed
        if not pod["metadata"].get("deletionTimestamp")
    }


def a_good_content_is_promoted_and_a_bad_one_never_reaches_stable(shop: Shop) -> None:
    with shop.load() as load:
        # The template begins to read what Linnet writes; its pods wait for that.
        shop.deploy("v1", settings=FIRST)
        shop.wait_for(Phase.IDLE)
        assert content(shop, f"{NAME}-settings-live") == FIRST
        template, first = shop.template(), running(shop)

        shop.deploy("v1", settings=GOOD)
        shop.wait_for_weight(5)
        assert content(shop, f"{NAME}-settings-live") == FIRST
        promoted = shop.wait_for(Phase.PROMOTED, 180)
        assert decided(promoted, "Started").reason == "ConfigChanged"
        assert content(shop, f"{NAME}-settings-live") == GOOD
        second = running(shop)
        assert not second.keys() & first.keys()
        after = shop.template()
        config = after["metadata"]["annotations"].pop("linnet.dev/config")
        assert promoted.stable_revision.endswith(f"-{config}")
        assert set(second.values()) == {config}
        assert after == template

        shop.deploy("v1", settings=BAD)
        shop.wait_for_weight(5)
        # A pod of stable that starts now reads what its version was promoted with.
        shop.kubectl("delete", "pod", min(second), "--wait=false")
        rolled_back = shop.wait_for(Phase.ROLLED_BACK)
        third = running(shop)
        assert third.keys() - second.keys()
        assert set(third.values()) == {config}
        for name in third:
            shop.kubectl("wait", "--for=condition=Ready", f"pod/{name}")
        shop.wait(lambda _: len(names(shop)) == 3, 30)
    assert decided(rolled_back, "RolledBack").reason in (
        "ErrorRateBreached",
        "AvailabilityBreached",
    )
    # The content's fault, and not what else a busy machine may do to a request.
    faults = [a for a in load.answers.failures(0, float("inf")) if a.status == 500]
    assert {answer.track for answer in faults} == {"canary"}
    assert content(shop, f"{NAME}-settings") == BAD
    assert content(shop, f"{NAME}-settings-live") == GOOD
    assert names(shop) == {
        f"{NAME}-settings", f"{NAME}-settings-live", f"{NAME}-settings-live-{config}",
    }  # fmt: skip

    shop.kubectl("delete", "crel", NAME, "--timeout=60s")
    assert names(shop) == {f"{NAME}-settings", f"{NAME}-settings-live"}
    assert shop.get("deployment", NAME)["spec"].get("paused", False) is False


STORIES = (
    Story(
        a_good_content_is_promoted_and_a_bad_one_never_reaches_stable,
        pods=2,
        judged=False,
        seconds=90,
    ),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_release_of_config(story: Story, ends: Mapping[str, Future[None]]) -> None:
    ends[story.name].result()
