"""Telling receivers beside the work: order, tries, bounds, and what a restart sends again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY

from linnet.api.notifications import Receiver
from linnet.api.status import CanaryReleaseStatus, DecisionKind, HistoryEntry
from linnet.controller.notify import (
    ANNOTATION,
    GIVE_UP_SECONDS,
    LAST_RETRY_SECONDS,
    WAITING_MOST,
    Notifier,
)
from linnet.controller.release import Key, Release, write_status
from linnet.core.notifications import Message, identity
from linnet.providers.errors import LeaseLost, Unreachable
from linnet.providers.kubernetes import CANARYRELEASES
from linnet.providers.webhooks import Rejected, Undelivered, Webhooks
from tests.support.builders import HOUR, MINUTE, START, make_entry
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.releases import MINIMAL, release
from tests.support.simulated_cluster import SimulatedCluster

KEY = Key("default", "shop")
STARTED = make_entry(DecisionKind.STARTED, "TemplateChanged")
ADVANCED = make_entry(DecisionKind.ADVANCED, "CanaryReady", at=START + MINUTE)
Answer = Callable[[Receiver, Message], Awaitable[None]]


class Post(Webhooks):
    """Answers from a list of errors, the oldest first; None and the end of it mean delivered."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Exception | None]] = {}
        self.hangs: set[str] = set()
        self.tried: list[tuple[str, str]] = []

    async def post(self, receiver: Receiver, message: Message) -> None:
        self.tried.append((receiver.name, message.body["data"]["decision"]))
        if receiver.name in self.hangs:
            await asyncio.Event().wait()
        answers = self.answers.get(receiver.name, [])
        answer = answers.pop(0) if answers else None
        if answer is not None:
            raise answer

    async def close(self) -> None:
        pass


class World:
    """A cluster with one release, receivers, and an operator that can be killed."""

    def __init__(self, *names: str, **spec: Any) -> None:
        self.client = FakeKubernetes()
        self.spec = {**MINIMAL, **spec}
        self.create()
        self.post = Post()
        self.receivers = [
            Receiver.model_validate({"name": name, "url": "https://hooks.test/1"})
            for name in names or ("ops",)
        ]
        self.time = 0.0
        self.pauses: list[float] = []
        self.start()

    def start(self) -> None:
        """A new process: it remembers nothing."""
        self.notifier = Notifier(
            self.receivers,
            self.post,
            self.client,
            now=lambda: START + 2 * MINUTE,
            monotonic=lambda: self.time,
            sleep=self.sleep,
        )

    def create(self) -> None:
        """A new CanaryRelease."""
        manifest = release(self.spec)
        manifest["metadata"]["namespace"] = KEY.namespace
        self.client.add(CANARYRELEASES, manifest)
        self.history: tuple[HistoryEntry, ...] = ()

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    @property
    def manifest(self) -> Any:
        return self.client.see(CANARYRELEASES, KEY.namespace, KEY.name)

    @property
    def mark(self) -> str:
        return str((self.manifest["metadata"].get("annotations") or {}).get(ANNOTATION, ""))

    def look(self, *entries: HistoryEntry) -> None:
        """A look that has decided this."""
        self.history += entries
        status = CanaryReleaseStatus(history=self.history[-20:])
        stored = {**self.manifest, "status": write_status(status)}
        self.notifier.tell(Release.read(KEY, stored), entries)

    async def work(self) -> None:
        """Let the tasks run until nothing moves."""
        tasks = [asyncio.create_task(job) for job in self.notifier.jobs()]
        for _ in range(200):
            await asyncio.sleep(0)
        for task in tasks:
            if not task.done():
                task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def mark_of(world: World, entry: HistoryEntry) -> str:
    return identity(world.manifest["metadata"]["uid"], entry)


def count(receiver: str, outcome: str) -> float:
    labels = {"receiver": receiver, "outcome": outcome}
    return REGISTRY.get_sample_value("linnet_notifications_total", labels) or 0.0


async def test_decisions_are_told_in_their_order_and_remembered() -> None:
    world, before = World(), count("ops", "delivered")
    world.look(STARTED)
    world.look(ADVANCED)
    await world.work()
    assert world.post.tried == [("ops", "Started"), ("ops", "Advanced")]
    assert world.mark == mark_of(world, ADVANCED)
    assert count("ops", "delivered") - before == 2


async def test_an_operator_without_receivers_writes_nothing() -> None:
    world = World()
    world.receivers = []
    world.start()
    world.look(STARTED)
    await world.work()
    assert (world.post.tried, world.client.writes) == ([], [])


async def test_telling_waits_for_nobody_and_a_dead_receiver_for_no_other() -> None:
    world = World("dead", "well")
    world.post.hangs = {"dead"}
    world.look(STARTED, ADVANCED)
    await world.work()
    assert world.post.tried == [("dead", "Started"), ("well", "Started"), ("well", "Advanced")]
    assert world.mark == ""


async def test_a_failure_is_tried_again_ever_later_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.post.answers = {"ops": [Undelivered("answered 503")] * 8}
    with caplog.at_level(logging.WARNING):
        world.look(STARTED)
        await world.work()
    assert world.pauses == [1, 2, 4, 8, 16, 32, LAST_RETRY_SECONDS, LAST_RETRY_SECONDS]
    assert caplog.messages == ["Receiver ops answered 503: it is tried again"]
    assert world.mark == mark_of(world, STARTED)


async def test_a_receiver_may_ask_for_more_time() -> None:
    world = World()
    world.post.answers = {"ops": [Undelivered("answered 429", 90)]}
    world.look(STARTED)
    await world.work()
    assert (world.pauses, len(world.post.tried)) == ([90], 2)


