from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.chat.engine import EmbeddedAnswerer, Question
from recochat.recommender import builtin
from recochat.recommender.current import CurrentModel
from recochat.sessions.base import Turn
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]


class Conversation:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.session_id = ""

    async def say(self, message: str) -> Any:
        body = {"message": message}
        if self.session_id:
            body["session_id"] = self.session_id
        answer = await self._client.post("/api/v2/chat", json=body)
        assert answer.status_code == 200, answer.text
        self.session_id = answer.json()["session_id"]
        return answer.json()


@pytest.fixture
def conversation(client: httpx.AsyncClient) -> Conversation:
    return Conversation(client)


async def test_what_was_said_is_remembered_over_turns(conversation: Conversation) -> None:
    await conversation.say("Hello, my name is Ada")
    await conversation.say("I like jazz and hiking")
    name = await conversation.say("What is my name?")
    tastes = await conversation.say("And what do I like?")
    assert name["reply"] == "You are Ada."
    assert tastes["reply"] == "You told me about jazz and hiking."
    assert tastes["turn_count"] == 8


async def test_suggestions_follow_tastes_and_never_repeat(conversation: Conversation) -> None:
    await conversation.say("I'm into jazz")
    first = await conversation.say("Recommend something")
    second = await conversation.say("Another one?")
    assert first["intent"] == second["intent"] == "recommend"
    ids = [[s["item_id"] for s in answer["suggestions"]] for answer in (first, second)]
    tags = {item.item_id: item.tags for item in builtin.items()}
    assert all("jazz" in tags[item_id] for item_id in ids[0])
    assert len(ids[0]) == len(ids[1]) == 3
    assert not set(ids[0]) & set(ids[1])


async def test_suggestions_end_when_all_have_been_made(conversation: Conversation) -> None:
    for _ in range(10):  # 20 turns are kept, so ten answers are remembered
        await conversation.say("more")
    assert len((await conversation.say("more"))["suggestions"]) == 3
    seen = tuple(item.item_id for item in builtin.items())
    answer = await EmbeddedAnswerer(CurrentModel(None)).answer(
        Question("more", [Turn("assistant", "", 0, seen)])
    )
    assert answer.text == "You have seen everything I know."


async def test_a_suggestion_can_be_explained(conversation: Conversation) -> None:
    assert (await conversation.say("why?"))["reply"] == "I haven't suggested anything yet."
    await conversation.say("jazz")
    suggested = await conversation.say("any ideas?")
    reply = (await conversation.say("why?"))["reply"]
    assert all(s["title"] in reply for s in suggested["suggestions"])
    assert "Matches your interests" in reply


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ("hi", "greeting"),
        ("thanks!", "thanks"),
        ("who am I", "ask-name"),
        ("what do I like?", "ask-tastes"),
        ("I love opera", "tell-taste"),
        ("hiking", "tell-taste"),
        ("qwertz", "unknown"),
    ],
)
async def test_messages_are_understood(
    conversation: Conversation, message: str, intent: str
) -> None:
    answer = await conversation.say(message)
    assert answer["intent"] == intent
    assert answer["reply"]


async def test_the_fallback_keeps_to_the_subject(conversation: Conversation) -> None:
    await conversation.say("I enjoy gardening")
    assert "We were at gardening." in (await conversation.say("hm"))["reply"]


async def test_sessions_keep_to_themselves(client: httpx.AsyncClient) -> None:
    ada, bob = Conversation(client), Conversation(client)
    await ada.say("my name is Ada")
    await bob.say("hello")
    assert ada.session_id != bob.session_id
    assert "haven't told me" in (await bob.say("what is my name"))["reply"]


async def test_a_session_can_be_read(client: httpx.AsyncClient, conversation: Conversation) -> None:
    await conversation.say("recommend something")
    session = (await client.get(f"/api/v2/session/{conversation.session_id}")).json()
    assert session["session_id"] == conversation.session_id
    assert session["turn_count"] == 2
    assert [turn["role"] for turn in session["turns"]] == ["user", "assistant"]
    assert len(session["turns"][1]["items"]) == 3
    assert session["created_at"] <= session["updated_at"]


async def test_a_session_can_be_deleted(
    client: httpx.AsyncClient, conversation: Conversation
) -> None:
    await conversation.say("my name is Ada")
    path = f"/api/v2/session/{conversation.session_id}"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404
    assert "haven't told me" in (await conversation.say("what is my name"))["reply"]


async def test_only_recent_turns_are_kept(calling: Calling) -> None:
    async with calling(create_app(Settings(session_turns=4))) as client:
        conversation = Conversation(client)
        for message in ("my name is Ada", "one", "two"):
            await conversation.say(message)
        session = (await client.get(f"/api/v2/session/{conversation.session_id}")).json()
        assert session["turn_count"] == 6
        assert [turn["text"] for turn in session["turns"]][::2] == ["one", "two"]
        # The turn that told it is gone; what it told isn't.
        assert (await conversation.say("what is my name"))["reply"] == "You are Ada."


async def test_an_unknown_session_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v2/session/nobody")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:recochat:problem:not-found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"message": "  "}, "message"),
        ({"message": "x" * 1025}, "message"),
        ({"message": "€" * 400}, "message"),  # 1200 bytes
        ({"message": "hi", "session_id": "../etc"}, "session_id"),
    ],
)
async def test_bad_messages_are_refused(
    client: httpx.AsyncClient, body: dict[str, str], field: str
) -> None:
    answer = await client.post("/api/v2/chat", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_bad_session_id_in_the_path_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v2/session/a.b")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "session_id"
