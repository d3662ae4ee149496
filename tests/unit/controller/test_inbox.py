"""Alerts that wait for a decision: each is decided, by one look, for all who wait."""

from dataclasses import replace

import pytest

from linnet.controller import inbox as module
from linnet.controller.inbox import Full, Inbox
from linnet.controller.release import Key
from linnet.core.observed import Alert
from tests.support.builders import START

SHOP, TEA = Key("shops", "shop"), Key("shops", "tea")
ALERT = Alert("3ff1", START, {"alertname": "HighErrors"})


async def test_an_alert_wakes_its_release_and_is_told_when_it_is_decided() -> None:
    woken: list[Key] = []
    inbox = Inbox(woken.append)
    told = inbox.put(SHOP, ALERT)
    assert told is not None
    assert (woken, inbox.alerts(SHOP), inbox.alerts(TEA)) == ([SHOP], (ALERT,), ())
    inbox.decided(TEA, [ALERT])
    assert not told.done()
    inbox.decided(SHOP, [ALERT])
    assert told.done()
    assert inbox.alerts(SHOP) == ()


async def test_a_repeated_alert_costs_no_look() -> None:
    woken: list[Key] = []
    inbox = Inbox(woken.append)
    first, second = inbox.put(SHOP, ALERT), inbox.put(SHOP, ALERT)
    assert first is not None
    assert second is not None
    second.cancel()
    assert len(inbox.alerts(SHOP)) == 1
    inbox.decided(SHOP, inbox.alerts(SHOP))
    assert first.done()
    woken.clear()
    assert inbox.put(SHOP, ALERT) is None
    assert woken == []
    assert inbox.put(SHOP, replace(ALERT, resolved=True)) is not None
    assert inbox.put(TEA, ALERT) is not None


async def test_what_a_look_did_not_know_waits_for_the_next() -> None:
    inbox = Inbox(lambda _: None)
    inbox.put(SHOP, ALERT)
    known = inbox.alerts(SHOP)
    later = inbox.put(SHOP, replace(ALERT, fingerprint="later"))
    inbox.decided(SHOP, known)
    assert later is not None
    assert not later.done()
    assert [alert.fingerprint for alert in inbox.alerts(SHOP)] == ["later"]


async def test_alerts_about_what_is_gone_are_decided() -> None:
    inbox = Inbox(lambda _: None)
    told = inbox.put(SHOP, ALERT)
    inbox.gone(SHOP)
    inbox.gone(TEA)
    assert told is not None
    assert told.done()


async def test_no_more_wait_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MOST", 1)
    monkeypatch.setattr(module, "DECIDED_MOST", 1)
    inbox = Inbox(lambda _: None)
    inbox.put(SHOP, ALERT)
    with pytest.raises(Full):
        inbox.put(TEA, ALERT)
    inbox.decided(SHOP, [ALERT])
    inbox.put(TEA, ALERT)
    inbox.decided(TEA, [ALERT])
    assert inbox.put(TEA, ALERT) is None
    assert inbox.put(SHOP, ALERT) is not None
