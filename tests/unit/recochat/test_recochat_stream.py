"""Answers in pieces: from the engine, from a language model, and when something fails midway."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.chat.engine import EmbeddedAnswerer, Question, Say
from recochat.chat.language_model import HttpLanguageModel, LanguageModelError, Message
from recochat.chat.phrased import PhrasedAnswerer
from recochat.problems import StoreUnavailable
from recochat.recommender.current import CurrentModel
from recochat.resilience import CircuitBreaker
from recochat.sessions.base import NO_CHANGE, Change, Turn
from recochat.sessions.memory import MemorySessionStore
from recochat.settings import Settings

Calling = Callable[[FastAPI], httpx.AsyncClient]
CHAT = "/api/v2/chat"
STREAM = {"Accept": "text/event-stream"}


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_pieces_come_first_and_then_the_whole(client: httpx.AsyncClient) -> None:
    answer = await client.post(CHAT, json={"message": "I like jazz"}, headers=STREAM)
    *pieces, (name, whole) = events(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert {kind for kind, _ in pieces} == {"piece"}
    assert len(pieces) > 3
    assert name == "answer"
    assert "".join(piece["text"] for _, piece in pieces) == whole["reply"]
    session = (await client.get(f"/api/v2/session/{whole['session_id']}")).json()
    assert session["turns"][1]["text"] == whole["reply"]


async def test_a_streamed_turn_equals_a_plain_one(client: httpx.AsyncClient) -> None:
    body = {"message": "recommend something", "user_id": "user-007"}
    streamed = events((await client.post(CHAT, json=body, headers=STREAM)).text)[-1][1]
    plain = (await client.post(CHAT, json=body)).json()
    assert streamed | {"session_id": ""} == plain | {"session_id": ""}


async def test_a_repeated_stream_is_the_same_stream(client: httpx.AsyncClient) -> None:
    headers = {**STREAM, "Idempotency-Key": "k"}
    first = await client.post(CHAT, json={"message": "hi"}, headers=headers)
    again = await client.post(CHAT, json={"message": "hi"}, headers=headers)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]


class ForgetfulStore(MemorySessionStore):
    async def append(
        self, session_id: str, turns: Sequence[Turn], change: Change = NO_CHANGE
    ) -> int:
        raise StoreUnavailable("gone")


async def test_a_stream_that_fails_ends_with_a_problem_and_counts_as_failed(
    calling: Calling,
) -> None:
    store = ForgetfulStore(60, 20, 100)
    async with calling(create_app(Settings(), store=store)) as client:
        answer = await client.post(CHAT, json={"message": "hi"}, headers=STREAM)
        text = (await client.get("/metrics")).text
    name, problem = events(answer.text)[-1]
    assert name == "error"
    assert (problem["status"], problem["error_class"]) == (503, "external")
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]
    assert 'status="500"' in text
    assert 'status="200"' not in text


def model(lines: Sequence[str], status: int = 200) -> HttpLanguageModel:
    """A model whose endpoint streams these lines, and asks for a stream to do so."""

    def respond(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content)["stream"] is True
        return httpx.Response(status, text="\n".join(lines))

    client = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    return HttpLanguageModel(client, "http://model/v1", "name", None)


def said(text: str) -> str:
    return "data: " + json.dumps({"choices": [{"delta": {"content": text}}]})


OPENING = 'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}'
CLOSING = ['data: {"choices":[],"usage":{}}', "", "data: [DONE]"]


class Heard:
    def __init__(self) -> None:
        self.pieces: list[str] = []

    async def __call__(self, piece: str) -> None:
        self.pieces.append(piece)


async def test_a_model_is_heard_while_it_talks() -> None:
    heard = Heard()
    talking = model([OPENING, "", said("Hello"), "", ": ping", said(" Ada"), "", *CLOSING])
    assert await talking.complete([Message("user", "hi")], heard) == "Hello Ada"
    assert heard.pieces == ["Hello", " Ada"]
    await talking.close()


@pytest.mark.parametrize(
    ("lines", "status", "kind"),
    [
        ([said("Hel")], 200, "unreachable"),
        (["data: {"], 200, "garbage"),
        (['data: {"choices":7}'], 200, "garbage"),
        ([*CLOSING], 200, "garbage"),
        (["x" * 300_000], 200, "garbage"),
        ([], 500, "failed"),
        ([], 403, "refused"),
    ],
)
async def test_streams_that_are_no_answer(lines: list[str], status: int, kind: str) -> None:
    with pytest.raises(LanguageModelError) as caught:
        await model(lines, status).complete([Message("user", "hi")], Heard())
    assert caught.value.kind == kind


class Script:
    """A model that says some words, and then perhaps fails; one entry for each time it is asked."""

    def __init__(self, *times: tuple[str, LanguageModelError | None]) -> None:
        self.times = list(times)

    async def complete(self, messages: Sequence[Message], say: Say | None = None) -> str:
        words, error = self.times.pop(0)
        if words and say is not None:
            await say(words)
        if error is not None:
            raise error
        return words

    async def close(self) -> None: ...


def answerer(script: Script) -> PhrasedAnswerer:
    engine = EmbeddedAnswerer(CurrentModel(None))
    breaker = CircuitBreaker(5, 10.0, lambda: 0.0)
    return PhrasedAnswerer(engine, script, 30.0, breaker, lambda *_: None)


async def test_a_model_that_fails_before_a_word_is_asked_again() -> None:
    heard = Heard()
    script = Script(("", LanguageModelError("failed", "500")), ("Welcome!", None))
    answer = await answerer(script).answer(Question("hi"), heard)
    assert (answer.text, answer.source, heard.pieces) == ("Welcome!", "model", ["Welcome!"])


async def test_a_model_that_fails_midway_leaves_the_engines_answer() -> None:
    heard = Heard()
    script = Script(("Wel", LanguageModelError("unreachable", "cut off")), ("never asked", None))
    answer = await answerer(script).answer(Question("hi"), heard)
    assert answer.source == "fallback"
    assert answer.text.startswith("Hello!")
    assert heard.pieces == ["Wel"]
    assert len(script.times) == 1
