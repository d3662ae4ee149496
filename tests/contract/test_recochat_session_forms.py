"""What is in Redis during a release: both versions of recochat read and write the same sessions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

import pytest
from redis import Redis

from recochat.redis_client import connect
from recochat.sessions.base import Turn
from recochat.sessions.records import Form, dump, load
from recochat.sessions.redis import RedisSessionStore, turns_key
from tests.support.redis_process import run_redis

TTL_S, MAX_TURNS = 24 * 3600, 20
LONG = (
    "I spent the weekend on a ridge above a lake, with a tripod and far too many lenses, and "
    "would love to find something for the next one: outdoors if it is dry, with music if not. "
)
SAID = (
    Turn("user", LONG, 1_800_000_000.25),
    Turn(
        "assistant", "How about “Ridge walk at sunrise”?", 1_800_000_001.5, ("item-12", "item-19")
    ),
    Turn("user", "💙 déjà vu", 1_800_000_002.0),
)


def read_by_0_1_0(record: bytes) -> tuple[str, str, float, Sequence[str]]:
    """How the first version reads a turn. Never to be changed: it is out there."""
    data = json.loads(record)
    if data["role"] not in ("user", "assistant"):
        raise ValueError(data["role"])
    return data["role"], str(data["text"]), float(data["at"]), tuple(data.get("items", ()))


@pytest.fixture
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    with run_redis(tmp_path_factory.mktemp("r")) as url:
        yield url


def store(url: str, form: Form) -> RedisSessionStore:
    return RedisSessionStore(connect(url, 2000, 5), TTL_S, MAX_TURNS, lambda: 1e9, form=form)


@pytest.mark.parametrize("turn", SAID)
@pytest.mark.parametrize("form", [1, 2])
def test_every_form_is_read(turn: Turn, form: Form) -> None:
    assert load(dump(turn, form)) == turn


@pytest.mark.parametrize("turn", SAID)
def test_the_first_version_reads_what_is_written_by_default(turn: Turn) -> None:
    assert read_by_0_1_0(dump(turn)) == (turn.role, turn.text, turn.at, turn.items)


@pytest.mark.parametrize("record", [b"", b"\x02", b"\x02junk", b"\x03new form", b"[]", b"null"])
def test_what_cannot_be_read_is_dropped(record: bytes) -> None:
    assert load(record) is None


def test_a_record_that_unpacks_to_too_much_is_not_unpacked_whole() -> None:
    bomb = dump(Turn("user", "a" * 1_000_000, 1.0), 2)
    assert len(bomb) < 2000
    assert load(bomb) is None


def test_a_message_takes_less_than_a_kilobyte() -> None:
    longest = (LONG * 6)[:1024]
    assert len(dump(Turn("user", longest, 1_800_000_000.25), 2)) < 1024
    for turn in SAID:
        assert len(dump(turn, 2)) <= len(dump(turn, 1)) < 1024


async def test_a_session_goes_on_between_a_writer_of_each_form(redis_url: str) -> None:
    stable, canary = store(redis_url, 1), store(redis_url, 2)
    for n in range(3):
        for writer in (stable, canary):
            await writer.append("a", (Turn("user", f"{n} {LONG}", float(n)),))
    seen = [await reader.get("a") for reader in (stable, canary)]
    assert seen[0] == seen[1]
    assert seen[0] is not None
    assert [turn.text[0] for turn in seen[0].turns] == ["0", "0", "1", "1", "2", "2"]
    await stable.close()
    await canary.close()


async def test_each_call_is_one_round_trip(redis_url: str) -> None:
    tested = store(redis_url, 1)
    await tested.append("a", SAID)  # the connection and the scripts are there from here on
    await tested.get("a")
    with Redis.from_url(redis_url) as redis:

        def reads() -> int:
            return int(redis.info("stats")["total_reads_processed"])

        reads()
        own = -reads() + reads()  # what asking costs
        for call in (
            lambda: tested.append("a", SAID),
            lambda: tested.get("a"),
            lambda: tested.count(),
            lambda: tested.delete("a"),
        ):
            before = reads()
            await call()
            assert reads() - before - own == 1
    await tested.close()


async def test_a_store_of_the_first_version_reads_the_list(redis_url: str) -> None:
    tested = store(redis_url, 1)
    await tested.append("a", SAID)
    with Redis.from_url(redis_url) as redis:
        records = redis.lrange(turns_key("a"), 0, -1)
    assert [read_by_0_1_0(record)[1] for record in records] == [turn.text for turn in SAID]
    await tested.close()
