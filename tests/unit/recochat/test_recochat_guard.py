"""Limits, back-pressure and repeated writes, as a caller meets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.chat.engine import Answer, Question, Say
from recochat.guard.middleware import Guard
from recochat.guard.rates import MemoryRateLimiter
from recochat.guard.replies import MemoryReplies, Reply
from recochat.problems import StoreUnavailable
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]
CHAT, RECOMMEND = "/api/v2/chat", "/api/v2/recommendations"
KEY = {"Idempotency-Key": "order-17"}


async def test_a_repeated_write_is_done_once_and_answered_the_same(
    client: httpx.AsyncClient,
) -> None:
    first = await client.post(CHAT, json={"message": "I like jazz"}, headers=KEY)
    again = await client.post(CHAT, json={"message": "I like jazz"}, headers=KEY)
    assert again.content == first.content
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["content-type"] == first.headers["content-type"]
    session = await client.get(f"/api/v2/session/{first.json()['session_id']}")
    assert session.json()["turn_count"] == 2


async def test_a_key_belongs_to_one_request(client: httpx.AsyncClient) -> None:
    await client.post(CHAT, json={"message": "I like jazz"}, headers=KEY)
    other = await client.post(CHAT, json={"message": "I like opera"}, headers=KEY)
    assert other.status_code == 409
    assert other.json()["type"] == "urn:recochat:problem:idempotency-key-reused"


async def test_callers_and_paths_have_keys_of_their_own(client: httpx.AsyncClient) -> None:
    body = {"user_id": "ada", "item_id": "nothing"}
    first = await client.post(CHAT, json={"message": "hi"}, headers=KEY)
    bob = await client.post(CHAT, json={"message": "hello"}, headers={**KEY, "X-User-Id": "bob"})
    feedback = await client.post("/api/v2/feedback", json=body, headers=KEY)
    assert first.status_code == bob.status_code == 200
    assert feedback.json()["type"] == "urn:recochat:problem:invalid-request"


async def test_a_refused_write_can_be_put_right_under_the_same_key(
    client: httpx.AsyncClient,
) -> None:
    refused = await client.post(CHAT, json={"message": ""}, headers=KEY)
    right = await client.post(CHAT, json={"message": "hi"}, headers=KEY)
    assert (refused.status_code, right.status_code) == (422, 200)


async def test_a_bad_key_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(CHAT, json={"message": "hi"}, headers={"Idempotency-Key": "a b"})
    assert answer.status_code == 400
    assert answer.json()["error_class"] == "user"


class Waiting:
    """An answerer that waits to be let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked, self.go, self.error = asyncio.Event(), asyncio.Event(), error

    async def answer(self, question: Question, say: Say | None = None) -> Answer:
        self.asked.set()
        await self.go.wait()
        if self.error:
            raise self.error
        return Answer("done", "thanks")


async def test_a_repetition_while_the_first_is_under_way_is_told_to_wait(calling: Calling) -> None:
    waiting = Waiting()
    async with calling(create_app(Settings(), answerer=waiting)) as client:
        first = asyncio.create_task(client.post(CHAT, json={"message": "hi"}, headers=KEY))
        await waiting.asked.wait()
        second = await client.post(CHAT, json={"message": "hi"}, headers=KEY)
        waiting.go.set()
        assert (await first).status_code == 200
    assert second.status_code == 409
    assert second.headers["retry-after"] == "1"


async def test_a_write_that_failed_may_be_tried_again(calling: Calling) -> None:
    waiting = Waiting(RuntimeError("boom"))
    waiting.go.set()
    async with calling(create_app(Settings(), answerer=waiting)) as client:
        assert (await client.post(CHAT, json={"message": "hi"}, headers=KEY)).status_code == 500
        waiting.error = None
        assert (await client.post(CHAT, json={"message": "hi"}, headers=KEY)).status_code == 200


async def test_beyond_what_can_be_served_callers_are_sent_away_at_once(calling: Calling) -> None:
    waiting = Waiting()
    async with calling(create_app(Settings(max_in_flight=1), answerer=waiting)) as client:
        first = asyncio.create_task(client.post(CHAT, json={"message": "hi"}))
        await waiting.asked.wait()
        refused = await client.post(RECOMMEND, json={"user_id": "ada"})
        probe = await client.get("/livez")
        waiting.go.set()
        await first
        after = await client.post(RECOMMEND, json={"user_id": "ada"})
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error_class"] == "system"
    assert (probe.status_code, after.status_code) == (200, 200)


async def test_a_caller_who_asks_too_often_is_told_when_to_come_back(calling: Calling) -> None:
    settings = Settings(rate_per_s=0.01, rate_burst=2)
    async with calling(create_app(settings)) as client:
        ada = {"X-User-Id": "ada"}
        answers = [
            await client.post(RECOMMEND, json={"user_id": "x"}, headers=ada) for _ in range(3)
        ]
        bob = await client.post(RECOMMEND, json={"user_id": "x"}, headers={"X-User-Id": "bob"})
        nobody = await client.post(RECOMMEND, json={"user_id": "x"})
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 90 <= int(answers[2].headers["retry-after"]) <= 100
    assert answers[2].json()["error_class"] == "user"
    assert (bob.status_code, nobody.status_code) == (200, 200)


@pytest.mark.parametrize("headers", [{}, KEY])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(
    calling: Calling, headers: dict[str, str], chunked: bool
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500

    content = chunks() if chunked else b" " * 1500
    async with calling(create_app(Settings(max_body_bytes=1024))) as client:
        answer = await client.post(CHAT, content=content, headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "1024" in answer.json()["detail"]


class NoReplies:
    """Replies without their Redis: from the start, or only once there is something to keep."""

    def __init__(self, claims: bool) -> None:
        self.claims = claims

    async def claim(self, key: str, fingerprint: str) -> Reply | None:
        if not self.claims:
            raise StoreUnavailable("gone")
        return None

    async def keep(self, key: str, reply: Reply) -> None:
        raise StoreUnavailable("gone")

    async def drop(self, key: str) -> None:
        raise StoreUnavailable("gone")


@pytest.mark.parametrize(("claims", "status"), [(False, 503), (True, 200)])
async def test_without_redis_a_promise_is_not_made_and_what_is_done_is_done(
    calling: Calling, claims: bool, status: int
) -> None:
    guarded = Guard(create_app(Settings()), NoReplies(claims), None, 10, 10_000)
    transport = httpx.ASGITransport(guarded)
    async with httpx.AsyncClient(transport=transport, base_url="http://recochat") as client:
        answer = await client.post(CHAT, json={"message": "hi"}, headers=KEY)
    assert answer.status_code == status


@pytest.mark.thorough
async def test_buckets_and_replies_in_the_process_are_bounded() -> None:
    rates, replies = MemoryRateLimiter(0.001, 1), MemoryReplies(3600)
    for n in range(50_001):
        await rates.take(f"caller-{n}")
    for n in range(10_001):
        await replies.claim(f"key-{n}", "print")
    assert await rates.take("caller-0") == 0.0  # forgotten, so admitted again
    assert await rates.take("caller-50000") > 0
    assert await replies.claim("key-0", "print") is None
    assert await replies.claim("key-10000", "print") is not None
