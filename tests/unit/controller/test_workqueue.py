"""The queue of keys, on a clock that the test turns."""

import asyncio

import pytest

from linnet.controller.workqueue import WorkQueue
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def queue(clock: Clock) -> WorkQueue[str]:
    return WorkQueue(clock)


def ready(queue: WorkQueue[str]) -> "asyncio.Future[str]":
    return asyncio.ensure_future(queue.get())


async def nothing_ready(queue: WorkQueue[str]) -> bool:
    """Whether a worker that asks now has to wait."""
    asking = ready(queue)
    for _ in range(3):
        await asyncio.sleep(0)
    waits = not asking.done()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return waits


async def test_a_key_added_twice_comes_once(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.add("a")
    assert len(queue) == 1
    assert await queue.get() == "a"
    assert await nothing_ready(queue)


async def test_first_come_first_served(queue: WorkQueue[str]) -> None:
    for key in "abc":
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]


async def test_a_busy_key_does_not_push_in(queue: WorkQueue[str]) -> None:
    for key in "ab":
        queue.add(key)
    first = await queue.get()
    queue.add(first)
    queue.add("c")
    queue.done(first)
    assert [await queue.get() for _ in range(3)] == ["b", "c", "a"]


async def test_a_key_is_never_worked_on_twice_at_a_time(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("a")
    assert await nothing_ready(queue)
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert await nothing_ready(queue)


async def test_a_delayed_key_comes_when_it_is_due(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add_after("a", 10)
    assert await nothing_ready(queue)
    clock.now += 9.9
    assert await nothing_ready(queue)
    clock.now += 0.1
    assert await queue.get() == "a"


async def test_the_shortest_delay_counts(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    clock.now += 5
    assert await queue.get() == "a"
    queue.done("a")
    clock.now += 30
    assert await nothing_ready(queue)


async def test_delayed_keys_come_in_the_order_of_their_time(
    queue: WorkQueue[str], clock: Clock
) -> None:
    queue.add_after("late", 9)
    queue.add_after("soon", 3)
    clock.now += 10
    assert [await queue.get(), await queue.get()] == ["soon", "late"]


async def test_a_key_added_now_needs_no_delay(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add_after("a", 5)
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    clock.now += 5
    assert await nothing_ready(queue)


async def test_no_delay_and_a_negative_one_are_now(queue: WorkQueue[str]) -> None:
    queue.add_after("a", 0)
    queue.add_after("b", -3)
    assert [await queue.get(), await queue.get()] == ["a", "b"]


async def test_a_delay_that_ends_during_the_work_waits_for_its_end(
    queue: WorkQueue[str], clock: Clock
) -> None:
    queue.add("a")
    await queue.get()
    queue.add_after("a", 1)
    clock.now += 2
    assert await nothing_ready(queue)
    queue.done("a")
    assert await queue.get() == "a"


async def test_a_forgotten_delay_does_not_come(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add_after("a", 5)
    queue.forget("a")
    queue.forget("never seen")
    clock.now += 9
    assert await nothing_ready(queue)
    queue.add_after("a", 1)
    clock.now += 1
    assert await queue.get() == "a"


async def test_a_waiting_worker_wakes_at_once(queue: WorkQueue[str]) -> None:
    asking = ready(queue)
    await asyncio.sleep(0)
    queue.add("a")
    assert await asking == "a"


async def test_a_waiting_worker_wakes_by_itself() -> None:
    queue: WorkQueue[str] = WorkQueue(asyncio.get_running_loop().time)
    asking = ready(queue)
    await asyncio.sleep(0)
    queue.add_after("a", 0.001)
    assert await asking == "a"


async def test_each_of_many_workers_gets_its_own_key(queue: WorkQueue[str]) -> None:
    asking = [ready(queue) for _ in range(3)]
    await asyncio.sleep(0)
    for key in "abc":
        queue.add(key)
    assert sorted(await asyncio.gather(*asking)) == ["a", "b", "c"]


async def test_a_worker_that_gives_up_waiting_takes_nothing_along(queue: WorkQueue[str]) -> None:
    assert await nothing_ready(queue)
    queue.add("a")
    assert await queue.get() == "a"
