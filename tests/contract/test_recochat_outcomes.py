"""What every store of outcomes promises, in the process and in a real Redis."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from recochat.experiments.assignment import variant
from recochat.experiments.base import EXPERIMENTS, Outcome, OutcomeStore, Record, Subject, Totals
from recochat.experiments.memory import MemoryOutcomes
from recochat.experiments.metrics import Series
from recochat.experiments.redis import RedisOutcomes, totals_key
from recochat.redis_client import connect
from tests.support.outcomes import DAY_S, METRICS, START, drawn, reckoned

CONTRACT = (Path(__file__).resolve().parents[2] / "docs/experiment-metrics.md").read_text()
TTL_S = 60 * 86400
ADA = Subject("ada", "tone", "treatment", ("persona:explorer",))
USERS = Series("treatment")


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[OutcomeStore]:
    if request.param == "memory":
        yield MemoryOutcomes(METRICS, DAY_S, TTL_S)
        return
    url = request.getfixturevalue("redis_url")
    client = connect(url, 5000, 5)
    with Redis.from_url(url) as redis:
        redis.flushall()
    yield RedisOutcomes(client, METRICS, DAY_S, TTL_S)
    await client.aclose()


def did(event_id: str, at: float = START, **adds: float) -> Outcome:
    return Outcome(event_id, at, adds)


async def count(store: OutcomeStore, subject: Subject, *outcomes: Outcome) -> int:
    return await store.record([Record(subject, outcomes)], max(o.at for o in outcomes))


async def sums(store: OutcomeStore) -> Mapping[Series, float]:
    (totals,) = await store.totals()
    return {series: value for series, value in totals.sums.items() if abs(value) > 1e-9}


def of(name: str, product: str, **where: str) -> Series:
    return Series("treatment", metric=name, of=product, **where)


async def test_without_outcomes_there_are_no_totals(store: OutcomeStore) -> None:
    assert await store.totals() == []
    assert await store.record([], START) == 0


async def test_a_second_outcome_replaces_what_the_user_added(store: OutcomeStore) -> None:
    await count(store, ADA, did("1", spend=3))
    await count(store, ADA, did("2", spend=4))
    found = await sums(store)
    assert found[USERS] == 1
    assert found[of("spend", "y")] == 7
    assert found[of("spend", "yy")] == 49


@pytest.mark.parametrize("seed", range(3))
async def test_the_sums_are_those_of_all_outcomes_reckoned_anew(
    store: OutcomeStore, seed: int
) -> None:
    events = drawn(users=12, events=150, days=4, seed=seed)
    for now, record in events:
        assert await store.record([record], now) == 1
    assert await sums(store) == pytest.approx(reckoned(events))
    (totals,) = await store.totals()
    assert totals.revision == 150


async def test_several_outcomes_at_once_count_as_one_by_one(store: OutcomeStore) -> None:
    events = drawn(users=3, events=60, days=2, seed=7)
    last = events[-1][0]
    batches: dict[str, Record] = {}
    recent = [(now, record) for now, record in events if now > last - DAY_S]
    for _, record in recent:
        so_far = batches.get(record.subject.user_id, replace(record, outcomes=[]))
        joined = replace(so_far, outcomes=[*so_far.outcomes, *record.outcomes])
        batches[record.subject.user_id] = joined
    # The experiment begins with the first of them, not when they come.
    first = Record(Subject("bob", "tone", "control"), [did("b", at=recent[0][0])])
    await store.record([first], recent[0][0])
    assert await store.record(list(batches.values()), last) == len(recent)
    assert await sums(store) == pytest.approx(reckoned([(recent[0][0], first), *recent]))


async def test_a_repetition_counts_once_alone_in_a_batch_and_at_the_same_time(
    store: OutcomeStore,
) -> None:
    assert await count(store, ADA, did("1", spend=3), did("1", spend=3)) == 1
    assert await count(store, ADA, did("1", spend=3), did("2", spend=4)) == 1
    counted = await asyncio.gather(*(count(store, ADA, did("3", spend=1)) for _ in range(5)))
    assert sum(counted) == 1
    assert (await sums(store))[of("spend", "yy")] == 64


async def test_ids_are_each_users_own(store: OutcomeStore) -> None:
    assert await count(store, ADA, did("1", spend=3)) == 1
    assert await count(store, replace(ADA, user_id="bob"), did("1", spend=3)) == 1
    assert (await sums(store))[USERS] == 2


async def test_an_id_is_forgotten_in_its_time(store: OutcomeStore) -> None:
    once = Outcome("1", START, {"spend": 1.0}, remember_s=60)
    assert await store.record([Record(ADA, [once])], START) == 1
    assert await store.record([Record(ADA, [once])], START + 59) == 0
    assert await store.record([Record(ADA, [once])], START + 60) == 1


async def test_the_first_variant_and_segments_stay(store: OutcomeStore) -> None:
    await count(store, ADA, did("1", spend=1))
    for n in "23":
        moved = replace(ADA, variant="control", segments=("persona:other",))
        await count(store, moved, did(n, spend=1))
    found = await sums(store)
    assert found[Series("treatment", of="crossed")] == 1
    assert found[USERS] == found[Series("treatment", "persona:explorer")] == 1
    assert found[of("spend", "y", segment="persona:explorer")] == 3
    assert not [series for series in found if series.variant == "control"]
    assert not [series for series in found if series.segment == "persona:other"]


async def test_days_are_counted_by_the_users_of_each(store: OutcomeStore) -> None:
    await count(store, ADA, did("1", START, spend=2))
    await count(store, ADA, did("2", START + DAY_S, spend=3))
    await count(store, ADA, did("3", START + DAY_S, spend=1))
    found = await sums(store)
    first, second = (str(int(START // DAY_S) + n) for n in range(2))
    assert found[Series("treatment", day=first)] == found[Series("treatment", day=second)] == 1
    assert found[of("spend", "yy", day=first)] == 4
    assert found[of("spend", "yy", day=second)] == 16
    assert found[of("return_rate", "y")] == found[of("return_rate", "y", day=second)] == 1
    assert of("return_rate", "y", day=first) not in found


async def test_an_outcome_that_comes_late_counts_to_the_latest_day(store: OutcomeStore) -> None:
    await count(store, ADA, did("1", START + DAY_S, spend=2))
    late = Record(ADA, [did("2", START + DAY_S - 1, spend=3)])
    await store.record([late], START + DAY_S + 5)
    found = await sums(store)
    assert found[of("spend", "y", day=str(int(START // DAY_S) + 1))] == 5
    assert of("return_rate", "y") not in found


async def test_clocks_of_callers_may_be_anywhere(store: OutcomeStore) -> None:
    await store.record([Record(ADA, [did("1", 1.0, spend=1), did("2", 4e9, spend=1)])], START)
    found = await sums(store)
    assert {series.day for series in found if series.day} == {str(int(START // DAY_S))}
    assert of("return_rate", "y") not in found


async def test_what_a_user_did_before_is_the_covariate(store: OutcomeStore) -> None:
    before = Subject("ada")
    await count(store, before, did("1", START - DAY_S, spend=5, seconds=10, sessions=2))
    assert await store.totals() == []
    await count(store, ADA, did("2", START, spend=3, seconds=4, sessions=1))
    await count(store, ADA, did("3", START, spend=1))
    found = await sums(store)
    assert found[of("spend", "x")] == 5
    assert found[of("spend", "xx")] == 25
    assert found[of("spend", "xy")] == 20
    ratio = {p: found[of("duration", p)] for p in ("x", "xx", "xy", "xd")}
    assert ratio == {"x": 10, "xx": 100, "xy": 40, "xd": 10}


async def test_what_happens_in_an_experiment_is_before_the_next_one(store: OutcomeStore) -> None:
    await count(store, ADA, did("1", spend=5))
    await count(store, replace(ADA, experiment="next"), did("2", spend=1))
    following, tone = sorted(await store.totals(), key=lambda t: t.experiment)
    assert following.sums[of("spend", "x")] == 5
    assert of("spend", "x") not in tone.sums
    assert tone.sums[of("spend", "y")] == 5


async def test_only_so_many_experiments_are_counted(store: OutcomeStore) -> None:
    for n in range(EXPERIMENTS + 1):
        subject = replace(ADA, experiment=f"e{n}")
        assert await count(store, subject, did(f"{n}", spend=1)) == 1
    names = {totals.experiment for totals in await store.totals()}
    assert names == {f"e{n}" for n in range(EXPERIMENTS)}
    # One that nobody adds to any more makes room.
    await count(store, replace(ADA, experiment="late"), did("x", START + TTL_S + 1, spend=1))
    assert [totals.experiment for totals in await store.totals()] == ["late"]


@pytest.mark.parametrize("name", ["a|b", "a,b", "", "x" * 65])
def test_names_that_could_be_mistaken_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        Subject("ada", "tone", "treatment", (name,))


async def test_the_documented_example_runs(redis_url: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", CONTRACT, re.DOTALL)
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    local = example.replace("redis://localhost:6379", redis_url)
    code = compile(local, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {}
    await eval(code, names)  # noqa: S307 - it is ours
    who = {"experiment": "tone", "variant": variant("ada", "tone", 50)}
    registry = names["registry"]
    assert registry.get_sample_value("experiment_users", who) == 1
    spent = {**who, "metric": "spend", "edge": "", "of": "yy"}
    assert registry.get_sample_value("experiment_sum", spent) == 42.5**2
    await names["client"].aclose()


async def test_a_redis_that_lost_its_scripts_is_no_failure(redis_url: str) -> None:
    client = connect(redis_url, 5000, 5)
    store = RedisOutcomes(client, METRICS, DAY_S, TTL_S)
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        await count(store, ADA, did("1", spend=1))
        redis.script_flush()
        assert await count(store, ADA, did("1", spend=1), did("2", spend=2)) == 1
        assert all(redis.ttl(key) > 0 for key in redis.keys("*"))
        assert {key.split(b"}")[0] for key in redis.keys("*")} == {b"recochat:{experiments"}
        size: Any = redis.hlen(totals_key("tone"))
    (totals,) = await store.totals()
    assert isinstance(totals, Totals)
    assert len(totals.sums) == size - 3
    await client.aclose()
