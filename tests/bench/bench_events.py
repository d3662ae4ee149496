"""What counting and judging the outcomes of an experiment costs, and how fairly users are dealt.

LINNET_EVENTS_USERS scales it down for a quick look (50,000 users with outcomes by default).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from scipy import stats

from linnet.api.experiment import DEFAULT_METRICS, Experiment
from linnet.core.experiment_data import REVISION, SCRAPED, data_of
from linnet.core.series import Matrix, Series
from linnet.experiment.judge import judge
from recochat.events.metrics import METRICS, of_request, of_turn
from recochat.experiments.assignment import BUCKETS, bucket, variant
from recochat.experiments.base import Outcome, Record, Subject
from recochat.experiments.exposition import ExperimentCollector
from recochat.experiments.redis import RedisOutcomes, totals_key
from recochat.redis_client import connect
from tests.support.redis_process import run_redis

USERS = int(os.environ.get("LINNET_EVENTS_USERS") or 50_000)
FEW, MANY = 1000, 50_000_000
DEALT = 1_000_000
SALTS = ("tone", "tone-2", "shop-7f9c", "0")
SHARES = (5.0, 50.0, 100.0)
BATCH = 100
READS, WARM = 60, 10
LOOKS = 100
NOW = 1_800_000_000.0
SEGMENTS = ("known:no", *(f"persona:{n}" for n in range(6)))
KEPT = ("--appendonly", "yes", "--appendfsync", "everysec")


def main() -> dict[str, Any]:
    """Deal users, count their outcomes, and read the sums."""
    found: dict[str, Any] = {"assignment": assignment()}
    with tempfile.TemporaryDirectory() as folder, run_redis(Path(folder), *KEPT) as url:
        found |= asyncio.run(counting(url))
    for name, value in found.items():
        print(f"{name}: {value}")
    return found


def assignment() -> dict[str, Any]:
    """A million users: balance, independence of experiments, and who moves as the share grows."""
    users = [f"user-{n}" for n in range(DEALT)]
    started = time.process_time()
    buckets = np.array([[bucket(user, salt) for user in users] for salt in SALTS])
    seconds = time.process_time() - started
    treated = buckets < BUCKETS // 2
    pairs = [(a, b) for a in range(len(SALTS)) for b in range(a)]
    in_treatment = [buckets[0] < share * BUCKETS / 100 for share in SHARES]
    moved_back = sum(
        int((before & ~after).sum()) for before, after in itertools.pairwise(in_treatment)
    )
    sample = users[:: DEALT // 1000]
    assert all(
        variant(u, "tone", 50) == ("control", "treatment")[bucket(u, "tone") < 5000] for u in sample
    )
    return {
        "users": DEALT,
        "microseconds_a_user": round(seconds / DEALT / len(SALTS) * 1e6, 2),
        "srm_p_values": {
            f"{share:g} %": round(float(srm(buckets[0], share)), 4) for share in SHARES[:2]
        },
        "buckets_p_value": round(float(stats.chisquare(np.bincount(buckets[0])).pvalue), 4),
        "independence_p_values": [round(independence(treated[a], treated[b]), 4) for a, b in pairs],
        "moved_out_of_the_treatment": moved_back,
    }


def srm(buckets: Any, share: float) -> float:
    """How likely users are dealt at least this unevenly by chance."""
    treated = int((buckets < share * BUCKETS / 100).sum())
    expected = [len(buckets) * share / 100, len(buckets) * (1 - share / 100)]
    return float(stats.chisquare([treated, len(buckets) - treated], expected).pvalue)


def independence(mine: Any, other: Any) -> float:
    """The p-value of chi-square on who is in which variant of two experiments."""
    table = [[int((a & b).sum()) for b in (other, ~other)] for a in (mine, ~mine)]
    return float(stats.chi2_contingency(table).pvalue)


async def counting(url: str) -> dict[str, Any]:
    """Fill a Redis with users, and read the sums at several numbers of them."""
    client = connect(url, 10_000, 4)
    store = RedisOutcomes(client, METRICS)
    found: dict[str, Any] = {}
    with Redis.from_url(url) as redis:
        await fill(store, 0, FEW)
        text, few = await reading(store)
        look_few = looking(text)
        before, worked, events = used(redis), busy(redis), (USERS - FEW) * 3
        started = time.perf_counter()
        await fill(store, FEW, USERS)
        seconds = time.perf_counter() - started
        found["events_per_s"] = round(events / seconds)
        found["redis_cpu_us_an_event"] = round((busy(redis) - worked) / events * 1e6, 1)
        found["bytes_a_user"] = round((used(redis) - before) / (USERS - FEW))
        found[f"read, {FEW} users"] = few
        found[f"read, {USERS} users"] = (await reading(store))[1]
        pretend(redis, MANY / USERS)
        text, found[f"read, {MANY} users"] = await reading(store)
        look_many = looking(text)
    await client.aclose()
    found["read_cost_ratio"] = round(found[f"read, {MANY} users"]["cpu_ms"] / few["cpu_ms"], 2)
    found |= {f"look, {FEW} users": look_few, f"look, {MANY} users": look_many}
    found["look_cost_ratio"] = round(look_many["cpu_ms"] / look_few["cpu_ms"], 2)
    return found


async def fill(store: RedisOutcomes, first: int, last: int) -> None:
    """Give users a turn, two requests and a verdict each, in batches as they come."""
    for start in range(first, last, BATCH):
        await store.record([record(n) for n in range(start, min(start + BATCH, last))], NOW)


def record(number: int) -> Record:
    """What one user did."""
    user = f"user-{number}"
    segments = ("known:yes", SEGMENTS[number % len(SEGMENTS)])
    subject = Subject(user, "tone", variant(user, "tone", 50), segments)
    seconds = (number % 17) / 20
    return Record(
        subject,
        [
            Outcome("turn", NOW, of_turn(None)),
            Outcome("requests", NOW, of_request(200 if number % 50 else 500, seconds)),
            Outcome("verdict", NOW, {"ratings": 1.0, "score": 1.0 + number % 5}),
        ],
    )


async def reading(store: RedisOutcomes) -> tuple[str, dict[str, float]]:
    """The text of a scrape, and what it costs to read the sums and write it, in ms and bytes."""
    collector, registry = ExperimentCollector(METRICS), CollectorRegistry()
    registry.register(collector)
    wall: list[float] = []
    cpu: list[float] = []
    text = b""
    for _ in range(READS):
        started, used_before = time.perf_counter(), time.process_time()
        collector.show(await store.totals())
        text = generate_latest(registry)
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((time.process_time() - used_before) * 1000)
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    return text.decode(), {
        "ms": round(middle(wall[WARM:]), 2),
        "cpu_ms": round(middle(cpu[WARM:]), 2),
        "series": series,
        "kilobytes": len(text) // 1024,
    }


def looking(text: str) -> dict[str, float]:
    """What one look costs the operator: from Prometheus' answer to the judgement. users: it saw."""
    now = datetime.fromtimestamp(NOW, UTC)
    spec = Experiment(name="tone", duration=timedelta(days=14), metrics=DEFAULT_METRICS)
    answer = Matrix(tuple(as_prometheus_tells(text)))
    cpu: list[float] = []
    for _ in range(LOOKS):
        started = time.process_time()
        data = data_of(answer, "shop", "tone", spec, now - timedelta(days=7), now)
        judge(spec, data, now)
        cpu.append((time.process_time() - started) * 1000)
    return {"cpu_ms": round(middle(cpu), 2), "users": sum(data.users)}


def as_prometheus_tells(text: str) -> Iterator[Series]:
    """The series of an exported text, and the moment at which it was scraped."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {"__name__": sample.name, **sample.labels}
            yield Series(labels, ((NOW, sample.value),))
            if sample.name == REVISION:
                yield Series(labels | {"of": SCRAPED}, ((NOW, NOW),))


def middle(times: Sequence[float]) -> float:
    """The median."""
    return float(np.median(times))


def pretend(redis: Any, factor: float) -> None:
    """Raise the sums to what ``factor`` times the users would have made of them."""
    fields = redis.hgetall(totals_key("tone"))
    for name in (b"first_day", b"about"):
        fields.pop(name)
    redis.hset(
        totals_key("tone"),
        mapping={name: round(float(value) * factor) for name, value in fields.items()},
    )


def busy(redis: Any) -> float:
    """Seconds of CPU that Redis has used."""
    times = redis.info("cpu")
    return float(times["used_cpu_user"] + times["used_cpu_sys"])


def used(redis: Any) -> int:
    """Bytes that Redis holds for data."""
    return int(redis.info("memory")["used_memory"])
