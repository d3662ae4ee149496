"""Redis stopped, hanging and full: what answers, what says that it can't, and what is not lost."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from recochat.app import create_app
from recochat.settings import Settings
from tests.support.redis_process import run_redis

CHAT, RECOMMEND = "/api/v2/chat", "/api/v2/recommendations"


@dataclass
class Stand:
    """The service with a Redis that things can be done to."""

    client: httpx.AsyncClient
    redis: Any

    async def say(self, message: str, session_id: str | None = None) -> httpx.Response:
        body = {"message": message} | ({"session_id": session_id} if session_id else {})
        return await self.client.post(CHAT, json=body)

    async def only_the_chat_fails(self, session_id: str) -> None:
        chat = await self.say("and this?", session_id)
        recommended = await self.client.post(RECOMMEND, json={"user_id": "user-007"})
        health = await self.client.get("/health")
        assert chat.status_code == 503
        assert chat.json()["error_class"] == "external"
        assert chat.headers["retry-after"] == "1"
        assert recommended.status_code == 200
        assert len(recommended.json()["items"]) == 10
        assert health.status_code == 200


@pytest.fixture
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this test's own, which may come to harm."""
    with run_redis(tmp_path_factory.mktemp("r")) as url:
        yield url


@pytest.fixture
async def stand(redis_url: str) -> AsyncIterator[Stand]:
    settings = Settings.model_validate(
        {"redis_url": redis_url, "redis_timeout_ms": 1000, "rate_per_s": 1000, "rate_burst": 1000}
    )
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    with Redis.from_url(redis_url) as redis:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://recochat") as client,
        ):
            yield Stand(client, redis)


async def test_a_redis_that_hangs_takes_the_chat_along_and_nothing_else(stand: Stand) -> None:
    session_id = (await stand.say("my name is Ada")).json()["session_id"]
    pid = int(stand.redis.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        await stand.only_the_chat_fails(session_id)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (await stand.say("what is my name?", session_id)).json()["reply"] == "You are Ada."


async def test_a_full_redis_refuses_turns_and_keeps_those_it_took(stand: Stand) -> None:
    session_id = (await stand.say("my name is Ada")).json()["session_id"]
    stand.redis.config_set("maxmemory-policy", "noeviction")
    stand.redis.config_set("maxmemory", "1")
    await stand.only_the_chat_fails(session_id)
    stand.redis.config_set("maxmemory", "0")
    session = (await stand.client.get(f"/api/v2/session/{session_id}")).json()
    assert session["turns"][0]["text"] == "my name is Ada"
    # Neither the refused question nor half of it was kept.
    assert session["turn_count"] == 2


async def test_a_redis_that_came_back_empty_starts_conversations_anew(
    stand: Stand, redis_url: str, tmp_path: Path
) -> None:
    session_id = (await stand.say("my name is Ada")).json()["session_id"]
    stand.redis.shutdown(nosave=True)
    await stand.only_the_chat_fails(session_id)
    with run_redis(Path(redis_url.removeprefix("unix://")).parent):
        again = await stand.say("what is my name?", session_id)
        assert again.status_code == 200
        assert "haven't told me" in again.json()["reply"]
