"""From events to keys, and the thread that kopf runs in."""

import asyncio
import threading
from typing import Any

import kopf
import pytest

from linnet.controller.release import Key
from linnet.controller.watches import Keys, Watches, watch_settings

SHOP = Key("shops", "shop")
PATIENCE = 10.0
"""Seconds that a thread may take; none of them needs that long."""


def body(name: str = "shop", labels: dict[str, str] | None = None, route: str = "") -> Any:
    metadata = {"namespace": "shops", "name": name, "labels": labels or {}}
    return {"metadata": metadata, "spec": {"traffic": {"httpRoute": route}} if route else {}}


def test_a_release_is_its_own_key() -> None:
    assert Keys().of_release(body()) == (SHOP,)


@pytest.mark.parametrize("spec", [None, {}, {"traffic": None}, {"traffic": {}}])
def test_a_release_whose_spec_makes_no_sense_is_a_key_too(spec: Any) -> None:
    assert Keys().of_release({**body(), "spec": spec}) == (SHOP,)


def test_a_labelled_object_belongs_to_its_release() -> None:
    found = body("shop-canary-5d-x7", {"linnet.dev/release": "shop"})
    assert Keys().of_labelled(found) == (SHOP,)


@pytest.mark.parametrize("labels", [{}, {"app": "shop"}, {"linnet.dev/release": ""}])
def test_an_object_without_the_label_belongs_to_none(labels: dict[str, str]) -> None:
    assert Keys().of_labelled(body(labels=labels)) == ()


def test_a_route_belongs_to_every_release_that_uses_it() -> None:
    keys = Keys()
    keys.of_release(body("tea", route="public"))
    keys.of_release(body("shop", route="public"))
    keys.of_release(body("other", route="private"))
    assert keys.of_route(body("public")) == (SHOP, Key("shops", "tea"))
    assert keys.of_route(body("unknown")) == ()


def test_a_route_of_another_namespace_is_another_route() -> None:
    keys = Keys()
    keys.of_release(body(route="public"))
    other = body("public")
    other["metadata"]["namespace"] = "teas"
    assert keys.of_route(other) == ()


def test_a_release_that_changes_its_route_leaves_the_old_one() -> None:
    keys = Keys()
    keys.of_release(body(route="old"))
    keys.of_release(body(route="new"))
    assert (keys.of_route(body("old")), keys.of_route(body("new"))) == ((), (SHOP,))


def test_a_release_that_is_deleted_leaves_its_route() -> None:
    keys = Keys()
    keys.of_release(body(route="public"))
    assert keys.of_release(body(route="public"), deleted=True) == (SHOP,)
    assert keys.of_route(body("public")) == ()


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
    return Watches(namespace, lambda _: None, ended.set, operator), ended


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
    settings = watch_settings("")
    assert not settings.posting.enabled
    assert not settings.scanning.disabled
    assert watch_settings("shops").scanning.disabled
    selectors = settings.watching.label_selectors
    assert selectors["apps", "deployments"] == "linnet.dev/release"
    assert selectors["", "pods"] == "linnet.dev/release,linnet.dev/track=canary"
