"""Answers that are kept: a question isn't ranked twice, nor answered by an old model."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.recommender import builtin
from recochat.recommender.answers import Answers
from recochat.recommender.ranking import Query, Recommender
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]

RECOMMEND = "/api/v2/recommendations"
ONE = Recommender(builtin.model())
ANOTHER = Recommender(builtin.model())


def made(answers: Answers, query: Query, by: Recommender = ONE) -> bool:
    """Whether the answer had to be made; it is always that of the question."""
    answer, kept = answers.find(by, query, lambda: query.user_id.encode())
    assert answer == query.user_id.encode()
    return not kept


def test_a_question_is_answered_once() -> None:
    answers = Answers(10)
    assert made(answers, Query("ada", interests=("jazz",)))
    assert not made(answers, Query("ada", interests=("jazz",)))


@pytest.mark.parametrize(
    "other",
    [
        Query("bob", interests=("jazz",)),
        Query("ada", interests=("opera",)),
        Query("ada", interests=("jazz",), persona="explorer"),
        Query("ada", interests=("jazz",), history=("item-01",)),
        Query("ada", interests=("jazz",), limit=3),
    ],
)
def test_another_question_is_another_answer(other: Query) -> None:
    answers = Answers(10)
    made(answers, Query("ada", interests=("jazz",)))
    assert made(answers, other)


def test_another_model_answers_anew() -> None:
    answers = Answers(10)
    made(answers, Query("ada"))
    assert made(answers, Query("ada"), by=ANOTHER)
    assert len(answers) == 1


def test_the_answer_unused_for_longest_goes_first() -> None:
    answers = Answers(2)
    for user in ("ada", "bob", "ada", "eve"):
        made(answers, Query(user))
    assert len(answers) == 2
    assert not made(answers, Query("ada"))
    assert made(answers, Query("bob"))


def test_none_are_kept_if_none_may_be() -> None:
    answers = Answers(0)
    assert made(answers, Query("ada"))
    assert made(answers, Query("ada"))
    assert len(answers) == 0


@pytest.mark.thorough
async def test_hits_and_misses_are_counted_and_answer_alike(calling: Calling) -> None:
    async with calling(create_app(Settings(version="1", track="canary"))) as client:
        asked = [await client.post(RECOMMEND, json={"user_id": "user-007"}) for _ in range(3)]
        text = (await client.get("/metrics")).text
    assert asked[0].content == asked[1].content == asked[2].content
    labels = 'track="canary",version="1"'
    assert f'recommendation_cache_requests_total{{outcome="hit",{labels}}} 2.0' in text
    assert f'recommendation_cache_requests_total{{outcome="miss",{labels}}} 1.0' in text
    # What was known already took the engine no time.
    assert f"recommendation_engine_latency_seconds_count{{{labels}}} 1.0" in text
