"""What people do with the service, as the figures of an experiment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from recochat.app import create_app
from recochat.events.metrics import METRICS, of_request, of_turn
from recochat.events.outbox import Outbox
from recochat.experiments.base import Outcome, Record, Subject
from recochat.problems import StoreUnavailable
from recochat.recommender import builtin
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]
ITEM = builtin.items()[0].item_id
ADA = {"X-User-Id": "ada"}


class Stand:
    """A service in which experiments are counted."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app, self.client = app, client

    async def post(self, path: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(f"/api/v2/{path}", json=body, headers=named)

    async def events(self, *events: Mapping[str, Any], **headers: str) -> httpx.Response:
        return await self.post("events", {"events": events}, **headers)

    async def sums(self) -> dict[tuple[str, ...], float]:
        """Of the whole experiments, by (experiment, variant, metric, of)."""
        text = (await self.client.get("/metrics")).text
        found: dict[tuple[str, ...], float] = {}
        for family in text_string_to_metric_families(text):
            for _, labels, value, *_ in family.samples:
                key = (labels.get("experiment", ""), labels.get("variant", ""))
                if family.name == "experiment_sum":
                    found[*key, labels["metric"] + labels["edge"], labels["of"]] = value
                elif family.name.startswith("experiment_users"):
                    found[*key, family.name.removeprefix("experiment_")] = value
        return found


@asynccontextmanager
async def standing(calling: Calling, **settings: str) -> AsyncIterator[Stand]:
    app = create_app(Settings.model_validate({"experiments": "tone,shop-*", **settings}))
    async with calling(app) as client:
        yield Stand(app, client)


@pytest.fixture
async def stand(calling: Calling) -> AsyncIterator[Stand]:
    async with standing(calling, track="canary") as made:
        yield made


async def test_without_experiments_nothing_is_exported(client: httpx.AsyncClient) -> None:
    await client.post("/api/v2/events", json={"events": [{"name": "click", "user_id": "ada"}]})
    assert "experiment_users" not in (await client.get("/metrics")).text


async def test_an_event_that_is_sent_again_counts_once(stand: Stand) -> None:
    event = {"event_id": "1", "name": "rating", "user_id": "ada", "value": 4}
    for _ in range(2):
        assert (await stand.events(event, event)).status_code == 202
    await stand.events({**event, "event_id": "2", "value": 2})
    found = await stand.sums()
    assert found["tone", "treatment", "users"] == 1
    assert found["tone", "treatment", "satisfaction", "yy"] == 36
    assert found["tone", "treatment", "satisfaction", "dd"] == 4


async def test_the_same_feedback_counts_once(stand: Stand) -> None:
    body = {"user_id": "ada", "item_id": ITEM, "verdict": "like", "session_id": "s"}
    for _ in range(2):
        await stand.post("feedback", body)
    await stand.post("feedback", {**body, "item_id": builtin.items()[1].item_id})
    found = await stand.sums()
    assert found["tone", "treatment", "satisfaction", "y"] == 10
    assert found["tone", "treatment", "completion", "y"] == 1


async def test_events_say_which_experiment_and_variant_they_are_of(stand: Stand) -> None:
    event = {"name": "rating", "user_id": "ada", "value": 4}
    await stand.events({**event, "experiment": "shop-2", "variant": "control"})
    await stand.events({**event, "user_id": "bob", "experiment": "unknown"})
    await stand.events({**event, "user_id": "eve", "variant": "b"})
    await stand.events({**event, "user_id": "joe"}, x_experiment="shop-3")
    users = {key: value for key, value in (await stand.sums()).items() if key[2] == "users"}
    assert users == {("shop-2", "control", "users"): 1, ("shop-3", "treatment", "users"): 1}


async def test_who_is_served_the_other_variant_is_counted_as_such(stand: Stand) -> None:
    event = {"name": "click", "user_id": "ada"}
    for variant in ("control", "treatment"):
        await stand.events({**event, "variant": variant})
    found = await stand.sums()
    assert found == {("tone", "control", "users"): 1, ("tone", "control", "users_crossed"): 1}


async def test_chat_and_answers_are_counted_when_the_service_ends(stand: Stand) -> None:
    async with stand.app.router.lifespan_context(stand.app):
        first = await stand.post("chat", {"message": "hello", "user_id": "ada"})
        session = {"session_id": first.json()["session_id"]}
        await stand.post("chat", {"message": "and?", "user_id": "ada", **session})
        await stand.post("recommendations", {"user_id": "bob"})
        await stand.post("chat", {"message": "of nobody"})
    found = await stand.sums()
    assert found["tone", "treatment", "users"] == 2
    assert found["tone", "treatment", "adoption", "y"] == 1
    assert found["tone", "treatment", "duration", "d"] == 1
    assert found["tone", "treatment", "duration", "y"] > 0
    assert found["tone", "treatment", "error_rate", "d"] == 3
    assert found["tone", "treatment", "error_rate", "dd"] == 5
    assert found["tone", "treatment", "response_time", "y"] > 0
    assert ("tone", "treatment", "error_rate", "y") not in found


async def test_failures_count_as_the_caller_sees_them(calling: Calling) -> None:
    faults = {"demo_enabled": "true", "fault_error_share": "0.5"}
    async with standing(calling, **faults) as stand:
        async with stand.app.router.lifespan_context(stand.app):
            for _ in range(4):
                await stand.post("recommendations", {"user_id": "x"}, x_user_id="ada")
            await stand.client.get("/health", headers=ADA)
        found = await stand.sums()
    assert found["tone", "control", "error_rate", "y"] == 2
    assert found["tone", "control", "error_rate", "d"] == 4
    assert found["tone", "control", "users"] == 1


async def test_segments_are_what_was_known_before(stand: Stand) -> None:
    for user in ("user-007", "stranger"):
        await stand.events({"name": "click", "user_id": user})
    text = (await stand.client.get("/metrics")).text
    families = text_string_to_metric_families(text)
    (users,) = [family for family in families if family.name == "experiment_segment_users"]
    names = {sample.labels["segment"] for sample in users.samples}
    assert {"known:yes", "known:no"} < names
    assert len([name for name in names if name.startswith("persona:")]) == 1


def test_silence_is_no_time_spent() -> None:
    assert of_turn(None) == {"turns": 1.0, "sessions": 1.0}
    assert of_turn(20.0) == {"turns": 1.0, "session_seconds": 20.0}
    assert of_turn(-1.0) == {"turns": 1.0, "session_seconds": 0.0}
    assert of_turn(3600.0) == of_turn(None)


def test_requests_are_counted_beyond_each_edge() -> None:
    adds = of_request(503, 0.3)
    assert {name for name in adds if name.startswith("over_")} == {
        "over_0.05",
        "over_0.1",
        "over_0.2",
    }
    assert (adds["requests"], adds["errors"], adds["request_seconds"]) == (1, 1, 0.3)
    assert "errors" not in of_request(404, 0.1)


def test_there_are_six_metrics_and_the_guardrail() -> None:
    assert [metric.name for metric in METRICS] == [
        "adoption",
        "duration",
        "completion",
        "satisfaction",
        "return_rate",
        "error_rate",
        "response_time",
        "slow_requests",
    ]


@pytest.mark.parametrize("names", ["a b", "a,,b!", "x" * 70])
def test_names_of_experiments_are_plain(names: str) -> None:
    with pytest.raises(ValidationError, match="experiments"):
        Settings.model_validate({"experiments": names})


class Store:
    """Counts, while it works."""

    def __init__(self) -> None:
        self.works, self.counted = False, list[Record]()

    async def count(self, records: Any) -> None:
        if not self.works:
            raise StoreUnavailable("gone")
        self.counted += records


async def test_outcomes_wait_for_a_store_that_is_gone() -> None:
    store = Store()
    outbox = Outbox(store.count, lambda: 10.0, most=3)
    ada, bob = Subject("ada"), Subject("bob")
    for n in range(4):
        outbox.put(ada, Outcome(f"{n}", 1.0, {}))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await outbox.flush()
    assert outbox.dropped == 1
    store.works = True
    await outbox.flush()
    outbox.add(bob, {"requests": 1.0})
    outbox.add(bob, {"requests": 1.0, "errors": 1.0})
    await outbox.flush()
    first, second = store.counted
    assert [outcome.event_id for outcome in first.outcomes] == ["0", "1", "2"]
    assert [outcome.adds for outcome in second.outcomes] == [{"requests": 2.0, "errors": 1.0}]


async def test_a_flush_that_failed_is_tried_again_with_the_same_ids() -> None:
    store, tries = Store(), 0
    outbox = Outbox(store.count, lambda: 10.0)
    outbox.add(Subject("ada"), {"requests": 1.0})

    async def sleep(_: float) -> None:
        nonlocal tries
        tries += 1
        store.works = tries > 2
        if tries > 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await outbox.run(1.0, sleep)
    assert len(store.counted) == 1
