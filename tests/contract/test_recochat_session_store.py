"""What every session store of recochat promises, against the process and a real Redis."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from redis import Redis

from recochat.problems import StoreUnavailable
from recochat.redis_client import connect
from recochat.sessions.base import USER_SESSIONS, Change, SessionStore, Turn
from recochat.sessions.memory import MemorySessionStore
from recochat.sessions.redis import INDEX, RedisSessionStore, meta_key, turns_key
from recochat.settings import Settings
from recochat.stores import stores
from tests.support.clock import Clock

TTL_S = 24 * 3600
MAX_TURNS = 4
START = 1_800_000_000.0


@dataclass
class Harness:
    """A store, and a way to let time pass for it without waiting."""

    store: SessionStore
    clock: Clock = field(default_factory=lambda: Clock(START))
    redis: Redis | None = None

    def advance(self, seconds: float) -> None:
        self.clock.now += seconds
        if self.redis is None:
            return
        for key in [*self.redis.keys("recochat:{*"), *self.redis.keys("recochat:user:*")]:
            left = self.redis.pttl(key) - int(seconds * 1000)
            if left > 0:
                self.redis.pexpire(key, left)
            else:
                self.redis.delete(key)


@pytest.fixture(params=["memory", "redis"])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    clock = Clock(START)
    if request.param == "memory":
        yield Harness(MemorySessionStore(TTL_S, MAX_TURNS, 1000, clock), clock)
        return
    url = request.getfixturevalue("redis_url")
    store = RedisSessionStore(connect(url, 2000, 5), TTL_S, MAX_TURNS, clock)
    with Redis.from_url(url) as redis:
        redis.flushall()
        yield Harness(store, clock, redis)
    await store.close()


def exchange(n: int) -> Sequence[Turn]:
    return (Turn("user", f"question {n}", n), Turn("assistant", f"answer {n}", n + 0.5, ("item",)))


async def test_an_unknown_session_is_none(harness: Harness) -> None:
    assert await harness.store.get("nobody") is None
    assert await harness.store.count() == 0


async def test_what_is_put_in_comes_out(harness: Harness) -> None:
    assert await harness.store.append("a", exchange(1)) == 2
    got = await harness.store.get("a")
    assert got is not None
    assert got.turns == tuple(exchange(1))
    assert (got.session_id, got.created_at, got.updated_at) == ("a", START, START)


async def test_only_the_latest_turns_are_kept_and_all_are_counted(harness: Harness) -> None:
    for n in range(3):
        harness.advance(10)
        count = await harness.store.append("a", exchange(n))
    last = await harness.store.get("a")
    assert last is not None
    assert last.turns == (*exchange(1), *exchange(2))
    assert last.turn_count == count == 6
    assert last.created_at == START + 10
    assert last.updated_at == START + 30


async def test_sessions_do_not_mix(harness: Harness) -> None:
    await harness.store.append("a", exchange(1))
    await harness.store.append("b", exchange(2))
    got = await harness.store.get("a")
    assert got is not None
    assert got.turns == tuple(exchange(1))
    assert await harness.store.count() == 2


async def test_a_session_ends_a_day_after_its_last_use(harness: Harness) -> None:
    await harness.store.append("a", exchange(1))
    harness.advance(TTL_S - 1)
    assert await harness.store.count() == 1
    harness.advance(2)
    assert await harness.store.count() == 0
    assert await harness.store.get("a") is None


@pytest.mark.parametrize("use", ["read", "write"])
async def test_every_use_makes_its_life_start_over(harness: Harness, use: str) -> None:
    await harness.store.append("a", exchange(1))
    for _ in range(3):
        harness.advance(TTL_S - 1)
        if use == "read":
            assert await harness.store.get("a") is not None
        else:
            await harness.store.append("a", exchange(2))
    assert await harness.store.count() == 1
    assert await harness.store.get("a") is not None


async def test_an_expired_session_starts_anew(harness: Harness) -> None:
    await harness.store.append("a", exchange(1))
    harness.advance(TTL_S + 1)
    assert await harness.store.append("a", exchange(2)) == 2
    session = await harness.store.get("a")
    assert session is not None
    assert session.created_at == harness.clock.now


async def test_a_deleted_session_is_gone_at_once(harness: Harness) -> None:
    await harness.store.append("a", exchange(1))
    assert await harness.store.delete("a") is True
    assert await harness.store.delete("a") is False
    assert await harness.store.get("a") is None
    assert await harness.store.count() == 0


async def test_writers_at_the_same_time_lose_nothing(harness: Harness) -> None:
    async def write(n: int) -> None:
        await harness.store.append("a", (Turn("user", f"from {n}", n),))

    await asyncio.gather(*(write(n) for n in range(MAX_TURNS)))
    session = await harness.store.get("a")
    assert session is not None
    assert {turn.text for turn in session.turns} == {f"from {n}" for n in range(MAX_TURNS)}
    assert session.turn_count == MAX_TURNS


async def test_a_question_and_its_answer_stay_together(harness: Harness) -> None:
    await asyncio.gather(*(harness.store.append("a", exchange(n)) for n in range(2)))
    session = await harness.store.get("a")
    assert session is not None
    questions, answers = session.turns[::2], session.turns[1::2]
    pairs = [(q.text, a.text) for q, a in zip(questions, answers, strict=True)]
    assert sorted(pairs) == [("question 0", "answer 0"), ("question 1", "answer 1")]


async def test_reading_makes_no_session(harness: Harness) -> None:
    await harness.store.get("nobody")
    assert await harness.store.count() == 0


async def test_a_working_store_answers_a_ping(harness: Harness) -> None:
    await harness.store.ping()
    assert harness.store.kind in {"memory", "redis"}


async def test_in_the_process_the_longest_unused_session_goes_first() -> None:
    clock = Clock(START)
    store = MemorySessionStore(TTL_S, MAX_TURNS, 2, clock)
    for name in ("a", "b"):
        await store.append(name, exchange(1))
    await store.get("a")
    await store.append("c", exchange(1))
    assert await store.get("b") is None
    assert await store.get("a") is not None
    assert await store.count() == 2
    await store.close()


async def test_turns_of_other_versions_are_read_as_far_as_possible(redis_url: str) -> None:
    store = RedisSessionStore(connect(redis_url, 2000, 5), TTL_S, MAX_TURNS, Clock(START))
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        redis.hset(meta_key("a"), mapping={"created": "1", "updated": "2", "mood": "new field"})
        redis.rpush(
            turns_key("a"),
            b'{"role":"user","text":"from an older version","at":1}',
            b'{"role":"user","text":"from a newer one","at":2,"items":[],"mood":"?"}',
            b'{"role":"tool","text":"unknown role","at":3}',
            b"not json",
        )
        session = await store.get("a")
    await store.close()
    assert session is not None
    assert [turn.text for turn in session.turns] == ["from an older version", "from a newer one"]


async def test_everything_in_redis_has_an_end(redis_url: str) -> None:
    store = RedisSessionStore(connect(redis_url, 2000, 5), TTL_S, MAX_TURNS, Clock(START))
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        await store.append("a", exchange(1))
        keys = {key.decode() for key in redis.keys("*")}
        assert keys == {turns_key("a"), meta_key("a"), INDEX}
        assert 0 < redis.ttl(turns_key("a")) <= TTL_S
        assert 0 < redis.ttl(meta_key("a")) <= TTL_S
    await store.close()


async def test_a_redis_that_is_gone_is_said_to_be_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        settings = Settings(redis_url=f"redis://127.0.0.1:{port}/0", redis_timeout_ms=200)
        store = stores(settings).sessions
        for call in (
            store.get("a"),
            store.append("a", exchange(1)),
            store.delete("a"),
            store.count(),
            store.ping(),
            store.of_user("ada"),
        ):
            with pytest.raises(StoreUnavailable):
                await call
        await store.close()


def test_without_a_url_sessions_stay_in_the_process() -> None:
    assert stores(Settings()).sessions.kind == "memory"


async def test_facts_outlive_the_turns_that_told_them(harness: Harness) -> None:
    await harness.store.append("a", exchange(0), Change("", {"name": "Ada", "like:jazz": "1"}))
    for n in range(3):
        await harness.store.append("a", exchange(n), Change("", {f"seen:{n}": "2"}))
    await harness.store.append("a", exchange(9), Change("", {"name": "Bob"}, ["seen:0"]))
    got = await harness.store.get("a")
    assert got is not None
    assert got.facts == {"name": "Bob", "like:jazz": "1", "seen:1": "2", "seen:2": "2"}


async def test_facts_of_writers_at_the_same_time_are_all_kept(harness: Harness) -> None:
    await asyncio.gather(
        *(harness.store.append("a", exchange(n), Change("", {f"f{n}": "x"})) for n in range(5))
    )
    got = await harness.store.get("a")
    assert got is not None
    assert set(got.facts) == {f"f{n}" for n in range(5)}


async def test_sessions_of_a_user_are_listed_latest_first(harness: Harness) -> None:
    for name in ("a", "b", "c"):
        harness.advance(1)
        await harness.store.append(name, exchange(1), Change("ada"))
    await harness.store.append("other", exchange(1), Change("bob"))
    await harness.store.append("nobody's", exchange(1))
    harness.advance(1)
    await harness.store.append("a", exchange(2), Change("ada", {"name": "Ada"}))
    await harness.store.delete("b")
    listed = await harness.store.of_user("ada")
    assert [(s.session_id, s.turn_count) for s in listed] == [("a", 4), ("c", 2)]
    assert all(s.turns == () and s.facts == {} for s in listed)
    assert await harness.store.of_user("eve") == []


async def test_only_the_latest_sessions_of_a_user_are_listed(harness: Harness) -> None:
    for n in range(USER_SESSIONS + 2):
        harness.advance(1)
        await harness.store.append(f"s{n}", exchange(n), Change("ada"))
    listed = [s.session_id for s in await harness.store.of_user("ada")]
    assert len(listed) == USER_SESSIONS
    assert listed[0] == f"s{USER_SESSIONS + 1}"
    assert "s1" not in listed


async def test_sessions_that_have_ended_are_not_listed(harness: Harness) -> None:
    await harness.store.append("a", exchange(1), Change("ada"))
    harness.advance(TTL_S + 1)
    assert await harness.store.of_user("ada") == []
