"""`POST /alerts` over loopback: what is let in, what is refused, and with which words."""

import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from linnet.api.alertmanager import SentAlert
from linnet.server.alerts import BODY_BYTES, BURST, AlertReceiver
from linnet.server.http import serve
from linnet.server.rate import Rate
from tests.support.addresses import loopback
from tests.support.notifications import notification, sent_alert

TOKEN = "s3cret"


class Desk:
    """Decides all alerts, or none of them."""

    def __init__(self) -> None:
        self.seen: list[SentAlert] = []
        self.decides = True

    async def decide(self, alerts: Sequence[SentAlert], seconds: float) -> Counter[str]:
        assert seconds > 0
        self.seen.extend(alerts)
        return Counter({"decided" if self.decides else "undecided": len(alerts)})


class Place:
    """A receiver with a desk, and a clock that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "token"
        self.file.write_text(f"{TOKEN}\n")
        self.now = 0.0
        self.desk = Desk()
        self.receiver = AlertReceiver(str(self.file), lambda: self.now)
        self.receiver.desk = self.desk
        self.url = ""

    async def post(self, body: Any, token: str | None = TOKEN) -> tuple[int, str]:
        """Send a body: text as it is, anything else as JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.url}/alerts", data=BytesIO(text.encode()), headers=headers
            ) as answer,
        ):
            if answer.status == 503:
                assert answer.headers["Connection"] == "close"
            return answer.status, await answer.text()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    found = Place(tmp_path)
    runner = await serve(0, lambda: True, found.receiver)
    found.url = loopback(runner)
    yield found
    await runner.cleanup()


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_alerts_are_answered_when_they_are_decided(place: Place) -> None:
    before = counted("linnet_alerts_total", outcome="decided")
    resolved = sent_alert("Other", status="resolved")
    status, text = await place.post(notification(sent_alert(), resolved))
    assert (status, json.loads(text)) == (200, {"decided": 2})
    assert [alert.labels["alertname"] for alert in place.desk.seen] == ["HighErrors", "Other"]
    assert counted("linnet_alerts_total", outcome="decided") == before + 2


async def test_what_is_not_decided_is_to_be_sent_again(place: Place) -> None:
    place.desk.decides = False
    assert await place.post(notification(sent_alert())) == (503, "1 alerts are not decided\n")


async def test_a_replica_that_does_not_lead_says_so(place: Place) -> None:
    place.receiver.desk = None
    status, text = await place.post(notification(sent_alert()))
    assert (status, text) == (503, "this replica doesn't lead: another one decides\n")


async def test_a_replica_that_does_not_lead_hands_on_to_the_one_that_does(
    place: Place, tmp_path: Path
) -> None:
    leader = place.url.removeprefix("http://")
    standby = Place(tmp_path)
    standby.receiver = AlertReceiver(str(standby.file), lambda: 0.0, lambda: leader)
    runner = await serve(0, lambda: True, standby.receiver)
    standby.url = loopback(runner)
    status, text = await standby.post(notification(sent_alert()))
    assert (status, json.loads(text)) == (200, {"decided": 1})
    assert len(place.desk.seen) == 1
    assert (await standby.post(notification(), "wrong"))[0] == 401

    place.receiver.desk = None  # it has lost the lease meanwhile
    assert (await standby.post(notification()))[0] == 503
    leader = "127.0.0.1:9"
    status, text = await standby.post(notification())
    assert status == 503
    assert text.startswith("the replica that leads, 127.0.0.1:9: ")
    await runner.cleanup()


async def test_what_was_handed_on_is_not_handed_on_again(tmp_path: Path) -> None:
    asked: list[str] = []
    place = Place(tmp_path)

    def itself() -> str:
        asked.append(place.url)
        return place.url.removeprefix("http://")

    runner = await serve(0, lambda: True, AlertReceiver(str(place.file), lambda: 0.0, itself))
    place.url = loopback(runner)
    assert (await place.post(notification()))[0] == 503
    assert len(asked) == 2
    await runner.cleanup()


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], "ü"])
async def test_a_wrong_token_is_refused(
    place: Place, token: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert (await place.post(notification(sent_alert()), token))[0] == 401
    assert caplog.records[-1].__dict__["error_class"] == "user"
    assert place.desk.seen == []


async def test_a_token_may_be_rotated(place: Place) -> None:
    place.file.write_text("another")
    assert (await place.post(notification()))[0] == 401
    assert (await place.post(notification(), "another"))[0] == 200


@pytest.mark.parametrize("gone", [True, False])
async def test_without_a_token_alerts_are_off(place: Place, gone: bool) -> None:
    if gone:
        place.file.unlink()
    else:
        place.receiver = AlertReceiver("", lambda: 0.0)
        place.file.write_text("")
    assert (await place.post(notification(sent_alert())))[0] == 404


async def test_it_is_off_where_no_file_is_given(tmp_path: Path) -> None:
    runner = await serve(0, lambda: True, AlertReceiver("", lambda: 0.0))
    place = Place(tmp_path)
    place.url = loopback(runner)
    assert (await place.post(notification()))[0] == 404
    await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("garbage", "the body: Invalid JSON"),
        ({**notification(), "version": "3"}, "version: Input should be '4'"),
        ({"version": "4"}, "alerts: Field required"),
        (notification({**sent_alert(), "fingerprint": ""}), "alerts.0.fingerprint"),
        (notification({**sent_alert(), "status": "perhaps"}), "alerts.0.status"),
        (notification({**sent_alert(), "startsAt": "soon"}), "alerts.0.startsAt"),
    ],
)
async def test_what_can_not_be_read_is_refused_with_its_field(
    place: Place, body: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        status, text = await place.post(body)
    assert status == 400
    assert text.startswith(words)
    assert caplog.records[-1].__dict__["error_class"] == "user"


async def test_fields_of_a_newer_alertmanager_do_no_harm(place: Place) -> None:
    body = {**notification({**sent_alert(), "new": {"a": 1}}), "newToo": [1]}
    assert (await place.post(body))[0] == 200


async def test_a_body_that_is_too_long_is_refused(place: Place) -> None:
    before = counted("linnet_alert_requests_total", code="413")
    assert (await place.post("x" * (BODY_BYTES + 1)))[0] == 413
    assert counted("linnet_alert_requests_total", code="413") == before + 1


async def test_truncated_alerts_are_counted_and_logged(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        status, text = await place.post(notification(sent_alert(), truncated=7))
    assert (status, json.loads(text)) == (200, {"decided": 1, "truncated": 7})
    assert "max_alerts" in caplog.text


@pytest.mark.thorough
async def test_too_many_at_a_time_are_to_be_sent_again(place: Place) -> None:
    answers = [(await place.post(notification()))[0] for _ in range(int(BURST) + 1)]
    assert Counter(answers) == {200: int(BURST), 503: 1}
    place.now += 1
    assert (await place.post(notification()))[0] == 200


def test_refusals_are_logged_now_and_then_only() -> None:
    now = 0.0
    rate = Rate(lambda: now, per_second=1, burst=2)
    assert [rate.take() for _ in range(3)] == [True, True, False]
    now = 1.5
    assert [rate.take() for _ in range(2)] == [True, False]
