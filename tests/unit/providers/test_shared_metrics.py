"""One answer for many releases: who gets which, and when it is asked for again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from linnet.core.observed import Sample, Table
from linnet.core.queries import Question
from linnet.core.series import Matrix
from linnet.providers.metrics.shared import KEPT, SharedMetrics
from tests.support.builders import SECOND, START
from tests.support.fake_metrics import FakeMetrics

SHOP = Question("errors", ("default", "shop-canary"))
TEA = Question("errors", ("default", "tea-canary"))
OWN = Question("sum(orders)")


class Slow(FakeMetrics):
    """Answers when it may."""

    def __init__(self) -> None:
        super().__init__(tables={"errors": Table({("default", "shop-canary"): 2.0})})
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def series(self, promql: str, at: datetime) -> Matrix:
        raise AssertionError(promql)

    async def table(self, promql: str, by: Sequence[str]) -> Table:
        found = await super().table(promql, by)
        await self.may_answer.wait()
        return found


class Bench:
    def __init__(self) -> None:
        self.now = START
        self.metrics = Slow()
        self.shared = SharedMetrics(self.metrics, lambda: self.now)

    async def ask(self, question: Question, since: datetime | None = None) -> Sample:
        return await self.shared.sample(question, since or self.now)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_one_answer_serves_all_rows(bench: Bench) -> None:
    assert await bench.ask(SHOP) == Sample(2.0)
    assert await bench.ask(TEA) == Sample(), "no such row: no data"
    assert bench.metrics.asked == ["errors"]


async def test_those_who_ask_at_the_same_time_wait_for_one_answer(bench: Bench) -> None:
    bench.metrics.may_answer.clear()
    asking = [asyncio.create_task(bench.ask(each)) for each in (SHOP, TEA, SHOP)]
    await asyncio.sleep(0)
    bench.metrics.may_answer.set()
    assert await asyncio.gather(*asking) == [Sample(2.0), Sample(), Sample(2.0)]
    assert bench.metrics.asked == ["errors"]


async def test_one_who_gives_up_leaves_the_answer_to_the_others(bench: Bench) -> None:
    bench.metrics.may_answer.clear()
    first = asyncio.create_task(bench.ask(SHOP))
    second = asyncio.create_task(bench.ask(SHOP))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    bench.metrics.may_answer.set()
    assert await second == Sample(2.0)
    assert bench.metrics.asked == ["errors"]


async def test_a_newer_answer_is_asked_for_when_one_is_needed(bench: Bench) -> None:
    await bench.ask(SHOP)
    bench.now += 10 * SECOND
    await bench.ask(SHOP, since=START)
    assert len(bench.metrics.asked) == 1
    await bench.ask(SHOP, since=START + SECOND)
    assert len(bench.metrics.asked) == 2


async def test_a_clock_that_is_set_back_makes_no_answer_last(bench: Bench) -> None:
    await bench.ask(SHOP)
    bench.now -= 300 * SECOND
    await bench.ask(SHOP)
    assert len(bench.metrics.asked) == 2


async def test_an_error_is_everybodys(bench: Bench) -> None:
    bench.metrics.down = "away"
    assert await bench.ask(SHOP) == await bench.ask(TEA) == Sample(error="away")


async def test_an_own_query_is_asked_each_time(bench: Bench) -> None:
    bench.metrics.samples = {"sum(orders)": Sample(7.0)}
    assert [await bench.ask(OWN), await bench.ask(OWN)] == [Sample(7.0)] * 2
    assert len(bench.metrics.asked) == 2


async def test_old_answers_are_not_kept(bench: Bench) -> None:
    await bench.ask(Question("old", ("a", "b")))
    bench.now += KEPT
    await bench.ask(SHOP)
    await bench.ask(Question("old", ("a", "b")), since=START)
    assert bench.metrics.asked == ["old", "errors", "old"]


async def test_at_the_end_nobody_is_waited_for(bench: Bench) -> None:
    bench.metrics.may_answer.clear()
    asking = asyncio.create_task(bench.ask(SHOP))
    await asyncio.sleep(0)
    await bench.shared.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
