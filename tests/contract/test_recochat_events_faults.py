"""Events handed in while pods and Redis are killed, and handed in again: each counts once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from recochat.events.metrics import METRICS
from recochat.experiments.assignment import variant
from recochat.experiments.base import Outcome, Record, Subject
from recochat.experiments.metrics import Series
from recochat.experiments.redis import RedisOutcomes
from recochat.redis_client import connect
from tests.support import outcomes
from tests.support.outcomes import DAY_S, drawn, reckoned
from tests.support.recochat_pods import Service
from tests.support.redis_process import run_redis

WAIT_S = 180.0
USERS, EVENTS, BATCH, SENDERS = 200, 640, 8, 6
# Kept when Redis is killed; what a machine loses that fails is cut off below.
KEPT = ("--appendonly", "yes", "--appendfsync", "everysec")
SETTINGS = {"RECOCHAT_TRACK": "canary", "RECOCHAT_EXPERIMENTS": "tone"}


@dataclass
class KilledRedis:
    """A Redis that keeps what it has, and is killed and started again."""

    folder: Path
    stack: ExitStack
    url: str = ""

    def start(self) -> None:
        self.url = self.stack.enter_context(run_redis(self.folder, *KEPT))

    def kill(self) -> None:
        with Redis.from_url(self.url) as redis:
            information: Any = redis.info("server")
        os.kill(information["process_id"], signal.SIGKILL)

    def forget_the_latest(self, of_bytes: int) -> None:
        """Cut the end off the file, as a failing machine does that had not written it yet."""
        (written,) = (self.folder / "appendonlydir").glob("*.incr.aof")
        assert written.stat().st_size > of_bytes
        os.truncate(written, written.stat().st_size - of_bytes)


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with ExitStack() as stack:
        made = KilledRedis(tmp_path_factory.mktemp("r"), stack)
        made.start()
        yield made


def made_up() -> list[dict[str, Any]]:
    """Ratings by users of both variants: whole numbers, so that sums can be compared exactly."""
    return [
        {
            "event_id": f"e{number}",
            "name": "rating",
            "user_id": f"user-{number * 7 % USERS}",
            "variant": variant(f"user-{number * 7 % USERS}", "tone", 50),
            "value": 1 + number % 5,
        }
        for number in range(EVENTS)
    ]


def expected(events: Sequence[dict[str, Any]]) -> dict[Series, float]:
    """Users, and the sums of what they rated, from the events themselves."""
    scores: dict[tuple[str, str], list[float]] = {}
    for event in events:
        scores.setdefault((event["variant"], event["user_id"]), []).append(event["value"])
    sums: dict[Series, float] = {}
    for (name, _), values in scores.items():
        y, d = float(sum(values)), float(len(values))
        of = {"y": y, "d": d, "yy": y * y, "yd": y * d, "dd": d * d}
        added = {Series(name, metric="satisfaction", of=key): n for key, n in of.items()}
        for series, value in {Series(name): 1.0, **added}.items():
            sums[series] = sums.get(series, 0.0) + value
    return sums


@dataclass
class Sender:
    """Hands events in until they are taken, whatever answers or doesn't."""

    service: Service
    client: httpx.AsyncClient
    refused: int = 0
    taken: int = 0
    when: dict[int, Callable[[], Any]] = field(default_factory=dict)
    """What to do once so many batches are taken."""

    async def send(self, events: Sequence[dict[str, Any]]) -> None:
        batches = iter([events[n : n + BATCH] for n in range(0, len(events), BATCH)])
        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(self._send(batches))

    async def _send(self, batches: Any) -> None:
        for batch in batches:
            await self._until_taken(batch)
            self.taken += 1
            happens = self.when.pop(self.taken, None)
            if happens is not None:
                await happens()

    async def _until_taken(self, batch: Sequence[dict[str, Any]]) -> None:
        deadline = time.monotonic() + WAIT_S
        while True:
            assert time.monotonic() < deadline, "the events are not taken"
            try:
                body = {"events": batch}
                answer = await self.service.post(self.client, "/api/v2/events", body)
            except httpx.TransportError:
                self.refused += 1
            else:
                if answer.status_code == 202:
                    return
                assert answer.status_code in (500, 503), answer.text
                self.refused += 1
            await asyncio.sleep(0.05)


@pytest.fixture
async def sender(redis: KilledRedis, tmp_path: Path) -> AsyncIterator[Sender]:
    service = Service(redis.url, tmp_path)
    try:
        for version in ("1", "2"):
            await service.start(version, **SETTINGS)
        async with httpx.AsyncClient(timeout=30) as client:
            yield Sender(service, client)
    finally:
        service.close()


async def counted(url: str) -> tuple[int, dict[Series, float]]:
    """What is counted by now, of users and their ratings."""
    client = connect(url, 10_000, 2)
    (totals,) = await RedisOutcomes(client, METRICS).totals()
    await client.aclose()
    whole = {s: n for s, n in totals.sums.items() if not s.segment and not s.day}
    ratings = {s: n for s, n in whole.items() if s.metric in ("", "satisfaction")}
    return totals.revision, ratings


async def test_every_user_counts_once_while_pods_and_redis_are_killed(
    redis: KilledRedis, sender: Sender
) -> None:
    events = made_up()

    async def lose_a_pod() -> None:
        # Its place stays until there is another one: requests to it fail meanwhile.
        pods = sender.service.pods
        victim = next(pod for pod in pods if pod.process.poll() is None)
        victim.process.kill()
        victim.process.wait(WAIT_S)
        await sender.service.start("3", **SETTINGS)
        pods.remove(victim)

    async def lose_redis() -> None:
        redis.kill()
        await asyncio.to_thread(redis.start)

    sender.when = {15: lose_redis, 30: lose_a_pod, 55: lose_redis}
    await sender.send(events)
    assert sender.when == {}
    assert sender.refused > 0
    # Everything once more, backwards: as a queue does that doesn't know how far it got.
    await sender.send(events[::-1])
    revision, found = await counted(redis.url)
    assert found == expected(events)
    assert sum(found[Series(name)] for name in ("control", "treatment")) == USERS
    assert revision == EVENTS


async def test_what_a_failing_machine_loses_is_whole_again_when_handed_in_again(
    redis: KilledRedis,
) -> None:
    events = drawn(users=20, events=300, days=3, seed=1)
    last, before = events[-1][0], Subject("user-0")

    async def hand_in(some: Sequence[tuple[float, Record]]) -> int:
        client = connect(redis.url, 10_000, 2)
        store = RedisOutcomes(client, outcomes.METRICS, DAY_S)
        new = sum([await store.record([record], now) for now, record in some])
        await client.aclose()
        return new

    first = [(events[0][0], Record(before, [Outcome("before", 0.0, {})]))]
    assert await hand_in(first) == 1
    assert await hand_in(events) == len(events)
    redis.kill()
    redis.forget_the_latest(of_bytes=20_000)
    redis.start()
    again = await hand_in(events)
    # A part of the end was lost, and no more than that.
    assert 0 < again < len(events)
    assert await hand_in([(last, record) for _, record in events]) == 0
    client = connect(redis.url, 10_000, 2)
    (totals,) = await RedisOutcomes(client, outcomes.METRICS, DAY_S).totals()
    await client.aclose()
    found = {series: value for series, value in totals.sums.items() if abs(value) > 1e-9}
    assert found == pytest.approx(reckoned(events))
