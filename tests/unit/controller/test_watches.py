"""The thread that kopf runs in, and what it is told to watch."""

import asyncio
import threading
from typing import Any

import kopf
import pytest

from linnet.controller.watches import Watches, watch_settings
from linnet.providers.mirror import watch_selectors
from linnet.providers.resources import (
    CANARYRELEASES,
    CONFIGMAPS,
    DEPLOYMENTS,
    HTTPROUTES,
    PODS,
    SECRETS,
    SERVICES,
)

PATIENCE = 60.0
"""Seconds that a thread may take; none of them needs that long."""


class FakeOperator:
    """Stands for kopf.operator."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.started = threading.Event()
        self.told: dict[str, Any] = {}

    async def __call__(self, **told: Any) -> None:
        self.told = told
        self.started.set()
        if self.error:
            # Like kopf, which leaves a thread behind that waits for the flag.
            asyncio.get_running_loop().run_in_executor(None, told["stop_flag"].wait)
            raise self.error
        await asyncio.to_thread(told["stop_flag"].wait)


def watches(operator: FakeOperator, namespace: str = "") -> tuple[Watches, threading.Event]:
    ended = threading.Event()
    return Watches(namespace, {PODS: "a=b"}, lambda *_: None, ended.set, operator), ended


def test_watches_run_until_they_are_stopped() -> None:
    operator = FakeOperator()
    running, ended = watches(operator)
    running.start()
    assert operator.started.wait(PATIENCE)
    assert not ended.is_set()
    running.stop(PATIENCE)
    assert ended.is_set()


@pytest.mark.parametrize("error", [kopf.LoginError("no"), RuntimeError("broken")], ids=repr)
def test_watches_that_fail_say_that_they_have_ended(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    running, ended = watches(FakeOperator(error))
    running.start()
    assert ended.wait(PATIENCE)
    running.stop(PATIENCE)
    assert "The watches have failed" in caplog.messages


@pytest.mark.parametrize(
    ("namespace", "told"),
    [
        ("", {"clusterwide": True, "namespaces": ()}),
        ("shops", {"clusterwide": False, "namespaces": ("shops",)}),
    ],
)
def test_what_is_watched(namespace: str, told: dict[str, Any]) -> None:
    operator = FakeOperator()
    running, _ = watches(operator, namespace)
    running.start()
    assert operator.started.wait(PATIENCE)
    running.stop(PATIENCE)
    assert {name: operator.told[name] for name in told} == told
    assert operator.told["standalone"] is True


def test_kopf_writes_nothing_and_asks_for_no_more_than_is_needed() -> None:
    settings = watch_settings("", {PODS: "a=b", SERVICES: ""})
    assert not settings.posting.enabled
    assert not settings.scanning.disabled
    assert watch_settings("shops", {}).scanning.disabled
    assert settings.watching.label_selectors["", "pods"] == "a=b"
    assert ("", "services") not in settings.watching.label_selectors


@pytest.mark.parametrize("kinds", [(), ("ConfigMap",), ("Secret",), ("ConfigMap", "Secret")])
def test_only_config_that_may_be_tracked_is_watched_and_only_by_its_label(
    kinds: tuple[str, ...],
) -> None:
    config = {
        resource.kind: selector
        for resource, selector in watch_selectors(tracked=kinds).items()
        if resource in (CONFIGMAPS, SECRETS)
    }
    assert config == dict.fromkeys(kinds, "linnet.dev/tracked")


def test_what_is_watched_by_which_label() -> None:
    selectors = watch_selectors()
    assert selectors[DEPLOYMENTS] == "linnet.dev/release"
    assert selectors[PODS] == "linnet.dev/track=canary"
    assert selectors[HTTPROUTES] == selectors[SERVICES] == ""


@pytest.mark.parametrize(
    ("shard", "selector"), [("", "!linnet.dev/shard"), ("eu", "linnet.dev/shard=eu")]
)
def test_the_releases_of_a_shard(shard: str, selector: str) -> None:
    assert watch_selectors(shard)[CANARYRELEASES] == selector
