"""Redis stopped, hanging and full: what answers, what says that it can't, and what is not lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.support.recochat_stand import Stand, standing
from tests.support.redis_process import frozen, run_redis


@pytest.fixture
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this test's own, which may come to harm."""
    with run_redis(tmp_path_factory.mktemp("r")) as url:
        yield url


@pytest.fixture
async def stand(redis_url: str) -> AsyncIterator[Stand]:
    async with standing(redis_url) as made:
        yield made


@pytest.fixture
def redis(redis_url: str) -> Iterator[Any]:
    with Redis.from_url(redis_url) as client:
        yield client


async def test_a_redis_that_hangs_takes_the_chat_along_and_nothing_else(
    stand: Stand, redis: Any
) -> None:
    session_id = (await stand.say("my name is Ada")).json()["session_id"]
    with frozen(redis):
        await stand.only_the_chat_fails(session_id)
    assert (await stand.say("what is my name?", session_id)).json()["reply"] == "You are Ada."


async def test_a_full_redis_refuses_turns_and_keeps_those_it_took(stand: Stand, redis: Any) -> None:
    session_id = (await stand.say("my name is Ada")).json()["session_id"]
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "1")
    await stand.only_the_chat_fails(session_id)
    redis.config_set("maxmemory", "0")
    session = (await stand.client.get(f"/api/v2/session/{session_id}")).json()
    assert session["turns"][0]["text"] == "my name is Ada"
    # Neither the refused question nor half of it was kept.
    assert session["turn_count"] == 2


async def test_a_redis_that_came_back_empty_starts_conversations_anew(
    stand: Stand, redis: Any, redis_url: str
) -> None:
    session_id = (await stand.say("my name is Ada")).json()["session_id"]
    redis.shutdown(nosave=True)
    await stand.only_the_chat_fails(session_id)
    with run_redis(Path(redis_url.removeprefix("unix://")).parent):
        again = await stand.say("what is my name?", session_id)
        assert again.status_code == 200
        assert "haven't told me" in again.json()["reply"]
