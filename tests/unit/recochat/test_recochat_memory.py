"""What is remembered of a conversation, and who its person seems to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.chat.memory import Memory, change, recall
from recochat.recommender import builtin
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import Query
from recochat.sessions.base import Session
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]
CHAT = "/api/v2/chat"


def session(facts: Mapping[str, str], turns: int = 4) -> Session:
    return Session("s", 0, 0, turns, (), facts)


def test_what_is_remembered_is_recalled() -> None:
    memory = Memory("Ada", "explorer", ("jazz", "hiking"), ("item-02", "item-01"))
    assert recall(change(None, memory, "ada").facts) == memory
    assert change(None, memory, "ada").user_id == "ada"
    assert recall({}) == Memory()


def test_only_what_changed_is_written() -> None:
    known = session({"name": "Ada", "like:jazz": "0", "mood": "of another version"})
    written = change(known, Memory("Ada", "", ("jazz", "opera")), "")
    assert written.facts == {"like:opera": "4"}
    assert written.forget == []


def test_later_facts_come_later_and_odd_ones_do_no_harm() -> None:
    facts = {"like:opera": "8", "like:jazz": "2", "like:tea": "odd"}
    assert recall(facts).interests == ("tea", "jazz", "opera")


def test_the_memory_is_bounded_and_the_oldest_goes() -> None:
    facts = {f"like:word-{n}": str(n) for n in range(24)}
    written = change(session(facts), Memory(interests=(*recall(facts).interests, "new")), "")
    assert written.facts == {"like:new": "4"}
    assert written.forget == ["like:word-0"]


@pytest.mark.parametrize(
    ("memory", "before", "summary"),
    [
        (Memory(), 3, ""),
        (Memory(name="Ada"), 0, "So far: their name is Ada."),
        (
            Memory("", "explorer", ("jazz", "tea"), ("item-01",)),
            8,
            "After 8 earlier turns: they like jazz and tea; they seem to be one of the explorers; "
            "1 items were suggested.",
        ),
    ],
)
def test_the_summary_says_what_is_known(memory: Memory, before: int, summary: str) -> None:
    assert memory.summary(before) == summary


@pytest.mark.thorough
async def test_a_conversation_outlives_its_turns(calling: Calling) -> None:
    async with calling(create_app(Settings(session_turns=2))) as client:
        said = await client.post(CHAT, json={"message": "my name is Ada"})
        body = {"session_id": said.json()["session_id"]}
        shown: list[str] = []
        for message in ("I like jazz", "suggest something", "another", "another"):
            answer = (await client.post(CHAT, json={**body, "message": message})).json()
            shown += [item["item_id"] for item in answer["suggestions"]]
        name = await client.post(CHAT, json={**body, "message": "what is my name?"})
        tastes = await client.post(CHAT, json={**body, "message": "what do I like?"})
        view = (await client.get(f"/api/v2/session/{body['session_id']}")).json()
    assert name.json()["reply"] == "You are Ada."
    assert "jazz" in tastes.json()["reply"]
    assert len(shown) == len(set(shown)) == 9
    assert len(view["turns"]) == 2
    assert view["memory"]["name"] == "Ada"
    assert view["memory"]["suggested"] == shown
    assert view["memory"]["summary"].startswith("After 12 earlier turns: their name is Ada")


def test_a_persona_is_taken_inferred_or_left_open() -> None:
    recommender = CurrentModel(None).recommender
    assert recommender.persona(Query("new")) == ""
    assert recommender.persona(Query("new", persona="maker")) == "maker"
    known = recommender.persona(Query("user-007"))
    assert known in recommender.model.personas
    # Named interests can't talk a known person out of who they are.
    assert recommender.persona(Query("user-007", interests=("jazz",))) == known


def test_interests_tell_a_persona() -> None:
    recommender = CurrentModel(None).recommender
    topics = dict.fromkeys(item.topic for item in builtin.items())
    told = {topic: recommender.persona(Query("new", interests=(topic,))) for topic in topics}
    assert len(set(told.values()) - {""}) >= 2


async def test_finding_the_persona_is_measured(client: httpx.AsyncClient) -> None:
    answer = await client.post(CHAT, json={"message": "hello", "user_id": "user-007"})
    text = (await client.get("/metrics")).text
    assert answer.json()["persona"] in CurrentModel(None).recommender.model.personas
    labels = 'track="canary",version="1.2.3"'
    assert f"personality_router_latency_seconds_count{{{labels}}} 1.0" in text