async def test_it_is_given_up_ten_minutes_after_and_what_waited_was_tried() -> None:
    world, before = World(), count("ops", "given_up")
    world.post.answers = {"ops": [Undelivered("answered 503")] * 100}
    world.look(STARTED)
    world.look(ADVANCED)
    await world.work()
    assert sum(world.pauses) <= GIVE_UP_SECONDS
    assert ("ops", "Advanced") in world.post.tried
    assert count("ops", "given_up") - before == 2
    assert world.mark == mark_of(world, ADVANCED)


async def test_what_is_rejected_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    world, before = World(), count("ops", "rejected")
    world.post.answers = {"ops": [Rejected("answered 404")]}
    world.look(STARTED)
    await world.work()
    assert (world.pauses, len(world.post.tried)) == ([], 1)
    assert count("ops", "rejected") - before == 1
    assert "Receiver ops answered 404: it is not told" in caplog.messages


async def test_a_fault_of_one_notification_is_not_the_next_ones() -> None:
    world, before = World(), count("ops", "failed")
    world.post.answers = {"ops": [RuntimeError("a bug")]}
    world.look(STARTED, ADVANCED)
    await world.work()
    assert world.post.tried == [("ops", "Started"), ("ops", "Advanced")]
    assert count("ops", "failed") - before == 1


async def test_what_no_queue_has_room_for_is_dropped() -> None:
    world, before = World(), count("ops", "dropped")
    for _ in range(WAITING_MOST + 2):
        world.look(STARTED)
    assert count("ops", "dropped") - before == 2


async def test_an_operator_that_takes_over_sends_what_was_not_told() -> None:
    world = World()
    world.look(STARTED)
    await world.work()
    world.post.hangs = {"ops"}
    world.look(ADVANCED)
    await world.work()
    world.post.hangs, world.post.tried = set(), []
    for _ in range(2):
        world.start()
        world.look()
        await world.work()
    assert world.post.tried == [("ops", "Advanced")]


async def test_a_slower_receiver_holds_the_memory_back() -> None:
    """A second time is better than never, and the id is the same."""
    world = World("slow", "well")
    world.look(STARTED)
    await world.work()
    world.post.hangs = {"slow"}
    world.look(ADVANCED)
    await world.work()
    world.post.hangs, world.post.tried = set(), []
    world.start()
    world.look()
    await world.work()
    assert sorted(world.post.tried) == [("slow", "Advanced"), ("well", "Advanced")]


async def test_what_is_an_hour_old_is_no_news() -> None:
    world = World()
    world.look(STARTED)
    await world.work()
    world.start()
    world.history += (make_entry(DecisionKind.HELD, at=START - HOUR),)
    world.look(ADVANCED)
    world.post.tried = []
    await world.work()
    assert world.post.tried == [("ops", "Advanced")]


async def test_a_release_that_was_never_told_of_begins_with_what_is_new() -> None:
    world = World()
    world.history = (STARTED,)
    world.look(ADVANCED)
    await world.work()
    assert world.post.tried == [("ops", "Advanced")]


async def test_a_release_says_who_hears_of_it(caplog: pytest.LogCaptureFixture) -> None:
    world, before = World("ops", "shop", notifications=[{"receiver": "shop"}]), count("", "unknown")
    world.look(STARTED)
    await world.work()
    assert world.post.tried == [("shop", "Started")]

    world = World("ops", notifications=[{"receiver": "nobody"}])
    world.look(STARTED)
    world.look()
    await world.work()
    assert world.post.tried == []
    assert count("", "unknown") - before == 1
    assert [text for text in caplog.messages if "nobody" in text] == [
        "spec.notifications names receivers that this operator doesn't have: nobody"
    ]


async def test_another_release_of_the_same_name_is_another_one() -> None:
    world = World()
    world.look(STARTED)
    await world.work()
    world.notifier.gone(KEY)
    await world.client.delete(CANARYRELEASES, KEY.namespace, KEY.name)
    world.create()
    world.look(ADVANCED)
    await world.work()
    assert world.post.tried == [("ops", "Started"), ("ops", "Advanced")]


async def test_a_memory_that_can_not_be_written_costs_nothing_else() -> None:
    world = World()
    world.client.fail(Unreachable("no answer"), verbs=("patch",))
    world.look(STARTED)
    world.look(ADVANCED)
    await world.work()
    assert world.post.tried == [("ops", "Started"), ("ops", "Advanced")]


async def test_a_look_tells_what_it_has_decided_and_stored() -> None:
    world, cluster = World(), SimulatedCluster()
    world.client = cluster.client
    world.start()
    cluster.notifier = world.notifier
    cluster.start_operator()
    await cluster.run("Idle")
    cluster.push("shop:2")
    await cluster.run("Progressing")
    await world.work()
    told = [decision for _, decision in world.post.tried]
    assert told == [str(entry.decision) for entry in cluster.status.history]
    assert world.mark == mark_of(world, cluster.status.history[-1])
    await cluster.client.delete(CANARYRELEASES, KEY.namespace, KEY.name)
    while cluster.release is not None:
        await cluster.reconciler.reconcile(KEY)
        cluster.pass_time(MINUTE)
    assert await cluster.reconciler.reconcile(KEY) is None


async def test_who_lost_the_lease_remembers_nothing() -> None:
    world = World()
    world.client.fail(LeaseLost(), verbs=("patch",))
    world.look(STARTED)
    with pytest.raises(LeaseLost):
        await world.work()
    await world.notifier.close()
