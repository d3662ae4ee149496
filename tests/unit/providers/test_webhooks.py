"""Posting to a receiver over loopback: what arrives, and what each answer is taken for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from linnet.api.notifications import Receiver
from linnet.core.notifications import Message
from linnet.providers.webhooks import Rejected, Undelivered, Webhooks
from tests.support.addresses import loopback

MESSAGE = Message("application/cloudevents+json", {"id": "1", "data": {"name": "shöp"}})


class Place:
    """A receiver that answers as it is told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, str], Any]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.answers = asyncio.Event()
        self.answers.set()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.seen.append((dict(request.headers), await request.json()))
        await self.answers.wait()
        return web.Response(status=self.status, headers=self.headers)

    def receiver(self, **changes: Any) -> Receiver:
        return Receiver.model_validate({"name": "ops", "url": f"{self.url}/hook", **changes})


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    place = Place()
    app = web.Application()
    app.router.add_post("/hook", place.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place.url = loopback(runner)
    yield place
    place.answers.set()
    await runner.cleanup()


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    webhooks = Webhooks()
    yield webhooks
    await webhooks.close()


async def test_the_body_arrives_with_its_media_type(place: Place, webhooks: Webhooks) -> None:
    await webhooks.post(place.receiver(), MESSAGE)
    [(headers, body)] = place.seen
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert "Authorization" not in headers
    assert body == MESSAGE.body


async def test_secrets_are_read_for_each_delivery(
    place: Place, webhooks: Webhooks, tmp_path: Path
) -> None:
    url, token = tmp_path / "url", tmp_path / "token"
    receiver = place.receiver(url="", urlFile=str(url), tokenFile=str(token))
    url.write_text(f"{place.url}/hook\n")
    for text in ("one", "two"):
        token.write_text(f"{text}\n")
        await webhooks.post(receiver, MESSAGE)
    assert [headers["Authorization"] for headers, _ in place.seen] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("missing", ["urlFile", "tokenFile"])
async def test_a_secret_that_is_not_there_may_come(
    place: Place, webhooks: Webhooks, tmp_path: Path, missing: str
) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\xff\xfe")
    for file in (empty, garbage, tmp_path / "nowhere"):
        changes = {"url": ""} if missing == "urlFile" else {}
        with pytest.raises(Undelivered, match="can't be read from its Secret"):
            await webhooks.post(place.receiver(**changes, **{missing: str(file)}), MESSAGE)
    assert place.seen == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_what_another_try_may_change(place: Place, webhooks: Webhooks, status: int) -> None:
    place.status = status
    place.headers = {"Retry-After": "7"}
    with pytest.raises(Undelivered, match=f"answered {status}") as told:
        await webhooks.post(place.receiver(), MESSAGE)
    assert told.value.retry_after == 7


async def test_a_date_to_come_back_at_is_left_to_the_own_pace(
    place: Place, webhooks: Webhooks
) -> None:
    place.status, place.headers = 503, {"Retry-After": "Fri, 31 Dec 2030 23:59:59 GMT"}
    with pytest.raises(Undelivered) as told:
        await webhooks.post(place.receiver(), MESSAGE)
    assert told.value.retry_after == 0


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410])
async def test_what_is_refused_for_good(place: Place, webhooks: Webhooks, status: int) -> None:
    place.status, place.headers = status, {"Location": "/elsewhere"}
    with pytest.raises(Rejected, match=f"answered {status}"):
        await webhooks.post(place.receiver(), MESSAGE)
    assert len(place.seen) == 1


async def test_one_that_never_answers_is_given_up(place: Place) -> None:
    place.answers.clear()
    webhooks = Webhooks(timeout_seconds=0.2)
    with pytest.raises(Undelivered, match="did not answer in time"):
        await webhooks.post(place.receiver(), MESSAGE)
    await webhooks.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/s3cret", "http://[s3cret"])
async def test_no_failure_tells_the_url(place: Place, webhooks: Webhooks, url: str) -> None:
    with pytest.raises(Undelivered, match="can't be reached") as told:
        await webhooks.post(place.receiver(url=url), MESSAGE)
    assert "s3cret" not in str(told.value)
