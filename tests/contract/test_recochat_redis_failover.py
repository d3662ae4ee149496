"""Redis slow, started again, and replaced by its replica: what was acknowledged is there."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from hack.ports import free_port
from tests.support.recochat_stand import Stand, standing
from tests.support.redis_door import Door, opened
from tests.support.redis_process import frozen, run_redis

WAIT_S = 60.0
FOREVER_S = 30.0
LIMIT_MS = 200


@pytest.fixture
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """A way to a Redis of this test's own."""
    with run_redis(tmp_path_factory.mktemp("r")) as url:
        async with opened(url) as found:
            yield found


async def test_a_slow_redis_makes_the_chat_slower_and_nothing_else(door: Door) -> None:
    async with standing(door.url, rate_per_s=0) as stand:
        await stand.say("hi")
        door.delay_s = 0.1
        started = time.perf_counter()
        session_id = (await stand.say("my name is Ada")).json()["session_id"]
        assert (await stand.say("what is my name?", session_id)).json()["reply"] == "You are Ada."
        # Three round trips: a new session is only written.
        assert time.perf_counter() - started >= 3 * 0.1
        before = door.answers
        recommended = await stand.client.post("/api/v2/recommendations", json={"user_id": "a"})
        assert recommended.status_code == 200
        assert door.answers == before, "a recommendation waited for Redis"


async def test_a_redis_slower_than_its_limit_is_given_up(door: Door) -> None:
    async with standing(door.url, rate_per_s=0, redis_timeout_ms=LIMIT_MS) as stand:
        session_id = (await stand.say("my name is Ada")).json()["session_id"]
        door.delay_s = FOREVER_S
        started = time.perf_counter()
        await stand.only_the_chat_fails(session_id)
        # Once for the chat and once for /health: nothing is tried a second time.
        assert time.perf_counter() - started < FOREVER_S / 2
        door.delay_s = 0.0
        assert (await stand.say("what is my name?", session_id)).json()["reply"] == "You are Ada."


async def test_a_redis_killed_and_started_again_has_all_that_was_acknowledged(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("r")
    keeping = ("--appendonly", "yes")  # as the chart runs it with a volume
    with run_redis(folder, *keeping) as url:
        async with standing(url) as stand:
            session_id = (await stand.say("my name is Ada")).json()["session_id"]
            said = [f"I like jazz, {n}" for n in range(5)]
            for message in said:
                assert (await stand.say(message, session_id)).status_code == 200
            kill(url)
            await stand.only_the_chat_fails(session_id)
            with run_redis(folder, *keeping):
                assert (await stand.say("what is my name?", session_id)).status_code == 200
                assert (await stand.turns(session_id))[2:-2:2] == said


@dataclass
class Pair:
    """A Redis, and a replica that has caught up with it."""

    primary: str
    replica: str
    ports: tuple[int, int]

    def promote(self) -> None:
        with Redis.from_url(self.replica) as redis:
            redis.replicaof("NO", "ONE")

    def demote(self) -> None:
        with Redis.from_url(self.primary) as redis:
            redis.replicaof("127.0.0.1", str(self.ports[1]))


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    ports = free_port(), free_port()
    own = [("--port", str(port), "--repl-diskless-sync-delay", "0") for port in ports]
    with (
        run_redis(tmp_path_factory.mktemp("p"), *own[0]) as primary,
        run_redis(tmp_path_factory.mktemp("r"), *own[1]) as replica,
    ):
        with Redis.from_url(replica) as redis:
            redis.replicaof("127.0.0.1", str(ports[0]))
            deadline = time.monotonic() + WAIT_S
            while redis.info("replication").get("master_link_status") != "up":
                assert time.monotonic() < deadline, "the replica never caught up"
                time.sleep(0.05)
        yield Pair(primary, replica, ports)


async def test_a_replica_that_takes_over_has_all_that_was_acknowledged(pair: Pair) -> None:
    async with opened(pair.primary) as door, standing(door.url, redis_replicas=1) as stand:
        acknowledged = await talk(stand, 20)
        kill(pair.primary)
        pair.promote()
        door.target = pair.replica.removeprefix("unix://")
        for session_id, messages in acknowledged.items():
            assert (await stand.turns(session_id))[::2] == messages
        # The new one has no replica yet, so it can't promise to keep anything.
        await stand.only_the_chat_fails(next(iter(acknowledged)))


async def test_connections_to_what_is_a_replica_now_are_left_at_once(pair: Pair) -> None:
    async with opened(pair.primary) as door, standing(door.url, redis_replicas=0) as stand:
        session_id = (await stand.say("my name is Ada")).json()["session_id"]
        with Redis.from_url(pair.primary) as redis:
            redis.wait(1, int(WAIT_S * 1000))
        pair.promote()
        door.target = pair.replica.removeprefix("unix://")
        pair.demote()
        # Not one failure: the old connection says that it is read-only, and the next one works.
        answer = await stand.say("what is my name?", session_id)
        assert answer.json()["reply"] == "You are Ada."
        liked = {"user_id": "ada", "item_id": "item-01", "verdict": "like"}
        assert (await stand.client.post("/api/v2/feedback", json=liked)).status_code == 202


async def test_without_the_replica_nothing_is_acknowledged(pair: Pair) -> None:
    async with standing(pair.primary, redis_replicas=1) as stand:
        session_id = (await stand.say("my name is Ada")).json()["session_id"]
        with Redis.from_url(pair.replica) as redis, frozen(redis):
            await stand.only_the_chat_fails(session_id)
        deadline = time.monotonic() + WAIT_S
        while (await stand.say("what is my name?", session_id)).status_code != 200:
            assert time.monotonic() < deadline, "the replica is back, and nothing is acknowledged"


async def talk(stand: Stand, sessions: int) -> dict[str, list[str]]:
    """Say three things in each of so many sessions; returns what was acknowledged."""
    acknowledged: dict[str, list[str]] = {}
    for number in range(sessions):
        session_id = f"s{number}"
        for message in (f"my name is N{number}", "recommend something", "why?"):
            answer: Any = await stand.say(message, session_id)
            if answer.status_code == 200:
                acknowledged.setdefault(session_id, []).append(message)
    assert len(acknowledged) == sessions
    return acknowledged


def kill(url: str) -> None:
    """End a Redis as a lost node does, and wait until it is gone."""
    with Redis.from_url(url) as redis:
        pid = int(redis.info("server")["process_id"])
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + WAIT_S
    while Path(f"/proc/{pid}/stat").exists():
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return
        assert time.monotonic() < deadline, "killed, and still there"
        time.sleep(0.02)
