from __future__ import annotations

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recochat.recommender import builtin
from recochat.recommender.builtin import PERSONAS
from recochat.recommender.ranking import Query, Recommender

MODEL = builtin.model()
CATALOG = MODEL.catalog
RECOMMENDER = Recommender(MODEL)
ITEMS = [item.item_id for item in CATALOG.items]

queries = st.builds(
    Query,
    user_id=st.sampled_from(["user-000", "user-017", "user-239", "new"]),
    persona=st.sampled_from([None, *PERSONAS]),
    history=st.lists(st.sampled_from([*ITEMS, "unknown"]), max_size=10),
    interests=st.lists(st.sampled_from([*CATALOG.words, "unknown"]), max_size=5),
    limit=st.integers(1, 10),
)


@given(queries)
def test_scores_are_ordered_weighed_and_explained(query: Query) -> None:
    ranked = RECOMMENDER.rank(query)
    scores = [entry.score for entry in ranked]

    assert len(ranked) == query.limit
    assert scores == sorted(scores, reverse=True)
    assert len({entry.item.item_id for entry in ranked}) == len(ranked)
    assert not {entry.item.item_id for entry in ranked} & set(query.history)
    for entry in ranked:
        assert 0 <= entry.collaborative <= 0.4 + 1e-5
        assert 0 <= entry.content <= 0.4 + 1e-5
        assert 0 <= entry.persona <= 0.2 + 1e-5
        assert entry.collaborative + entry.content + entry.persona == pytest.approx(
            entry.score, abs=5e-5
        )
        assert entry.reason


@given(queries)
def test_the_same_query_gets_the_same_answer(query: Query) -> None:
    assert RECOMMENDER.rank(query) == Recommender(builtin.model()).rank(query)


def test_what_a_model_has_learned_from_is_no_question_to_it() -> None:
    row = MODEL.users["user-017"]
    learned = CATALOG.items[MODEL.history(row)[0]].item_id
    first = [entry.item.item_id for entry in RECOMMENDER.rank(Query("user-017"))]
    assert RECOMMENDER.foresees("user-017", learned) is None
    assert RECOMMENDER.foresees("new", learned) is not None
    assert RECOMMENDER.foresees("user-017", first[9]) is True
    others = {*ITEMS} - {*first} - {CATALOG.items[i].item_id for i in MODEL.history(row)}
    assert not any(RECOMMENDER.foresees("user-017", item_id) for item_id in others)


def test_the_catalogue_never_changes() -> None:
    # Recorded once: another number means that every user would see something else.
    assert len(CATALOG.items) == 48
    assert len(MODEL.user_ids) == 240
    assert MODEL.interactions == 1667
    assert MODEL.version == "built-in"


@pytest.mark.parametrize(
    ("query", "signal", "weight"),
    [
        (Query("new"), "collaborative", 0.4),
        (Query("new", history=("item-00",)), "collaborative", 0.4),
        (Query("new", interests=("hiking",)), "content", 0.4),
        (Query("new", persona="explorer"), "persona", 0.2),
    ],
)
def test_the_best_of_a_signal_gets_its_full_weight(
    query: Query, signal: str, weight: float
) -> None:
    assert max(getattr(entry, signal) for entry in RECOMMENDER.rank(query)) == pytest.approx(weight)


def test_without_any_signal_the_popular_come_first() -> None:
    ranked = RECOMMENDER.rank(Query("new"))
    most_liked = CATALOG.items[int(np.argmax(MODEL.popularity))]
    assert ranked[0].item == most_liked
    assert ranked[0].score == pytest.approx(0.4)
    assert {entry.reason for entry in ranked} == {"Liked by many"}


def test_interests_are_found_in_what_comes_first() -> None:
    ranked = RECOMMENDER.rank(Query("new", interests=("jazz",)))
    assert "jazz" in ranked[0].item.tags
    assert ranked[0].reason.startswith("Matches your interests")


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_persona_moves_what_fits_it_up(persona: str) -> None:
    def fit(query: Query) -> float:
        index = [CATALOG.index[entry.item.item_id] for entry in RECOMMENDER.rank(query)]
        return float(MODEL.affinity[MODEL.personas.index(persona), index].mean())

    assert fit(Query("new", persona=persona)) > fit(Query("new"))


def test_a_known_user_is_not_shown_what_the_user_liked() -> None:
    row = MODEL.users["user-007"]
    liked = {ITEMS[i] for i in MODEL.history(row)}
    ranked = RECOMMENDER.rank(Query("user-007"))
    assert not liked & {entry.item.item_id for entry in ranked}
    assert MODEL.personas[MODEL.user_personas[row]] == "host"
    assert any(entry.reason.startswith("People who liked") for entry in ranked)


def test_when_everything_is_seen_nothing_is_left() -> None:
    assert RECOMMENDER.rank(Query("new", history=tuple(ITEMS))) == []
    [left] = RECOMMENDER.rank(Query("new", history=tuple(ITEMS[:-1])))
    assert left.item.item_id == ITEMS[-1]


async def test_the_endpoint_gives_ten_items_with_reasons(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/v2/recommendations", json={"user_id": "user-007", "interests": ["jazz"]}
    )
    items = answer.json()["items"]
    assert len(items) == 10
    assert all(item["reason"] and item["title"] for item in items)
    assert sum(items[0]["components"].values()) == pytest.approx(items[0]["score"], abs=5e-5)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "a", "persona": "pirate"}, "persona"),
        ({"user_id": "a", "history": ["item-01", "", "x"]}, "history.1"),
        ({"user_id": "a", "limit": 11}, "limit"),
        ({"user_id": "a", "surprise": 1}, "surprise"),
    ],
)
async def test_bad_input_is_a_problem_that_names_the_field(
    client: httpx.AsyncClient, body: dict[str, object], field: str
) -> None:
    answer = await client.post("/api/v2/recommendations", json=body)
    problem = answer.json()
    assert answer.status_code == problem["status"] == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:recochat:problem:invalid-request"
    assert problem["error_class"] == "user"
    assert problem["errors"][0]["field"] == field
    assert field in problem["detail"]
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]


async def test_a_body_that_is_no_json_is_a_problem(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post("/api/v2/recommendations", content=b"{", headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.thorough
@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/x", 404), ("PUT", "/", 405)])
async def test_other_errors_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_openapi_describes_answers_and_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    responses = document["paths"]["/api/v2/chat"]["post"]["responses"]
    assert responses["200"]["content"]["application/json"]
    assert responses["422"]["content"]["application/problem+json"]
    assert "Problem" in document["components"]["schemas"]
    assert {"/api/v2/recommendations", "/api/v2/session/{session_id}", "/health"} <= set(
        document["paths"]
    )
