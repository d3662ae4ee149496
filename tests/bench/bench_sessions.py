"""What sessions of recochat cost: bytes a message, look-up time by their number, memory afterwards.

LINNET_SESSIONS scales it down for a quick look (10,000 sessions by default). The look-up times, up
to ten times as many sessions, are drawn in out/bench/sessions.svg.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
from redis import Redis

from hack.loadtest.report import svg
from recochat.recommender import builtin
from recochat.redis_client import connect
from recochat.sessions.base import SessionStore, Turn
from recochat.sessions.memory import MemorySessionStore
from recochat.sessions.records import Form
from recochat.sessions.redis import INDEX, RedisSessionStore
from tests.support.redis_process import run_redis

SESSIONS = int(os.environ.get("LINNET_SESSIONS") or 10_000)
MESSAGES = 20
LOOKUPS = 1000
SIZES = tuple(round(SESSIONS * factor) for factor in (0.01, 0.1, 1, 10))
WRITERS = 20
DAY_S = 24 * 3600
EXPIRED_S = 60
TITLES = [item.title for item in builtin.items()]


def main() -> dict[str, Any]:
    """Measure both stores; returns bytes, and milliseconds of a look-up."""
    found: dict[str, Any] = {"sessions": SESSIONS, "messages": MESSAGES}
    with tempfile.TemporaryDirectory() as folder, run_redis(Path(folder)) as url:
        for form in (1, 2):
            found[f"redis, form {form}"] = asyncio.run(redis_bytes(url, form))
        found["redis, expired"] = redis_expired(url)
        found["process"] = asyncio.run(process_bytes())
        found["lookup_ms"] = {
            "redis": asyncio.run(lookups(redis_store(url, DAY_S))),
            "process": asyncio.run(lookups(memory_store())),
        }
    for name, value in found.items():
        print(f"{name}: {value}")
    draw(found["lookup_ms"])
    return found


def draw(medians: dict[str, dict[int, float]]) -> None:
    """A picture of the look-up times by the number of sessions."""
    out = Path("out/bench")
    out.mkdir(parents=True, exist_ok=True)
    plots = [
        svg(f"{store}: ms a look-up, by tens of sessions (10 to the x)",
            [(math.log10(size), median) for size, median in found.items()], unit="x")
        for store, found in medians.items()
    ]  # fmt: skip
    body = "".join(f'<g transform="translate(0 {170 * n})">{p}</g>' for n, p in enumerate(plots))
    (out / "sessions.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{170 * len(plots)}" '
        f'font-family="sans-serif" font-size="13">{body}</svg>\n'
    )


def redis_store(url: str, ttl_s: int, form: Form = 1) -> RedisSessionStore:
    """A store in a Redis that is emptied first."""
    with Redis.from_url(url) as redis:
        redis.flushall()
    return RedisSessionStore(connect(url, 10_000, WRITERS), ttl_s, MESSAGES, form=form)


def memory_store() -> MemorySessionStore:
    """A store in the process with room for all sizes."""
    return MemorySessionStore(DAY_S, MESSAGES, max(SIZES) + 1)


async def redis_bytes(url: str, form: Form) -> dict[str, float]:
    """What all messages take in Redis, with keys and index."""
    store = redis_store(url, DAY_S, form)
    before = used_memory(url)
    await fill(store, 0, SESSIONS, MESSAGES)
    taken = used_memory(url) - before
    await store.close()
    return {"bytes_a_message": round(taken / SESSIONS / MESSAGES, 1)}


def redis_expired(url: str) -> dict[str, float]:
    """What is left when all sessions have expired: share of the memory at the most."""
    store = redis_store(url, EXPIRED_S)
    before = used_memory(url)
    asyncio.run(filled(store))
    most = used_memory(url) - before
    with Redis.from_url(url) as redis:
        while redis.dbsize() > 1:  # the index, which is cleaned when sessions are counted
            time.sleep(0.5)
        redis.delete(INDEX)
    return {"share_left": round(max(0, used_memory(url) - before) / most, 3)}


async def filled(store: SessionStore) -> None:
    """Fill a store, and close it."""
    await fill(store, 0, SESSIONS, MESSAGES)
    await store.close()


async def process_bytes() -> dict[str, float]:
    """What all messages take in the process, and the share that is left after they expired."""
    now = 0.0
    store = MemorySessionStore(DAY_S, MESSAGES, SESSIONS + 1, lambda: now)
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    await fill(store, 0, SESSIONS, MESSAGES)
    gc.collect()
    most = tracemalloc.get_traced_memory()[0] - before
    now = DAY_S + 1.0
    await store.count()
    gc.collect()
    left = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {
        "bytes_a_message": round(most / SESSIONS / MESSAGES, 1),
        "share_left": round(left / most, 3),
    }


async def lookups(store: SessionStore) -> dict[int, float]:
    """Median milliseconds of a look-up, by number of sessions."""
    draw = np.random.default_rng(1)
    medians, there = {}, 0
    for size in SIZES:
        await fill(store, there, size, 2)
        there = size
        times = []
        for number in draw.integers(0, size, LOOKUPS).tolist():
            started = time.perf_counter()
            assert await store.get(f"session-{number}") is not None
            times.append((time.perf_counter() - started) * 1000)
        medians[size] = round(float(np.median(times)), 4)
    await store.close()
    return medians


async def fill(store: SessionStore, first: int, last: int, messages: int) -> None:
    """Give sessions ``first`` to ``last`` so many messages each, by several writers at once."""

    async def write(start: int) -> None:
        for number in range(start, last, WRITERS):
            for turn in range(messages // 2):
                await store.append(f"session-{number}", exchange(number, turn))

    await asyncio.gather(*(write(first + n) for n in range(WRITERS)))


def exchange(number: int, turn: int) -> tuple[Turn, Turn]:
    """A question and an answer of the length that the service gives."""
    chosen = [TITLES[(number + turn * 7 + k * 11) % len(TITLES)] for k in range(3)]
    ids = tuple(f"item-{(number + turn * 7 + k * 11) % len(TITLES):02d}" for k in range(3))
    asked = f"I liked “{chosen[0]}”, can you suggest something like it for number {number}?"
    answer = f"How about {'; '.join(f'“{title}”' for title in chosen)}?"
    at = 1_800_000_000.0 + number + turn
    return Turn("user", asked, at), Turn("assistant", answer, at + 0.25, ids)


def used_memory(url: str) -> int:
    """Bytes that Redis has taken from the system for data."""
    with Redis.from_url(url) as redis:
        return int(redis.info("memory")["used_memory"])
