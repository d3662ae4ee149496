"""What rates, replies and event logs of recochat promise, in the process and in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from redis import Redis

from recochat.events.base import Event, EventLog
from recochat.events.memory import MemoryEventLog
from recochat.events.redis import STREAM, RedisEventLog
from recochat.guard.rates import FallbackRateLimiter, MemoryRateLimiter, RateLimiter
from recochat.guard.redis import RedisRateLimiter, RedisReplies, bucket_key, reply_key
from recochat.guard.replies import CLAIM_S, MemoryReplies, Replies, Reply
from recochat.problems import StoreUnavailable
from recochat.redis_client import connect
from recochat.resilience import CircuitBreaker
from tests.support.clock import Clock

PER_S, BURST = 0.01, 3  # so slow that a slow machine earns no token by chance
TTL_S = 3600


@dataclass
class Harness:
    """All three, and a way to let time pass for them without waiting."""

    rates: RateLimiter
    replies: Replies
    events: EventLog
    clock: Clock
    redis: Any = None

    def advance(self, seconds: float) -> None:
        self.clock.now += seconds
        if self.redis is None:
            return
        for key in self.redis.keys(bucket_key("*")):
            self.redis.set(key, float(self.redis.get(key)) - seconds, keepttl=True)
        for key in self.redis.keys("*"):
            left = self.redis.pttl(key) - int(seconds * 1000)
            self.redis.pexpire(key, left) if left > 0 else self.redis.delete(key)


@pytest.fixture(params=["memory", "redis"])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    clock = Clock(1000.0)
    if request.param == "memory":
        own = MemoryRateLimiter(PER_S, BURST, clock)
        yield Harness(own, MemoryReplies(TTL_S, clock), MemoryEventLog(1000), clock)
        return
    url = request.getfixturevalue("redis_url")
    client = connect(url, 2000, 5)
    with Redis.from_url(url) as redis:
        redis.flushall()
        yield Harness(
            RedisRateLimiter(client, PER_S, BURST),
            RedisReplies(client, TTL_S),
            RedisEventLog(client, 1000, TTL_S),
            clock,
            redis,
        )
    await client.aclose()


async def test_a_burst_passes_and_then_it_is_time_to_wait(harness: Harness) -> None:
    waits = [await harness.rates.take("ada") for _ in range(BURST + 1)]
    assert waits[:BURST] == [0.0] * BURST
    assert waits[BURST] == pytest.approx(1 / PER_S, rel=0.2)


async def test_tokens_come_back_one_at_a_time(harness: Harness) -> None:
    for _ in range(BURST):
        await harness.rates.take("ada")
    harness.advance(1 / PER_S + 0.01)
    assert await harness.rates.take("ada") == 0.0
    assert await harness.rates.take("ada") > 0


async def test_being_refused_costs_no_token(harness: Harness) -> None:
    for _ in range(BURST + 5):
        await harness.rates.take("ada")
    harness.advance(1 / PER_S + 0.01)
    assert await harness.rates.take("ada") == 0.0


async def test_callers_have_buckets_of_their_own(harness: Harness) -> None:
    for _ in range(BURST):
        await harness.rates.take("ada")
    assert await harness.rates.take("bob") == 0.0


async def test_no_more_than_the_burst_passes_at_once(harness: Harness) -> None:
    waits = await asyncio.gather(*(harness.rates.take("ada") for _ in range(10)))
    assert waits.count(0.0) == BURST


async def test_a_full_bucket_leaves_nothing_behind(harness: Harness) -> None:
    await harness.rates.take("ada")
    harness.advance(1 / PER_S + 1)
    assert harness.redis is None or harness.redis.keys("*") == []
    waits = [await harness.rates.take("ada") for _ in range(BURST)]
    assert waits == [0.0] * BURST


REPLY = Reply("print", 200, "application/json", '{"reply":"grüß dich"}')


async def test_a_key_is_claimed_once(harness: Harness) -> None:
    found = await asyncio.gather(*(harness.replies.claim("k", f"{n}") for n in range(5)))
    assert found.count(None) == 1
    assert all(reply is None or reply.status == 0 for reply in found)


async def test_a_kept_reply_is_found_until_it_ends(harness: Harness) -> None:
    await harness.replies.claim("k", "print")
    await harness.replies.keep("k", REPLY)
    assert await harness.replies.claim("k", "other") == REPLY
    harness.advance(TTL_S + 1)
    assert await harness.replies.claim("k", "print") is None


async def test_a_dropped_claim_can_be_claimed_again(harness: Harness) -> None:
    await harness.replies.claim("k", "print")
    await harness.replies.drop("k")
    assert await harness.replies.claim("k", "print") is None


async def test_a_claim_of_one_that_died_ends(harness: Harness) -> None:
    await harness.replies.claim("k", "print")
    harness.advance(CLAIM_S + 1)
    assert await harness.replies.claim("k", "print") is None


async def test_events_come_out_as_they_went_in(harness: Harness) -> None:
    first = Event("click", "ada", 1.5, "item", "s", "tone", "b", 2.5, "1.2.3", "canary", "id")
    second = Event("like", "bob", 2.0)
    await harness.events.record([first, second])
    assert await harness.events.latest(10) == [first, second]
    assert await harness.events.latest(1) == [second]


async def test_replies_and_events_of_other_versions_do_no_harm(redis_url: str) -> None:
    client = connect(redis_url, 2000, 5)
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        redis.set(reply_key("k"), b"not json")
        redis.xadd(STREAM, {"event": b'{"name":"click","user_id":"a","at":1,"mood":"?"}'})
        redis.xadd(STREAM, {"other": b"field"})
    found = await RedisReplies(client, TTL_S).claim("k", "print")
    assert found is not None
    assert found.status == 0
    events = await RedisEventLog(client, 1000, TTL_S).latest(10)
    assert events == [Event("click", "a", 1)]
    await client.aclose()


async def test_everything_in_redis_has_an_end(harness: Harness) -> None:
    await harness.rates.take("ada")
    await harness.replies.claim("k", "print")
    await harness.replies.keep("k", REPLY)
    await harness.events.record([Event("click", "ada", 1.0)])
    if harness.redis is not None:
        assert len(harness.redis.keys("*")) == 3
        assert all(harness.redis.pttl(key) > 0 for key in harness.redis.keys("*"))


class Gone:
    def __init__(self) -> None:
        self.asked = 0

    async def take(self, caller: str) -> float:
        self.asked += 1
        raise StoreUnavailable("gone")


async def test_without_the_shared_count_each_process_counts_for_itself() -> None:
    shared, clock = Gone(), Clock(1000.0)
    own = MemoryRateLimiter(PER_S, BURST, clock)
    limiter = FallbackRateLimiter(shared, own, CircuitBreaker(2, 1.0, clock))
    waits = [await limiter.take("ada") for _ in range(BURST + 1)]
    assert waits[:BURST] == [0.0] * BURST
    assert waits[BURST] > 0
    assert shared.asked == 2
    clock.now += 1.5
    await limiter.take("ada")
    assert shared.asked == 3
