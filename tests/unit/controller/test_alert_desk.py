"""Which releases an alert is about, and what is told of it."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from linnet.api.alertmanager import Notification
from linnet.controller import inbox as module
from linnet.controller.alerts import AlertDesk, Targets, read
from linnet.controller.inbox import Inbox
from linnet.controller.release import Key
from tests.support.notifications import notification, sent_alert
from tests.support.simulated_cluster import KEY, SimulatedCluster

OWN = [{"matchers": ['team="shop"'], "action": "Freeze"}]


class Desk:
    """A desk whose looks a test takes."""

    def __init__(self) -> None:
        self.targets = Targets("namespace", "linnet_release")
        self.inbox = Inbox(lambda _: None)
        self.desk = AlertDesk(self.targets, self.inbox)
        self.know("shop")
        self.know("tea", OWN)
        self.know("bad", [{"matchers": ["no matcher"], "action": "Freeze"}])

    def know(self, name: str, rules: Any = None, *, deleted: bool = False) -> None:
        spec = {"spec": {"alerts": rules} if rules else {}}
        self.targets.remember(Key("default", name), spec, deleted=deleted)

    def about(self, **labels: Any) -> list[str]:
        (alert,) = Notification.model_validate(notification(sent_alert(**labels))).alerts
        return [key.name for key in self.targets.of(read(alert))]

    async def decide(self, *alerts: Any, seconds: float = 0.01) -> Counter[str]:
        found = Notification.model_validate(notification(*alerts)).alerts
        return +await self.desk.decide(found, seconds)


def test_an_alert_is_about_the_release_that_it_names() -> None:
    desk = Desk()
    assert desk.about() == ["shop"]
    assert desk.about(linnet_release="tea") == ["tea"]
    assert desk.about(linnet_release="none") == []
    assert desk.about(namespace="other") == []
    assert desk.about(linnet_release="shop", team="shop") == ["shop"]


def test_one_that_names_none_is_about_those_whose_rules_match() -> None:
    desk = Desk()
    assert desk.about(linnet_release="", team="shop") == ["tea"]
    assert desk.about(linnet_release="", team="cart") == []
    desk.know("tea", deleted=True)
    desk.know("never known", deleted=True)
    assert desk.about(linnet_release="", team="shop") == []


def test_a_description_stands_in_for_a_summary() -> None:
    sent = sent_alert()
    sent["annotations"] = {"description": "x" * 1000}
    (alert,) = Notification.model_validate(notification(sent)).alerts
    assert read(alert).summary == "x" * 300


async def test_what_is_about_no_release_is_said_at_once() -> None:
    assert await Desk().decide(sent_alert(namespace="x"), sent_alert(namespace="y")) == {
        "unrelated": 2
    }


async def test_without_a_look_an_alert_stays_undecided_and_is_not_lost() -> None:
    desk = Desk()
    assert await desk.decide(sent_alert()) == {"undecided": 1}
    assert len(desk.inbox.alerts(KEY)) == 1
    assert await desk.decide(sent_alert()) == {"undecided": 1}
    assert len(desk.inbox.alerts(KEY)) == 1


async def test_where_too_many_wait_another_try_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WAITING_MOST", 0)
    assert await Desk().decide(sent_alert()) == {"undecided": 1}


async def test_an_alert_is_decided_by_a_look_that_stores_it() -> None:
    cluster = SimulatedCluster()
    await cluster.run("Idle")
    cluster.push("shop:2")
    await cluster.run("Progressing")
    targets = Targets("namespace", "linnet_release")
    assert cluster.release is not None
    targets.remember(KEY, cluster.release)
    desk = AlertDesk(targets, cluster.inbox)
    sent = Notification.model_validate(notification(sent_alert(at=cluster.now))).alerts
    deciding = asyncio.create_task(desk.decide(sent, 10))
    await asyncio.sleep(0)
    before = len(cluster.client.writes)
    await cluster.reconciler.reconcile(KEY)
    assert +await deciding == {"decided": 1}
    assert str(cluster.client.writes[before]) == "apply HTTPRoute shop"
    assert cluster.status.history[-1].reason == "AlertFired"
    assert cluster.status.alerts[-1].name == "HighErrors"
    assert +await desk.decide(sent, 10) == {"repeated": 1}


async def test_alerts_about_a_release_that_is_gone_are_answered() -> None:
    cluster = SimulatedCluster()
    told = cluster.inbox.put(
        KEY, read(Notification.model_validate(notification(sent_alert())).alerts[0])
    )
    cluster.client.cluster.objects.clear()
    await cluster.reconciler.reconcile(KEY)
    assert told is not None
    assert told.done()
