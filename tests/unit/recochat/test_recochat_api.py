"""The eleven endpoints: what each answers, and that the OpenAPI document says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.recommender import builtin
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]
ENDPOINTS = {
    ("post", "/api/v2/recommendations"),
    ("post", "/api/v2/recommendations/batch"),
    ("get", "/api/v2/items/{item_id}"),
    ("get", "/api/v2/items/{item_id}/similar"),
    ("get", "/api/v2/personas"),
    ("post", "/api/v2/chat"),
    ("get", "/api/v2/session/{session_id}"),
    ("delete", "/api/v2/session/{session_id}"),
    ("get", "/api/v2/users/{user_id}/sessions"),
    ("post", "/api/v2/feedback"),
    ("post", "/api/v2/events"),
}
ITEM = builtin.items()[0]


def described() -> dict[str, Any]:
    document: dict[str, Any] = create_app(Settings()).openapi()
    return document


@pytest.mark.thorough
def test_the_document_describes_just_these_endpoints() -> None:
    found = {
        (method, path)
        for path, methods in described()["paths"].items()
        for method in methods
        if path.startswith("/api/")
    }
    assert found == ENDPOINTS
    assert len(found) == 11


@pytest.mark.thorough
def test_every_request_has_an_example_and_every_failure_is_a_problem() -> None:
    document = described()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if (method, path) not in ENDPOINTS:
                continue
            assert operation["summary"]
            if "requestBody" in operation:
                ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                assert document["components"]["schemas"][ref.rsplit("/")[-1]]["examples"]
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"], path


async def test_the_examples_of_the_document_work(client: httpx.AsyncClient) -> None:
    document = described()
    tried = 0
    for path, methods in document["paths"].items():
        body = methods.get("post", {}).get("requestBody")
        if body is None:
            continue
        ref = body["content"]["application/json"]["schema"]["$ref"]
        for example in document["components"]["schemas"][ref.rsplit("/")[-1]]["examples"]:
            answer = await client.post(path, json=example)
            assert answer.is_success, answer.text
            tried += 1
    assert tried >= 5


async def test_a_batch_answers_in_order_and_as_single_requests_do(
    client: httpx.AsyncClient,
) -> None:
    requests = [{"user_id": "user-007", "limit": 3}, {"user_id": "new", "interests": ["jazz"]}]
    batch = await client.post("/api/v2/recommendations/batch", json={"requests": requests})
    single = [(await client.post("/api/v2/recommendations", json=r)).json() for r in requests]
    assert batch.json()["results"] == single


async def test_a_batch_names_the_request_that_is_wrong(client: httpx.AsyncClient) -> None:
    requests = [{"user_id": "a"}, {"user_id": "b", "persona": "nobody"}]
    answer = await client.post("/api/v2/recommendations/batch", json={"requests": requests})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "requests.1.persona"


async def test_items_can_be_looked_up(client: httpx.AsyncClient) -> None:
    found = (await client.get(f"/api/v2/items/{ITEM.item_id}")).json()
    assert found == {
        "item_id": ITEM.item_id,
        "title": ITEM.title,
        "topic": ITEM.topic,
        "tags": list(ITEM.tags),
    }
    assert (await client.get("/api/v2/items/nothing")).status_code == 404


async def test_similar_items_share_something_and_leave_out_the_item(
    client: httpx.AsyncClient,
) -> None:
    answer = (await client.get(f"/api/v2/items/{ITEM.item_id}/similar?limit=4")).json()
    assert len(answer["items"]) == 4
    assert ITEM.item_id not in [item["item_id"] for item in answer["items"]]
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0
    assert (await client.get("/api/v2/items/nothing/similar")).status_code == 404


async def test_personas_are_those_that_requests_can_name(client: httpx.AsyncClient) -> None:
    personas = (await client.get("/api/v2/personas")).json()["personas"]
    assert personas
    for persona in personas:
        body = {"user_id": "new", "persona": persona}
        assert (await client.post("/api/v2/recommendations", json=body)).status_code == 200


async def test_a_user_finds_their_sessions_again(client: httpx.AsyncClient) -> None:
    said = [
        (await client.post("/api/v2/chat", json={"message": "hi", "user_id": user})).json()
        for user in ("ada", "bob", "ada")
    ]
    listed = (await client.get("/api/v2/users/ada/sessions")).json()["sessions"]
    assert [s["session_id"] for s in listed] == [said[2]["session_id"], said[0]["session_id"]]
    assert [s["turn_count"] for s in listed] == [2, 2]
    assert (await client.get("/api/v2/users/eve/sessions")).json()["sessions"] == []


async def test_feedback_is_counted_by_version_and_track(client: httpx.AsyncClient) -> None:
    body = {"user_id": "ada", "item_id": ITEM.item_id, "verdict": "like"}
    answer = await client.post("/api/v2/feedback", json=body)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    unknown = await client.post("/api/v2/feedback", json={**body, "item_id": "nothing"})
    assert unknown.json()["errors"] == [{"field": "item_id", "detail": "there is no such item"}]
    text = (await client.get("/metrics")).text
    labels = 'track="canary",verdict="like",version="1.2.3"'
    assert f"recommendation_feedback_total{{{labels}}} 1.0" in text


async def test_a_like_tells_whether_the_model_would_have_recommended_it(
    client: httpx.AsyncClient,
) -> None:
    ranked = (await client.post("/api/v2/recommendations", json={"user_id": "ada"})).json()
    first = [item["item_id"] for item in ranked["items"]]
    below = next(item.item_id for item in builtin.items() if item.item_id not in first)
    given = [(first[0], "like"), (first[9], "like"), (below, "like"), (below, "dislike")]
    for item_id, verdict in given:
        body = {"user_id": "ada", "item_id": item_id, "verdict": verdict}
        await client.post("/api/v2/feedback", json=body)
    text = (await client.get("/metrics")).text
    for outcome, count in (("hit", 2), ("miss", 1), ("known", 0)):
        labels = f'outcome="{outcome}",track="canary",version="1.2.3"'
        assert f"recommendation_likes_total{{{labels}}} {count}.0" in text


async def test_events_are_taken_all_or_none(client: httpx.AsyncClient) -> None:
    good = {"name": "click", "user_id": "ada", "at": 1.0, "value": 2.5}
    bad = {"name": "Click me", "user_id": "ada"}
    taken = await client.post("/api/v2/events", json={"events": [good, good]})
    refused = await client.post("/api/v2/events", json={"events": [good, bad]})
    assert (taken.status_code, taken.json()) == (202, {"accepted": 2})
    assert refused.json()["errors"][0]["field"] == "events.1.name"
    text = (await client.get("/metrics")).text
    assert 'experiment_events_total{track="canary",version="1.2.3"} 2.0' in text


@pytest.mark.parametrize(
    "path", ["/api/v2/items/" + "x" * 65, "/api/v2/users/" + "x" * 65 + "/sessions"]
)
async def test_ids_that_are_too_long_are_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 422


async def test_a_method_that_is_not_there_is_told_those_that_are(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.put("/api/v2/session/x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET"


async def test_numbers_are_not_made_from_words(client: httpx.AsyncClient) -> None:
    event = {"name": "click", "user_id": "ada", "value": "7"}
    assert (await client.post("/api/v2/events", json={"events": [event]})).status_code == 422
