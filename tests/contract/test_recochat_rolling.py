"""A rolling update between two forms of sessions, and back, while people talk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from redis import Redis

from recochat.sessions.redis import turns_key
from tests.support.recochat_pods import WAIT_S, Service
from tests.support.redis_process import run_redis

PEOPLE = 6
TURNS = 200
"""Kept of a session: whoever has said half as much goes on in another one."""
PAUSE_S = 0.1
LONG = "so long that it is worth being compressed, as what people say now and then happens to be"


@dataclass
class Person:
    """Somebody who goes on talking, and remembers what was answered."""

    name: str
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    """Messages by session."""
    failures: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)

    async def talk(self, service: Service, over: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=WAIT_S) as client:
            number = 0
            while not over.is_set():
                session_id = f"{self.name}-{number // (TURNS // 2)}"
                try:
                    await self._say(service, client, session_id, f"{number} of {LONG}")
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                number += 1
                await asyncio.sleep(PAUSE_S)

    async def _say(
        self, service: Service, client: httpx.AsyncClient, session_id: str, message: str
    ) -> None:
        body = {"message": message, "session_id": session_id}
        answer = await service.post(client, "/api/v2/chat", body)
        if answer.status_code != 200:
            self.failures.append(answer.text)
            return
        said = self.acknowledged.setdefault(session_id, [])
        said.append(message)
        self.versions.add(answer.headers["x-recochat-version"])
        # Given in the light of all turns before it, whichever version wrote them.
        if answer.json()["turn_count"] != 2 * len(said):
            self.failures.append(f"{len(said)} messages said, but {answer.text}")


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("r")
    with run_redis(folder) as url:
        made = Service(url, folder)
        try:
            yield made
        finally:
            made.close()


async def start(service: Service, version: str, form: str) -> None:
    turns = {"RECOCHAT_SESSION_FORM": form, "RECOCHAT_SESSION_TURNS": str(TURNS)}
    await service.start(version, **turns)


async def roll(service: Service, version: str, form: str) -> None:
    """Replace pod by pod: a new one first, then an old one less."""
    for old in [*service.pods]:
        await start(service, version, form)
        await asyncio.sleep(5 * PAUSE_S)  # both versions serve the same sessions for a while
        await service.stop(old)


async def test_no_turn_is_lost_on_the_way_to_a_new_form_and_back(service: Service) -> None:
    for _ in range(2):
        await start(service, "1", "1")
    people = [Person(f"person-{n}") for n in range(PEOPLE)]
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for person in people:
            tasks.create_task(person.talk(service, over))
        await roll(service, "2", "2")
        await roll(service, "1", "1")
        over.set()
    for person in people:
        assert person.failures == []
        assert person.versions == {"1", "2"}
        for session_id, messages in person.acknowledged.items():
            assert await kept(service, session_id) == messages
    assert forms(service, people) == {b"\x02", b"{"}


async def kept(service: Service, session_id: str) -> list[str]:
    async with httpx.AsyncClient(timeout=WAIT_S) as client:
        answer = await client.get(f"{service.pods[0].url}/api/v2/session/{session_id}")
    return [turn["text"] for turn in answer.json()["turns"] if turn["role"] == "user"]


def forms(service: Service, people: list[Person]) -> set[bytes]:
    """The first bytes of all records."""
    found: set[bytes] = set()
    with Redis.from_url(service.redis_url) as redis:
        for session_id in (each for person in people for each in person.acknowledged):
            records: Any = redis.lrange(turns_key(session_id), 0, -1)
            found |= {record[:1] for record in records}
    return found
