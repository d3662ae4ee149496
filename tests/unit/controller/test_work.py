"""A worker: what follows a look that went well, and one that did not."""

import asyncio

import pytest

from linnet.controller.release import InvalidSpec, Key
from linnet.controller.work import FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, Work
from linnet.controller.workqueue import WorkQueue
from linnet.providers.errors import Conflict, LeaseLost, Unreachable, Unusable

KEY = Key("shops", "shop")
OTHER = Key("shops", "other")
DOWN = Unreachable("down")
Outcome = float | Exception | None


class Delays(WorkQueue[Key]):
    """Writes down each delay, too."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.asked: list[tuple[Key, float]] = []

    def add_after(self, key: Key, seconds: float) -> None:
        self.asked.append((key, seconds))
        super().add_after(key, seconds)


class Bench:
    """A queue, and a reconciler that does as it is told."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.seen: list[Key] = []
        self.queue = Delays()
        self.work = Work(self.queue, self.reconcile)

    async def reconcile(self, key: Key) -> float | None:
        self.seen.append(key)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def look(self, *outcomes: Outcome, key: Key = KEY) -> list[float]:
        """Look once for each outcome; the delays that were asked for."""
        before = len(self.queue.asked)
        for outcome in outcomes:
            self.outcomes.append(outcome)
            self.queue.add(key)
            await self.work.one()
        return [seconds for _, seconds in self.queue.asked[before:]]


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_a_key_comes_again_when_the_decision_says_so(bench: Bench) -> None:
    assert await bench.look(2.5) == [2.5]


async def test_a_key_without_a_next_look_does_not_come_again(bench: Bench) -> None:
    assert await bench.look(None) == []


@pytest.mark.parametrize(
    "error",
    [Conflict("x"), Unreachable("x"), Unusable("X", "x"), ValueError("a bug")],
    ids=repr,
)
async def test_a_failure_is_tried_again_at_once(bench: Bench, error: Exception) -> None:
    assert await bench.look(error) == [FIRST_RETRY_SECONDS]


async def test_failures_in_a_row_are_tried_less_and_less_often(bench: Bench) -> None:
    delays = await bench.look(*[DOWN] * 9)
    assert delays == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


@pytest.mark.thorough
async def test_a_key_may_fail_for_ever(bench: Bench) -> None:
    assert (await bench.look(*[DOWN] * 2000))[-1] == LAST_RETRY_SECONDS


async def test_a_look_that_went_well_starts_the_count_anew(bench: Bench) -> None:
    delays = await bench.look(DOWN, DOWN, None, DOWN)
    assert delays == [0.05, 0.1, 0.05]


async def test_failures_are_counted_for_each_key(bench: Bench) -> None:
    await bench.look(DOWN, DOWN)
    assert await bench.look(DOWN, key=OTHER) == [FIRST_RETRY_SECONDS]


async def test_workers_share_the_count(bench: Bench) -> None:
    bench.outcomes += [DOWN] * 3
    workers = [asyncio.ensure_future(bench.work.forever()) for _ in range(3)]
    for _ in range(3):
        bench.queue.add(KEY)
        for _ in range(5):
            await asyncio.sleep(0)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert [seconds for _, seconds in bench.queue.asked] == [0.05, 0.1, 0.2]


async def test_only_a_change_helps_a_spec_that_cannot_be_read(bench: Bench) -> None:
    assert await bench.look(InvalidSpec("spec.steps: what?")) == []


async def test_a_lost_lease_ends_the_worker(bench: Bench) -> None:
    bench.outcomes += [None, LeaseLost()]
    bench.queue.add(KEY)
    bench.queue.add(OTHER)
    with pytest.raises(LeaseLost):
        await bench.work.forever()
    assert bench.seen == [KEY, OTHER]


async def test_a_failed_key_can_be_worked_on_again(bench: Bench) -> None:
    await bench.look(InvalidSpec("x"), None, ValueError("x"), None, Conflict("x"), None)
    assert len(bench.seen) == 6
